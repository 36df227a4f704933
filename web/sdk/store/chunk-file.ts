/**
 * One OPFS file of equal slots behind a sync access handle.
 *
 * One file, because opening a file costs 2.3 ms and one handle writes 2.3 GB/s (measured 2026-11-20). Such handles exist
 * in dedicated workers only.
 */

import type { Bytes } from "../bytes.ts";
import { full, toStoreFailure } from "./failure.ts";

/** The longest stored chunk; see docs/protocol. A slot holds one. */
export const SLOT_BYTES = 262_144;

/** How long to wait for the handle of a worker that is being torn down, and how often to look. */
const HANDLE_WAIT_MS_MAX = 3_000;
const HANDLE_RETRY_MS = 40;

/** `FileSystemSyncAccessHandle`, which TypeScript knows in workers only. */
export interface SyncHandle {
  read(buffer: BufferSource, options: { at: number }): number;
  write(buffer: BufferSource, options: { at: number }): number;
  truncate(bytes: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

type SyncFile = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncHandle> };

export class ChunkFile {
  readonly #handle: SyncHandle;

  private constructor(handle: SyncHandle) {
    this.#handle = handle;
  }

  /** Opens or makes the file. Throws where OPFS or sync handles do not exist, or another worker keeps it open. */
  static async open(directory: FileSystemDirectoryHandle, name: string): Promise<ChunkFile> {
    return new ChunkFile(await openSync(directory, name));
  }

  get lengthBytes(): number {
    return this.#handle.getSize();
  }

  /** Writes one chunk. Throws `QUOTA` when there is no room. */
  write(slot: number, body: Bytes): void {
    writeWhole(this.#handle, body, slot * SLOT_BYTES);
  }

  /** Fills `into` from a slot; false if the file ends before. */
  read(slot: number, into: Bytes): boolean {
    try {
      return this.#handle.read(into, { at: slot * SLOT_BYTES }) === into.length;
    } catch (cause) {
      throw toStoreFailure(cause);
    }
  }

  flush(): void {
    this.#handle.flush();
  }

  /** Cuts the file to so many slots. */
  truncate(slots: number): void {
    if (this.#handle.getSize() > slots * SLOT_BYTES) {
      this.#handle.truncate(slots * SLOT_BYTES);
    }
  }

  close(): void {
    this.#handle.close();
  }
}

/** Writes all of `body` or throws. */
export function writeWhole(handle: SyncHandle, body: Bytes, at: number): void {
  let written: number;
  try {
    written = handle.write(body, { at });
  } catch (cause) {
    throw toStoreFailure(cause);
  }
  // Off the record, Chromium 156 does not throw when storage is full: it returns −8 as a u32 (measured 2026-11-20).
  if (written !== body.length) {
    throw full();
  }
}

/** Opens a sync handle, waiting while the worker of a page that was just left still holds it. */
export async function openSync(directory: FileSystemDirectoryHandle, name: string): Promise<SyncHandle> {
  if (!("createSyncAccessHandle" in FileSystemFileHandle.prototype)) {
    throw new DOMException("sync access handles do not exist here", "NotSupportedError");
  }
  const file = (await directory.getFileHandle(name, { create: true })) as SyncFile;
  const deadline = performance.now() + HANDLE_WAIT_MS_MAX;
  for (;;) {
    try {
      return await file.createSyncAccessHandle();
    } catch (cause) {
      const held = cause instanceof DOMException && cause.name === "NoModificationAllowedError";
      if (!held || performance.now() > deadline) {
        throw cause;
      }
      await new Promise((resolve) => setTimeout(resolve, HANDLE_RETRY_MS));
    }
  }
}
