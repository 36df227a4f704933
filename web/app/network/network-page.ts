import { LitElement, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type { PeerId, PeerInfo, Status, Swarm } from "../../sdk/index.ts";
import { controls, figures } from "../../ui/controls.ts";
import { define } from "../../ui/define.ts";
import { formatCount, formatDuration, formatRate, shortId } from "../../ui/format.ts";
import { icon } from "../../ui/icons.ts";
import { tokens } from "../../ui/tokens.ts";
import { errorCode, errorWords } from "../../ui/words.ts";
import { Following } from "../changes.ts";
import "../confirm-dialog.ts";
import { pageTitle } from "../page-styles.ts";
import { pageFor } from "../params.ts";
import { charts } from "./charts.ts";
import "./graph.ts";
import { networkPageStyles } from "./network-page-styles.ts";
import "./peer-details.ts";
import type { PeerAct } from "./peer-details.ts";
import "./peer-table.ts";
import type { Recorder } from "./recorder.ts";

/** How long an attempt may take that a person asked for. Longer than all stages of the core together. Guess. */
const CONNECT_MS_MAX = 45_000;

/** What of a swarm the page uses. */
export type NetworkSwarm = Pick<Swarm, "id" | "status" | "connect" | "disconnect" | "ban" | "unban" | "bans">;

/**
 * The page of the network: the swarm as this peer sees it, as a graph and as a table, and one peer in full.
 *
 * Set `swarm` and the `recorder` that follows it. Gives `peerloom-enable`.
 */
export class PeerloomNetworkPage extends LitElement {
  static override properties = {
    swarm: { attribute: false },
    recorder: { attribute: false },
    selected: { state: true },
    connecting: { state: true },
    problem: { state: true },
    spoken: { state: true },
  };
  declare swarm: NetworkSwarm | null;
  declare recorder: Recorder | null;
  declare protected selected: string | null;
  /** The peer that a person asked to connect to. */
  declare protected connecting: string | null;
  declare protected problem: string;
  declare protected spoken: string;

  static override styles = [tokens, controls, figures, pageTitle, networkPageStyles];

  readonly #following = new Following(this);
  #leaving = new AbortController();

  constructor() {
    super();
    this.swarm = null;
    this.recorder = null;
    this.selected = null;
    this.connecting = null;
    this.problem = "";
    this.spoken = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#leaving = new AbortController();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leaving.abort();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("recorder")) this.#following.follow(this.recorder?.changes ?? null);
  }

  override render(): TemplateResult | typeof nothing {
    const { swarm, recorder } = this;
    if (swarm === null || recorder === null) return nothing;
    const { status } = swarm;
    const { peers } = recorder;
    return html`
      <div class="top">
        <h1>Network</h1>
        <p class="sum">${this.#sum(status, peers)}</p>
      </div>
      <div class="main" @peerloom-select=${this.#select} @peerloom-peer-act=${this.#act}>
        <div class="picture">
          ${peers.length === 0 ? this.#empty(status) : nothing}
          <peerloom-network-graph .own=${swarm.id} .ownRoles=${swarm.status.roles} .peers=${peers} .selected=${this.selected}></peerloom-network-graph>
        </div>
        <aside aria-label=${this.selected === null ? "All connections" : `Peer ${shortId(this.selected)}`} tabindex="-1">
          ${this.selected === null ? this.#all(recorder) : this.#details(recorder, peers, this.selected)}
        </aside>
        ${peers.length === 0
          ? nothing
          : html`<peerloom-peer-table
              .peers=${peers}
              .selected=${this.selected}
              .rates=${(peer: string) => recorder.history.rates(peer)}
            ></peerloom-peer-table>`}
      </div>
      <peerloom-confirm-dialog></peerloom-confirm-dialog>
      <span class="only-heard" role="status">${this.spoken}</span>
    `;
  }

  #sum(status: Status, peers: readonly PeerInfo[]): string {
    if (status.state === "stopped") return "P2P is off";
    const connected = peers.filter(({ state }) => state === "connected").length;
    return `${connected} of ${formatCount(peers.length, "peer")} connected`;
  }

  /** While nobody is there: what this page will show, and how to get there. */
  #empty(status: Status): TemplateResult {
    if (status.state === "stopped") {
      return html`<div class="empty">
        <h2>P2P is off</h2>
        <p>Once it is on, the peers of this page appear around you: a line for each connection, longer where the round trip is.</p>
        <button type="button" class="button primary" @click=${this.#enable}>${icon("off")}Turn on P2P</button>
      </div>`;
    }
    return html`<div class="empty">
      <h2>Nobody here but you, yet</h2>
      <p>Open this page in another tab and turn on P2P there. The two find each other, and the other one appears here.</p>
      <a class="button primary" href=${pageFor(new URL(location.href)).href} target="_blank" rel="noopener">${icon("tab")}Open a tab</a>
    </div>`;
  }

  #all(recorder: Recorder): TemplateResult {
    const { inPerSecond, outPerSecond } = recorder.history.rates(null);
    return html`
      <h2>All connections</h2>
      <dl>
        <div><dt>Received</dt><dd>${formatRate(inPerSecond)}</dd></div>
        <div><dt>Sent</dt><dd>${formatRate(outPerSecond)}</dd></div>
      </dl>
      <div class="charts">${charts(recorder.history.series(null), "Round trip, median")}</div>
      ${this.#bans()}
      ${recorder.peers.length === 0 ? nothing : html`<p class="hint">Choose a peer in the picture or in the table to see all about it.</p>`}
    `;
  }

  /** Who is kept out: it is in no list else, and a person may have had second thoughts. */
  #bans(): TemplateResult | typeof nothing {
    const bans = this.swarm?.bans() ?? [];
    if (bans.length === 0) return nothing;
    return html`
      <h3 id="bans">Banned</h3>
      <ul class="bans" aria-labelledby="bans">
        ${bans.map(
          ({ peer, until }) => html`<li>
            <code title=${peer}>${shortId(peer)}</code>
            <span class="soft">for ${formatDuration(until - Date.now())}</span>
            <button type="button" class="button soft" aria-label="Lift the ban of ${shortId(peer)}" @click=${() => void this.#unban(peer)}>Lift</button>
          </li>`,
        )}
      </ul>
    `;
  }

  #details(recorder: Recorder, peers: readonly PeerInfo[], id: string): TemplateResult {
    return html`<peerloom-peer-details
      .peerId=${id}
      .peer=${peers.find((peer) => peer.id === id) ?? null}
      .rates=${recorder.history.rates(id)}
      .series=${recorder.history.series(id)}
      .busy=${this.connecting === id}
      .problem=${this.problem}
    ></peerloom-peer-details>`;
  }

  readonly #select = async (event: CustomEvent<{ peer: string | null }>): Promise<void> => {
    const { peer } = event.detail;
    const fromDetails = event.target instanceof Element && event.target.matches("peerloom-peer-details");
    this.selected = peer;
    this.problem = "";
    await this.updateComplete;
    const aside = this.renderRoot.querySelector("aside");
    // Its button is gone, and the focus with it.
    if (fromDetails) aside?.focus({ preventScroll: true });
    // Where the details are below the picture, they would open out of sight.
    else if (peer !== null && event.target instanceof Element && event.target.matches("peerloom-peer-table")) aside?.scrollIntoView({ block: "nearest" });
  };

  readonly #act = async (event: CustomEvent<{ act: PeerAct; peer: string }>): Promise<void> => {
    const { act, peer } = event.detail;
    this.problem = "";
    switch (act) {
      case "connect":
        return await this.#connect(peer as PeerId);
      case "disconnect":
        return await this.#disconnect(peer as PeerId);
      case "ban":
        return await this.#ban(peer as PeerId);
    }
  };

  async #connect(peer: PeerId): Promise<void> {
    if (this.swarm === null || this.connecting !== null) return;
    this.connecting = peer;
    try {
      await this.swarm.connect(peer, { signal: this.#leaving.signal, timeoutMs: CONNECT_MS_MAX });
      this.spoken = `Connected to ${shortId(peer)}`;
    } catch (error) {
      // It was given up, here or by leaving the page; a failure of the attempt is told with the peer itself.
      const told = this.recorder?.peers.some(({ id, lastFailure }) => id === peer && lastFailure !== null) === true;
      if (errorCode(error) !== "ABORTED" && !told) this.#fail(peer, "not connected", error);
    } finally {
      this.connecting = null;
    }
  }

  async #disconnect(peer: PeerId): Promise<void> {
    try {
      await this.swarm?.disconnect(peer);
      this.spoken = `Disconnected from ${shortId(peer)}. It stays known, and is not connected again until you ask for it.`;
    } catch (error) {
      this.#fail(peer, "not disconnected", error);
    }
  }

  async #ban(peer: PeerId): Promise<void> {
    const dialog = this.renderRoot.querySelector("peerloom-confirm-dialog");
    const text = "Its connection is closed, and nothing of it is heard for 30 days, or until you lift the ban on this page. Files that you got from it stay.";
    const sure = (await dialog?.ask({ title: `Ban ${shortId(peer)}?`, text, yes: "Ban" })) ?? false;
    if (!sure) return;
    try {
      this.swarm?.ban(peer);
      this.spoken = `${shortId(peer)} is banned`;
      this.selected = null;
      await this.updateComplete;
      this.renderRoot.querySelector("aside")?.focus({ preventScroll: true });
    } catch (error) {
      this.#fail(peer, "not banned", error);
    }
  }

  async #unban(peer: PeerId): Promise<void> {
    try {
      await this.swarm?.unban(peer);
      this.spoken = `${shortId(peer)} may come again`;
      this.renderRoot.querySelector("aside")?.focus({ preventScroll: true });
    } catch (error) {
      this.#fail(peer, "still banned", error);
    }
  }

  #fail(peer: PeerId, what: string, error: unknown): void {
    if (this.selected === peer) this.problem = errorWords(error);
    this.spoken = `${shortId(peer)} is ${what}`;
  }

  readonly #enable = (): void => {
    this.dispatchEvent(new CustomEvent("peerloom-enable", { bubbles: true, composed: true }));
  };
}

define("peerloom-network-page", PeerloomNetworkPage);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-network-page": PeerloomNetworkPage;
  }
}
