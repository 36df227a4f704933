import { LitElement, css, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { define } from "../ui/define.ts";
import { icon } from "../ui/icons.ts";
import { tokens } from "../ui/tokens.ts";

/**
 * Takes files that are dropped anywhere in the window or pasted, and shows that it will.
 *
 * Gives `peerloom-files` (`detail.files`), and `peerloom-notice` (`detail.title`, `detail.text`) where something is no file.
 */
export class PeerloomDropZone extends LitElement {
  static override properties = { over: { state: true } };
  declare protected over: boolean;

  static override styles = [
    tokens,
    css`
      .veil {
        position: fixed;
        inset: 0;
        z-index: 30;
        display: grid;
        place-items: center;
        padding: var(--space-4);
        background: color-mix(in oklab, var(--page) 80%, transparent);
        backdrop-filter: blur(4px);
        pointer-events: none;
      }
      .sign {
        display: grid;
        justify-items: center;
        gap: var(--space-2);
        padding: var(--space-8) 48px;
        border: 2px dashed var(--accent);
        border-radius: 16px;
        background: var(--accent-soft);
        font-size: 16px;
        font-weight: 600;
        line-height: 24px;
      }
      svg {
        color: var(--accent);
      }
      small {
        color: var(--soft);
        font-size: 13px;
        font-weight: 400;
      }
    `,
  ];

  #listening: AbortController | null = null;
  /** Entering a child comes before leaving its parent, so the depth is counted. */
  #depth = 0;

  constructor() {
    super();
    this.over = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    addEventListener("dragenter", (event) => this.#entered(event), { signal });
    addEventListener("dragover", (event) => this.#isOver(event), { signal });
    addEventListener("dragleave", () => this.#left(), { signal });
    addEventListener("drop", (event) => this.#dropped(event), { signal });
    addEventListener("paste", (event) => this.#pasted(event), { signal });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#listening?.abort();
    this.#depth = 0;
    this.over = false;
  }

  override render(): TemplateResult | typeof nothing {
    if (!this.over) return nothing;
    return html`<div class="veil">
      <div class="sign">${icon("add", 28)}Drop to share<small>Only peers of this page can fetch it</small></div>
    </div>`;
  }

  #entered(event: DragEvent): void {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    this.#depth += 1;
    this.over = true;
  }

  #isOver(event: DragEvent): void {
    if (!hasFiles(event.dataTransfer) || event.dataTransfer === null) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  }

  #left(): void {
    this.#depth = Math.max(0, this.#depth - 1);
    if (this.#depth === 0) this.over = false;
  }

  #dropped(event: DragEvent): void {
    this.#depth = 0;
    this.over = false;
    if (event.dataTransfer === null || !hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    const files: File[] = [];
    let folders = 0;
    for (const item of event.dataTransfer.items) {
      if (item.webkitGetAsEntry()?.isDirectory === true) {
        folders += 1;
        continue;
      }
      const file = item.getAsFile();
      if (file !== null) files.push(file);
    }
    if (folders > 0) {
      const text = "Open it, choose the files in it, and drop those; or pack it into an archive. Other files that you dropped are added.";
      this.#give("peerloom-notice", { title: "A folder can’t be added as a whole", text });
    }
    if (files.length > 0) this.#give("peerloom-files", { files });
  }

  #pasted(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    this.#give("peerloom-files", { files });
  }

  #give(type: string, detail: { readonly files: readonly File[] } | { readonly title: string; readonly text: string }): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

function hasFiles(data: DataTransfer | null): boolean {
  return data?.types.includes("Files") ?? false;
}

define("peerloom-drop-zone", PeerloomDropZone);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-drop-zone": PeerloomDropZone;
  }
}
