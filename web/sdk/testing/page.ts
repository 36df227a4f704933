/** A simulated page: what surrounds one swarm, and what happens to it. */

import type { Ambient } from "../ambient.ts";
import type { PageLife } from "../page-life.ts";
import { Swarm } from "../swarm.ts";
import type { Parts } from "../open.ts";
import type { PageState } from "../wasm.ts";
import type { Clock, Owner } from "./clock.ts";
import type { SimNode } from "./wasm.ts";
import type { Work } from "./work.ts";

/** The same class, made of other parts. */
class SimulatedSwarm extends Swarm {
  static of(parts: Parts): Swarm {
    return new this(parts);
  }
}

export class SimPage implements Owner {
  readonly tab: number;
  readonly ambient: Ambient;
  #life: PageLife | null = null;
  #node: SimNode | null = null;
  #isFrozen = false;

  constructor(tab: number, nowMs: () => number, clock: Clock, work: Work) {
    this.tab = tab;
    this.ambient = {
      nowMs,
      after: (ms, act) => clock.after(this, ms, act),
      random: (bytes) => {
        bytes.set(this.#node?.random(bytes.length) ?? []);
        return bytes;
      },
      read: (blob) => readInOrder(blob, work),
      watch: (life, until) => {
        this.#life = life;
        until.addEventListener("abort", () => void (this.#life = null));
      },
    };
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Opens the swarm; the node is made by `open`. */
  open(parts: Omit<Parts, "ambient" | "makeNode">, open: (host: Parameters<Parts["makeNode"]>[0]) => SimNode): Swarm {
    const makeNode: Parts["makeNode"] = (host) => {
      this.#node = open(host);
      return this.#node;
    };
    return SimulatedSwarm.of({ ...parts, ambient: this.ambient, makeNode });
  }

  /** Tells the swarm, as the browser would. */
  become(state: Exclude<PageState, "leaving">): void {
    if (state === "frozen" || state === "resumed") {
      this.#isFrozen = state === "frozen";
    }
    this.#life?.onState(state);
  }

  /** Stops it without a word, as a machine that is put to sleep does. */
  sleep(): void {
    this.#isFrozen = true;
    this.#node?.sleep();
  }

  /** From here on it says nothing more to anybody. */
  silence(): void {
    this.#node?.silence();
  }
}

/** The bytes of a blob at once, so that it is known when all are read. */
function readInOrder(blob: Blob, work: Work): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: async (controller) => {
      const bytes = await work.do(() => blob.arrayBuffer());
      controller.enqueue(new Uint8Array(bytes));
      controller.close();
    },
  });
}
