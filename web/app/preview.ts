import { LitElement, css, html } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type { ContentId } from "../sdk/index.ts";
import { controls } from "../ui/controls.ts";
import { define } from "../ui/define.ts";
import { formatBytes } from "../ui/format.ts";
import { tokens } from "../ui/tokens.ts";
import { errorWords } from "../ui/words.ts";
import { essence } from "./kinds.ts";
import type { Kind } from "./kinds.ts";

/** Of a text only so much is read and laid out; megabytes on one line would stop the page. */
const TEXT_BYTES_MAX = 64 * 1024;

type Shown =
  | { readonly state: "loading" }
  | { readonly state: "text"; readonly text: string; readonly cut: boolean; readonly bytes: number }
  | { readonly state: "media"; readonly url: string }
  | { readonly state: "failed"; readonly text: string };

/**
 * Shows a complete content: images, audio and video by an object URL that is revoked when the preview goes, texts as text.
 *
 * Contents come from peers. Nothing of them becomes markup: SVG is an `<img>`, HTML is shown as its source.
 */
export class PeerloomPreview extends LitElement {
  static override properties = {
    content: { type: String },
    kind: { type: String },
    mime: { type: String },
    name: { type: String },
    load: { attribute: false },
    shown: { state: true },
  };
  declare content: ContentId | null;
  declare kind: Kind;
  declare mime: string;
  declare name: string;
  declare load: ((id: ContentId) => Promise<Blob>) | null;
  declare protected shown: Shown;

  static override styles = [
    tokens,
    controls,
    css`
      :host {
        display: block;
      }
      .frame {
        display: grid;
        min-height: 64px;
        place-items: center;
        overflow: hidden;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--sunken);
      }
      img,
      video {
        display: block;
        max-width: 100%;
        max-height: min(60vh, 480px);
      }
      audio {
        width: 100%;
        padding: var(--space-3);
      }
      pre {
        width: 100%;
        max-height: min(60vh, 400px);
        margin: 0;
        padding: var(--space-3);
        overflow: auto;
        font: 12px/18px var(--mono);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        tab-size: 4;
      }
      p {
        margin: 0;
        padding: var(--space-2) var(--space-3);
        color: var(--soft);
        font-size: 12px;
        line-height: 16px;
      }
    `,
  ];

  constructor() {
    super();
    this.content = null;
    this.kind = "file";
    this.mime = "";
    this.name = "";
    this.load = null;
    this.shown = { state: "loading" };
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#show({ state: "loading" });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) void this.#open();
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("content")) void this.#open();
  }

  override render(): TemplateResult {
    return html`<div class="frame">${this.#inside()}</div>`;
  }

  #inside(): TemplateResult {
    const { shown } = this;
    switch (shown.state) {
      case "loading":
        return html`<p role="status">Reading it from this device…</p>`;
      case "failed":
        return html`<p role="alert">${shown.text}</p>`;
      case "text":
        return html`<pre tabindex="0" role="region" aria-label="Preview of ${this.name}">${shown.text}</pre>
          ${shown.cut ? html`<p>The first ${formatBytes(TEXT_BYTES_MAX)} of ${formatBytes(shown.bytes)}. Save it to see the rest.</p>` : ""}`;
      case "media":
        if (this.kind === "image") return html`<img src=${shown.url} alt="Preview of ${this.name}" @error=${this.#unreadable} />`;
        if (this.kind === "audio") return html`<audio src=${shown.url} controls aria-label=${this.name} @error=${this.#unreadable}></audio>`;
        return html`<video src=${shown.url} controls playsinline aria-label=${this.name} @error=${this.#unreadable}></video>`;
    }
  }

  async #open(): Promise<void> {
    const { content, load } = this;
    if (content === null || load === null) return;
    this.#show({ state: "loading" });
    let next: Shown;
    try {
      const blob = await load(content);
      next = this.kind === "text" ? await textOf(blob) : { state: "media", url: URL.createObjectURL(blob.slice(0, blob.size, essence(this.mime))) };
    } catch (error) {
      next = { state: "failed", text: `It could not be read. ${errorWords(error)}` };
    }
    if (this.isConnected && this.content === content) this.#show(next);
    else if (next.state === "media") URL.revokeObjectURL(next.url);
  }

  readonly #unreadable = (): void => {
    this.#show({ state: "failed", text: "This browser can’t show it. Save it and open it in another program; the file is whole." });
  };

  #show(shown: Shown): void {
    if (this.shown.state === "media") URL.revokeObjectURL(this.shown.url);
    this.shown = shown;
  }
}

async function textOf(blob: Blob): Promise<Shown> {
  const bytes = await blob.slice(0, TEXT_BYTES_MAX).arrayBuffer();
  const cut = blob.size > TEXT_BYTES_MAX;
  // While it streams, the decoder keeps back a character that the cut divides.
  return { state: "text", text: new TextDecoder().decode(bytes, { stream: cut }), cut, bytes: blob.size };
}

define("peerloom-preview", PeerloomPreview);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-preview": PeerloomPreview;
  }
}
