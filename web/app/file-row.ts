import { LitElement, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { ContentId } from "../sdk/index.ts";
import { controls } from "../ui/controls.ts";
import "../ui/copy-button.ts";
import { define } from "../ui/define.ts";
import { fraction } from "../ui/format.ts";
import { icon } from "../ui/icons.ts";
import type { IconName } from "../ui/icons.ts";
import { tokens } from "../ui/tokens.ts";
import type { Entry } from "./entry.ts";
import { fileRowStyles } from "./file-row-styles.ts";
import { previewable } from "./kinds.ts";
import "./preview.ts";
import { rowWords } from "./row-words.ts";

/** What a person can ask of a row. */
export type Act = "fetch" | "pause" | "resume" | "cancel" | "retry" | "save" | "remove";

/** The detail of `peerloom-act`. */
export interface ActDetail {
  readonly act: Act;
  readonly entry: Entry;
}

/** One file: what it is, how far it is, and what can be done with it. Gives `peerloom-act`. */
export class PeerloomFileRow extends LitElement {
  static override properties = {
    entry: { attribute: false },
    load: { attribute: false },
    share: { attribute: false },
    expanded: { state: true },
  };
  declare entry: Entry | null;
  declare load: ((id: ContentId) => Promise<Blob>) | null;
  /** The address to hand on; empty if there is none. Made when it is asked for, because that reads the whole list of chunks. */
  declare share: ((id: ContentId) => string) | null;
  declare protected expanded: boolean;

  static override styles = [tokens, controls, fileRowStyles];

  constructor() {
    super();
    this.entry = null;
    this.load = null;
    this.share = null;
    this.expanded = false;
  }

  override render(): TemplateResult | typeof nothing {
    const entry = this.entry;
    if (entry === null) return nothing;
    const complete = entry.activity.state === "complete";
    return html`
      <div class="row" data-state=${entry.activity.state}>
        <span class="kind ${complete ? "here" : ""}">${icon(entry.kind, 20)}</span>
        <div class="text">
          <div class="name" title=${entry.name}>${entry.name}</div>
          <div class="meta">${this.#mark(entry)}<span>${rowWords(entry)}</span></div>
          ${this.#bar(entry)}
        </div>
        <div class="actions">${this.#actions(entry)}</div>
      </div>
      ${complete && this.expanded
        ? html`<peerloom-preview
            id="preview"
            .content=${entry.id}
            .kind=${entry.kind}
            .mime=${entry.mime}
            .name=${entry.name}
            .load=${this.load}
          ></peerloom-preview>`
        : nothing}
    `;
  }

  #mark(entry: Entry): TemplateResult | typeof nothing {
    const { state } = entry.activity;
    if (state === "failed") return icon("warning", 14);
    if (state === "complete") return entry.sending === null ? icon("check", 14) : icon("send", 14);
    if (state === "fetching" || state === "looking") return icon("fetch", 14);
    if (state === "paused") return icon("pause", 14);
    return nothing;
  }

  #bar(entry: Entry): TemplateResult | typeof nothing {
    const { activity, name } = entry;
    if (activity.state === "adding") return bar(`Adding ${name}`, fraction(activity.doneBytes, activity.totalBytes), false);
    if (activity.state === "fetching" || activity.state === "paused" || activity.state === "failed") {
      if (activity.state === "failed" && activity.doneBytes === 0) return nothing;
      return bar(`Fetching ${name}`, fraction(activity.doneBytes, activity.totalBytes), activity.state !== "fetching");
    }
    if (entry.sending === null) return nothing;
    return bar(`Sending ${name}`, fraction(entry.sending.doneBytes, entry.sending.totalBytes), false);
  }

  #actions(entry: Entry): readonly (TemplateResult | typeof nothing)[] {
    switch (entry.activity.state) {
      case "queued":
      case "adding":
      case "looking":
        return [this.#word("cancel", "Cancel", "close")];
      case "available":
        return [this.#word("fetch", "Fetch", "fetch", true)];
      case "partial":
        return [this.#icon("remove", "Remove what is here", "remove"), this.#word("fetch", "Fetch the rest", "fetch", true)];
      case "fetching":
        return [this.#icon("cancel", "Cancel", "close"), this.#word("pause", "Pause", "pause")];
      case "paused":
        return [this.#icon("cancel", "Cancel", "close"), this.#word("resume", "Resume", "resume", true)];
      case "failed":
        return [this.#icon("cancel", "Give up", "close"), this.#word("retry", "Try again", "resume")];
      case "complete":
        return [this.#previewButton(entry), this.#linkButton(entry), this.#icon("remove", "Remove", "remove"), this.#word("save", "Save", "save")];
      case "gone":
        return [];
    }
  }

  #word(act: Act, word: string, name: IconName, primary = false): TemplateResult {
    return html`<button
      type="button"
      class="button ${primary ? "soft" : ""}"
      aria-label="${word} ${this.entry?.name ?? ""}"
      @click=${() => this.#give(act)}
    >
      ${icon(name)}${word}
    </button>`;
  }

  #icon(act: Act, word: string, name: IconName): TemplateResult {
    return html`<button
      type="button"
      class="button icon quiet"
      title=${word}
      aria-label="${word} ${this.entry?.name ?? ""}"
      @click=${() => this.#give(act)}
    >
      ${icon(name)}
    </button>`;
  }

  #previewButton(entry: Entry): TemplateResult | typeof nothing {
    if (!previewable(entry.kind)) return nothing;
    return html`<button
      type="button"
      class="button icon quiet"
      title=${this.expanded ? "Hide the preview" : "Preview"}
      aria-label="Preview ${entry.name}"
      aria-expanded=${this.expanded ? "true" : "false"}
      aria-controls="preview"
      @click=${() => (this.expanded = !this.expanded)}
    >
      ${icon("preview")}
    </button>`;
  }

  #linkButton(entry: Entry): TemplateResult {
    const { id } = entry;
    return html`<peerloom-copy-button
      symbol="link"
      .make=${() => (id === null ? "" : (this.share?.(id) ?? ""))}
      label="Copy the share link of ${entry.name}"
    ></peerloom-copy-button>`;
  }

  #give(act: Act): void {
    const entry = this.entry;
    if (entry === null) return;
    const detail: ActDetail = { act, entry };
    this.dispatchEvent(new CustomEvent("peerloom-act", { detail, bubbles: true, composed: true }));
  }
}

function bar(label: string, done: number, held: boolean): TemplateResult {
  const percent = Math.floor(done * 100);
  return html`<div class="bar" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent}>
    <span class=${held ? "held" : ""} style=${styleMap({ transform: `scaleX(${done.toFixed(4)})` })}></span>
  </div>`;
}

define("peerloom-file-row", PeerloomFileRow);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-file-row": PeerloomFileRow;
  }
}
