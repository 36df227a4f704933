/** The synthetic peers of the tests: swarms of their own in this page, which the person's swarm never meets. */

import { Swarm, memoryStore } from "../../sdk/index.ts";
import { Changes } from "../changes.ts";
import type { ConnectionLog } from "./connection-log.ts";
import { PEERS_MAX } from "./settings.ts";

/** What a peer of a test may store: the largest transfer, encrypted, and some more. */
const STORE_BYTES_MAX = 96 * 1024 * 1024;

export interface PeerOptions {
  /** Its namespace; see {@link freshNamespace}. */
  readonly app: string;
  readonly signal: AbortSignal;
  readonly maxConnections?: number;
}

/** Opens and closes synthetic peers, and knows at any moment which are alive. */
export class Lab {
  readonly changes = new Changes();
  readonly #rtc: RTCConfiguration;
  readonly #log: ConnectionLog;
  readonly #live = new Map<Swarm, AbortController>();
  /** Fires when all are closed: who is opened only then is closed at once. */
  #closing = new AbortController();

  /** `rtc` is what the person's swarm connects with, so that a test meets the same obstacles. */
  constructor(rtc: RTCConfiguration, log: ConnectionLog) {
    this.#rtc = rtc;
    this.#log = log;
  }

  get rtc(): RTCConfiguration {
    return this.#rtc;
  }

  /** How many peers are open. */
  get live(): number {
    return this.#live.size;
  }

  /** Opens a peer that is known to nobody and keeps nothing. It does not announce itself before `start`. */
  async open({ app, signal, maxConnections }: PeerOptions): Promise<Swarm> {
    const closing = this.#closing.signal;
    // One more, since another may come before one leaves.
    if (this.#live.size > PEERS_MAX) throw new Error(`A page can have ${PEERS_MAX} test peers at once.`);
    const swarm = await Swarm.open({
      app,
      signal,
      maxConnections,
      rtc: this.#rtc,
      identity: "ephemeral",
      store: memoryStore({ maxBytes: STORE_BYTES_MAX }),
      autostart: false,
    });
    const following = new AbortController();
    this.#live.set(swarm, following);
    this.#log.follow(swarm, "test", following.signal);
    this.changes.changed();
    if (signal.aborted || closing.aborted) await this.close(swarm);
    signal.throwIfAborted();
    closing.throwIfAborted();
    return swarm;
  }

  async close(swarm: Swarm): Promise<void> {
    this.#live.get(swarm)?.abort();
    await swarm.close();
    this.#live.delete(swarm);
    this.changes.changed();
  }

  async closeAll(): Promise<void> {
    this.#closing.abort();
    this.#closing = new AbortController();
    await Promise.all([...this.#live.keys()].map((swarm) => this.close(swarm)));
  }
}

/**
 * Returns whether the browser refused to make one more connection. Chrome counts 500 for a page, and among them those that
 * are closed and not cleaned up yet (seen 2026-11-20 in Chromium 156 with 32 test peers).
 */
export function isOverLimit(message: string): boolean {
  return message.includes("so many PeerConnections");
}

/** Returns a namespace that nobody else has. */
export function freshNamespace(): string {
  const name = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `peerloom-diagnostics-${name}`;
}
