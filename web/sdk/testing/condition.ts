/** A condition that is looked at again and again. Its answer may take a promise. */

import type { Look } from "./mover.ts";

type State =
  | { readonly is: "idle" }
  | { readonly is: "asked"; answer: boolean | null }
  /** It threw, which is the caller's affair. */
  | { readonly is: "failed"; readonly cause: unknown };

export class Condition {
  readonly #holds: () => boolean | PromiseLike<boolean>;
  #state: State = { is: "idle" };

  constructor(holds: () => boolean | PromiseLike<boolean>) {
    this.#holds = holds;
  }

  look(): Look {
    if (this.#state.is === "asked") {
      return this.#lookAgain(this.#state.answer);
    }
    if (this.#state.is === "failed") {
      return "met";
    }
    try {
      const answer = this.#holds();
      return typeof answer === "object" ? this.#ask(answer) : answer ? "met" : "not yet";
    } catch (cause) {
      this.#state = { is: "failed", cause };
      return "met";
    }
  }

  /** Throws what the condition threw. */
  throwIfFailed(): void {
    if (this.#state.is === "failed") {
      throw this.#state.cause;
    }
  }

  #ask(answer: PromiseLike<boolean>): Look {
    const asked: State = { is: "asked", answer: null };
    this.#state = asked;
    answer.then(
      (holds) => void (asked.answer = holds),
      (cause: unknown) => void (this.#state = { is: "failed", cause }),
    );
    return "asked";
  }

  #lookAgain(answer: boolean | null): Look {
    if (answer !== null) {
      this.#state = { is: "idle" };
    }
    return answer === true ? "met" : "not yet";
  }
}
