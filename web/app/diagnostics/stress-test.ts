/** The test of a swarm: many synthetic peers that find each other, come and go, and hand each other small contents. */

import type { Swarm } from "../../sdk/index.ts";
import { formatCount, formatDuration } from "../../ui/format.ts";
import type { Test, TestContext } from "./bench.ts";
import { NO_FINDINGS } from "./findings.ts";
import type { Findings, Result } from "./findings.ts";
import { HiddenWatch } from "./hidden-watch.ts";
import { freshNamespace, isOverLimit } from "./lab.ts";
import type { Lab } from "./lab.ts";
import { Load } from "./load.ts";
import { components, connections } from "./mesh.ts";
import { Tally, findingsOf, resultOf } from "./stress-tally.ts";
import { TookTooLong, pause, settle } from "./waiting.ts";

/** How long the peers may take to become one swarm. Half a minute is what 32 of them need on a slow machine. Guess. */
const WHOLE_MS_MAX = 60_000;

/**
 * Connections of the page's peers at most. Both ends of each are in the page, which makes a quarter of what Chrome allows;
 * attempts that failed and peers that left count too until they are cleaned up.
 */
const CONNECTIONS_MAX = 64;

/** As many connections as a peer has by default, and as few as still hold a swarm together. */
const PEER_CONNECTIONS_MAX = 8;
const PEER_CONNECTIONS_MIN = 4;

/** Opening a peer starts a worker: a few at a time, so that the page keeps answering. */
const OPENED_AT_ONCE = 4;

/** How often one peer leaves and another comes, and how often a content is added and fetched. */
const CHURN_MS = 1000;
const CONTENT_MS = 250;

/** A content of the test: one chunk, so that it says how long asking takes and not how long bytes do. */
const CONTENT_BYTES = 4096;

/** How long a fetch may take; the other peer may just be leaving. */
const FETCH_MS_MAX = 15_000;

/** Most fetches at once; where they are slow, no more are begun. */
const FETCHES_MAX = 8;

export function stressTest(lab: Lab): Test {
  return async (context) => {
    const stress = new Stress(lab, context);
    try {
      return await stress.run();
    } finally {
      stress.end();
    }
  };
}

class Stress {
  readonly #lab: Lab;
  readonly #context: TestContext;
  readonly #app = freshNamespace();
  readonly #tally = new Tally();
  readonly #over = new AbortController();
  readonly #load: Load;
  readonly #hidden: HiddenWatch;
  #peers: Swarm[] = [];
  /** Kept by events: asking 32 peers for all they know takes milliseconds. */
  readonly #links = new Map<string, Set<string>>();
  #fetches = 0;

  constructor(lab: Lab, context: TestContext) {
    this.#lab = lab;
    this.#context = context;
    this.#load = new Load(this.#over.signal);
    this.#hidden = new HiddenWatch(this.#over.signal);
    context.signal.addEventListener("abort", () => this.#over.abort(), { signal: this.#over.signal });
  }

  /** Ends what runs beside the test. */
  end(): void {
    this.#over.abort();
  }

  async run(): Promise<Result> {
    const { stressPeers, stressSeconds } = this.#context.settings;
    await this.#gather(stressPeers);
    const begunMs = performance.now();
    await Promise.all(this.#peers.map((peer) => peer.start()));
    const first = await this.#whole("The peers look for each other", begunMs);
    if (first === null) return await this.#result("still in");
    this.#tally.wholeMs = first;
    await this.#churn(stressSeconds * 1000);
    const again = await this.#whole("Waiting until all hang together again", performance.now());
    if (again === null) return await this.#result("after the coming and going still in");
    this.#tally.healedMs = again;
    return await this.#result(null);
  }

  /** Opens the peers; nobody announces itself before all are there. */
  async #gather(count: number): Promise<void> {
    while (this.#peers.length < count) {
      this.#tell(`Opening ${count} peers`, this.#peers.length / count);
      const more = Math.min(OPENED_AT_ONCE, count - this.#peers.length);
      const opened = await Promise.all(Array.from({ length: more }, () => this.#open()));
      for (const peer of opened) this.#join(peer);
    }
  }

  #join(peer: Swarm): void {
    const options = { signal: this.#over.signal };
    const linked = new Set<string>();
    peer.addEventListener("peer:connect", ({ detail }) => linked.add(detail.id), options);
    peer.addEventListener("peer:disconnect", ({ detail }) => linked.delete(detail.id), options);
    peer.addEventListener("connect:failed", ({ detail }) => this.#tally.failed(detail, isOverLimit(detail.reason)), options);
    this.#links.set(peer.id, linked);
    this.#peers.push(peer);
  }

  /** Waits until there is one swarm and returns how long that took; null if it took too long. */
  async #whole(text: string, begunMs: number): Promise<number | null> {
    const { signal } = this.#context;
    const isWhole = (): boolean => components(this.#links) === 1;
    this.#tell(text, null);
    try {
      await settle<void>((done, _fail, over) => {
        const look = (): void => {
          if (isWhole()) done();
          else this.#tell(text, null);
        };
        for (const peer of this.#peers) for (const type of ["peer:connect", "peer:disconnect"] as const) peer.addEventListener(type, look, { signal: over });
        look();
      }, WHOLE_MS_MAX, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TookTooLong) return null;
      throw error;
    }
    return performance.now() - begunMs;
  }

  async #churn(ms: number): Promise<void> {
    const { signal } = this.#context;
    const begunMs = performance.now();
    let churnedMs = begunMs;
    for (let nowMs = begunMs; nowMs - begunMs < ms; nowMs = performance.now()) {
      this.#tell(`Coming and going, ${formatCount(Math.ceil((ms - (nowMs - begunMs)) / 1000), "second")} left`, (nowMs - begunMs) / ms);
      if (nowMs - churnedMs >= CHURN_MS) {
        churnedMs = nowMs;
        await this.#replaceOne();
      }
      this.#exchange();
      await pause(CONTENT_MS, signal);
    }
    this.#tell("Waiting for the last contents", null);
    while (this.#fetches > 0) await pause(CONTENT_MS, signal);
  }

  #open(): Promise<Swarm> {
    const { signal, settings } = this.#context;
    const share = Math.floor((2 * CONNECTIONS_MAX) / settings.stressPeers);
    const maxConnections = Math.max(PEER_CONNECTIONS_MIN, Math.min(PEER_CONNECTIONS_MAX, share));
    return this.#lab.open({ app: this.#app, signal, maxConnections });
  }

  /** One comes, and another one leaves as a tab that is closed does. Where the browser lets nobody come, nobody leaves. */
  async #replaceOne(): Promise<void> {
    const leaving = anyOf(this.#peers);
    if (leaving === null) return;
    let coming: Swarm;
    try {
      coming = await this.#open();
    } catch (error) {
      if (!(error instanceof Error && isOverLimit(error.message))) throw error;
      this.#tally.refused += 1;
      return;
    }
    this.#peers = this.#peers.filter((peer) => peer !== leaving);
    this.#links.delete(leaving.id);
    this.#tally.add(await leaving.stats());
    await this.#lab.close(leaving);
    this.#join(coming);
    await coming.start();
    this.#tally.replaced += 1;
  }

  /** One adds a small content, and one that is connected to it fetches it. */
  #exchange(): void {
    const from = anyOf(this.#peers);
    const to = from === null ? null : anyOf(this.#peers.filter((peer) => this.#isConnected(peer, from)));
    if (from === null || to === null || this.#fetches >= FETCHES_MAX) return;
    this.#fetches += 1;
    void this.#fetch(from, to).finally(() => (this.#fetches -= 1));
  }

  async #fetch(from: Swarm, to: Swarm): Promise<void> {
    const { signal } = this.#context;
    const begunMs = performance.now();
    const wait = { signal, timeoutMs: FETCH_MS_MAX };
    try {
      const { link } = await from.content.add(crypto.getRandomValues(new Uint8Array(CONTENT_BYTES)), { name: "stress", ...wait });
      this.#tally.added += 1;
      const { size } = await to.content.get(link, wait);
      if (size === CONTENT_BYTES) this.#tally.fetchedMs.push(performance.now() - begunMs);
      else this.#tally.lost += 1;
    } catch {
      // Who left took the content along, or could not take it any more: that is what leaving means.
      if (signal.aborted) return;
      if (this.#peers.includes(from) && this.#isConnected(to, from)) this.#tally.lost += 1;
      else this.#tally.interrupted += 1;
    }
  }

  /** `trouble` is null if all hang together. */
  async #result(trouble: string | null): Promise<Result> {
    for (const peer of this.#peers) this.#tally.add(await peer.stats());
    const { remarks, ...findings } = this.#findings(true);
    const sentence = trouble === null ? null : `The peers were ${trouble} ${formatCount(components(this.#links), "part")} after ${formatDuration(WHOLE_MS_MAX)}.`;
    return resultOf(this.#context.settings.stressPeers, this.#tally, sentence, { ...findings, remarks: [...remarks, ...this.#hidden.remarks()] });
  }

  #findings(complete = false): Findings {
    const { longestTaskMs, heapGrowthBytes } = this.#load;
    return findingsOf(this.#tally, { longestTaskMs, heapGrowthBytes, peers: this.#peers.length, parts: components(this.#links), complete });
  }

  #tell(text: string, done: number | null): void {
    const count = connections(this.#links);
    this.#tally.links = Math.max(this.#tally.links, count);
    this.#context.tell({ text: `${text}: ${formatCount(count, "connection")}`, done, findings: this.#peers.length === 0 ? NO_FINDINGS : this.#findings() });
  }

  #isConnected(peer: Swarm, other: Swarm): boolean {
    return this.#links.get(peer.id)?.has(other.id) === true;
  }
}

function anyOf<T>(all: readonly T[]): T | null {
  return all[Math.floor(Math.random() * all.length)] ?? null;
}

