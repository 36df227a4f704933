import { browser, type Ambient } from "./ambient.ts";

/** Does something at most once in an interval, at once when it is quiet, and always after the last touch. */
export class Coalescer {
  readonly #intervalMs: number;
  readonly #act: () => void;
  readonly #ambient: Ambient;
  #actedAtMs = Number.NEGATIVE_INFINITY;
  #stopTimer: (() => void) | null = null;
  #stopped = false;

  constructor(intervalMs: number, act: () => void, ambient = browser) {
    this.#intervalMs = intervalMs;
    this.#act = act;
    this.#ambient = ambient;
  }

  /** Something changed. Never acts within this call. */
  touch(): void {
    if (this.#stopTimer !== null || this.#stopped) {
      return;
    }
    const ambient = this.#ambient;
    const waitMs = Math.max(0, this.#actedAtMs + this.#intervalMs - ambient.nowMs());
    this.#stopTimer = ambient.after(waitMs, () => {
      this.#stopTimer = null;
      this.#actedAtMs = ambient.nowMs();
      this.#act();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
  }
}
