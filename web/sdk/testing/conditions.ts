/** What the simulated network is like. */

import { SwarmError } from "../errors.ts";
import type { WorldConditions } from "./wasm.ts";

/** What the network between swarms is like. */
export interface Conditions {
  /**
   * How long anything takes from one swarm to another, one way, in whole milliseconds; of a range, each pair has its own.
   * Default 10 to 50.
   */
  readonly latencyMs?: number | readonly [min: number, max: number] | undefined;
  /**
   * The share of packets that get lost, from 0 to below 1. Offers that are lost are repeated by the swarm; what a connection
   * loses it sends again, so that frames come later and contents come slower. Default 0.
   */
  readonly loss?: number | undefined;
  /** What a connection carries at most. Default 5,000,000. */
  readonly bytesPerSecond?: number | undefined;
}

export interface SimNetworkOptions extends Conditions {
  /** Everything that is drawn follows from it: equal seeds give equal runs. A whole number; default 1. */
  readonly seed?: number | undefined;
}

/** Conditions with every default filled in. */
export interface CheckedConditions {
  readonly latencyMs: readonly [min: number, max: number];
  readonly loss: number;
  readonly bytesPerSecond: number;
}

export const CONDITIONS_DEFAULT: CheckedConditions = { latencyMs: [10, 50], loss: 0, bytesPerSecond: 5_000_000 };

const SEED_DEFAULT = 1;

/** Beyond it nobody would call two swarms connected. */
const LATENCY_MS_MAX = 60_000;

/** Faster than any connection; the world counts in microseconds. */
const BYTES_PER_SECOND_MAX = 10_000_000_000;

const MILLION = 1_000_000;

/** Throws `BAD_INPUT` with a sentence. */
export function checkSeed(seed: number = SEED_DEFAULT): number {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new SwarmError("BAD_INPUT", "seed has to be a whole number, 0 or more");
  }
  return seed;
}

/** Fills in what is absent from `base`. Throws `BAD_INPUT` with a sentence. */
export function checkConditions(conditions: Conditions, base: CheckedConditions): CheckedConditions {
  const { loss = base.loss, bytesPerSecond = base.bytesPerSecond } = conditions;
  if (typeof loss !== "number" || !(loss >= 0 && loss < 1)) {
    throw new SwarmError("BAD_INPUT", "loss has to be a share from 0 to below 1; partition() lets nothing through");
  }
  if (!Number.isSafeInteger(bytesPerSecond) || bytesPerSecond < 1 || bytesPerSecond > BYTES_PER_SECOND_MAX) {
    throw new SwarmError("BAD_INPUT", `bytesPerSecond has to be a whole number from 1 to ${BYTES_PER_SECOND_MAX}`);
  }
  return { latencyMs: checkLatency(conditions.latencyMs ?? base.latencyMs), loss, bytesPerSecond };
}

function checkLatency(latency: NonNullable<Conditions["latencyMs"]>): readonly [number, number] {
  const [min, max, ...rest] = typeof latency === "number" ? [latency, latency] : latency;
  const isLatency = (ms: unknown): ms is number => Number.isSafeInteger(ms) && Number(ms) >= 0 && Number(ms) <= LATENCY_MS_MAX;
  if (!isLatency(min) || !isLatency(max) || min > max || rest.length > 0) {
    throw new SwarmError("BAD_INPUT", `latencyMs has to be whole milliseconds up to ${LATENCY_MS_MAX}, or two such as [least, most]`);
  }
  return [min, max];
}

export function toWorld({ latencyMs: [min, max], loss, bytesPerSecond }: CheckedConditions): WorldConditions {
  return [min, max, Math.round(loss * MILLION), bytesPerSecond];
}
