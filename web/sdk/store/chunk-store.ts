/** What a place for chunks and records can do, whether on disk or in memory. Hashes are lower-case hex. */

import type { Bytes } from "../bytes.ts";
import type { StoredRecord } from "./database.ts";

export type StoreKind = "opfs" | "indexeddb" | "memory";

export interface ChunkStore {
  readonly kind: StoreKind;
  /** Bytes of the chunks stored, and of those being stored. */
  readonly usedBytes: number;
  /** Entries that pointed nowhere and were dropped at the opening: the core will fetch them again. */
  readonly droppedCount: number;

  has(hash: string): boolean;
  /**
   * Stores a chunk; it counts only once this resolves, with whether it was not there before. Rejects with `QUOTA`.
   *
   * `body` is read before this returns, or, by the kind `indexeddb`, before it resolves.
   */
  put(hash: string, body: Bytes): Promise<boolean>;
  /**
   * Reads a chunk, to the end of `buffer` if that is long enough; null if it is not stored. The bytes are not checked.
   */
  get(hash: string, buffer: ArrayBuffer | null): Promise<Bytes | null>;
  /** Deletes chunks; those not stored are no error. */
  delete(hashes: readonly string[]): Promise<void>;
  hashes(): readonly string[];

  loadRecords(): Promise<StoredRecord[]>;
  /** All or nothing. */
  applyRecords(puts: readonly StoredRecord[], deletes: readonly string[]): Promise<void>;
  /** Finishes what is under way and lets go of files and databases. */
  close(): Promise<void>;
}

/** A view of the last `bytes` bytes of `buffer`, so that there is room for a header in front, or of a new one if it is too short. */
export function viewOf(buffer: ArrayBuffer | null, bytes: number): Bytes {
  return buffer !== null && buffer.byteLength >= bytes ? new Uint8Array(buffer, buffer.byteLength - bytes) : new Uint8Array(bytes);
}
