/** Rounds of two fresh peers that find each other and connect. */

import type { ConnectFailure, PeerInfo, Swarm } from "../../sdk/index.ts";
import { causeWords } from "../../ui/words.ts";
import { freshNamespace } from "./lab.ts";
import type { Lab } from "./lab.ts";
import { Timeline } from "./stage-times.ts";
import { TookTooLong, settle } from "./waiting.ts";

/** Announcements are repeated after 0.5, 1, 2 and 4 s: who is not heard by then is not heard at all. */
export const DISCOVER_MS_MAX = 10_000;

/** Longer than discovering and all stages of an attempt together, whose own deadlines say more. */
const CONNECT_MS_MAX = 60_000;

/** So many failures in a row, and the other rounds would fail alike. */
const FAILURES_MAX = 2;

export type Round =
  | { readonly ok: true; readonly ms: number; readonly seen: Timeline; readonly glare: boolean }
  | { readonly ok: false; readonly reason: string };

/** A pair of peers in a namespace of its own, opened and not started. */
export async function openPair(lab: Lab, signal: AbortSignal): Promise<readonly [Swarm, Swarm]> {
  const app = freshNamespace();
  return await Promise.all([lab.open({ app, signal }), lab.open({ app, signal })]);
}

/** Starts both at once and returns when each knows the other, or when both are connected. Never rejects but when stopped. */
export async function meet(pair: readonly [Swarm, Swarm], until: "discovered" | "connected", signal: AbortSignal): Promise<Round> {
  const [one, two] = pair;
  const begunMs = performance.now();
  const [a, b] = [new Timeline(begunMs), new Timeline(begunMs)];
  try {
    const met = settle<number>((done, fail, over) => {
      watch(one, two, a, over, fail);
      watch(two, one, b, over, fail);
      const look = (): void => {
        const isThere = ({ stage }: Timeline): boolean => (until === "connected" ? stage === "over" : stage !== "discovery");
        if (isThere(a) && isThere(b)) done(performance.now() - begunMs);
      };
      for (const swarm of pair) for (const type of ["peer:discover", "peer:update", "peer:connect"] as const) swarm.addEventListener(type, look, { signal: over });
    }, until === "connected" ? CONNECT_MS_MAX : DISCOVER_MS_MAX, signal);
    const [ms] = await Promise.all([met, one.start(), two.start()]);
    const stats = await Promise.all([one.stats(), two.stats()]);
    const glare = stats.some((counters) => (counters["link.glares"] ?? 0) > 0);
    return { ok: true, ms, seen: callerOf(a, b), glare };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, reason: reasonOf(error, a, b) };
  }
}

/** Runs rounds, and gives up when two in a row failed. */
export async function runRounds(lab: Lab, count: number, until: "discovered" | "connected", signal: AbortSignal, tell: (rounds: readonly Round[]) => void): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  while (rounds.length < count && !lastFailed(rounds)) {
    const pair = await openPair(lab, signal);
    rounds.push(await meet(pair, until, signal));
    await Promise.all(pair.map((swarm) => lab.close(swarm)));
    tell(rounds);
  }
  return rounds;
}

function lastFailed(rounds: readonly Round[]): boolean {
  return rounds.length >= FAILURES_MAX && rounds.slice(-FAILURES_MAX).every(({ ok }) => !ok);
}

class Failed extends Error {
  readonly failure: ConnectFailure;

  constructor(failure: ConnectFailure) {
    super(failure.reason);
    this.failure = failure;
  }
}

function watch(self: Swarm, other: Swarm, seen: Timeline, over: AbortSignal, fail: (error: unknown) => void): void {
  const options = { signal: over };
  const about = (act: (nowMs: number, peer: PeerInfo) => void) => ({ detail }: CustomEvent<PeerInfo>): void => {
    if (detail.id === other.id) act(performance.now(), detail);
  };
  self.addEventListener("peer:discover", about((nowMs) => seen.discovered(nowMs)), options);
  self.addEventListener("peer:update", about((nowMs, { stage }) => void (stage !== null && seen.reached(stage, nowMs))), options);
  self.addEventListener("peer:connect", about((nowMs) => seen.connected(nowMs)), options);
  self.addEventListener("connect:failed", ({ detail }) => fail(new Failed(detail)), options);
}

/** The one that called sees every stage from the beginning. */
function callerOf(a: Timeline, b: Timeline): Timeline {
  return (b.dialledMs ?? Number.POSITIVE_INFINITY) < (a.dialledMs ?? Number.POSITIVE_INFINITY) ? b : a;
}

function reasonOf(error: unknown, a: Timeline, b: Timeline): string {
  if (error instanceof Failed) return causeWords(error.failure);
  if (!(error instanceof TookTooLong)) return error instanceof Error ? error.message : String(error);
  const deaf = [a, b].filter(({ stage }) => stage === "discovery").length;
  if (deaf === 2) return "Neither peer heard of the other: what one tab says on a BroadcastChannel does not arrive. A private window, a browser setting or an extension may keep tabs apart.";
  if (deaf === 1) return "Only one of the two peers heard of the other: messages on a BroadcastChannel get lost.";
  return "The two know each other, but neither managed to connect, and no attempt said why. The page may have been asleep; try again with it in front.";
}
