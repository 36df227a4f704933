/** The last resort: everything in memory, forgotten at the end. */

import type { Bytes } from "../bytes.ts";
import { viewOf, type ChunkStore } from "./chunk-store.ts";
import type { StoredRecord } from "./database.ts";
import { full } from "./failure.ts";

/** The limit where none is given. Guess: what a phone's tab survives. */
export const MEMORY_BYTES_MAX = 536_870_912;

export class MemoryStore implements ChunkStore {
  readonly kind = "memory";
  readonly droppedCount = 0;
  readonly #bytesMax: number;
  readonly #chunks = new Map<string, Bytes>();
  readonly #records = new Map<string, Uint8Array>();
  #usedBytes = 0;

  constructor(bytesMax: number | null) {
    this.#bytesMax = bytesMax ?? MEMORY_BYTES_MAX;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  has(hash: string): boolean {
    return this.#chunks.has(hash);
  }

  async put(hash: string, body: Bytes): Promise<boolean> {
    if (this.#chunks.has(hash)) {
      return false;
    }
    if (this.#usedBytes + body.length > this.#bytesMax) {
      throw full();
    }
    // A copy: the buffer goes back to whoever lent it.
    this.#chunks.set(hash, body.slice());
    this.#usedBytes += body.length;
    return true;
  }

  async get(hash: string, buffer: ArrayBuffer | null): Promise<Bytes | null> {
    const chunk = this.#chunks.get(hash);
    if (chunk === undefined) {
      return null;
    }
    const copy = viewOf(buffer, chunk.length);
    copy.set(chunk);
    return copy;
  }

  async delete(hashes: readonly string[]): Promise<void> {
    for (const hash of hashes) {
      this.#usedBytes -= this.#chunks.get(hash)?.length ?? 0;
      this.#chunks.delete(hash);
    }
  }

  hashes(): readonly string[] {
    return [...this.#chunks.keys()];
  }

  async loadRecords(): Promise<StoredRecord[]> {
    return [...this.#records].map(([key, value]) => ({ key, value: value.slice() }));
  }

  async applyRecords(puts: readonly StoredRecord[], deletes: readonly string[]): Promise<void> {
    for (const { key, value } of puts) {
      this.#records.set(key, value.slice());
    }
    for (const key of deletes) {
      this.#records.delete(key);
    }
  }

  async close(): Promise<void> {
    this.#chunks.clear();
    this.#records.clear();
    this.#usedBytes = 0;
  }
}
