/** Round trips and rates over the last minutes, one sample a second: what the charts draw. Pure but for the caller's clock. */

import type { PeerInfo } from "../../sdk/index.ts";
import { RateMeter } from "../../ui/rate.ts";
import { median } from "../spread.ts";

/** Five minutes: as far back as a person asks "what was that?". */
export const SAMPLES_MAX = 300;

/**
 * Most peers with a history; those not connected for longest go first. More than a page can have connections (500), or the
 * connected would push out each other. With 8 connections it is some 100 kB, at most 10 MB.
 */
const SERIES_MAX = 512;

export interface Rates {
  readonly inPerSecond: number;
  readonly outPerSecond: number;
}

/** Columns of equal length, oldest first; null where nothing was measured. */
export interface Series {
  /** Seconds since the Unix epoch. */
  readonly at: readonly number[];
  readonly rttMs: readonly (number | null)[];
  readonly inPerSecond: readonly (number | null)[];
  readonly outPerSecond: readonly (number | null)[];
}

const NOTHING: Series = { at: [], rttMs: [], inPerSecond: [], outPerSecond: [] };
const STILL: Rates = { inPerSecond: 0, outPerSecond: 0 };

interface Sample extends Rates {
  readonly at: number;
  readonly rttMs: number | null;
}

/** One peer, or all of them together. */
class Track {
  readonly #in = new RateMeter();
  readonly #out = new RateMeter();
  readonly #samples: Sample[] = [];
  /** The same as columns, until there is another sample: whoever draws tells by it that nothing is new. */
  #series: Series | null = null;

  /** `monoMs` is of a clock that nobody sets; `unixMs` is what the axis shows. */
  sample(bytesIn: number, bytesOut: number, rttMs: number | null, monoMs: number, unixMs: number): void {
    this.#in.sample(bytesIn, monoMs);
    this.#out.sample(bytesOut, monoMs);
    const rates = { inPerSecond: this.#in.perSecond(monoMs), outPerSecond: this.#out.perSecond(monoMs) };
    this.#samples.push({ at: unixMs / 1000, rttMs, ...rates });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
    this.#series = null;
  }

  get rates(): Rates {
    return this.#samples.at(-1) ?? STILL;
  }

  get series(): Series {
    const column = <T>(of: (sample: Sample) => T): T[] => this.#samples.map(of);
    this.#series ??= {
      at: column(({ at }) => at),
      rttMs: column(({ rttMs }) => rttMs),
      inPerSecond: column(({ inPerSecond }) => inPerSecond),
      outPerSecond: column(({ outPerSecond }) => outPerSecond),
    };
    return this.#series;
  }
}

export class History {
  readonly #all = new Track();
  /** In the order in which they were last connected. */
  readonly #tracks = new Map<string, Track>();
  /** Totals of peers that are forgotten do not come back, so the sum is of differences. */
  readonly #seen = new Map<string, { readonly bytesIn: number; readonly bytesOut: number }>();
  #bytesIn = 0;
  #bytesOut = 0;

  /** Notes how all peers stand; call it once a second. */
  sample(peers: readonly PeerInfo[], monoMs: number, unixMs: number): void {
    const connected = peers.filter(({ state }) => state === "connected");
    for (const peer of connected) this.#touch(peer.id);
    for (const peer of peers) this.#add(peer);
    this.#forget(peers);
    for (const { id, bytesIn, bytesOut, rttMs } of peers) this.#tracks.get(id)?.sample(bytesIn, bytesOut, rttMs, monoMs, unixMs);
    this.#all.sample(this.#bytesIn, this.#bytesOut, median(connected.map(({ rttMs }) => rttMs)), monoMs, unixMs);
  }

  /** Returns what was noted of one peer, or with null of all: sums of rates, the median of round trips. */
  series(peer: string | null): Series {
    return (peer === null ? this.#all : this.#tracks.get(peer))?.series ?? NOTHING;
  }

  rates(peer: string | null): Rates {
    return (peer === null ? this.#all : this.#tracks.get(peer))?.rates ?? STILL;
  }

  #touch(id: string): void {
    const track = this.#tracks.get(id) ?? new Track();
    this.#tracks.delete(id);
    this.#tracks.set(id, track);
    const oldest = this.#tracks.keys().next();
    if (this.#tracks.size > SERIES_MAX && oldest.done !== true) this.#tracks.delete(oldest.value);
  }

  #add({ id, bytesIn, bytesOut }: PeerInfo): void {
    const before = this.#seen.get(id) ?? { bytesIn: 0, bytesOut: 0 };
    this.#bytesIn += Math.max(0, bytesIn - before.bytesIn);
    this.#bytesOut += Math.max(0, bytesOut - before.bytesOut);
    this.#seen.set(id, { bytesIn, bytesOut });
  }

  #forget(peers: readonly PeerInfo[]): void {
    const known = new Set<string>(peers.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!known.has(id)) this.#seen.delete(id);
  }
}
