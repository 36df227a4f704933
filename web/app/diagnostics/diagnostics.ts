/** All that the page of diagnostics shows, kept while the app is open, also when another page is looked at. */

import type { Swarm, SwarmStats } from "../../sdk/index.ts";
import type { Journal } from "../journal.ts";
import { Bench } from "./bench.ts";
import { ConnectionLog } from "./connection-log.ts";
import { environmentTest } from "./environment-test.ts";
import { Lab } from "./lab.ts";
import { connectionTest, discoveryTest } from "./pair-tests.ts";
import type { Report } from "./report.ts";
import { DEFAULTS } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { stressTest } from "./stress-test.ts";
import { transferTest } from "./transfer-test.ts";

/** What of the person's swarm is looked at. */
export type LookedAtSwarm = Pick<Swarm, "id" | "status" | "peers" | "stats" | "content" | "addEventListener">;

export class Diagnostics {
  readonly log = new ConnectionLog();
  readonly lab: Lab;
  readonly bench: Bench;
  settings: Settings = DEFAULTS;
  #swarm: LookedAtSwarm | null = null;
  #stats: SwarmStats | null = null;

  /** `rtc` is what the person's swarm connects with. */
  constructor(rtc: RTCConfiguration) {
    this.lab = new Lab(rtc, this.log);
    this.bench = new Bench(
      {
        environment: environmentTest(rtc, () => this.#swarm),
        discovery: discoveryTest(this.lab),
        connection: connectionTest(this.lab),
        transfer: transferTest(this.lab),
        stress: stressTest(this.lab),
      },
      () => this.lab.closeAll(),
    );
  }

  get swarm(): LookedAtSwarm | null {
    return this.#swarm;
  }

  /** Follows the person's swarm until `signal` fires; what `journal` heard of it before is recalled. Only the first call counts. */
  follow(swarm: LookedAtSwarm, journal: Pick<Journal, "entries">, signal: AbortSignal): void {
    if (this.#swarm !== null) return;
    this.#swarm = swarm;
    this.log.recall(swarm.id, journal.entries);
    this.log.follow(swarm, "yours", signal);
  }

  /** The counters of the person's swarm when they were read last; null before, and once it is closed. */
  get stats(): SwarmStats | null {
    return this.#stats;
  }

  async refresh(): Promise<void> {
    this.#stats = (await this.#swarm?.stats().catch(() => null)) ?? null;
  }

  /** Returns everything that is known now. */
  report(): Report {
    const { log, settings, bench, stats } = this;
    const swarm = this.#swarm;
    const tests = {
      environment: bench.state("environment"),
      discovery: bench.state("discovery"),
      connection: bench.state("connection"),
      transfer: bench.state("transfer"),
      stress: bench.state("stress"),
    };
    const own = swarm === null || stats === null ? null : { id: swarm.id, status: swarm.status, peers: swarm.peers(), stats };
    return { at: Date.now(), userAgent: navigator.userAgent, settings, tests, swarm: own, log: log.entries };
  }
}
