/** How busy the main thread was, and how much memory the page took, as far as the browser tells. */

/** How often the lag of a timer is looked at, where the browser does not tell of long tasks. */
const TICK_MS = 50;

/** Memory is read so often. */
const MEMORY_MS = 500;

/** Chromium's own, and in no standard. */
interface Memory {
  readonly usedJSHeapSize: number;
}

export class Load {
  #longestMs = 0;
  #peakBytes: number | null = null;
  readonly #begunBytes: number | null;

  /** Measures until `signal` fires. */
  constructor(signal: AbortSignal) {
    this.#begunBytes = heapBytes();
    this.#peakBytes = this.#begunBytes;
    const timer = setInterval(() => this.#lookAtMemory(), MEMORY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    if (PerformanceObserver.supportedEntryTypes.includes("longtask")) this.#observe(signal);
    else this.#tick(signal);
  }

  /** The longest task in milliseconds; 0 if none was over 50 ms, which is where browsers begin to count. */
  get longestTaskMs(): number {
    return this.#longestMs;
  }

  /** How much the JavaScript heap grew at most; null if the browser does not tell. */
  get heapGrowthBytes(): number | null {
    this.#lookAtMemory();
    return this.#peakBytes === null || this.#begunBytes === null ? null : Math.max(0, this.#peakBytes - this.#begunBytes);
  }

  #observe(signal: AbortSignal): void {
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#longestMs = Math.max(this.#longestMs, duration);
    });
    observer.observe({ type: "longtask" });
    signal.addEventListener("abort", () => observer.disconnect());
  }

  #tick(signal: AbortSignal): void {
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const lag = now - last - TICK_MS;
      // As browsers that do tell: nothing below 50 ms counts.
      if (lag > TICK_MS) this.#longestMs = Math.max(this.#longestMs, lag);
      last = now;
    }, TICK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  #lookAtMemory(): void {
    const bytes = heapBytes();
    if (bytes !== null) this.#peakBytes = Math.max(this.#peakBytes ?? 0, bytes);
  }
}

function heapBytes(): number | null {
  const { memory } = performance as { readonly memory?: Memory };
  return memory?.usedJSHeapSize ?? null;
}
