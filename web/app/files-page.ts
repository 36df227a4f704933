import { LitElement, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { ContentId, Status, Swarm } from "../sdk/index.ts";
import { controls } from "../ui/controls.ts";
import { define } from "../ui/define.ts";
import { formatCount } from "../ui/format.ts";
import { icon } from "../ui/icons.ts";
import { tokens } from "../ui/tokens.ts";
import { errorWords } from "../ui/words.ts";
import { Following } from "./changes.ts";
import "./confirm-dialog.ts";
import type { Entry } from "./entry.ts";
import "./file-row.ts";
import type { ActDetail } from "./file-row.ts";
import { filesPageStyles } from "./files-page-styles.ts";
import type { Files } from "./files.ts";
import { filterRow, pageTitle } from "./page-styles.ts";
import { pageFor, shareUrl } from "./params.ts";
import { roomIn } from "./place.ts";
import "./room-button.ts";
import { saveBlob } from "./save.ts";
import "./welcome.ts";

type Shown = "all" | "here" | "peers";

const FILTERS: readonly { readonly shown: Shown; readonly word: string }[] = [
  { shown: "all", word: "All" },
  { shown: "here", word: "On this device" },
  { shown: "peers", word: "From peers" },
];

/** From so many files on, a field to find one by its name is worth its place. */
const SEARCH_FROM = 8;

/** The page of files: what is here and what peers offer, and the ways to add more. */
export class PeerloomFilesPage extends LitElement {
  static override properties = {
    files: { attribute: false },
    swarm: { attribute: false },
    shown: { state: true },
    wanted: { state: true },
  };
  declare files: Files | null;
  declare swarm: Swarm | null;
  declare protected shown: Shown;
  declare protected wanted: string;

  static override styles = [tokens, controls, pageTitle, filterRow, filesPageStyles];

  readonly #following = new Following(this);

  constructor() {
    super();
    this.files = null;
    this.swarm = null;
    this.shown = "all";
    this.wanted = "";
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("files")) this.#following.follow(this.files?.changes ?? null);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.files?.hold(false);
  }

  override render(): TemplateResult | typeof nothing {
    const { files, swarm } = this;
    if (files === null || swarm === null) return nothing;
    const { entries } = files;
    const on = swarm.status.state !== "stopped";
    return html`
      <input id="choose" class="only-heard" type="file" multiple tabindex="-1" aria-label="Files to add" @change=${this.#chosen} />
      <peerloom-confirm-dialog></peerloom-confirm-dialog>
      ${entries.length === 0 && files.waiting === 0
        ? html`<peerloom-welcome .on=${on} .peers=${swarm.status.peersConnected} @peerloom-choose=${this.#choose}></peerloom-welcome>`
        : html`${this.#top(entries)}${this.#list(files, entries)}${this.#next(swarm.status)}`}
    `;
  }

  #top(entries: readonly Entry[]): TemplateResult {
    return html`<div class="top">
      <h1>Files</h1>
      <div class="filters" role="group" aria-label="Which files">
        ${FILTERS.map(
          ({ shown, word }) => html`<button
            type="button"
            class="filter"
            aria-pressed=${this.shown === shown ? "true" : "false"}
            @click=${() => (this.shown = shown)}
          >
            ${word} <span class="count">${entries.filter((entry) => belongs(entry, shown)).length}</span>
          </button>`,
        )}
      </div>
      ${entries.length < SEARCH_FROM
        ? nothing
        : html`<input
            class="field search"
            type="search"
            placeholder="Find by name"
            aria-label="Find by name"
            .value=${this.wanted}
            @input=${(event: Event) => (this.wanted = (event.target as HTMLInputElement).value)}
          />`}
      <button type="button" class="button primary add" @click=${this.#choose}>${icon("add")}Add files</button>
    </div>`;
  }

  /** One line on what is missing before files can move; nothing once they can. It is below the list, which must not move. */
  #next(status: Status): TemplateResult | typeof nothing {
    if (status.state === "stopped") {
      return html`<div class="next">
        ${icon("off")}<span>P2P is off. Your files stay here and nobody sees them.</span>
        <button type="button" class="button primary" @click=${this.#enable}>Turn on P2P</button>
      </div>`;
    }
    if (status.peersConnected > 0) return nothing;
    return html`<div class="next">
      ${icon("waiting")}<span>${roomIn(location.hash) === null ? "No peers yet. Open this page in another tab and turn on P2P there." : "Nobody else is in this room yet. Give its link to whom you want to meet."}</span>
      <peerloom-room-button></peerloom-room-button>
      <a class="button" href=${pageFor(new URL(location.href)).href} target="_blank" rel="noopener">${icon("tab")}Open a tab</a>
    </div>`;
  }

  #list(files: Files, entries: readonly Entry[]): TemplateResult {
    const name = this.wanted.trim().toLowerCase();
    const rows = entries.filter((entry) => belongs(entry, this.shown) && entry.name.toLowerCase().includes(name));
    return html`
      <div class="new" ?hidden=${files.waiting === 0}>
        <button type="button" class="button" @click=${() => files.showWaiting()}>${formatCount(files.waiting, "new file")} · Show</button>
      </div>
      ${rows.length === 0
        ? html`<p class="nothing">${this.#nothing(name)}</p>`
        : html`<ul
            aria-label="Files"
            tabindex="-1"
            @pointerenter=${() => files.hold(true)}
            @pointerleave=${() => files.hold(false)}
            @focusin=${(event: FocusEvent) => files.hold(files.waiting > 0 || isKeyboard(event))}
            @focusout=${() => files.hold(this.renderRoot.querySelector("ul:hover") !== null)}
            @peerloom-act=${this.#act}
          >
            ${repeat(
              rows,
              (entry) => entry.key,
              (entry) => html`<li><peerloom-file-row .entry=${entry} .load=${this.#load} .share=${this.#share}></peerloom-file-row></li>`,
            )}
          </ul>`}
    `;
  }

  #nothing(name: string): string {
    if (name !== "") return "No file has this in its name.";
    return this.shown === "here" ? "Nothing is on this device yet. Fetch a file or add one." : "Peers offer nothing that is not here already.";
  }

  readonly #load = async (id: ContentId): Promise<Blob> => {
    if (this.files === null) throw new Error("the page was left");
    return await this.files.blob(id);
  };

  readonly #share = (id: ContentId): string => {
    const link = this.files?.link(id) ?? null;
    return link === null ? "" : shareUrl(new URL(location.href), link);
  };

  readonly #choose = (): void => {
    this.renderRoot.querySelector<HTMLInputElement>("#choose")?.click();
  };

  readonly #chosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    this.files?.add([...(input.files ?? [])]);
    // The same file again is a change only if the field was emptied.
    input.value = "";
  };

  readonly #enable = (): void => {
    this.#give("peerloom-enable", {});
  };

  readonly #act = async (event: CustomEvent<ActDetail>): Promise<void> => {
    const { act, entry } = event.detail;
    const { files } = this;
    if (files === null) return;
    switch (act) {
      case "fetch":
        return files.fetch(entry.key);
      case "pause":
        return files.pause(entry.key);
      case "resume":
        return files.resume(entry.key);
      case "retry":
        return files.retry(entry.key);
      case "cancel":
        return await files.cancel(entry.key);
      case "save":
        return await this.#save(entry);
      case "remove":
        if (await this.#mayRemove(entry)) await files.remove(entry.key);
        // The row may be gone, and the focus with it.
        this.renderRoot.querySelector("ul")?.focus({ preventScroll: true });
    }
  };

  async #save(entry: Entry): Promise<void> {
    if (entry.id === null) return;
    try {
      saveBlob(await this.#load(entry.id), entry.name);
    } catch (error) {
      this.#give("peerloom-notice", { title: `“${entry.name}” was not saved`, text: errorWords(error) });
    }
  }

  async #mayRemove(entry: Entry): Promise<boolean> {
    const text =
      entry.providers === 0
        ? "No other connected peer has it. Once it is removed here, only a copy that you saved remains."
        : `${formatCount(entry.providers, "connected peer")} still ${entry.providers === 1 ? "has" : "have"} it, and you can fetch it again.`;
    const dialog = this.renderRoot.querySelector("peerloom-confirm-dialog");
    return (await dialog?.ask({ title: `Remove “${entry.name}” from this device?`, text, yes: "Remove" })) ?? false;
  }

  #give(type: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

function belongs(entry: Entry, shown: Shown): boolean {
  const { state } = entry.activity;
  if (shown === "here") return state === "complete" || state === "adding" || state === "queued" || state === "partial";
  if (shown === "peers") return state !== "complete" && state !== "adding" && state !== "queued";
  return true;
}

/** A click leaves the focus on a button too, but then it is the pointer that decides whether the list may move. */
function isKeyboard(event: FocusEvent): boolean {
  const [target] = event.composedPath();
  return target instanceof Element && target.matches(":focus-visible");
}

define("peerloom-files-page", PeerloomFilesPage);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-files-page": PeerloomFilesPage;
  }
}
