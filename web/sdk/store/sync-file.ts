/** OPFS files behind sync access handles, which exist in dedicated workers only. */

import { full, toStoreFailure } from "./failure.ts";

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

/** Writes all of `body` or throws. */
export function writeWhole(handle: SyncHandle, body: Uint8Array<ArrayBuffer>, at: number): void {
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

/**
 * Opens or makes a file, waiting while the worker of a page that was just left still holds it. Throws where OPFS or sync
 * handles do not exist, or another worker keeps it open.
 */
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
