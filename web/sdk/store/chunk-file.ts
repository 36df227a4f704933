/**
 * Chunks in one OPFS file of equal slots, and the table that says which slot holds which chunk.
 *
 * One file, because opening a file costs 2.3 ms and one handle writes 2.3 GB/s (measured 2026-11-20). A put writes the
 * slot, then its record: a tab that dies in between leaves a slot that is free. What was written survives the tab; the
 * machine's sudden death may take what was not flushed, and whoever reads finds out by the hash or the seal.
 */

import type { Bytes } from "../bytes.ts";
import { toStoreFailure } from "./failure.ts";
import { SlotTable, type SlotRecord } from "./slot-table.ts";
import { Slots } from "./slots.ts";
import { openSync, writeWhole, type SyncHandle } from "./sync-file.ts";

/** The longest stored chunk; see docs/protocol. A slot holds one. */
export const SLOT_BYTES = 262_144;

/**
 * Free slots that an open file keeps at its end: 64 MiB. To write over what the system has in memory costs a fraction of
 * what new pages do, and the next chunks often come soon after others were deleted.
 */
const SPARE_SLOTS = 256;

export class ChunkFile {
  readonly #bodies: SyncHandle;
  readonly #table: SlotTable;
  #slots = new Slots();

  private constructor(bodies: SyncHandle, table: SlotTable) {
    this.#bodies = bodies;
    this.#table = table;
  }

  /** Opens or makes both files of a store. */
  static async open(directory: FileSystemDirectoryHandle, storeName: string): Promise<ChunkFile> {
    const bodies = await openSync(directory, `${storeName}.chunks`);
    try {
      return new ChunkFile(bodies, await SlotTable.open(directory, `${storeName}.slots`));
    } catch (cause) {
      bodies.close();
      throw cause;
    }
  }

  /** Reads the table, once and first of all. Records that point nowhere are dropped, and their slots are free. */
  load(): { readonly records: readonly SlotRecord[]; readonly droppedCount: number } {
    const { records, broken } = this.#table.load();
    const { sound, dropped } = checkRecords(records, this.#bodies.getSize());
    this.#slots = new Slots(sound.map(({ slot }) => slot));
    for (const slot of [...broken, ...dropped]) {
      this.#table.clear(slot);
    }
    this.#trim(0);
    return { records: sound, droppedCount: broken.length + dropped.length };
  }

  /** Writes one chunk and gives its slot. Throws `QUOTA` when there is no room; then nothing is taken. */
  put(hash: string, body: Bytes): number {
    const slot = this.#slots.take();
    try {
      writeWhole(this.#bodies, body, slot * SLOT_BYTES);
      this.#table.set(slot, hash, body.length);
      return slot;
    } catch (cause) {
      this.#slots.release(slot);
      throw cause;
    }
  }

  /** Fills `into` from a slot; false if the file ends before. */
  read(slot: number, into: Bytes): boolean {
    try {
      return this.#bodies.read(into, { at: slot * SLOT_BYTES }) === into.length;
    } catch (cause) {
      throw toStoreFailure(cause);
    }
  }

  delete(slot: number): void {
    this.#table.clear(slot);
    this.#slots.release(slot);
  }

  /** Cuts free slots off the end, but for some to spare. */
  trim(): void {
    this.#trim(SPARE_SLOTS);
  }

  flush(): void {
    this.#bodies.flush();
    this.#table.flush();
  }

  close(): void {
    try {
      this.#trim(0);
    } finally {
      this.#bodies.close();
      this.#table.close();
    }
  }

  #trim(spare: number): void {
    const slots = this.#slots.trim();
    this.#table.truncate(slots);
    const bytesMax = (slots + spare) * SLOT_BYTES;
    if (this.#bodies.getSize() > bytesMax) {
      this.#bodies.truncate(bytesMax);
    }
  }
}

/** Sorts out records past the end of the file (it was cut or cleared), too long for a slot, or of a chunk that another slot holds. */
export function checkRecords(
  records: readonly SlotRecord[],
  fileBytes: number,
): { readonly sound: readonly SlotRecord[]; readonly dropped: readonly number[] } {
  const hashes = new Set<string>();
  const dropped: number[] = [];
  const sound = records.filter(({ slot, hash, bytes }) => {
    const isSound = bytes <= SLOT_BYTES && slot * SLOT_BYTES + bytes <= fileBytes && !hashes.has(hash);
    if (isSound) {
      hashes.add(hash);
    } else {
      dropped.push(slot);
    }
    return isSound;
  });
  return { sound, dropped };
}
