/**
 * Chunks on disk: bodies in slots of one OPFS file, their index in IndexedDB.
 *
 * A put writes the slot, then commits the index entry: a tab that dies between leaves a slot that nothing points to and
 * that is free at the next opening. What was written survives the tab; the machine's sudden death may take what was not
 * flushed, and whoever reads finds out by the hash or the seal. A delete commits the index first and frees the slot
 * after. An entry that points past the end of the file (it was cut or cleared) is dropped at the opening. Without OPFS
 * the bodies are in IndexedDB too.
 */

import type { Bytes } from "../bytes.ts";
import { Batches } from "./batches.ts";
import { SLOT_BYTES, type ChunkFile } from "./chunk-file.ts";
import { viewOf, type ChunkStore, type StoreKind } from "./chunk-store.ts";
import type { ChunkChange, ChunkEntry, Database, StoredRecord } from "./database.ts";
import { full, toStoreFailure } from "./failure.ts";
import { Slots } from "./slots.ts";

/**
 * The file is flushed when it was left alone for so long, not before each commit: on a busy disk a flush takes 40 to
 * 400 ms (measured 2026-11-20), and all that time the worker does nothing else. Guess.
 */
const FLUSH_IDLE_MS = 1_000;

export class PersistentStore implements ChunkStore {
  readonly kind: StoreKind;
  readonly droppedCount: number;
  readonly #database: Database;
  /** Null where OPFS can't be had; then bodies are in the database, and entries with a slot can't be seen. */
  readonly #file: ChunkFile | null;
  readonly #bytesMax: number;
  readonly #slots: Slots;
  /** Committed entries only: what is not in here does not count as stored. */
  readonly #entries: Map<string, ChunkEntry>;
  /** Chunks in their slots that the index does not know yet: they can be read, and do not count as stored. */
  readonly #written = new Map<string, ChunkEntry>();
  /** Puts under way, by hash, so that the same chunk is not written twice. */
  readonly #puts = new Map<string, Promise<void>>();
  #usedBytes = 0;
  readonly #changes: Batches<ChunkChange>;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;

  private constructor(database: Database, file: ChunkFile | null, bytesMax: number | null, index: SoundIndex) {
    this.kind = file === null ? "indexeddb" : "opfs";
    this.#database = database;
    this.#changes = new Batches((changes) => this.#commit(changes));
    this.#file = file;
    this.#bytesMax = bytesMax ?? Number.POSITIVE_INFINITY;
    this.#entries = index.entries;
    this.#slots = new Slots(index.slots);
    this.droppedCount = index.dropped.length;
    for (const { bytes } of index.entries.values()) {
      this.#usedBytes += bytes;
    }
  }

  /** Loads the index and drops what it can't stand for. Takes over both arguments. */
  static async open(database: Database, file: ChunkFile | null, bytesMax: number | null): Promise<PersistentStore> {
    const index = checkIndex(await database.loadIndex(), file === null ? null : file.lengthBytes);
    if (index.dropped.length > 0) {
      await database.commit(index.dropped.map((hash) => ({ kind: "delete", hash })));
    }
    const store = new PersistentStore(database, file, bytesMax, index);
    // What a tab that died wrote and never committed is past the last entry, or in a free slot.
    file?.truncate(store.#slots.end);
    return store;
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
    this.#usedBytes += body.length;
    const put = this.#file === null ? this.#putBody(hash, body) : this.#putSlot(this.#file, hash, body);
    this.#puts.set(hash, put);
    try {
      await put;
      return true;
    } catch (cause) {
      this.#usedBytes -= body.length;
      throw toStoreFailure(cause);
    } finally {
      this.#puts.delete(hash);
    }
  }

  async get(hash: string, buffer: ArrayBuffer | null): Promise<Bytes | null> {
    const entry = this.#entries.get(hash) ?? this.#written.get(hash);
    if (entry === undefined) {
      return null;
    }
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
    const gone = hashes.flatMap((hash) => {
      const entry = this.#entries.get(hash);
      this.#entries.delete(hash);
      return entry === undefined ? [] : [{ hash, entry }];
    });
    const results = await Promise.allSettled(gone.map(({ hash }) => this.#changes.add({ kind: "delete", hash })));
    results.forEach((result, i) => {
      const deleted = gone[i];
      if (deleted === undefined) {
        return;
      }
      if (result.status === "rejected") {
        this.#entries.set(deleted.hash, deleted.entry);
        return;
      }
      this.#usedBytes -= deleted.entry.bytes;
      if (deleted.entry.slot !== null) {
        this.#slots.release(deleted.entry.slot);
      }
    });
    this.#file?.truncate(this.#slots.trim());
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
    await this.#changes.end();
    clearTimeout(this.#flushTimer);
    this.#file?.close();
    this.#database.close();
  }

  async #putSlot(file: ChunkFile, hash: string, body: Bytes): Promise<void> {
    const slot = this.#slots.take();
    try {
      file.write(slot, body);
      const entry = { slot, bytes: body.length };
      this.#written.set(hash, entry);
      await this.#changes.add({ kind: "put", hash, entry, body: null });
      this.#entries.set(hash, entry);
    } catch (cause) {
      this.#slots.release(slot);
      throw cause;
    } finally {
      this.#written.delete(hash);
    }
  }

  async #putBody(hash: string, body: Bytes): Promise<void> {
    const entry = { slot: null, bytes: body.length };
    // IndexedDB clones the whole buffer behind a view: cut it first.
    const whole = body.length === body.buffer.byteLength ? body : body.slice();
    await this.#changes.add({ kind: "put", hash, entry, body: whole });
    this.#entries.set(hash, entry);
  }

  async #commit(changes: readonly ChunkChange[]): Promise<void> {
    await this.#database.commit(changes);
    this.#flushLater();
  }

  #flushLater(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = setTimeout(() => {
      try {
        this.#file?.flush();
      } catch {
        // Nobody waits for it, and what is lost by it is found out by whoever reads.
      }
    }, FLUSH_IDLE_MS);
  }
}

interface SoundIndex {
  readonly entries: Map<string, ChunkEntry>;
  readonly slots: readonly number[];
  readonly dropped: readonly string[];
}

/** Sorts entries into sound and broken ones. Without a file (`fileBytes` null) those with a slot are left alone, unseen. */
export function checkIndex(index: readonly (readonly [string, ChunkEntry])[], fileBytes: number | null): SoundIndex {
  const entries = new Map<string, ChunkEntry>();
  const slots = new Set<number>();
  const dropped: string[] = [];
  for (const [hash, entry] of index) {
    if (!isSound(entry)) {
      dropped.push(hash);
    } else if (entry.slot === null) {
      entries.set(hash, entry);
    } else if (fileBytes === null) {
      continue;
    } else if (entry.slot * SLOT_BYTES + entry.bytes > fileBytes || slots.has(entry.slot)) {
      dropped.push(hash);
    } else {
      slots.add(entry.slot);
      entries.set(hash, entry);
    }
  }
  return { entries, slots: [...slots], dropped };
}

function isSound(entry: unknown): entry is ChunkEntry {
  if (typeof entry !== "object" || entry === null) {
    return false;
  }
  const { slot, bytes } = entry as Partial<ChunkEntry>;
  const slotSound = slot === null || (Number.isSafeInteger(slot) && (slot ?? -1) >= 0);
  return slotSound && Number.isSafeInteger(bytes) && (bytes ?? 0) > 0 && (bytes ?? 0) <= SLOT_BYTES;
}
