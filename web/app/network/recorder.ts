import type { PeerInfo, Status, Swarm } from "../../sdk/index.ts";
import { Changes } from "../changes.ts";
import { History } from "./history.ts";

/** What of a swarm the recorder uses. */
export type RecordedSwarm = Pick<Swarm, "peers" | "addEventListener">;

/** How often counters are read. */
const SAMPLE_MS = 1000;

const CHANGES = ["peer:discover", "peer:connect", "peer:disconnect", "peer:lose", "connect:failed"] as const;

/**
 * The peers of a swarm, read once for each drawing, and their last minutes. It runs until `signal` fires or the swarm is closed.
 *
 * Whoever comes, goes or changes state is told at once; numbers with the next sample, since nobody reads faster.
 */
export class Recorder {
  readonly changes = new Changes();
  readonly history = new History();
  readonly #swarm: RecordedSwarm;
  #peers: readonly PeerInfo[] | null = null;
  /** How each peer stood when they were read. */
  readonly #told = new Map<string, string>();
  #status = "";

  constructor(swarm: RecordedSwarm, signal: AbortSignal) {
    this.#swarm = swarm;
    for (const type of CHANGES) swarm.addEventListener(type, this.#changed, { signal });
    swarm.addEventListener("peer:update", ({ detail }) => this.#updated(detail), { signal });
    swarm.addEventListener("status", ({ detail }) => this.#onStatus(detail), { signal });
    const timer = setInterval(this.#sample, SAMPLE_MS);
    const end = (): void => clearInterval(timer);
    signal.addEventListener("abort", end, { once: true });
    swarm.addEventListener("close", end, { signal });
    this.#sample();
  }

  get peers(): readonly PeerInfo[] {
    if (this.#peers === null) {
      this.#peers = this.#swarm.peers();
      this.#told.clear();
      for (const peer of this.#peers) this.#told.set(peer.id, standing(peer));
    }
    return this.#peers;
  }

  #updated(peer: PeerInfo): void {
    if (this.#told.get(peer.id) !== standing(peer)) this.#changed();
  }

  #onStatus({ state, peersConnected, peersDiscovered }: Status): void {
    const now = `${state} ${peersConnected} ${peersDiscovered}`;
    if (now === this.#status) return;
    this.#status = now;
    this.#changed();
  }

  readonly #changed = (): void => {
    this.#peers = null;
    this.changes.changed();
  };

  readonly #sample = (): void => {
    this.#changed();
    this.history.sample(this.peers, performance.now(), Date.now());
  };
}

function standing({ state, nextTryAt }: PeerInfo): string {
  return `${state} ${nextTryAt ?? ""}`;
}
