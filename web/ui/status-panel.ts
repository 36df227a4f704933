import { LitElement, css, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { ConnectFailure, PeerInfo, SignallingPath, Status } from "../sdk/index.ts";
import "./avatar.ts";
import "./connect-form.ts";
import { controls, figures } from "./controls.ts";
import "./copy-button.ts";
import { define } from "./define.ts";
import { formatBytes, shortId } from "./format.ts";
import { icon } from "./icons.ts";
import "./peer-row.ts";
import type { PeerRates, WatchedSwarm } from "./swarm-watch.ts";
import { tokens } from "./tokens.ts";
import { errorWords, failureWords, modeWords, serverWords } from "./words.ts";

/** Most peers listed at once; a line says how many more there are. Guess: what a person may scroll through. */
const PEERS_SHOWN_MAX = 50;

/** What the popover shows; the status indicator gathers it. */
export interface PanelView {
  readonly status: Status | null;
  readonly peers: readonly PeerInfo[];
  readonly failures: readonly ConnectFailure[];
  readonly rates: (peer: string) => PeerRates;
}

/**
 * The inside of the status popover.
 *
 * Gives `peerloom-toggle` (`detail.enabled`) when a person has switched P2P on or off, and `peerloom-dismiss`
 * (`detail.peer`) when one has read why a connection failed.
 */
export class PeerloomStatusPanel extends LitElement {
  static override properties = {
    swarm: { attribute: false },
    view: { attribute: false },
    switching: { state: true },
    problem: { state: true },
  };
  declare swarm: WatchedSwarm | null;
  declare view: PanelView;
  declare protected switching: boolean;
  declare protected problem: string;

  static override styles = [
    tokens,
    controls,
    figures,
    css`
      section {
        padding: var(--space-4);
        border-block-start: 1px solid var(--line);
      }
      section:first-child {
        border: 0;
      }
      .own,
      .toggle {
        display: flex;
        align-items: center;
        gap: var(--space-3);
      }
      .toggle {
        margin-block-end: var(--space-4);
      }
      .grow {
        flex: 1;
        min-width: 0;
      }
      .own peerloom-avatar {
        --avatar-size: 36px;
      }
      .mono {
        font: 500 14px/20px var(--mono);
      }
      h3,
      strong {
        margin: 0;
        font-size: inherit;
        font-weight: 600;
      }
      .soft {
        margin: 0;
        color: var(--soft);
        font-size: 12px;
        line-height: 16px;
      }
      dl {
        display: grid;
        grid-template-columns: repeat(3, 1fr);
        gap: var(--space-3) var(--space-2);
        margin: 0;
      }
      .heading {
        display: flex;
        justify-content: space-between;
        align-items: baseline;
        margin-block-end: var(--space-1);
      }
      ul {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      .server {
        display: flex;
        align-items: flex-start;
        gap: var(--space-2);
        margin-block-start: var(--space-2);
      }
      .server svg {
        flex: none;
        margin-block-start: 2px;
      }
      .server .name {
        overflow-wrap: anywhere;
      }
      .problems li {
        display: flex;
        align-items: flex-start;
        gap: var(--space-1);
        margin-block-start: var(--space-2);
      }
      .problems .note {
        flex: 1;
        font-size: 13px;
      }
    `,
  ];

  constructor() {
    super();
    this.swarm = null;
    this.view = { status: null, peers: [], failures: [], rates: () => ({ inPerSecond: 0, outPerSecond: 0 }) };
    this.switching = false;
    this.problem = "";
  }

  override render(): TemplateResult {
    const { status } = this.view;
    const on = status !== null && status.state !== "stopped";
    const swarm = this.swarm;
    if (swarm === null) return html`<section><p class="soft">Opening the swarm…</p></section>`;
    return html`
      <section>
        <div class="toggle">
          <div class="grow">
            <strong id="p2p">Peer to peer</strong>
            <p class="soft" id="detail">${modeWords(status).detail}</p>
          </div>
          <button
            type="button"
            class="switch"
            role="switch"
            aria-checked=${on ? "true" : "false"}
            aria-labelledby="p2p"
            aria-describedby="detail"
            aria-busy=${this.switching ? "true" : "false"}
            @click=${this.#toggle}
          ></button>
        </div>
        <div role="alert">
          ${this.problem === "" ? nothing : html`<p class="note danger">${this.problem}</p>`}
        </div>
        <div class="own">
          <peerloom-avatar .peer=${swarm.id}></peerloom-avatar>
          <div class="grow">
            <div class="mono" title=${swarm.id}>${shortId(swarm.id)}</div>
            <p class="soft">This is you</p>
          </div>
          <peerloom-copy-button .text=${swarm.id} label="Copy your id" caption="Copy id"></peerloom-copy-button>
        </div>
      </section>
      <section>${this.#counts(status)}</section>
      ${this.#servers(status)}
      ${this.#peers()}
      <section>
        <peerloom-connect-form .swarm=${swarm} .running=${on}></peerloom-connect-form>
        ${this.#failures()}
      </section>
    `;
  }

  #counts(status: Status | null): TemplateResult {
    return html`<dl>
      <div><dt>Discovered</dt><dd>${status?.peersDiscovered ?? 0}</dd></div>
      <div><dt>Connected</dt><dd>${status?.peersConnected ?? 0}</dd></div>
      <div><dt>Files known</dt><dd>${status?.contents ?? 0}</dd></div>
      <div><dt>Received</dt><dd>${formatBytes(status?.bytesIn ?? 0)}</dd></div>
      <div><dt>Sent</dt><dd>${formatBytes(status?.bytesOut ?? 0)}</dd></div>
    </dl>`;
  }

  /** The servers through which others are met; nothing where there are none. */
  #servers(status: Status | null): TemplateResult | typeof nothing {
    const servers = (status?.paths ?? []).filter(({ kind }) => kind === "rendezvous");
    if (servers.length === 0) return nothing;
    return html`<section>
      <h3 id="servers">Meeting others through</h3>
      <ul aria-labelledby="servers">${servers.map((server) => this.#server(server))}</ul>
    </section>`;
  }

  #server(server: SignallingPath): TemplateResult {
    const words = serverWords(server);
    return html`<li class="server">
      ${icon(words.icon)}
      <div class="grow">
        <div class="name">${words.name}</div>
        <p class="soft">${words.text}</p>
      </div>
    </li>`;
  }

  /** Who can be reached now, and who is only known: two lists, since they answer two questions. */
  #peers(): TemplateResult {
    const { peers } = this.view;
    const connected = peers.filter(({ state }) => state === "connected");
    const others = peers.filter(({ state }) => state !== "connected");
    if (peers.length === 0) {
      return html`<section><h3>Peers</h3><p class="soft">None yet. Peers of this page appear here by themselves.</p></section>`;
    }
    return html`
      <section>${this.#list("connected", "Connected", connected, "Nobody yet. Those who are discovered are connected by themselves.")}</section>
      <section>${this.#list("discovered", "Discovered, not connected", others, "Nobody else: all who are known are connected.")}</section>
    `;
  }

  #list(id: string, heading: string, peers: readonly PeerInfo[], nobody: string): TemplateResult {
    const shown = peers.slice(0, PEERS_SHOWN_MAX);
    return html`
      <div class="heading">
        <h3 id=${id}>${heading}</h3>
        <span class="soft">${peers.length}</span>
      </div>
      ${shown.length === 0
        ? html`<p class="soft">${nobody}</p>`
        : html`<ul aria-labelledby=${id}>
            ${repeat(
              shown,
              (peer) => peer.id,
              (peer) => html`<li><peerloom-peer-row .peer=${peer} .rates=${this.view.rates(peer.id)}></peerloom-peer-row></li>`,
            )}
          </ul>`}
      ${peers.length > shown.length ? html`<p class="soft">and ${peers.length - shown.length} more</p>` : nothing}
    `;
  }

  /** Of peers that are known the failure is told in their row; here are those of which nothing else is left. */
  #failures(): TemplateResult | typeof nothing {
    const told = new Set<string>(this.view.peers.filter(({ lastFailure }) => lastFailure !== null).map(({ id }) => id));
    const failures = this.view.failures.filter(({ peer }) => !told.has(peer));
    if (failures.length === 0) return nothing;
    return html`<ul class="problems" aria-label="Connections that failed">
      ${repeat(
        failures,
        (failure) => failure.peer,
        (failure) => {
          const words = failureWords(failure);
          return html`<li>
            <p class="note danger"><strong>${words.title}</strong>${words.text}</p>
            <button
              type="button"
              class="button icon quiet"
              aria-label="Dismiss: ${words.title}"
              @click=${() => this.#give("peerloom-dismiss", { peer: failure.peer })}
            >
              ${icon("close", 12)}
            </button>
          </li>`;
        },
      )}
    </ul>`;
  }

  readonly #toggle = async (): Promise<void> => {
    const swarm = this.swarm;
    if (swarm === null || this.switching) return;
    const enabled = swarm.status.state === "stopped";
    this.switching = true;
    this.problem = "";
    try {
      await (enabled ? swarm.start() : swarm.stop());
      this.#give("peerloom-toggle", { enabled });
    } catch (error) {
      this.problem = `P2P could not be turned ${enabled ? "on" : "off"}. ${errorWords(error)}`;
    } finally {
      this.switching = false;
    }
  };

  #give(type: string, detail: { readonly enabled: boolean } | { readonly peer: string }): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

define("peerloom-status-panel", PeerloomStatusPanel);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-status-panel": PeerloomStatusPanel;
  }
}
