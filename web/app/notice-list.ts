import { LitElement, css, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { controls } from "../ui/controls.ts";
import { define } from "../ui/define.ts";
import { icon } from "../ui/icons.ts";
import { tokens } from "../ui/tokens.ts";
import { Following } from "./changes.ts";
import type { Notices } from "./notices.ts";

/** The notices, over the page and below its header, so that nothing moves; each stays until it is dismissed. */
export class PeerloomNoticeList extends LitElement {
  static override properties = { notices: { attribute: false } };
  declare notices: Notices | null;

  static override styles = [
    tokens,
    controls,
    css`
      :host {
        position: fixed;
        inset: 56px var(--space-4) auto auto;
        z-index: 20;
        width: min(400px, calc(100vw - 32px));
      }
      .notice {
        display: grid;
        grid-template-columns: auto 1fr auto;
        gap: var(--space-2);
        margin-block-start: var(--space-2);
        padding: var(--space-3) var(--space-2) var(--space-3) var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius-large);
        background: var(--raised);
        box-shadow: var(--shadow);
        overflow-wrap: anywhere;
      }
      .notice > svg {
        margin-block-start: 2px;
        color: var(--danger);
      }
      .info > svg {
        color: var(--accent);
      }
      strong {
        font-weight: 600;
      }
      p {
        margin: 2px 0 0;
        color: var(--soft);
      }
      .button {
        --target: 28px;
      }
    `,
  ];

  readonly #following = new Following(this);

  constructor() {
    super();
    this.notices = null;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("notices")) this.#following.follow(this.notices?.changes ?? null);
  }

  override render(): TemplateResult {
    const notices = this.notices;
    return html`<div role="alert">
      ${notices === null
        ? nothing
        : repeat(
            notices.shown,
            (notice) => notice.number,
            (notice) => html`<div class="notice ${notice.tone}">
              ${icon(notice.tone === "danger" ? "warning" : "copy")}
              <div><strong>${notice.title}</strong><p>${notice.text}</p></div>
              <button
                type="button"
                class="button icon quiet"
                aria-label="Dismiss: ${notice.title}"
                @click=${() => notices.dismiss(notice.number)}
              >
                ${icon("close", 14)}
              </button>
            </div>`,
          )}
    </div>`;
  }
}

define("peerloom-notice-list", PeerloomNoticeList);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-notice-list": PeerloomNoticeList;
  }
}
