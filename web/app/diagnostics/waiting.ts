/** Waiting that ends: by what is waited for, by time, or by being stopped. */

/** What a wait rejects with when its time is over. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong";

  constructor() {
    super("it took too long");
  }
}

/**
 * Resolves with what `begin` gives to its first argument, and rejects with what it gives to the second, with
 * {@link TookTooLong} after `ms` (null: never), or with the reason of `signal`. The signal that `begin` gets fires when it
 * is over.
 */
export function settle<T>(begin: (done: (value: T) => void, fail: (error: unknown) => void, over: AbortSignal) => void, ms: number | null, signal: AbortSignal): Promise<T> {
  const over = new AbortController();
  const settled = new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason as unknown), { signal: over.signal });
    if (ms !== null) {
      const timer = setTimeout(() => reject(new TookTooLong()), ms);
      over.signal.addEventListener("abort", () => clearTimeout(timer));
    }
    begin(resolve, reject, over.signal);
  });
  return settled.finally(() => over.abort());
}

/** Waits so long, or rejects with the reason of `signal`. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await settle<void>((done, _fail, over) => {
    const timer = setTimeout(done, ms);
    over.addEventListener("abort", () => clearTimeout(timer));
  }, null, signal);
}
