/** How long each stage of connecting took, from the events of a swarm. Pure: times come from the caller. */

import type { ConnectFailure } from "../../sdk/index.ts";
import { spread } from "../spread.ts";
import type { StageRow } from "./findings.ts";

/** In their order. `discovery` ends when the other one is known, `dialling` when the first offer is made or taken. */
export const STAGES = ["discovery", "dialling", "signalling", "ice", "dtls", "channel", "authentication"] as const;
export type TimedStage = (typeof STAGES)[number];

const NAMES: Readonly<Record<TimedStage, string>> = {
  discovery: "Announce, until discovered",
  dialling: "Discovered, until one calls",
  signalling: "Offer and answer",
  ice: "Network path (ICE)",
  dtls: "Encryption (DTLS)",
  channel: "Data channels",
  authentication: "Greeting, authenticated",
};

/** One round as one of the two peers saw it. */
export class Timeline {
  readonly #begunMs: number;
  readonly #times = new Map<TimedStage, number>();
  #stage: TimedStage | "over" = "discovery";
  #sinceMs: number;
  #dialledMs: number | null = null;
  #overMs: number | null = null;

  /** It begins when the peer announces itself. */
  constructor(nowMs: number) {
    this.#begunMs = nowMs;
    this.#sinceMs = nowMs;
  }

  /** When its attempt began; null before. */
  get dialledMs(): number | null {
    return this.#dialledMs;
  }

  /** From the beginning until it was connected; null before. */
  get totalMs(): number | null {
    return this.#overMs === null ? null : this.#overMs - this.#begunMs;
  }

  get stage(): TimedStage | "over" {
    return this.#stage;
  }

  /** How long it was at each stage; once it is connected, all of them. */
  get times(): ReadonlyMap<TimedStage, number> {
    return this.#times;
  }

  discovered(nowMs: number): void {
    if (this.#stage === "discovery") this.#enter("dialling", nowMs);
  }

  /** Notes that the attempt is at a stage. One that begins anew, as after a glare, adds to the times it had. */
  reached(stage: ConnectFailure["stage"], nowMs: number): void {
    // An offer may come before the announcement of who made it. Who is turned down is back where it was.
    if (this.#stage === "over" || stage === "admission") return;
    this.#dialledMs ??= nowMs;
    if (stage !== this.#stage) this.#enter(stage, nowMs);
  }

  connected(nowMs: number): void {
    if (this.#stage === "over") return;
    this.#enter("over", nowMs);
    this.#overMs = nowMs;
    // Passed so fast that nobody was told: both ends of a channel open in the same moment.
    for (const stage of STAGES) if (!this.#times.has(stage)) this.#times.set(stage, 0);
  }

  #enter(stage: TimedStage | "over", nowMs: number): void {
    if (this.#stage !== "over") this.#times.set(this.#stage, (this.#times.get(this.#stage) ?? 0) + nowMs - this.#sinceMs);
    this.#stage = stage;
    this.#sinceMs = nowMs;
  }
}

/** Returns one row for each stage that was passed in any of the rounds. */
export function stageRows(rounds: readonly ReadonlyMap<TimedStage, number>[]): readonly StageRow[] {
  return STAGES.flatMap((stage) => {
    const times = rounds.map((round) => round.get(stage)).filter((ms): ms is number => ms !== undefined);
    const all = spread(times);
    return all === null ? [] : [{ stage, name: NAMES[stage], median: all.median, min: all.min, max: all.max }];
  });
}
