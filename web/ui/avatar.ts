import { LitElement, css, html, svg } from "lit";
import type { TemplateResult } from "lit";
import { define } from "./define.ts";
import { THREADS, weave } from "./weave.ts";

/** The side of one crossing and the gap around a thread, in the units of the picture. */
const CELL = 10;
const GAP = 1;

/** A piece of cloth woven from an id. */
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
    const cloth = weave(this.peer);
    const side = THREADS * CELL;
    const threads = cloth.upright.map((upright, index) => {
      const x = (index % THREADS) * CELL;
      const y = Math.floor(index / THREADS) * CELL;
      // A thread on top runs through its cell, so neighbours along its direction join into one.
      return upright
        ? svg`<rect x=${x + GAP} y=${y} width=${CELL - 2 * GAP} height=${CELL} fill=${cloth.warp} />`
        : svg`<rect x=${x} y=${y + GAP} width=${CELL} height=${CELL - 2 * GAP} fill=${cloth.weft} />`;
    });
    return html`<svg viewBox="0 0 ${side} ${side}" aria-hidden="true" shape-rendering="crispEdges">
      <rect width=${side} height=${side} fill=${cloth.ground} />
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
