import { LitElement, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import type { PeerInfo, SwarmStats } from "../../sdk/index.ts";
import "../../ui/avatar.ts";
import { controls, peerStates } from "../../ui/controls.ts";
import { define } from "../../ui/define.ts";
import { formatCount, formatRtt, shortId } from "../../ui/format.ts";
import { icon } from "../../ui/icons.ts";
import { byState, nextWords, pathWords, reputationWords, stateWords } from "../../ui/peer-words.ts";
import { tokens } from "../../ui/tokens.ts";
import { nothingHere, peerRows } from "../page-styles.ts";
import { here } from "../place.ts";
import { causeWords, modeWords } from "../../ui/words.ts";
import type { LookedAtSwarm } from "./diagnostics.ts";
import { hintsIn } from "./swarm-health.ts";
import type { Hint } from "./swarm-health.ts";
import { swarmPanelStyles } from "./swarm-panel-styles.ts";

/** Most rows; those in trouble come first, and the Network page has all. */
const ROWS_MAX = 20;

/**
 * The swarm that the person runs: how each peer is connected or why not, and what its counters hint at.
 *
 * Set `swarm`, its `stats`, and another `looks` whenever it is to be looked at again. Gives `peerloom-enable`.
 */
export class PeerloomSwarmPanel extends LitElement {
  static override properties = { swarm: { attribute: false }, stats: { attribute: false }, looks: { type: Number } };
  declare swarm: LookedAtSwarm | null;
  declare stats: SwarmStats | null;
  declare looks: number;

  static override styles = [tokens, controls, peerStates, nothingHere, peerRows, swarmPanelStyles];

  constructor() {
    super();
    this.swarm = null;
    this.stats = null;
    this.looks = 0;
  }

  override render(): TemplateResult {
    return html`<section aria-labelledby="title">
      <h2 id="title">Your swarm</h2>
      ${this.swarm === null ? html`<p class="nothing">It is not open: the browser lacks something, or the page still starts. Environment says more.</p>` : this.#inside(this.swarm)}
    </section>`;
  }

  #inside(swarm: LookedAtSwarm): TemplateResult {
    const { status } = swarm;
    const peers = byState(swarm.peers());
    if (status.state === "stopped") {
      return html`<div class="nothing">
        <p>P2P is off, so nobody is connected. The tests above work all the same.</p>
        <button type="button" class="button" @click=${this.#enable}>${icon("off")}Turn on P2P</button>
      </div>`;
    }
    return html`
      <p class="sum">${modeWords(status).detail}${peers.length === 0 ? "" : ` ${status.peersConnected} of ${formatCount(peers.length, "peer")} connected.`}</p>
      ${peers.length === 0 ? html`<p class="nothing">Nobody else is known. Open this page in another tab and turn on P2P there.</p>` : this.#table(peers)} ${this.#hints()}
    `;
  }

  #table(peers: readonly PeerInfo[]): TemplateResult {
    const inTrouble = (peer: PeerInfo): boolean => peer.state !== "connected" && peer.lastFailure !== null;
    const shown = [...peers.filter(inTrouble), ...peers.filter((peer) => !inTrouble(peer))].slice(0, ROWS_MAX);
    const left = peers.length - shown.length;
    return html`<table>
        <caption class="only-heard">Peers of your swarm</caption>
        <thead>
          <tr><th scope="col">Peer</th><th scope="col">State</th><th scope="col" class="number">Round trip</th></tr>
        </thead>
        <tbody>${shown.map((peer) => this.#row(peer, Date.now()))}</tbody>
      </table>
      ${left === 0 ? nothing : html`<p class="more">${formatCount(left, "more peer")} on the <a href=${here("#/network")}>Network page</a>.</p>`}`;
  }

  #row(peer: PeerInfo, nowMs: number): TemplateResult {
    const { word, icon: symbol } = stateWords(peer.state);
    const why = peer.lastFailure === null || peer.state === "connected" ? "" : causeWords(peer.lastFailure);
    const next = nextWords(peer, nowMs);
    const strikes = peer.strikes === 0 ? "" : `${reputationWords(peer)}.`;
    const path = peer.path === null ? "" : `${pathWords(peer.path)}.`;
    const more = [path, why, next === "" ? "" : `${next}.`, strikes].filter((text) => text !== "").join(" ");
    return html`<tr>
      <th scope="row"><span class="peer" title=${peer.id}><peerloom-avatar .peer=${peer.id}></peerloom-avatar>${shortId(peer.id)}</span></th>
      <td><span class="state ${peer.state}">${icon(symbol, 12)}${word}</span>${more === "" ? nothing : html`<span class="why">${more}</span>`}</td>
      <td class="number">${formatRtt(peer.rttMs)}</td>
    </tr>`;
  }

  #hints(): TemplateResult | typeof nothing {
    if (this.stats === null) return nothing;
    const hints = hintsIn(this.stats);
    if (hints.length === 0) return html`<p class="soft">No counter hints at trouble.</p>`;
    return html`<h3>What the counters hint at</h3>
      <ul>${hints.map(hint)}</ul>`;
  }

  readonly #enable = (): void => {
    this.dispatchEvent(new CustomEvent("peerloom-enable", { bubbles: true, composed: true }));
  };
}

function hint({ counter, count, tone, text }: Hint): TemplateResult {
  return html`<li class=${tone === "trouble" ? "trouble" : ""}>
    <span class="tone">${icon(tone === "trouble" ? "warning" : "preview", 14)}${tone === "trouble" ? "Trouble" : "To know"}</span>
    <span>${text} <span class="counter">${counter}: ${count}</span></span>
  </li>`;
}

define("peerloom-swarm-panel", PeerloomSwarmPanel);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-swarm-panel": PeerloomSwarmPanel;
  }
}
