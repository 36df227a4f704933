import { LitElement, css, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { controls } from "./controls.ts";
import { define } from "./define.ts";
import { formatCount } from "./format.ts";
import { icon } from "./icons.ts";
import "./status-panel.ts";
import type { PanelView } from "./status-panel.ts";
import { SwarmWatch } from "./swarm-watch.ts";
import type { WatchedSwarm } from "./swarm-watch.ts";
import { tokens } from "./tokens.ts";
import { modeWords, spokenStatus } from "./words.ts";

/** The gap between the button and the popover, and between the popover and the window's edge, in pixels. */
const GAP_PX = 8;

/** A higher badge would not fit; the popover has the exact number. */
const BADGE_MAX = 99;

/**
 * The status of a swarm: a button with mode and number of peers, and a popover with everything else.
 *
 * Set `swarm`; while it is null the indicator reads as off. The popover is a modal dialog, because the browser then keeps
 * the focus inside, closes it with Escape, gives the focus back and puts it above whatever the page has.
 * Gives `peerloom-toggle` (`detail.enabled`), so that a page can remember the choice.
 */
export class PeerloomStatus extends LitElement {
  static override properties = { swarm: { attribute: false }, open: { state: true } };
  declare swarm: WatchedSwarm | null;
  declare protected open: boolean;

  static override styles = [
    tokens,
    controls,
    css`
      :host {
        display: inline-block;
      }
      .indicator {
        gap: var(--space-2);
        padding-inline: 10px;
        border-radius: 16px;
      }
      .indicator[data-tone="connected"] {
        color: var(--accent);
      }
      .indicator[data-tone="waiting"],
      .indicator[data-tone="relayed"] {
        color: var(--warn);
      }
      .indicator[data-tone="off"] {
        color: var(--soft);
      }
      .word {
        color: var(--text);
      }
      .badge {
        min-width: 20px;
        padding: 0 6px;
        border-radius: 10px;
        background: var(--accent-soft);
        color: var(--accent);
        font-size: 12px;
        font-weight: 600;
        line-height: 20px;
        text-align: center;
      }
      dialog {
        position: fixed;
        inset: auto;
        width: 368px;
        margin: 0;
        padding: 0;
        border: 1px solid var(--line);
        border-radius: var(--radius-large);
        background: var(--raised);
        color: var(--text);
        box-shadow: var(--shadow);
        overflow: auto;
        overscroll-behavior: contain;
      }
      dialog::backdrop {
        background: transparent;
      }
      .top {
        position: sticky;
        inset-block-start: 0;
        z-index: 1;
        display: flex;
        align-items: center;
        gap: var(--space-2);
        padding: var(--space-2) var(--space-2) var(--space-2) var(--space-4);
        border-block-end: 1px solid var(--line);
        background: var(--raised);
      }
      h2 {
        flex: 1;
        margin: 0;
        font-size: 14px;
        font-weight: 600;
        line-height: 20px;
      }
      @media (prefers-reduced-motion: no-preference) {
        dialog[open] {
          animation: appear var(--quick);
        }
        @keyframes appear {
          from {
            opacity: 0;
            translate: 0 -4px;
          }
        }
      }
    `,
  ];

  readonly #watch = new SwarmWatch(this);
  #placing: AbortController | null = null;

  constructor() {
    super();
    this.swarm = null;
    this.open = false;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("swarm")) this.#watch.watch(this.swarm);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#closed();
  }

  override render(): TemplateResult {
    const status = this.#watch.status;
    const words = modeWords(status);
    const peers = status?.peersConnected ?? 0;
    const spoken = spokenStatus(status);
    return html`
      <div class="typeset">
        <button
          type="button"
          class="button indicator"
          data-tone=${words.tone}
          aria-haspopup="dialog"
          aria-expanded=${this.open ? "true" : "false"}
          aria-label="Peer-to-peer status: ${spoken}"
          @click=${this.#show}
        >
          ${icon(words.icon)}
          <span class="word">${words.word}</span>
          ${peers > 0
            ? html`<span class="badge" title=${formatCount(peers, "connected peer")}>${peers > BADGE_MAX ? `${BADGE_MAX}+` : peers}</span>`
            : nothing}
        </button>
        ${this.open ? nothing : html`<span class="only-heard" role="status">${spoken}</span>`}
        <dialog
          aria-label="Peer-to-peer status"
          @close=${this.#closed}
          @pointerdown=${this.#outside}
          @peerloom-dismiss=${(event: CustomEvent<{ peer: string }>) => this.#watch.dismiss(event.detail.peer)}
        >
          ${this.open ? this.#inside(spoken) : nothing}
        </dialog>
      </div>
    `;
  }

  #inside(spoken: string): TemplateResult {
    const view: PanelView = {
      status: this.#watch.status,
      peers: this.#watch.peers(),
      failures: this.#watch.failures,
      rates: (peer) => this.#watch.rates(peer),
    };
    // Nothing outside a modal dialog is read out, so the announcement moves inside with it.
    return html`
      <div class="top">
        <h2>${modeWords(view.status).word}</h2>
        <span class="only-heard" role="status">${spoken}</span>
        <button type="button" class="button icon quiet" aria-label="Close" @click=${this.#hide}>${icon("close")}</button>
      </div>
      <peerloom-status-panel .swarm=${this.swarm} .view=${view}></peerloom-status-panel>
    `;
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector("dialog");
  }

  readonly #show = async (): Promise<void> => {
    this.open = true;
    this.#watch.measure(true);
    await this.updateComplete;
    const dialog = this.#dialog;
    if (dialog === null || dialog.open || !this.isConnected) return;
    dialog.showModal();
    this.#place();
    this.#placing = new AbortController();
    window.addEventListener("resize", this.#place, { signal: this.#placing.signal });
  };

  readonly #hide = (): void => this.#dialog?.close();

  readonly #closed = (): void => {
    this.#placing?.abort();
    this.#placing = null;
    this.#watch.measure(false);
    this.open = false;
  };

  /** Both the backdrop and the scroll bar count as the dialog, so the place decides. */
  readonly #outside = (event: PointerEvent): void => {
    const box = this.#dialog?.getBoundingClientRect();
    if (box === undefined) return;
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) this.#hide();
  };

  /** Puts the popover under the button, ends aligned, within the window; above it where there is more room. */
  readonly #place = (): void => {
    const button = this.renderRoot.querySelector(".indicator");
    const dialog = this.#dialog;
    if (button === null || dialog === null) return;
    const anchor = button.getBoundingClientRect();
    // Without the scroll bar's width, which `innerWidth` counts in.
    const pageWidth = document.documentElement.clientWidth;
    dialog.style.maxWidth = `${pageWidth - 2 * GAP_PX}px`;
    const width = dialog.offsetWidth;
    const roomBelow = window.innerHeight - anchor.bottom - 2 * GAP_PX;
    const roomAbove = anchor.top - 2 * GAP_PX;
    const below = roomBelow >= roomAbove || roomBelow >= dialog.scrollHeight;
    const rightToLeft = getComputedStyle(this).direction === "rtl";
    const wanted = rightToLeft ? anchor.left : anchor.right - width;
    const left = Math.max(GAP_PX, Math.min(wanted, pageWidth - width - GAP_PX));
    dialog.style.left = `${left}px`;
    dialog.style.top = below ? `${anchor.bottom + GAP_PX}px` : "auto";
    dialog.style.bottom = below ? "auto" : `${window.innerHeight - anchor.top + GAP_PX}px`;
    dialog.style.maxHeight = `${Math.max(120, below ? roomBelow : roomAbove)}px`;
  };
}

define("peerloom-status", PeerloomStatus);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-status": PeerloomStatus;
  }
}
