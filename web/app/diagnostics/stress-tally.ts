/** What a stress test counts, and what it comes to. Pure. */

import type { ConnectFailure, SwarmStats } from "../../sdk/index.ts";
import { formatBytes, formatCount, formatRtt } from "../../ui/format.ts";
import { stageWords } from "../../ui/words.ts";
import { spread } from "../spread.ts";
import { NO_FINDINGS } from "./findings.ts";
import type { Figure, Findings, Result } from "./findings.ts";

/** Counters that are summed over all peers, those that left too. */
const SUMMED = ["link.connections", "link.failures", "signal.sent", "signal.received", "routing.carried", "node.bugs"] as const;

/** Counts over a whole test. */
export class Tally {
  wholeMs: number | null = null;
  healedMs: number | null = null;
  /** The most connections there were at once. */
  links = 0;
  replaced = 0;
  added = 0;
  readonly fetchedMs: number[] = [];
  /** Fetches that failed though both peers stayed connected: there should be none. */
  lost = 0;
  /** How often the browser would not make one more connection. */
  refused = 0;
  /** Fetches that ended because one of the two left. */
  interrupted = 0;
  readonly #sums = new Map<string, number>();
  readonly #failures = new Map<ConnectFailure["stage"], number>();

  add(stats: SwarmStats): void {
    for (const name of SUMMED) this.#sums.set(name, this.sum(name) + (stats[name] ?? 0));
  }

  failed({ stage }: Pick<ConnectFailure, "stage">, byBrowser: boolean): void {
    if (byBrowser) this.refused += 1;
    else this.#failures.set(stage, (this.#failures.get(stage) ?? 0) + 1);
  }

  sum(name: (typeof SUMMED)[number]): number {
    return this.#sums.get(name) ?? 0;
  }

  get failures(): readonly (readonly [ConnectFailure["stage"], number])[] {
    return [...this.#failures].sort(([, a], [, b]) => b - a);
  }

  get failuresCount(): number {
    return this.failures.reduce((sum, [, count]) => sum + count, 0);
  }
}

/** What is true at the moment of telling. */
export interface Now {
  readonly peers: number;
  /** 1 if all hang together. */
  readonly parts: number;
  /** Whether the counters of all peers are in the tally, those that are still there too. */
  readonly complete: boolean;
  readonly longestTaskMs: number;
  readonly heapGrowthBytes: number | null;
}

export function findingsOf(tally: Tally, { peers, parts, complete, longestTaskMs, heapGrowthBytes }: Now): Findings {
  const count = (name: string, value: number): Figure => ({ name, text: String(value), value, unit: "count" });
  const ms = (name: string, value: number | null): Figure[] => (value === null ? [] : [{ name, text: formatRtt(value), value, unit: "ms" }]);
  const fetched = spread(tally.fetchedMs);
  const figures: Figure[] = [
    { name: "Peers", text: parts === 1 ? `${peers}, all in one swarm` : `${peers}, in ${formatCount(parts, "part")}`, value: peers, unit: "count" },
    ...ms("One swarm after", tally.wholeMs),
    ...ms("One swarm again after", tally.healedMs),
    count("Connections at once", tally.links),
    // Both ends count each of them.
    ...(!complete ? [] : [count("Connections made", Math.round(tally.sum("link.connections") / 2))]),
    count("Attempts that failed", tally.failuresCount),
    count("Peers replaced", tally.replaced),
    count("Contents added", tally.added),
    count("Contents fetched", tally.fetchedMs.length),
    ...(fetched === null ? [] : ms("Adding and fetching one", fetched.median)),
    ...(tally.interrupted === 0 ? [] : [count("Ended because a peer left", tally.interrupted)]),
    ...(tally.lost === 0 ? [] : [count("Fetches that failed", tally.lost)]),
    ...(!complete ? [] : [count("Envelopes sent", tally.sum("signal.sent")), count("Envelopes received", tally.sum("signal.received")), count("Envelopes carried for others", tally.sum("routing.carried"))]),
    { name: "Longest task of the page", text: longestTaskMs === 0 ? "under 50\u00a0ms" : formatRtt(longestTaskMs), value: longestTaskMs, unit: "ms" },
    ...(heapGrowthBytes === null ? [] : [{ name: "JavaScript memory grew by", text: formatBytes(heapGrowthBytes), value: heapGrowthBytes, unit: "bytes" } as const]),
  ];
  return { ...NO_FINDINGS, figures, remarks: remarksOf(tally) };
}

function remarksOf(tally: Tally): readonly string[] {
  const failures = tally.failures.map(([stage, times]) => {
    const attempts = formatCount(times, "attempt");
    // All else is a fault of somebody; this is what a bound means.
    if (stage === "admission") return `${attempts} found all connections of the other in use, as happens among more peers than each may have connections.`;
    return `${attempts} failed: ${lowered(stageWords(stage))}.`;
  });
  if (tally.refused === 0) return failures;
  const refused = `${formatCount(tally.refused, "time")} the browser would not make one more connection. Chrome allows a page some 500, and counts closed ones until it cleans them up.`;
  return [...failures, refused];
}

/** Returns how the test ended; `trouble` is the sentence if the peers did not become one swarm. */
export function resultOf(peers: number, tally: Tally, trouble: string | null, findings: Findings): Result {
  if (trouble !== null) return { passed: false, sentence: trouble, findings };
  if (tally.sum("node.bugs") > 0) return { passed: false, sentence: `${formatCount(tally.sum("node.bugs"), "broken invariant was", "broken invariants were")} survived. Please report this: it is a bug of Peerloom.`, findings };
  if (tally.lost > 0) return { passed: false, sentence: `${formatCount(tally.lost, "content")} did not arrive though both peers stayed connected.`, findings };
  const again = tally.replaced === 0 ? "" : ` ${formatCount(tally.replaced, "peer")} left and others came, and all hung together again.`;
  return { passed: true, sentence: `${formatCount(peers, "peer")} became one swarm in ${formatRtt(tally.wholeMs)}.${again}`, findings };
}

function lowered(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
