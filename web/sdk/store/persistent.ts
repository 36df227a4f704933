/**
 * Chunks on disk: in the chunk file or, without OPFS, in the database, which has the records either way.
 *
 * Each place has an index of its own, so that what one opening stored without OPFS is there when OPFS is back.
 */

import type { Bytes } from "../bytes.ts";
import { Batches } from "./batches.ts";
import type { ChunkFile } from "./chunk-file.ts";
import { viewOf, type ChunkStore, type StoreKind } from "./chunk-store.ts";
import type { BodyChange, Database, StoredRecord } from "./database.ts";
import { full, toStoreFailure } from "./failure.ts";

/**
 * The file is flushed when nobody used it for so long, since a flush takes 40 to 400 ms on a busy disk (measured
 * 2026-11-20), and all that time the worker does nothing else. The system writes by itself after half a minute. Guess.
 */
const FLUSH_IDLE_MS = 1_000;

/** Where a stored chunk is: in a slot of the chunk file, or, with slot null, in the database. */
interface ChunkEntry {
  readonly slot: number | null;
  readonly bytes: number;
}

export class PersistentStore implements ChunkStore {
  readonly kind: StoreKind;
  readonly droppedCount: number;
  readonly #database: Database;
  /** Null where OPFS can't be had; then the chunks in it can't be seen. */
  readonly #file: ChunkFile | null;
  readonly #bytesMax: number;
  readonly #entries: Map<string, ChunkEntry>;
  /** Puts into the database under way, by hash, so that the same chunk is not written twice. */
  readonly #puts = new Map<string, Promise<void>>();
  #usedBytes = 0;
  readonly #bodies: Batches<BodyChange>;
  #isFlushed = true;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;

  private constructor(database: Database, file: ChunkFile | null, bytesMax: number | null, index: Map<string, ChunkEntry>, droppedCount: number) {
    this.kind = file === null ? "indexeddb" : "opfs";
    this.#database = database;
    this.#bodies = new Batches((changes) => database.commitBodies(changes));
    this.#file = file;
    this.#bytesMax = bytesMax ?? Number.POSITIVE_INFINITY;
    this.#entries = index;
    this.droppedCount = droppedCount;
    for (const { bytes } of index.values()) {
      this.#usedBytes += bytes;
    }
  }

  /** Loads both indices. Takes over both arguments. */
  static async open(database: Database, file: ChunkFile | null, bytesMax: number | null): Promise<PersistentStore> {
    const index = new Map<string, ChunkEntry>();
    for (const [hash, bytes] of await database.loadBodyIndex()) {
      index.set(hash, { slot: null, bytes });
    }
    if (file === null) {
      return new PersistentStore(database, null, bytesMax, index, 0);
    }
    const { records, droppedCount } = file.load();
    const twice = records.filter(({ hash }) => index.has(hash));
    if (twice.length > 0) {
      await database.commitBodies(twice.map(({ hash }) => ({ kind: "delete", hash })));
    }
    for (const { hash, slot, bytes } of records) {
      index.set(hash, { slot, bytes });
    }
    return new PersistentStore(database, file, bytesMax, index, droppedCount);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  has(hash: string): boolean {
    return this.#entries.has(hash);
  }

  hashes(): readonly string[] {
    return [...this.#entries.keys()];
  }

  async put(hash: string, body: Bytes): Promise<boolean> {
    const under = this.#puts.get(hash);
    if (under !== undefined) {
      await under;
      return false;
    }
    if (this.#entries.has(hash)) {
      return false;
    }
    if (this.#usedBytes + body.length > this.#bytesMax) {
      throw full();
    }
    await (this.#file === null ? this.#putBody(hash, body) : this.#putSlot(this.#file, hash, body));
    return true;
  }

  async get(hash: string, buffer: ArrayBuffer | null): Promise<Bytes | null> {
    const entry = this.#entries.get(hash);
    if (entry === undefined) {
      return null;
    }
    this.#flushWhenIdle();
    const into = viewOf(buffer, entry.bytes);
    if (entry.slot !== null) {
      return this.#file?.read(entry.slot, into) === true ? into : null;
    }
    const body = await this.#database.body(hash);
    if (body === null || body.length !== into.length) {
      return null;
    }
    into.set(body);
    return into;
  }

  async delete(hashes: readonly string[]): Promise<void> {
    await Promise.allSettled(hashes.map((hash) => this.#puts.get(hash)));
    const results = await Promise.allSettled(hashes.map((hash) => this.#deleteOne(hash)));
    this.#file?.trim();
    this.#isFlushed = false;
    this.#flushWhenIdle();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      throw toStoreFailure(failed.reason);
    }
  }

  loadRecords(): Promise<StoredRecord[]> {
    return this.#database.loadRecords();
  }

  applyRecords(puts: readonly StoredRecord[], deletes: readonly string[]): Promise<void> {
    return this.#database.applyRecords(puts, deletes);
  }

  async close(): Promise<void> {
    await this.#bodies.end();
    clearTimeout(this.#flushTimer);
    this.#file?.close();
    this.#database.close();
  }

  /** Writes before it returns. */
  #putSlot(file: ChunkFile, hash: string, body: Bytes): void {
    // Files that were removed beneath us take bytes all the same: the database knows.
    this.#database.assertThere();
    this.#entries.set(hash, { slot: file.put(hash, body), bytes: body.length });
    this.#usedBytes += body.length;
    this.#isFlushed = false;
    this.#flushWhenIdle();
  }

  async #putBody(hash: string, body: Bytes): Promise<void> {
    this.#usedBytes += body.length;
    // IndexedDB clones the whole buffer behind a view: cut it first.
    const whole = body.length === body.buffer.byteLength ? body : body.slice();
    const put = this.#bodies.add({ kind: "put", hash, body: whole });
    this.#puts.set(hash, put);
    try {
      await put;
      this.#entries.set(hash, { slot: null, bytes: body.length });
    } catch (cause) {
      this.#usedBytes -= body.length;
      throw toStoreFailure(cause);
    } finally {
      this.#puts.delete(hash);
    }
  }

  async #deleteOne(hash: string): Promise<void> {
    const entry = this.#entries.get(hash);
    if (entry === undefined) {
      return;
    }
    this.#entries.delete(hash);
    try {
      if (entry.slot === null) {
        await this.#bodies.add({ kind: "delete", hash });
      } else {
        this.#file?.delete(entry.slot);
      }
      this.#usedBytes -= entry.bytes;
    } catch (cause) {
      this.#entries.set(hash, entry);
      throw cause;
    }
  }

  /** Whoever uses the file puts the flush off. */
  #flushWhenIdle(): void {
    if (this.#file === null || this.#isFlushed) {
      return;
    }
    clearTimeout(this.#flushTimer);
    this.#flushTimer = setTimeout(() => {
      try {
        this.#file?.flush();
        this.#isFlushed = true;
      } catch {
        // Nobody waits for it, and what is lost by it is found out by whoever reads.
      }
    }, FLUSH_IDLE_MS);
  }
}
