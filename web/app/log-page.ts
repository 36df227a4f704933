import { LitElement, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { controls } from "../ui/controls.ts";
import "../ui/copy-button.ts";
import { define } from "../ui/define.ts";
import { formatClock, shortId } from "../ui/format.ts";
import { tokens } from "../ui/tokens.ts";
import { Following } from "./changes.ts";
import { JOURNAL_MAX, fieldTexts, filterJournal, journalJson } from "./journal.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { logPageStyles } from "./log-page-styles.ts";
import { logList, nothingHere, pageTitle } from "./page-styles.ts";

/** So close to its end, a list counts as being read there, and follows what is new. In pixels. */
const END_PX = 24;

/** The page of the log: the last events as they happened, to be filtered and copied. */
export class PeerloomLogPage extends LitElement {
  static override properties = { journal: { attribute: false }, text: { state: true }, kind: { state: true } };
  declare journal: Journal | null;
  declare protected text: string;
  declare protected kind: string;

  static override styles = [tokens, controls, pageTitle, nothingHere, logList, logPageStyles];

  readonly #following = new Following(this);
  #atEnd = true;

  constructor() {
    super();
    this.journal = null;
    this.text = "";
    this.kind = "";
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("journal")) this.#following.follow(this.journal?.changes ?? null);
  }

  override updated(): void {
    const list = this.renderRoot.querySelector(".list");
    if (list !== null && this.#atEnd) list.scrollTop = list.scrollHeight;
  }

  override render(): TemplateResult | typeof nothing {
    const { journal } = this;
    if (journal === null) return nothing;
    const shown = filterJournal(journal.entries, this.text, this.kind);
    const kinds = [...new Set([...journal.entries.map((entry) => entry.kind), ...(this.kind === "" ? [] : [this.kind])])].sort();
    return html`
      <div class="top">
        <h1>Log</h1>
        <input
          class="field text"
          type="search"
          placeholder="Filter"
          aria-label="Filter by text"
          @input=${(event: Event) => (this.text = (event.target as HTMLInputElement).value)}
        />
        <select class="field" aria-label="Kind of event" @change=${(event: Event) => (this.kind = (event.target as HTMLSelectElement).value)}>
          <option value="" ?selected=${this.kind === ""}>All kinds</option>
          ${kinds.map((kind) => html`<option value=${kind} ?selected=${kind === this.kind}>${kind}</option>`)}
        </select>
        <span class="count" role="status">${shown.length} of ${journal.entries.length}</span>
        <peerloom-copy-button .make=${() => journalJson(shown)} label="Copy as JSON" caption="Copy as JSON"></peerloom-copy-button>
        <button type="button" class="button" @click=${() => journal.clear()}>Clear</button>
      </div>
      ${shown.length === 0
        ? html`<p class="nothing">${this.#nothing(journal)}</p>`
        : html`<div class="list" tabindex="0" role="log" aria-label="Events" aria-live="off" @scroll=${this.#scrolled}>
            ${repeat(shown, (entry) => entry.number, row)}
          </div>`}
      <p class="foot">The last ${JOURNAL_MAX} events of this tab, kept until it is closed. <code>window.swarm</code> is the running swarm in the console.</p>
    `;
  }

  #nothing(journal: Journal): string {
    if (journal.entries.length > 0) return "No event matches the filter.";
    return "Nothing has happened yet. Turn on P2P or add a file.";
  }

  readonly #scrolled = (event: Event): void => {
    const list = event.currentTarget as Element;
    this.#atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < END_PX;
  };
}

/** Ids are cut to what people compare; the copied JSON has them whole. */
function shortened(text: string): string {
  return text.replace(/\b[0-9a-f]{64}\b/gu, (id) => `${shortId(id)}…`);
}

function row(entry: JournalEntry): TemplateResult {
  return html`<div class="row" data-level=${entry.level}>
    <time datetime=${new Date(entry.at).toISOString()}>${formatClock(entry.at)}</time>
    <span class="kind">${entry.level === "warn" || entry.level === "error" ? html`<b>${entry.level}</b> ` : nothing}${entry.kind}</span>
    <span class="fields">${fieldTexts(entry.fields).map(([name, text]) => html`<span class="field-name">${name}</span> ${shortened(text)}  `)}</span>
  </div>`;
}

define("peerloom-log-page", PeerloomLogPage);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-log-page": PeerloomLogPage;
  }
}
