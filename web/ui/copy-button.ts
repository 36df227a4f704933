import { LitElement, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { controls } from "./controls.ts";
import { define } from "./define.ts";
import { icon } from "./icons.ts";
import type { IconName } from "./icons.ts";
import { tokens } from "./tokens.ts";

/** How long the button says that it copied. */
const SAID_MS = 2000;

/**
 * A button that copies `text`, or what `make` returns at that moment; nothing if that is empty. With `label` alone it is an
 * icon with that name; with `caption` it shows those words. Gives `peerloom-copy-failed` with the text (`detail.text`) where nothing
 * was copied, so that the page can say why or show the text to be copied by hand.
 */
export class PeerloomCopyButton extends LitElement {
  static override properties = {
    text: { type: String },
    make: { attribute: false },
    symbol: { type: String },
    label: { type: String },
    caption: { type: String },
    state: { state: true },
  };
  declare text: string;
  declare make: (() => string) | null;
  declare symbol: IconName;
  declare label: string;
  declare caption: string;
  declare protected state: "ready" | "copied" | "failed";

  static override styles = [tokens, controls];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.text = "";
    this.make = null;
    this.symbol = "copy";
    this.label = "Copy";
    this.caption = "";
    this.state = "ready";
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.state = "ready";
  }

  override render(): TemplateResult {
    const said = this.state === "copied" ? "Copied" : this.state === "failed" ? "Not copied" : "";
    return html`<button
        type="button"
        class="button ${this.caption === "" ? "icon quiet" : ""}"
        aria-label=${this.caption === "" ? this.label : nothing}
        title=${said || this.label}
        @click=${this.#copy}
      >
        ${icon(this.state === "copied" ? "check" : this.state === "failed" ? "warning" : this.symbol)}
        ${this.caption === "" ? "" : html`<span>${said || this.caption}</span>`}
      </button>
      <span class="only-heard" role="status">${said}</span>`;
  }

  readonly #copy = async (): Promise<void> => {
    clearTimeout(this.#timer);
    const text = this.make?.() ?? this.text;
    try {
      if (text === "") throw new Error("nothing to copy");
      await navigator.clipboard.writeText(text);
      this.state = "copied";
    } catch {
      // No permission, no focus, or a page without a secure context.
      this.state = "failed";
      this.dispatchEvent(
        new CustomEvent("peerloom-copy-failed", { detail: { text }, bubbles: true, composed: true }),
      );
    }
    this.#timer = setTimeout(() => {
      this.state = "ready";
    }, SAID_MS);
  };
}

define("peerloom-copy-button", PeerloomCopyButton);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-copy-button": PeerloomCopyButton;
  }
}
