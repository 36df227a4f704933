/** What surrounds a swarm: time, chance and the page. In `peerloom/testing` they are others. */

import type { Bytes } from "./bytes.ts";
import { watchPage, type PageLife } from "./page-life.ts";

export interface Ambient {
  /** Counts on, from some moment. */
  readonly nowMs: () => number;
  /** Calls `act` when that time has passed; what it returns takes that back. */
  readonly after: (ms: number, act: () => void) => () => void;
  /** Fills the array with chance, and gives it back. */
  readonly random: (bytes: Bytes) => Bytes;
  readonly read: (blob: Blob) => ReadableStream<Uint8Array>;
  /** Tells what happens to the page, until the signal fires. */
  readonly watch: (life: PageLife, until: AbortSignal) => void;
}

/** The browser's own. */
export const browser: Ambient = {
  nowMs: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  random: (bytes) => crypto.getRandomValues(bytes),
  read: (blob) => blob.stream(),
  watch: watchPage,
};
