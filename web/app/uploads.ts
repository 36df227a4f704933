import type { ContentId, PeerId, Upload } from "../sdk/index.ts";
import { RateMeter } from "../ui/rate.ts";

/**
 * An upload from which nothing was heard for so long has ended: the peer paused, left, or had the rest already, so the
 * last byte never goes out. Longer than a chunk takes on a slow line, 256 KiB at 100 kB/s.
 */
const SILENCE_MS_MAX = 3000;

/** Most uploads followed at once; the one that was silent longest goes first. */
const UPLOADS_MAX = 500;

/** What goes out of one content at present, to all peers together. */
export interface Sending {
  readonly peers: readonly PeerId[];
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly perSecond: number;
}

interface Running {
  readonly upload: Upload;
  readonly meter: RateMeter;
  readonly atMs: number;
}

/** Which peers fetch what from us, and how fast. */
export class Uploads {
  readonly #running = new Map<string, Running>();

  get any(): boolean {
    return this.#running.size > 0;
  }

  note(upload: Upload, nowMs: number): void {
    const key = `${upload.id} ${upload.peer}`;
    const meter = this.#running.get(key)?.meter ?? new RateMeter();
    meter.sample(upload.sentBytes, nowMs);
    // Taken out first, so that the map's order is that of the last sign of life.
    this.#running.delete(key);
    if (upload.sentBytes < upload.totalBytes) this.#running.set(key, { upload, meter, atMs: nowMs });
    const oldest = this.#running.keys().next();
    if (this.#running.size > UPLOADS_MAX && oldest.done !== true) this.#running.delete(oldest.value);
  }

  /** Ends what has been silent; returns the contents whose uploads changed by that. */
  sweep(nowMs: number): readonly ContentId[] {
    const ended: ContentId[] = [];
    for (const [key, { upload, atMs }] of this.#running) {
      if (nowMs - atMs <= SILENCE_MS_MAX) continue;
      this.#running.delete(key);
      ended.push(upload.id);
    }
    return ended;
  }

  /** The contents that go out now. */
  contents(): ReadonlySet<ContentId> {
    return new Set([...this.#running.values()].map(({ upload }) => upload.id));
  }

  of(id: ContentId, nowMs: number): Sending | null {
    const running = [...this.#running.values()].filter(({ upload }) => upload.id === id);
    if (running.length === 0) return null;
    const sum = (of: (one: Running) => number): number => running.reduce((total, one) => total + of(one), 0);
    return {
      peers: running.map(({ upload }) => upload.peer),
      doneBytes: sum(({ upload }) => upload.sentBytes),
      totalBytes: sum(({ upload }) => upload.totalBytes),
      perSecond: sum(({ meter }) => meter.perSecond(nowMs)),
    };
  }
}
