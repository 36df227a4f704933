import { LitElement, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { controls } from "../../ui/controls.ts";
import { define } from "../../ui/define.ts";
import { formatClock, formatCount, shortId } from "../../ui/format.ts";
import { tokens } from "../../ui/tokens.ts";
import { logList, nothingHere } from "../page-styles.ts";
import { Following } from "../changes.ts";
import { LOG_MAX, filterLog, selfWords, sinceWords } from "./connection-log.ts";
import type { ConnectionLog, LogEntry, LogSide } from "./connection-log.ts";
import { connectionLogStyles } from "./connection-log-styles.ts";

/** Rows until a person asks for all: drawing hundreds anew ten times a second would disturb what is measured. */
const ROWS_MAX = 100;

/** So close to its end, the list counts as being read there, and follows what is new. In pixels. */
const END_PX = 24;

/** The log of connecting: set `log`. */
export class PeerloomConnectionLog extends LitElement {
  static override properties = { log: { attribute: false }, text: { state: true }, side: { state: true }, all: { state: true } };
  declare log: ConnectionLog | null;
  declare protected text: string;
  declare protected side: LogSide | null;
  declare protected all: boolean;

  static override styles = [tokens, controls, nothingHere, logList, connectionLogStyles];

  readonly #following = new Following(this);
  #atEnd = true;

  constructor() {
    super();
    this.log = null;
    this.text = "";
    this.side = null;
    this.all = false;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("log")) this.#following.follow(this.log?.changes ?? null);
  }

  override updated(): void {
    const list = this.renderRoot.querySelector(".list");
    if (list !== null && this.#atEnd) list.scrollTop = list.scrollHeight;
  }

  override render(): TemplateResult | typeof nothing {
    const { log } = this;
    if (log === null) return nothing;
    const found = filterLog(log.entries, this.side, this.text);
    const shown = this.all ? found : found.slice(-ROWS_MAX);
    return html`<section aria-labelledby="title">
      <div class="top">
        <h2 id="title">Connection log</h2>
        <input class="field text" type="search" placeholder="Filter" aria-label="Filter the log by text" @input=${(event: Event) => (this.text = (event.target as HTMLInputElement).value)} />
        <select class="field" aria-label="Whose events" @change=${this.#choose}>
          <option value="">Everybody’s</option>
          <option value="yours">Your swarm’s</option>
          <option value="test">Test peers’</option>
        </select>
        <span class="count">${found.length} of ${log.entries.length}</span>
        <button type="button" class="button" @click=${() => log.clear()}>Clear</button>
      </div>
      ${found.length === 0 ? html`<p class="nothing">${log.entries.length === 0 ? "Nothing has happened yet. Run a test, or turn on P2P." : "No event matches the filter."}</p>` : this.#list(shown)}
      <p class="foot">
        ${shown.length < found.length ? html`The last ${shown.length}. <button type="button" class="link" @click=${() => (this.all = true)}>Show all ${found.length}</button>. ` : nothing}
        Times after the clock count from the beginning of the attempt. The last ${formatCount(LOG_MAX, "event")} are kept, at least half of them your swarm’s.
      </p>
    </section>`;
  }

  #list(shown: readonly LogEntry[]): TemplateResult {
    return html`<div class="list" tabindex="0" role="log" aria-label="Connection events" aria-live="off" @scroll=${this.#scrolled}>
      ${repeat(shown, (entry) => entry.number, row)}
    </div>`;
  }

  readonly #choose = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    this.side = value === "yours" || value === "test" ? value : null;
  };

  readonly #scrolled = (event: Event): void => {
    const list = event.currentTarget as Element;
    this.#atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < END_PX;
  };
}

function row(entry: LogEntry): TemplateResult {
  return html`<div class="row ${entry.kind}">
    <time datetime=${new Date(entry.at).toISOString()}>${formatClock(entry.at)}</time>
    <span class="since">${sinceWords(entry)}</span>
    <span class="kind">${entry.kind}</span>
    <span class="what"><span class="who">${selfWords(entry)} → ${shortId(entry.peer)}</span> ${entry.text}</span>
  </div>`;
}

define("peerloom-connection-log", PeerloomConnectionLog);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-connection-log": PeerloomConnectionLog;
  }
}
