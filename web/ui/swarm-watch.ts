import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { ConnectFailure, PeerInfo, Status, Swarm } from "../sdk/index.ts";
import { byState } from "./peer-words.ts";
import { RateMeter } from "./rate.ts";

/** What of a swarm the components use; anything of this shape will do. */
export type WatchedSwarm = Pick<
  Swarm,
  "id" | "status" | "peers" | "start" | "stop" | "connect" | "addEventListener" | "removeEventListener"
>;

/** How often rates are measured while somebody looks. */
const SAMPLE_MS = 1000;

/** Most failures remembered, one for each peer; the oldest goes first. Guess: more than fit in the popover. */
const FAILURES_MAX = 8;

export interface PeerRates {
  readonly inPerSecond: number;
  readonly outPerSecond: number;
}

interface Meters {
  readonly in: RateMeter;
  readonly out: RateMeter;
}

/** Follows a swarm for a component: its listeners live only while the host is in a page and has a swarm. */
export class SwarmWatch implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #swarm: WatchedSwarm | null = null;
  #listening: AbortController | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #connected = false;
  #measuring = false;
  #meters = new Map<string, Meters>();
  #failures = new Map<string, ConnectFailure>();

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  get status(): Status | null {
    return this.#swarm?.status ?? null;
  }

  get failures(): readonly ConnectFailure[] {
    return [...this.#failures.values()].reverse();
  }

  /** Returns the known peers, the connected first, each group by id: an order that does not change with every event. */
  peers(): readonly PeerInfo[] {
    return byState(this.#swarm?.peers() ?? []);
  }

  rates(peer: string): PeerRates {
    const meters = this.#meters.get(peer);
    const nowMs = performance.now();
    return { inPerSecond: meters?.in.perSecond(nowMs) ?? 0, outPerSecond: meters?.out.perSecond(nowMs) ?? 0 };
  }

  watch(swarm: WatchedSwarm | null): void {
    if (swarm === this.#swarm) return;
    this.#release();
    this.#swarm = swarm;
    this.#meters.clear();
    this.#failures.clear();
    this.#attach();
    this.#host.requestUpdate();
  }

  /** Rates cost a timer, so they are measured only while the popover is open. */
  measure(on: boolean): void {
    this.#measuring = on;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!on) {
      this.#meters.clear();
      return;
    }
    if (!this.#connected) return;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  dismiss(peer: string): void {
    if (this.#failures.delete(peer)) this.#host.requestUpdate();
  }

  hostConnected(): void {
    this.#connected = true;
    this.#attach();
    if (this.#measuring) this.measure(true);
  }

  hostDisconnected(): void {
    this.#connected = false;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#release();
  }

  #attach(): void {
    const swarm = this.#swarm;
    if (swarm === null || !this.#connected || this.#listening !== null) return;
    this.#listening = new AbortController();
    const options = { signal: this.#listening.signal };
    const changed = (): void => this.#host.requestUpdate();
    swarm.addEventListener("status", changed, options);
    swarm.addEventListener("peer:discover", changed, options);
    swarm.addEventListener("peer:update", changed, options);
    swarm.addEventListener("peer:disconnect", changed, options);
    swarm.addEventListener("peer:lose", changed, options);
    swarm.addEventListener("close", changed, options);
    swarm.addEventListener("peer:connect", (event) => {
      this.#failures.delete(event.detail.id);
      changed();
    }, options);
    swarm.addEventListener("connect:failed", (event) => {
      this.#failures.delete(event.detail.peer);
      this.#failures.set(event.detail.peer, event.detail);
      const oldest = this.#failures.keys().next();
      if (this.#failures.size > FAILURES_MAX && oldest.done !== true) this.#failures.delete(oldest.value);
      changed();
    }, options);
  }

  #release(): void {
    this.#listening?.abort();
    this.#listening = null;
  }

  #sample(): void {
    const atMs = performance.now();
    const peers = this.#swarm?.peers() ?? [];
    const known = new Set<string>(peers.map((peer) => peer.id));
    for (const id of this.#meters.keys()) if (!known.has(id)) this.#meters.delete(id);
    for (const peer of peers) {
      let meters = this.#meters.get(peer.id);
      if (meters === undefined) {
        meters = { in: new RateMeter(), out: new RateMeter() };
        this.#meters.set(peer.id, meters);
      }
      meters.in.sample(peer.bytesIn, atMs);
      meters.out.sample(peer.bytesOut, atMs);
    }
    this.#host.requestUpdate();
  }
}
