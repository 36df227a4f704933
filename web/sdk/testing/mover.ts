/** Moves virtual time, as long as somebody wants it to, and lets the application act in between. */

import { SwarmError, toSwarmError } from "../errors.ts";
import { abortedError } from "../wait.ts";
import type { Clock } from "./clock.ts";
import type { Turns } from "./turns.ts";
import type { SimWorld } from "./wasm.ts";
import type { Work } from "./work.ts";

/**
 * Whether what somebody waits for has come. `asked`: that is being found out, and may need no time at all; it is looked at
 * once more before time moves.
 */
export type Look = "met" | "not yet" | "asked";

/** Time moves by so much at once at most, so that real time goes on too: a test's own deadline, an `AbortSignal`. */
const SLICE_MS = 1_000;

/** Something that somebody waits for. */
interface Goal {
  /** When the waiting ends. */
  readonly endMs: number;
  readonly look: () => Look;
  readonly onMet: () => void;
  readonly onEnd: () => void;
  readonly onFailure: (error: SwarmError) => void;
}

export class Mover {
  readonly #world: SimWorld;
  readonly #clock: Clock;
  readonly #work: Work;
  readonly #turns: Turns;
  readonly #goals = new Set<Goal>();
  #failure: SwarmError | null = null;
  #isMoving = false;

  constructor(world: SimWorld, clock: Clock, work: Work, turns: Turns) {
    this.#world = world;
    this.#clock = clock;
    this.#work = work;
    this.#turns = turns;
  }

  /** Moves time until `look` says `met` or `endMs` is reached; resolves with whether it was met. */
  until(look: () => Look, endMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        return reject(this.#failure);
      }
      if (signal?.aborted === true) {
        return reject(abortedError(signal));
      }
      const over = (act: () => void): void => {
        signal?.removeEventListener("abort", onAbort);
        this.#goals.delete(goal);
        act();
      };
      const goal: Goal = {
        endMs,
        look,
        onMet: () => over(() => resolve(true)),
        onEnd: () => over(() => resolve(false)),
        onFailure: (error) => over(() => reject(error)),
      };
      const onAbort = (): void => goal.onFailure(abortedError(signal ?? null));
      signal?.addEventListener("abort", onAbort);
      this.#goals.add(goal);
      if (!this.#isMoving) {
        void this.#move();
      }
    });
  }

  /** Fails whatever waits, and whatever will. */
  end(failure: SwarmError): void {
    this.#failure ??= failure;
    for (const goal of this.#goals) {
      goal.onFailure(this.#failure);
    }
  }

  async #move(): Promise<void> {
    this.#isMoving = true;
    try {
      while (this.#goals.size > 0) {
        await this.#untilQuiet();
        // Whoever was waiting acts before time moves on.
        if (this.#goals.size === 0 || this.#look()) {
          continue;
        }
        const sliceMs = this.#world.nowMs + SLICE_MS;
        const endMs = Math.min(sliceMs, this.#clock.nextMs, ...[...this.#goals].map((goal) => goal.endMs));
        if (this.#world.run(endMs)) {
          this.#clock.fire();
        }
      }
    } catch (cause) {
      this.end(new SwarmError("POISONED", `the simulated network broke: ${toSwarmError(cause).message}`, { cause }));
    }
    this.#isMoving = false;
  }

  /** Lets the application and its swarms do all that they can do without time. */
  async #untilQuiet(): Promise<void> {
    for (;;) {
      await this.#turns.next();
      if (this.#work.isDone) {
        return;
      }
      await this.#work.done();
    }
  }

  /** Ends the waiting of whom it is over for. Returns whether time has to wait for somebody. */
  #look(): boolean {
    let waits = false;
    for (const goal of this.#goals) {
      const look = goal.look();
      if (look === "met") {
        goal.onMet();
      } else if (look === "not yet" && this.#world.nowMs >= goal.endMs) {
        goal.onEnd();
      } else if (look === "not yet") {
        continue;
      }
      waits = true;
    }
    return waits;
  }
}
