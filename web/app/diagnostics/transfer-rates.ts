/** The rate of a transfer over time, from how many bytes were there when. Pure. */

import type { RateSeries } from "./findings.ts";

/** Most points of the chart; it is not wider in pixels. */
const POINTS_MAX = 240;

/** A point covers at least so much, or a rate would be one chunk's chance. */
const POINT_MS_MIN = 50;

export interface Sample {
  /** Milliseconds since the beginning. */
  readonly ms: number;
  /** Bytes that are here, verified. */
  readonly bytes: number;
}

/** Returns the rate between the samples, in pieces of equal length; the sum of what each covers is all bytes. */
export function ratesOf(samples: readonly Sample[]): RateSeries {
  const end = samples.at(-1);
  if (end === undefined || end.ms <= 0) return { at: [], bytesPerSecond: [] };
  const points = Math.max(1, Math.min(POINTS_MAX, Math.floor(end.ms / POINT_MS_MIN)));
  const stepMs = end.ms / points;
  const at = [0];
  const bytesPerSecond = [0];
  let before = 0;
  for (let point = 1; point <= points; point += 1) {
    const now = point === points ? end.bytes : bytesAt(samples, point * stepMs);
    at.push((point * stepMs) / 1000);
    bytesPerSecond.push(((now - before) / stepMs) * 1000);
    before = now;
  }
  return { at, bytesPerSecond };
}

/** What was here at a moment: on a straight line between the samples around it. */
function bytesAt(samples: readonly Sample[], ms: number): number {
  let before: Sample = { ms: 0, bytes: 0 };
  for (const sample of samples) {
    if (sample.ms >= ms) {
      const share = sample.ms === before.ms ? 1 : (ms - before.ms) / (sample.ms - before.ms);
      return before.bytes + share * (sample.bytes - before.bytes);
    }
    before = sample;
  }
  return before.bytes;
}
