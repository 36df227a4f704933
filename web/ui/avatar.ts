import { LitElement, css, html, svg } from "lit";
import type { TemplateResult } from "lit";
import { define } from "./define.ts";

/** Threads in each direction. Four give 16 crossings, which still read at 24 px. */
const THREADS = 4;

/** The side of one crossing and the gap around a thread, in the units of the picture. */
const CELL = 10;
const GAP = 1;

/** A piece of cloth woven from an id: the first bytes give two hues, the next 16 bits say which thread lies on top. */
export class PeerloomAvatar extends LitElement {
  static override properties = { peer: { type: String } };
  declare peer: string;

  static override styles = css`
    :host {
      display: inline-block;
      flex: none;
      width: var(--avatar-size, 28px);
      height: var(--avatar-size, 28px);
      border-radius: 25%;
      overflow: hidden;
    }
    svg {
      display: block;
      width: 100%;
      height: 100%;
    }
  `;

  constructor() {
    super();
    this.peer = "";
  }

  override render(): TemplateResult {
    const byte = (index: number): number => Number.parseInt(this.peer.slice(index * 2, index * 2 + 2), 16) || 0;
    const warp = Math.round((byte(0) / 256) * 360);
    // At least 70 degrees apart, so that the two threads of one cloth can be told from each other.
    const weft = (warp + 70 + Math.round((byte(1) / 256) * 220)) % 360;
    const over = (byte(2) << 8) | byte(3);
    const side = THREADS * CELL;
    const threads = Array.from({ length: THREADS * THREADS }, (_, index) => {
      const x = (index % THREADS) * CELL;
      const y = Math.floor(index / THREADS) * CELL;
      const upright = ((over >> index) & 1) === 1;
      // A thread on top runs through its cell, so neighbours along its direction join into one.
      return upright
        ? svg`<rect x=${x + GAP} y=${y} width=${CELL - 2 * GAP} height=${CELL} fill=${`oklch(0.62 0.14 ${warp})`} />`
        : svg`<rect x=${x} y=${y + GAP} width=${CELL} height=${CELL - 2 * GAP} fill=${`oklch(0.8 0.12 ${weft})`} />`;
    });
    return html`<svg viewBox="0 0 ${side} ${side}" aria-hidden="true" shape-rendering="crispEdges">
      <rect width=${side} height=${side} fill=${`oklch(0.3 0.06 ${warp})`} />
      ${threads}
    </svg>`;
  }
}

define("peerloom-avatar", PeerloomAvatar);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-avatar": PeerloomAvatar;
  }
}
