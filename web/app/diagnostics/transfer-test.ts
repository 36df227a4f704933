/** The test of a content: random bytes from one synthetic peer to another, verified, beside a bare data channel. */

import type { Download, Swarm } from "../../sdk/index.ts";
import { formatBytes, formatDuration } from "../../ui/format.ts";
import { errorWords } from "../../ui/words.ts";
import type { Test, TestContext } from "./bench.ts";
import { NO_FINDINGS } from "./findings.ts";
import { HiddenWatch } from "./hidden-watch.ts";
import type { Lab } from "./lab.ts";
import { rawBytesPerSecond } from "./raw-channel.ts";
import { meet, openPair } from "./rounds.ts";
import { ratesOf } from "./transfer-rates.ts";
import type { Sample } from "./transfer-rates.ts";
import { resultOf } from "./transfer-results.ts";
import type { Fetched } from "./transfer-results.ts";

/** As much as `getRandomValues` gives at once. */
const RANDOM_BYTES = 65_536;

/** How often what was found so far is told; the chart is drawn anew each time. */
const TELL_MS = 200;

/** How long nothing may arrive before the transfer counts as failed. The core asks another way after a few seconds. */
const SILENCE_MS_MAX = 30_000;

export function transferTest(lab: Lab): Test {
  return async (context) => {
    const { settings, signal, tell } = context;
    const bytes = settings.transferBytes;
    const hidden = new HiddenWatch(signal);
    const before = await raw(lab, bytes, context, "first");
    tell({ text: "Connecting two peers", done: null });
    const pair = await openPair(lab, signal);
    const met = await meet(pair, "connected", signal);
    if (!met.ok) return { passed: false, sentence: `Nothing was sent, because the two peers did not connect. ${met.reason}`, findings: NO_FINDINGS };
    const fetched = await transfer(pair, bytes, context);
    const after = await raw(lab, bytes, context, "once more");
    const best = typeof before === "number" && typeof after === "number" ? Math.max(before, after) : before;
    return resultOf(bytes, fetched, best, hidden.remarks());
  };
}

/** Returns the bare channel's rate, or why there is none. It is measured on both sides of the transfer: other programs come and go. */
async function raw(lab: Lab, bytes: number, { signal, tell }: TestContext, when: string): Promise<number | string> {
  tell({ text: `Measuring a bare data channel, ${when}`, done: null });
  try {
    return await rawBytesPerSecond(bytes, lab.rtc, signal);
  } catch (error) {
    signal.throwIfAborted();
    return errorWords(error);
  }
}

async function transfer([from, to]: readonly [Swarm, Swarm], bytes: number, { signal, tell }: TestContext): Promise<Fetched> {
  tell({ text: `Making ${formatBytes(bytes)} of noise`, done: null });
  const noise = noiseOf(bytes);
  const { link } = await from.content.add(noise, { name: "diagnostics.bin", signal });
  const begunMs = performance.now();
  const samples: Sample[] = [];
  let toldMs = begunMs;
  const silence = new Silence(SILENCE_MS_MAX, signal);
  const download = to.content.get(link, {
    signal: silence.signal,
    onProgress: ({ doneBytes }) => {
      const nowMs = performance.now();
      silence.broken();
      samples.push({ ms: nowMs - begunMs, bytes: doneBytes });
      if (nowMs - toldMs < TELL_MS) return;
      toldMs = nowMs;
      tell({ text: `${formatBytes(doneBytes)} of ${formatBytes(bytes)}`, done: doneBytes / bytes, findings: { ...NO_FINDINGS, rates: ratesOf(samples) } });
    },
  });
  try {
    await download.done;
  } catch (error) {
    if (silence.tooLong) throw new Error(`Nothing arrived for ${formatDuration(SILENCE_MS_MAX)}, so the transfer was given up.`, { cause: error });
    throw error;
  } finally {
    silence.end();
  }
  const totalMs = performance.now() - begunMs;
  samples.push({ ms: totalMs, bytes });
  const firstMs = samples.find(({ bytes: here }) => here > 0)?.ms ?? totalMs;
  tell({ text: "Comparing every byte", done: null, findings: { ...NO_FINDINGS, rates: ratesOf(samples) } });
  return { firstMs, totalMs, samples, same: await isSame(noise, download, signal) };
}

/** Gives a signal that fires when nothing was heard for a time, or with another signal. */
class Silence {
  readonly #ms: number;
  readonly #over = new AbortController();
  #timer: ReturnType<typeof setTimeout>;
  #tooLong = false;

  constructor(ms: number, signal: AbortSignal) {
    this.#ms = ms;
    this.#timer = this.#wait();
    signal.addEventListener("abort", () => this.#over.abort(), { signal: this.#over.signal });
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get tooLong(): boolean {
    return this.#tooLong;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#wait();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #wait(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#tooLong = true;
      this.#over.abort();
    }, this.#ms);
  }
}

function noiseOf(bytes: number): Uint8Array<ArrayBuffer> {
  const noise = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += RANDOM_BYTES) crypto.getRandomValues(noise.subarray(at, at + RANDOM_BYTES));
  return noise;
}

async function isSame(noise: Uint8Array, download: Download, signal: AbortSignal): Promise<boolean> {
  let at = 0;
  const reader = download.stream().getReader();
  for (;;) {
    signal.throwIfAborted();
    const { done, value } = await reader.read();
    if (done) return at === noise.byteLength;
    for (let index = 0; index < value.byteLength; index += 1) if (value[index] !== noise[at + index]) return false;
    at += value.byteLength;
  }
}
