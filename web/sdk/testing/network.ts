/** Many swarms in one process, on a simulated network in virtual time. */

import { SwarmError } from "../errors.ts";
import { checkOptions, type CheckedOptions } from "../options.ts";
import { StoreClient } from "../store-client.ts";
import type { Parts } from "../open.ts";
import { Servers } from "../rendezvous.ts";
import type { MemoryStore } from "../store/memory.ts";
import type { Swarm } from "../swarm.ts";
import type { Log, SwarmOptions, Wait } from "../types.ts";
import { closedError, throwIfAborted } from "../wait.ts";
import { Clock, toTick } from "./clock.ts";
import { Condition } from "./condition.ts";
import {
  checkConditions,
  checkSeed,
  CONDITIONS_DEFAULT,
  toWorld,
  type CheckedConditions,
  type Conditions,
  type SimNetworkOptions,
} from "./conditions.ts";
import { loadTesting } from "./load.ts";
import { Mover, type Look } from "./mover.ts";
import { SimPage } from "./page.ts";
import { KeptStore, SimStore } from "./store.ts";
import { Turns } from "./turns.ts";
import type { SimWorld } from "./wasm.ts";
import { Work } from "./work.ts";

/** How long `until` and `run` wait by default: what is not there in five minutes does not come by itself. Guess. */
const WAIT_MS = 300_000;

/** What is loaded and made when it is first needed. */
interface Running {
  readonly world: SimWorld;
  readonly mover: Mover;
  readonly clock: Clock;
}

/** An identity and a store that outlive the swarm which has them. */
interface Tab {
  readonly index: number;
  store: MemoryStore | null;
  isHeld: boolean;
}

export class SimNetwork implements AsyncDisposable {
  readonly #seed: number;
  readonly #work = new Work();
  readonly #turns = new Turns();
  /** The open ones. */
  readonly #swarms = new Set<Swarm>();
  readonly #pages = new WeakMap<Swarm, SimPage>();
  /** Those that have a name, by app and profile. */
  readonly #profiles = new Map<string, Tab>();
  #tabsCount = 0;
  #conditions: CheckedConditions;
  #starting: Promise<Running> | null = null;
  #running: Running | null = null;
  #closed: Promise<void> | null = null;

  /** Makes a network without any swarm, at time zero. Throws `BAD_INPUT` for what makes no sense. */
  constructor(options: SimNetworkOptions = {}) {
    this.#seed = checkSeed(options.seed);
    this.#conditions = checkConditions(options, CONDITIONS_DEFAULT);
  }

  /** Virtual milliseconds since the network was made. */
  get nowMs(): number {
    return this.#running?.world.nowMs ?? 0;
  }

  /** The swarms that are open, in the order of their opening. */
  get swarms(): readonly Swarm[] {
    return [...this.#swarms];
  }

  /**
   * Opens a swarm, as `Swarm.open` does, and moves time until it is usable.
   *
   * Swarms hear of one another if they have a `signalling` channel in common, by default that of their `app`. With a `profile`
   * the same peer can be opened again, with what it had stored; without, each opening is a new peer. `rtc` means nothing here.
   */
  async open(options: SwarmOptions): Promise<Swarm> {
    const checked = checkOptions(options);
    if (checked.servers.length > 0) {
      throw new SwarmError("UNSUPPORTED", "a simulated network has no servers");
    }
    const { world } = await this.#run();
    throwIfAborted(options.signal);
    const tab = this.#claim(checked);
    let swarm: Swarm;
    try {
      swarm = await this.#openPage(world, tab, checked, options.log ?? silent);
    } catch (cause) {
      tab.isHeld = false;
      throw cause;
    }
    if (checked.autostart) {
      try {
        await this.run(swarm.start(), options);
      } catch (cause) {
        await swarm.close();
        throw cause;
      }
    }
    return swarm;
  }

  /** Moves time by so many milliseconds. */
  async advance(ms: number, wait: Pick<Wait, "signal"> = {}): Promise<void> {
    if (typeof ms !== "number" || !(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      throw new SwarmError("BAD_INPUT", "advance takes a number of milliseconds, 0 or more");
    }
    const { world, mover } = await this.#run();
    await mover.until(() => "not yet", toTick(world.nowMs + ms), wait.signal);
  }

  /**
   * Moves time until the condition holds, and no further. It is looked at whenever something happened to a swarm. Rejects with
   * `TIMEOUT` after `timeoutMs` of virtual time, by default five minutes.
   */
  async until(condition: () => boolean | PromiseLike<boolean>, wait: Wait = {}): Promise<void> {
    if (typeof condition !== "function") {
      throw new SwarmError("BAD_INPUT", "until takes a function that says whether it is so; run() takes a promise");
    }
    const asked = new Condition(condition);
    await this.#moveUntil(() => asked.look(), "the condition did not become true", wait);
    asked.throwIfFailed();
  }

  /**
   * Moves time until the promise is settled, and no further; gives what it gives. Rejects with `TIMEOUT` after `timeoutMs` of
   * virtual time, by default five minutes.
   */
  async run<T>(work: PromiseLike<T>, wait: Wait = {}): Promise<T> {
    let isSettled = false;
    const settle = (): void => void (isSettled = true);
    const result = Promise.resolve(work);
    result.then(settle, settle);
    await this.#moveUntil(() => (isSettled ? "met" : "not yet"), "the promise was not settled", wait);
    return result;
  }

  /**
   * Cuts the network: the swarms of a group reach one another and nobody else, those in no group are together. Replaces an
   * earlier partition. Offers don't get through either.
   */
  partition(...groups: readonly (readonly Swarm[])[]): void {
    const islands = groups.map((group) => this.#tabsOf(group));
    const seen = islands.flatMap((island) => [...island]);
    if (new Set(seen).size !== seen.length) {
      throw new SwarmError("BAD_INPUT", "a swarm can be in one group of a partition only");
    }
    this.#running?.world.partition(islands);
  }

  /** Ends the partition. */
  heal(): void {
    this.#running?.world.partition([]);
  }

  /** Changes what the network is like from now on: everywhere, or between two swarms. What is not named stays. */
  shape(conditions: Conditions, between?: readonly [Swarm, Swarm]): void {
    const checked = checkConditions(conditions, this.#conditions);
    const pair = between === undefined ? null : this.#tabsOf(between);
    if (pair === null) {
      this.#conditions = checked;
    } else if (pair.length !== 2 || pair[0] === pair[1]) {
      throw new SwarmError("BAD_INPUT", "shape takes two different swarms, or none");
    }
    this.#running?.world.shape(...toWorld(checked), pair);
  }

  /** Freezes a page, as browsers do with tabs in the background: it is told, tells its peers, and then nothing of it runs. */
  freeze(swarm: Swarm): void {
    this.#openPageOf(swarm).become("frozen");
  }

  /** Puts the machine of a page to sleep: nothing of it runs, and nobody is told. */
  sleep(swarm: Swarm): void {
    this.#openPageOf(swarm).sleep();
  }

  /** Lets a page run again that is frozen or asleep; then it hears what waited. */
  resume(swarm: Swarm): void {
    this.#openPageOf(swarm).become("resumed");
  }

  /** Hides a page: its timers fire at full seconds only. */
  hide(swarm: Swarm): void {
    this.#openPageOf(swarm).become("hidden");
  }

  /** Shows a hidden page. */
  show(swarm: Swarm): void {
    this.#openPageOf(swarm).become("visible");
  }

  /** Kills a page without a word to anybody. Its swarm is closed for whoever holds it; what it stored stays with its profile. */
  async kill(swarm: Swarm): Promise<void> {
    this.#pageOf(swarm).silence();
    await swarm.close();
  }

  /** Closes all swarms, rejects whatever waits with `CLOSED`, and lets go of everything. Can be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const running = this.#running ?? (await this.#starting?.catch(() => null)) ?? null;
    running?.mover.end(new SwarmError("CLOSED", "the network is closed"));
    await Promise.all(this.swarms.map((swarm) => swarm.close()));
    await this.#work.done();
    this.#turns.end();
    this.#running = null;
    running?.world.free();
  }

  /** Loads and makes the world, once. */
  async #run(): Promise<Running> {
    if (this.#closed !== null) {
      throw new SwarmError("CLOSED", "the network is closed");
    }
    this.#starting ??= this.#start();
    this.#starting.catch(() => void (this.#starting = null));
    const running = await this.#starting;
    if (this.#closed !== null) {
      throw new SwarmError("CLOSED", "the network is closed");
    }
    return running;
  }

  async #start(): Promise<Running> {
    const { SimWorld } = await loadTesting();
    const world = new SimWorld(this.#seed, ...toWorld(this.#conditions));
    const clock = new Clock(() => world.nowMs);
    this.#running = { world, clock, mover: new Mover(world, clock, this.#work, this.#turns) };
    return this.#running;
  }

  async #moveUntil(look: () => Look, what: string, { signal, timeoutMs = WAIT_MS }: Wait): Promise<void> {
    const { world, mover } = await this.#run();
    const isMet = await mover.until(look, toTick(world.nowMs + timeoutMs), signal);
    if (!isMet) {
      const open = this.swarms.map(({ status }) => `${status.state} with ${status.peersConnected} connected`);
      const swarms = open.length === 0 ? "no swarm is open" : `the swarms are ${open.join(", ")}`;
      throw new SwarmError("TIMEOUT", `${what} within ${timeoutMs} ms of virtual time; at ${world.nowMs} ms ${swarms}`);
    }
  }

  #claim({ app, profile, isIdentityKept }: CheckedOptions): Tab {
    if (profile === undefined || !isIdentityKept) {
      return this.#newTab();
    }
    const name = JSON.stringify([app, profile]);
    const known = this.#profiles.get(name);
    if (known?.isHeld === true) {
      throw new SwarmError("DENIED", `the profile "${profile}" is in use by another swarm`);
    }
    const tab = known ?? this.#newTab();
    tab.isHeld = true;
    this.#profiles.set(name, tab);
    return tab;
  }

  #newTab(): Tab {
    this.#tabsCount += 1;
    return { index: this.#tabsCount - 1, store: null, isHeld: false };
  }

  async #openPage(world: SimWorld, tab: Tab, options: CheckedOptions, log: Log): Promise<Swarm> {
    const { app, channels, maxConnections, seedPeers } = options;
    const { kind, bytesMax } = options.store;
    tab.store = (kind === "persistent" ? tab.store : null) ?? new KeptStore(bytesMax);
    const { store: chunks } = tab;
    const config = { name: `tab-${tab.index}`, kind: "memory", bytesMax } as const;
    const store = await StoreClient.over((receive) => new SimStore(chunks, this.#work, receive), config);
    const page = new SimPage(tab.index, () => world.nowMs, this.#clock(), this.#work);
    const nothing = (): void => undefined;
    const release = (): void => {
      tab.isHeld = false;
      this.#swarms.delete(swarm);
    };
    const profile = { name: config.name, markReleased: nothing, markHeld: nothing, release };
    const swarm: Swarm = page.open({ profile, store, bytesMax, key: UNUSED_KEY, servers: Servers.NONE, channels, log, seedPeers }, (host) => {
      const node = world.open(tab.index, app, channels, maxConnections, host);
      if (node === undefined) {
        throw new SwarmError("QUOTA", "there are too many peers on this network");
      }
      return node;
    });
    this.#pages.set(swarm, page);
    this.#swarms.add(swarm);
    return swarm;
  }

  #clock(): Clock {
    if (this.#running === null) {
      throw new SwarmError("CLOSED", "the network is closed");
    }
    return this.#running.clock;
  }

  /** Closed ones too: they may have been cut off before. */
  #tabsOf(swarms: readonly Swarm[]): Uint32Array {
    return Uint32Array.from(swarms, (swarm) => this.#pageOf(swarm).tab);
  }

  #openPageOf(swarm: Swarm): SimPage {
    const page = this.#pageOf(swarm);
    if (!this.#swarms.has(swarm)) {
      throw closedError();
    }
    return page;
  }

  #pageOf(swarm: Swarm): SimPage {
    const page = this.#pages.get(swarm);
    if (page === undefined) {
      throw new SwarmError("BAD_INPUT", "this swarm was not opened by this network");
    }
    return page;
  }
}

/** The world signs by itself. */
const UNUSED_KEY: Parts["key"] = {
  sign: () => Promise.reject(new SwarmError("UNSUPPORTED", "simulated peers have no keys")),
};

const silent: Log = () => undefined;
