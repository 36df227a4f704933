/** What a test can find out: plain data, so that the page, the Markdown and the JSON report say the same. */

/** The tests, in the order in which "Run all" runs them. */
export const TEST_NAMES = ["environment", "discovery", "connection", "transfer", "stress"] as const;
export type TestName = (typeof TEST_NAMES)[number];

/** One measured figure: as people read it, and as a number of its unit. */
export interface Figure {
  readonly name: string;
  readonly text: string;
  readonly value: number | null;
  readonly unit: "ms" | "bytes" | "bytes/s" | "count" | "ratio";
}

/** One thing that was looked at. A `remark` is worth knowing and stops nothing. */
export interface Check {
  readonly name: string;
  readonly verdict: "good" | "remark" | "bad";
  readonly text: string;
}

/** How long one stage of connecting took, over all rounds that reached its end; in milliseconds. */
export interface StageRow {
  readonly stage: string;
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Bytes per second over time, in seconds from the beginning. */
export interface RateSeries {
  readonly at: readonly number[];
  readonly bytesPerSecond: readonly number[];
}

export interface Findings {
  readonly figures: readonly Figure[];
  readonly checks: readonly Check[];
  readonly stages: readonly StageRow[];
  readonly rates: RateSeries | null;
  /** Sentences about how far the figures can be believed. */
  readonly remarks: readonly string[];
}

export const NO_FINDINGS: Findings = { figures: [], checks: [], stages: [], rates: null, remarks: [] };

/** How a test ended by itself, with one sentence why. */
export interface Result {
  readonly passed: boolean;
  readonly sentence: string;
  readonly findings: Findings;
}
