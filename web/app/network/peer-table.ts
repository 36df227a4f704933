import { LitElement, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { PeerInfo } from "../../sdk/index.ts";
import "../../ui/avatar.ts";
import { controls, peerStates } from "../../ui/controls.ts";
import { define } from "../../ui/define.ts";
import { formatDuration, formatRate, formatRtt, shortId } from "../../ui/format.ts";
import { icon } from "../../ui/icons.ts";
import { nextWords, stateWords, troubleWords } from "../../ui/peer-words.ts";
import { tokens } from "../../ui/tokens.ts";
import { filterRow, nothingHere, peerRows } from "../page-styles.ts";
import type { Rates } from "./history.ts";
import { peerTableStyles } from "./peer-table-styles.ts";
import { Rows, belongs } from "./rows.ts";
import type { Filter, Row } from "./rows.ts";

/** How many rows are shown at once, and how many more a press of the button adds. Guess: two screens. */
const ROWS_STEP = 50;

/** From so many peers on there is a field to find one. */
const SEARCH_FROM = 10;

const FILTERS: readonly (readonly [Filter, string])[] = [["all", "All"], ["connected", "Connected"], ["discovered", "Discovered"], ["trouble", "In trouble"]];

/**
 * The peers of a swarm as a table: the same as the graph, for the keyboard, the ear, and whoever likes words.
 *
 * Set `peers`, `selected` (an id or null) and `rates`. Gives `peerloom-select` with `detail.peer`.
 */
export class PeerloomPeerTable extends LitElement {
  static override properties = {
    peers: { attribute: false },
    selected: { type: String },
    rates: { attribute: false },
    filter: { state: true },
    text: { state: true },
    rowsMax: { state: true },
  };
  declare peers: readonly PeerInfo[];
  declare selected: string | null;
  declare rates: (peer: string) => Rates;
  declare protected filter: Filter;
  declare protected text: string;
  declare protected rowsMax: number;

  static override styles = [tokens, controls, peerStates, filterRow, nothingHere, peerRows, peerTableStyles];

  readonly #rows = new Rows();
  #held = false;

  constructor() {
    super();
    this.peers = [];
    this.selected = null;
    this.rates = () => ({ inPerSecond: 0, outPerSecond: 0 });
    this.filter = "all";
    this.text = "";
    this.rowsMax = ROWS_STEP;
  }

  override render(): TemplateResult {
    const rows = this.#rows.arrange(this.peers, this.filter, this.text, this.#held);
    const shown = rows.slice(0, this.rowsMax);
    return html`
      <div class="top">
        <h2 id="peers">Peers</h2>
        <div class="filters" role="group" aria-label="Show">
          ${FILTERS.map(([filter, word]) => html`<button type="button" class="filter" aria-pressed=${this.filter === filter ? "true" : "false"} @click=${() => this.#show(filter)}>
            ${word} <span class="count">${this.peers.filter((peer) => belongs(peer, filter)).length}</span>
          </button>`)}
        </div>
        ${this.peers.length < SEARCH_FROM && this.text === ""
          ? nothing
          : html`<input class="field" type="search" placeholder="Find by id" aria-label="Find by id" spellcheck="false" .value=${this.text} @input=${this.#find} />`}
      </div>
      ${shown.length === 0 ? html`<p class="nothing">${this.#nothing()}</p>` : this.#table(shown)}
      ${rows.length > shown.length
        ? html`<p class="more"><button type="button" class="button" @click=${() => (this.rowsMax += ROWS_STEP)}>Show ${Math.min(ROWS_STEP, rows.length - shown.length)} more</button>
            <span class="count">${shown.length} of ${rows.length}</span></p>`
        : nothing}
    `;
  }

  #table(rows: readonly Row[]): TemplateResult {
    const nowMs = Date.now();
    return html`<div
      class="frame"
      @pointerenter=${() => this.#hold(true)}
      @pointerleave=${() => this.#hold(this.matches(":focus-within"))}
      @focusin=${() => this.#hold(true)}
      @focusout=${() => this.#hold(this.matches(":hover"))}
    >
      <table aria-labelledby="peers">
        <thead>
          <tr>
            <th scope="col">Peer</th>
            <th scope="col">State</th>
            <th scope="col" class="number">Round trip</th>
            <th scope="col" class="number wide">From it</th>
            <th scope="col" class="number wide">To it</th>
            <th scope="col" class="number wide">Files</th>
            <th scope="col" class="number wide">Connected for</th>
          </tr>
        </thead>
        <tbody>
          ${repeat(rows, ({ id }) => id, (row) => this.#row(row, nowMs))}
        </tbody>
      </table>
    </div>`;
  }

  #row({ id, peer }: Row, nowMs: number): TemplateResult {
    const chosen = id === this.selected;
    const connected = peer?.state === "connected";
    const { inPerSecond, outPerSecond } = this.rates(id);
    const since = peer?.connectedAt ?? null;
    // The click is the row's for whoever points, and the button's for keys and ears.
    return html`<tr class=${chosen ? "chosen" : peer === null ? "gone" : ""} @click=${() => this.#select(id)}>
      <th scope="row">
        <button type="button" class="peer" aria-pressed=${chosen ? "true" : "false"} title=${id}>
          <peerloom-avatar .peer=${id}></peerloom-avatar>${shortId(id)}
        </button>
      </th>
      <td>${peer === null ? "Gone" : this.#state(peer, nowMs)}</td>
      <td class="number">${connected ? formatRtt(peer.rttMs) : "–"}</td>
      <td class="number wide">${connected ? formatRate(inPerSecond) : "–"}</td>
      <td class="number wide">${connected ? formatRate(outPerSecond) : "–"}</td>
      <td class="number wide">${peer?.contents ?? "–"}</td>
      <td class="number wide">${since === null ? "–" : formatDuration(Math.max(0, nowMs - since))}</td>
    </tr>`;
  }

  #state(peer: PeerInfo, nowMs: number): TemplateResult {
    const { word, icon: symbol } = stateWords(peer.state);
    const why = peer.state === "connected" ? "" : [troubleWords(peer), nextWords(peer, nowMs)].filter((text) => text !== "").join(" ");
    return html`<span class="state ${peer.state}">${icon(symbol, 12)}${word}</span>${why === "" ? nothing : html`<span class="why">${why}</span>`}`;
  }

  #nothing(): string {
    if (this.text.trim() !== "") return "No peer has this in its id.";
    if (this.filter === "trouble") return "Nothing failed.";
    return this.filter === "connected" ? "No peer is connected." : this.filter === "discovered" ? "Everybody who is known is connected." : "No peer is known yet.";
  }

  #show(filter: Filter): void {
    this.filter = filter;
    this.rowsMax = ROWS_STEP;
  }

  readonly #find = (event: Event): void => {
    this.text = (event.target as HTMLInputElement).value;
    this.rowsMax = ROWS_STEP;
  };

  #hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    if (!held) this.requestUpdate();
  }

  #select(id: string): void {
    const peer = id === this.selected ? null : id;
    this.dispatchEvent(new CustomEvent("peerloom-select", { detail: { peer }, bubbles: true, composed: true }));
  }
}

define("peerloom-peer-table", PeerloomPeerTable);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-peer-table": PeerloomPeerTable;
  }
}
