/** How far back a rate looks. Long enough to be calm, short enough to show a stall. Guess. */
const RATE_WINDOW_MS = 3000;

/** Most samples kept; at one sample a frame the window holds 180, so older ones only go sooner. */
const SAMPLES_MAX = 240;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** A rate over the last seconds, from samples of a counter that only grows. */
export class RateMeter {
  #samples: Sample[] = [];

  /** Notes that the counter stood at `bytes` at `atMs`. A counter that fell was reset, and the rate starts anew. */
  sample(bytes: number, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && bytes < last.bytes) this.#samples = [];
    this.#samples.push({ atMs, bytes });
    // One sample at or before the window's edge stays: the rate is taken from there.
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? 0) <= atMs - RATE_WINDOW_MS) this.#samples.shift();
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Returns bytes per second as of `nowMs`; 0 with fewer than two samples. */
  perSecond(nowMs: number): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || first === last) return 0;
    // Measured to now, not to the last sample, so that a stall shows as a falling rate.
    const ms = Math.max(nowMs, last.atMs) - first.atMs;
    if (ms <= 0 || nowMs - last.atMs > RATE_WINDOW_MS) return 0;
    return ((last.bytes - first.bytes) * 1000) / ms;
  }
}
