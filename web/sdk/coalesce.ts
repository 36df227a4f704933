/** Does something at most once in an interval, at once when it is quiet, and always after the last touch. */
export class Coalescer {
  readonly #intervalMs: number;
  readonly #act: () => void;
  #actedAtMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(intervalMs: number, act: () => void) {
    this.#intervalMs = intervalMs;
    this.#act = act;
  }

  /** Something changed. Never acts within this call. */
  touch(): void {
    if (this.#timer !== null || this.#stopped) {
      return;
    }
    const waitMs = Math.max(0, this.#actedAtMs + this.#intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#actedAtMs = performance.now();
      this.#act();
    }, waitMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
  }
}
