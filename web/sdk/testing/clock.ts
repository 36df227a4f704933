/** Timers in virtual time. */

/** Whose timers: those of a frozen page wait until it runs again. */
export interface Owner {
  readonly isFrozen: boolean;
}

interface Timer {
  readonly owner: Owner;
  readonly dueMs: number;
  readonly act: () => void;
}

/** The world counts microseconds: what lies between two comes with the later one. */
export function toTick(ms: number): number {
  return Math.ceil(ms * 1_000) / 1_000;
}

export class Clock {
  readonly #nowMs: () => number;
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** When the next timer is due; infinite if none is. */
  get nextMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { owner, dueMs } of this.#timers) {
      if (!owner.isFrozen && dueMs < next) {
        next = dueMs;
      }
    }
    return next;
  }

  /** Calls `act` when that time has passed; what it returns takes that back. */
  after(owner: Owner, ms: number, act: () => void): () => void {
    const timer = { owner, dueMs: toTick(this.#nowMs() + Math.max(0, ms)), act };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Fires what is due, in the order of the times, and of the settings where these are equal. */
  fire(): void {
    const nowMs = this.#nowMs();
    const due = [...this.#timers].filter(({ owner, dueMs }) => !owner.isFrozen && dueMs <= nowMs);
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs)) {
      // Unless one that fired before took it back.
      if (this.#timers.delete(timer)) {
        timer.act();
      }
    }
  }
}
