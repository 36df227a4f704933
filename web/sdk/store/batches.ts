/** Gathers what is to be committed into few transactions, since each costs as much as writing a chunk. */

/** Items in one batch: 16 are committed twice as fast as one each (measured 2026-11-20), and bound what a batch holds. */
export const BATCH_MAX = 16;

/** An item waits for others for as long as they come this close together: twice the gap between chunks at 35 MB/s. */
const GAP_MS = 15;

/** No item waits longer than this for others: 4 MB on the way at 40 MB/s. */
const WAIT_MS_MAX = 100;

interface Item<T> {
  readonly value: T;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** Commits one batch after the other: at once what comes after a silence, then as many together as come close together. */
export class Batches<T> {
  readonly #commit: (batch: readonly T[]) => Promise<void>;
  /** As many as callers have under way. */
  #items: Item<T>[] = [];
  #running: Promise<void> | null = null;
  /** When the last item came, and when the last batch began. */
  #cameAtMs = Number.NEGATIVE_INFINITY;
  #begunAtMs = Number.NEGATIVE_INFINITY;
  #isEnding = false;
  /** Ends the wait for more items. */
  #wake: () => void = () => undefined;

  constructor(commit: (batch: readonly T[]) => Promise<void>) {
    this.#commit = commit;
  }

  /** Resolves when the item is committed, rejects as its batch does. */
  add(value: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#items.push({ value, resolve, reject });
      this.#cameAtMs = performance.now();
      this.#running ??= this.#run();
      if (this.#items.length >= BATCH_MAX) {
        this.#wake();
      }
    });
  }

  /** Commits what waits, and waits for no more from now on. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    let waitedSinceMs = this.#cameAtMs;
    while (this.#items.length > 0) {
      await this.#gather(waitedSinceMs);
      const batch = this.#items.splice(0, BATCH_MAX);
      waitedSinceMs = this.#begunAtMs = performance.now();
      try {
        await this.#commit(batch.map(({ value }) => value));
        batch.forEach(({ resolve }) => resolve());
      } catch (cause) {
        batch.forEach(({ reject }) => reject(cause));
      }
    }
    this.#running = null;
  }

  async #gather(sinceMs: number): Promise<void> {
    if (this.#cameAtMs - this.#begunAtMs > WAIT_MS_MAX) {
      return;
    }
    while (this.#items.length < BATCH_MAX && !this.#isEnding) {
      const leftMs = Math.min(this.#cameAtMs + GAP_MS, sinceMs + WAIT_MS_MAX) - performance.now();
      if (leftMs <= 0) {
        return;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
