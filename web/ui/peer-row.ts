import { LitElement, css, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import type { PeerInfo } from "../sdk/index.ts";
import "./avatar.ts";
import { peerStates } from "./controls.ts";
import { define } from "./define.ts";
import { formatBytes, formatCount, formatRate, formatRtt, shortId } from "./format.ts";
import { icon } from "./icons.ts";
import { nextWords, stateWords } from "./peer-words.ts";
import type { PeerRates } from "./swarm-watch.ts";
import { tokens } from "./tokens.ts";
import { causeWords } from "./words.ts";

/** One peer: who, how it is connected and how fast; or why not, and what comes next. */
export class PeerloomPeerRow extends LitElement {
  static override properties = { peer: { attribute: false }, rates: { attribute: false } };
  declare peer: PeerInfo | null;
  declare rates: PeerRates;

  static override styles = [
    tokens,
    peerStates,
    css`
      :host {
        display: grid;
        grid-template-columns: auto 1fr auto;
        column-gap: var(--space-3);
        align-items: start;
        padding: var(--space-2) 0;
      }
      peerloom-avatar {
        margin-block-start: var(--space-1);
      }
      .who {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        min-width: 0;
      }
      .id {
        font: 500 13px/20px var(--mono);
      }
      .rates,
      .totals {
        color: var(--soft);
        font-size: 12px;
        line-height: 16px;
      }
      .rates {
        text-align: end;
        white-space: nowrap;
      }
      .why {
        overflow-wrap: anywhere;
      }
      .next {
        color: var(--text);
      }
      .live {
        color: var(--text);
      }
    `,
  ];

  constructor() {
    super();
    this.peer = null;
    this.rates = { inPerSecond: 0, outPerSecond: 0 };
  }

  override render(): TemplateResult {
    const peer = this.peer;
    if (peer === null) return html``;
    const state = stateWords(peer.state);
    const connected = peer.state === "connected";
    return html`
      <peerloom-avatar .peer=${peer.id}></peerloom-avatar>
      <div>
        <div class="who">
          <span class="id" title=${peer.id}>${shortId(peer.id)}</span>
          <span class="state ${peer.state}">${icon(state.icon, 12)}${state.word}</span>
        </div>
        <div class="totals">
          ${connected ? html`${formatRtt(peer.rttMs)} round trip · ${formatCount(peer.contents, "file")}` : this.#unconnected(peer)}
        </div>
      </div>
      <div class="rates">
        ${connected ? html`${this.#rate("from it", "↓", this.rates.inPerSecond)}${this.#rate("to it", "↑", this.rates.outPerSecond)}` : ""}
      </div>
    `;
  }

  #rate(direction: string, arrow: string, perSecond: number): TemplateResult {
    const text = formatRate(perSecond);
    return html`<div class=${perSecond >= 1 ? "live" : ""}>
      <span class="only-heard">${direction} </span><span aria-hidden="true">${arrow} </span>${text}
    </div>`;
  }

  #unconnected(peer: PeerInfo): TemplateResult {
    const next = nextWords(peer, Date.now());
    return html`
      ${peer.lastFailure === null ? nothing : html`<div class="why">${causeWords(peer.lastFailure)}</div>`}
      <div class=${next === "" ? "" : "next"}>${next === "" ? this.#history(peer) : next}</div>
    `;
  }

  #history(peer: PeerInfo): string {
    const bytes = peer.bytesIn + peer.bytesOut;
    return bytes === 0 ? "Not connected before" : `${formatBytes(bytes)} exchanged`;
  }
}

define("peerloom-peer-row", PeerloomPeerRow);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-peer-row": PeerloomPeerRow;
  }
}
