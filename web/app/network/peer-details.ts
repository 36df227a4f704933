import { LitElement, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import type { PeerInfo } from "../../sdk/index.ts";
import "../../ui/avatar.ts";
import { controls, peerStates } from "../../ui/controls.ts";
import "../../ui/copy-button.ts";
import { define } from "../../ui/define.ts";
import { formatBytes, formatCount, formatDuration, formatRate, formatRttSpread, shortId } from "../../ui/format.ts";
import { icon } from "../../ui/icons.ts";
import { capabilityWords, nextWords, pathWords, reputationWords, roleWords, scoreWords, stateWords, throughputWords } from "../../ui/peer-words.ts";
import { tokens } from "../../ui/tokens.ts";
import { causeWords } from "../../ui/words.ts";
import { charts } from "./charts.ts";
import type { Rates, Series } from "./history.ts";
import { peerDetailsStyles } from "./peer-details-styles.ts";

export type PeerAct = "connect" | "disconnect" | "ban";

/**
 * One peer in full.
 *
 * Set `peer` (null: it is gone), `peerId`, `rates`, `series`, and `busy` while something asked for is under way. Gives
 * `peerloom-peer-act` with `detail.act` and `detail.peer`, and `peerloom-select` with null to be closed.
 */
export class PeerloomPeerDetails extends LitElement {
  static override properties = {
    peerId: { type: String },
    peer: { attribute: false },
    rates: { attribute: false },
    series: { attribute: false },
    busy: { type: Boolean },
    problem: { type: String },
  };
  declare peerId: string;
  declare peer: PeerInfo | null;
  declare rates: Rates;
  declare series: Series | null;
  declare busy: boolean;
  /** Why what was asked for did not happen; empty if it did. */
  declare problem: string;

  static override styles = [tokens, controls, peerStates, peerDetailsStyles];

  constructor() {
    super();
    this.peerId = "";
    this.peer = null;
    this.rates = { inPerSecond: 0, outPerSecond: 0 };
    this.series = null;
    this.busy = false;
    this.problem = "";
  }

  override render(): TemplateResult {
    const { peer, peerId } = this;
    return html`
      <div class="top">
        <peerloom-avatar .peer=${peerId}></peerloom-avatar>
        <div class="who">
          <h2 title=${peerId}>${shortId(peerId)}</h2>
          ${peer === null ? html`<span class="state">Gone</span>` : this.#state(peer)}
        </div>
        <peerloom-copy-button .text=${peerId} label="Copy the id of this peer"></peerloom-copy-button>
        <button type="button" class="button icon quiet" aria-label="Close the details" @click=${this.#close}>${icon("close")}</button>
      </div>
      <div role="alert">${this.problem === "" ? nothing : html`<p class="note danger">${this.problem}</p>`}</div>
      ${peer === null ? html`<p class="soft">It left the swarm, was banned, or was silent for so long that it is forgotten.</p>` : this.#inside(peer)}
    `;
  }

  #state(peer: PeerInfo): TemplateResult {
    const { word, icon: symbol } = stateWords(peer.state);
    return html`<span class="state ${peer.state}">${icon(symbol, 12)}${word}</span>`;
  }

  #inside(peer: PeerInfo): TemplateResult {
    return html`
      ${this.#trouble(peer)} ${this.#actions(peer)} ${this.#facts(peer)}
      ${this.series === null || this.series.at.length === 0 ? nothing : html`<div class="charts">${charts(this.series, "Round trip")}</div>`}
    `;
  }

  #trouble(peer: PeerInfo): TemplateResult | typeof nothing {
    const nowMs = Date.now();
    const next = nextWords(peer, nowMs);
    const failure = peer.lastFailure;
    if (failure === null) return next === "" ? nothing : html`<p class="note">${next}.</p>`;
    return html`<p class="note warn">
      <strong>The last try failed ${formatDuration(Math.max(0, nowMs - failure.at))} ago</strong>${causeWords(failure)}${next === "" ? nothing : html` <span class="next">${next}.</span>`}
    </p>`;
  }

  #actions(peer: PeerInfo): TemplateResult {
    const linked = peer.state === "connected" || peer.state === "connecting";
    const connect = peer.state === "backoff" ? "Try now" : "Connect";
    return html`<div class="actions">
      ${linked
        ? this.#button("disconnect", peer.state === "connected" ? "Disconnect" : "Give up", "close")
        : this.#button("connect", this.busy ? "Connecting…" : connect, "connected")}
      ${this.#button("ban", "Ban", "ban")}
    </div>`;
  }

  #button(act: PeerAct, word: string, symbol: "close" | "connected" | "ban"): TemplateResult {
    const waits = this.busy && act === "connect";
    return html`<button
      type="button"
      class="button ${act === "connect" ? "primary" : ""}"
      aria-disabled=${waits ? "true" : "false"}
      aria-busy=${waits ? "true" : "false"}
      @click=${() => (waits ? undefined : this.#give("peerloom-peer-act", { act, peer: this.peerId }))}
    >
      ${icon(symbol)}${word}
    </button>`;
  }

  #facts(peer: PeerInfo): TemplateResult {
    const { inPerSecond, outPerSecond } = this.rates;
    const connected = peer.state === "connected";
    const since = peer.connectedAt === null ? "–" : formatDuration(Math.max(0, Date.now() - peer.connectedAt));
    const facts: readonly (readonly [string, string | TemplateResult])[] = [
      ["Path", pathWords(peer.path)],
      ["Round trip", formatRttSpread(peer.rttMs, peer.rttVarMs)],
      ["Connected for", since],
      ["From it", html`${formatRate(connected ? inPerSecond : 0)} <span class="total">${formatBytes(peer.bytesIn)} in all</span>`],
      ["To it", html`${formatRate(connected ? outPerSecond : 0)} <span class="total">${formatBytes(peer.bytesOut)} in all</span>`],
      ["Has carried", throughputWords(peer)],
      ["Waiting to be sent", formatBytes(peer.bufferedBytes)],
      ["Offers", formatCount(peer.contents, "file")],
      ["Role", roleWords(peer.roles)],
      ["Can", capabilityWords(peer.capabilities)],
      ["Reputation", reputationWords(peer)],
      ["Score", scoreWords(peer.score)],
    ];
    return html`<dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
  }

  readonly #close = (): void => this.#give("peerloom-select", { peer: null });

  #give(type: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

define("peerloom-peer-details", PeerloomPeerDetails);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-peer-details": PeerloomPeerDetails;
  }
}
