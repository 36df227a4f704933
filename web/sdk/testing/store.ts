/** The stores of simulated swarms: the SDK's own engine over memory, on the page, its work in order. */

import { toHex } from "../hex.ts";
import { StoreEngine } from "../store/engine.ts";
import { toStoreFailure } from "../store/failure.ts";
import { MemoryStore } from "../store/memory.ts";
import type { StoreRequest, StoreResponse } from "../store/protocol.ts";
import type { Transport } from "../store-client.ts";
import type { Work } from "./work.ts";

/** A store that outlives the swarm that closes it, as one on disk does. */
export class KeptStore extends MemoryStore {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

type OpenChunk = Extract<StoreRequest, { readonly op: "openChunk" }>;

/** Does what a store is asked for, as part of the network's work. */
export class SimStore implements Transport {
  readonly #engine: StoreEngine;
  readonly #work: Work;
  readonly #receive: (response: StoreResponse) => void;
  /**
   * Who waits for a chunk that is not here yet, by the names of the waits. They wait here and not in the engine: such a
   * request takes virtual time, which stands still while the engine is asked for anything.
   */
  readonly #waits = new Map<number, OpenChunk>();

  constructor(store: MemoryStore, work: Work, receive: (response: StoreResponse) => void) {
    this.#engine = new StoreEngine(() => Promise.resolve({ store, exports: null, fallbacks: [] }));
    this.#work = work;
    this.#receive = receive;
  }

  post(request: StoreRequest): void {
    void this.#work.do(async () => {
      try {
        await this.#handle(request);
      } catch (cause) {
        const { code, message } = toStoreFailure(cause);
        this.#receive({ id: request.id, ok: false, code, message });
      }
    });
  }

  end(): void {
    this.#waits.clear();
  }

  async #handle(request: StoreRequest): Promise<void> {
    if (request.op === "openChunk" && request.args.wait !== null) {
      return this.#openChunk(request, request.args.wait);
    }
    if (request.op === "endWait") {
      this.#endWait(request.args.wait);
    }
    this.#receive({ id: request.id, ok: true, result: await this.#engine.handle(request) });
    if (request.op === "put") {
      this.#retry(toHex(request.args.hash));
    }
  }

  async #openChunk(request: OpenChunk, wait: number): Promise<void> {
    const result = await this.#engine.handle({ ...request, args: { ...request.args, wait: null } });
    if (result === null) {
      this.#waits.set(wait, request);
    } else {
      this.#receive({ id: request.id, ok: true, result });
    }
  }

  #endWait(wait: number): void {
    const request = this.#waits.get(wait);
    this.#waits.delete(wait);
    if (request !== undefined) {
      this.#receive({ id: request.id, ok: true, result: null });
    }
  }

  #retry(hash: string): void {
    for (const [wait, request] of this.#waits) {
      if (toHex(request.args.hash) === hash) {
        this.#waits.delete(wait);
        this.post(request);
      }
    }
  }
}
