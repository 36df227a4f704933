/** The network page with a swarm that is made up, as `window.busy`. `?peers=500` says how many there are. */

import type { Ban, PeerId, PeerInfo, Status, SwarmEvents } from "../../web/sdk/index.ts";
import "../../web/app/network/network-page.ts";
import type { NetworkSwarm } from "../../web/app/network/network-page.ts";
import { Recorder } from "../../web/app/network/recorder.ts";
import { OWN, noise, peer, peers } from "../../web/ui/synthetic.ts";

/** A swarm of synthetic peers: their counters and round trips move, some come and some go. */
class BusySwarm implements NetworkSwarm {
  readonly id: PeerId = OWN;
  readonly #target = new EventTarget();
  readonly #next = noise(1);
  #peers: PeerInfo[];
  #newest: number;
  #bans: readonly Ban[] = [];

  constructor(count: number) {
    this.#peers = [...peers(count, Date.now())];
    this.#newest = count;
  }

  get status(): Status {
    const peersConnected = this.#peers.filter(({ state }) => state === "connected").length;
    return { mode: "p2p", state: "online", peersDiscovered: this.#peers.length, peersConnected, relayConnected: false, paths: [], contents: 0, roles: ["leaf"], bytesIn: 0, bytesOut: 0 };
  }

  peers(): readonly PeerInfo[] {
    return this.#peers;
  }

  addEventListener<K extends keyof SwarmEvents>(type: K, listener: (event: SwarmEvents[K]) => void, options?: AddEventListenerOptions): void {
    this.#target.addEventListener(type, listener as unknown as EventListener, options);
  }

  async connect(id: PeerId): Promise<PeerInfo> {
    return this.#become(id, { state: "connected", path: "direct", rttMs: 12, connectedAt: Date.now(), lastFailure: null, nextTryAt: null });
  }

  async disconnect(id: PeerId): Promise<void> {
    this.#become(id, { state: "discovered", path: null, rttMs: null, connectedAt: null });
  }

  ban(id: PeerId): void {
    this.#peers = this.#peers.filter((one) => one.id !== id);
    this.#bans = [...this.#bans, { peer: id, until: Date.now() + 3_600_000 }];
    this.#tell();
  }

  async unban(id: PeerId): Promise<void> {
    this.#bans = this.#bans.filter(({ peer: banned }) => banned !== id);
    this.#tell();
  }

  bans(): readonly Ban[] {
    return this.#bans;
  }

  /** All counters move, all round trips waver, as many events as peers. */
  busy(): void {
    this.#peers = this.#peers.map((one) => (one.state === "connected" ? this.#moved(one) : one));
    for (const one of this.#peers) this.#target.dispatchEvent(new CustomEvent("peer:update", { detail: one }));
  }

  /** One goes, one comes. */
  churn(): void {
    this.#peers.splice(Math.floor(this.#next() * this.#peers.length), 1);
    this.#newest += 1;
    this.#peers.push(peer(this.#newest, this.#newest % 3 === 0 ? { state: "connected", path: "direct", rttMs: 30 } : {}));
    this.#tell();
  }

  #moved(one: PeerInfo): PeerInfo {
    const bytesIn = one.bytesIn + Math.floor(this.#next() * 1e6);
    const bytesOut = one.bytesOut + Math.floor(this.#next() * 3e5);
    return { ...one, bytesIn, bytesOut, rttMs: (one.rttMs ?? 10) * (0.97 + this.#next() * 0.06) };
  }

  #become(id: PeerId, as: Partial<PeerInfo>): PeerInfo {
    this.#peers = this.#peers.map((one) => (one.id === id ? { ...one, ...as } : one));
    this.#tell();
    return peer(0, { id, ...as });
  }

  #tell(): void {
    this.#target.dispatchEvent(new CustomEvent("status", { detail: this.status }));
  }
}

const swarm = new BusySwarm(Number(new URLSearchParams(location.search).get("peers") ?? 500));
const page = document.createElement("peerloom-network-page");
page.swarm = swarm;
page.recorder = new Recorder(swarm, new AbortController().signal);
document.body.append(page);

/** Lets events come, and if wanted peers come and go, so many times, and the page draw what followed each time. */
async function bustle(times: number, churning: boolean): Promise<void> {
  for (let n = 0; n < times; n++) {
    swarm.busy();
    if (churning) swarm.churn();
    // The frame after the next begins when what the next one drew is done.
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  }
}

/** Where each node of the graph is. */
function places(): readonly (readonly [string, number, number])[] {
  const graph = page.renderRoot.querySelector("peerloom-network-graph");
  return (graph?.places ?? []).map(({ id, x, y }) => [id, x, y] as const);
}

const busy = { swarm, page, bustle, places };
export type Busy = typeof busy;

declare global {
  interface Window {
    busy: Busy;
  }
}
window.busy = busy;
