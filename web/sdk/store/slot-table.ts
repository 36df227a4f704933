/**
 * The index of the chunk file: a record for each slot, in a second file.
 *
 * Record n is about slot n: the chunk's hash (32 bytes), its length and a check word (4 bytes each, little-endian), zeros.
 * All zeros is a free slot. Records are written one at a time and never cross a page of the file, so a tab that dies
 * leaves the old one or the new one.
 */

import { fromHex, HASH_BYTES, toHex } from "../hex.ts";
import { openSync, writeWhole, type SyncHandle } from "./sync-file.ts";

/** Divides a page, so that no record crosses one. */
export const RECORD_BYTES = 64;
/** What the check word covers. */
const CHECKED_BYTES = HASH_BYTES + 4;

export interface SlotRecord {
  readonly slot: number;
  readonly hash: string;
  readonly bytes: number;
}

export class SlotTable {
  readonly #handle: SyncHandle;

  private constructor(handle: SyncHandle) {
    this.#handle = handle;
  }

  static async open(directory: FileSystemDirectoryHandle, name: string): Promise<SlotTable> {
    return new SlotTable(await openSync(directory, name));
  }

  /** All records that are sound in themselves, and the slots of those that are not. */
  load(): ReturnType<typeof decodeTable> {
    const table = new Uint8Array(this.#handle.getSize());
    return decodeTable(table.subarray(0, this.#handle.read(table, { at: 0 })));
  }

  /** Says what a slot holds. Throws `QUOTA` when there is no room. */
  set(slot: number, hash: string, bytes: number): void {
    writeWhole(this.#handle, encodeRecord(slot, hash, bytes), slot * RECORD_BYTES);
  }

  /** Says that a slot is free. */
  clear(slot: number): void {
    writeWhole(this.#handle, new Uint8Array(RECORD_BYTES), slot * RECORD_BYTES);
  }

  /** Cuts the table to so many slots. */
  truncate(slots: number): void {
    if (this.#handle.getSize() > slots * RECORD_BYTES) {
      this.#handle.truncate(slots * RECORD_BYTES);
    }
  }

  flush(): void {
    this.#handle.flush();
  }

  close(): void {
    this.#handle.close();
  }
}

export function encodeRecord(slot: number, hash: string, bytes: number): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(RECORD_BYTES);
  const view = new DataView(record.buffer);
  record.set(fromHex(hash));
  view.setUint32(HASH_BYTES, bytes, true);
  view.setUint32(CHECKED_BYTES, checkWord(slot, record), true);
  return record;
}

/** Reads a table; what is left of a record at its end is none. */
export function decodeTable(table: Uint8Array): { readonly records: SlotRecord[]; readonly broken: number[] } {
  const records: SlotRecord[] = [];
  const broken: number[] = [];
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  for (let slot = 0; (slot + 1) * RECORD_BYTES <= table.length; slot++) {
    const at = slot * RECORD_BYTES;
    const record = table.subarray(at, at + RECORD_BYTES);
    const bytes = view.getUint32(at + HASH_BYTES, true);
    if (view.getUint32(at + CHECKED_BYTES, true) === checkWord(slot, record) && bytes > 0) {
      records.push({ slot, hash: toHex(record.subarray(0, HASH_BYTES)), bytes });
    } else if (record.some((byte) => byte !== 0)) {
      broken.push(slot);
    }
  }
  return { records, broken };
}

/** FNV-1a over the slot and what its record says: tells a record from garbage, and from that of another slot. */
function checkWord(slot: number, record: Uint8Array): number {
  let word = 0x811c9dc5 ^ slot;
  for (let at = 0; at < CHECKED_BYTES; at++) {
    word = Math.imul(word ^ (record[at] ?? 0), 0x01000193);
  }
  return word >>> 0;
}
