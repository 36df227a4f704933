/** Plain contents as files, so that a big `Blob` sits on disk and not in memory. */

import type { Bytes } from "../bytes.ts";
import { openSync, writeWhole } from "./sync-file.ts";
import { release } from "./pool.ts";

/** Bytes gathered in one part of a blob where there is no file; browsers spill blobs of this size to disk by themselves. */
const PART_BYTES = 8 * 1_048_576;

/** Gives the plain chunks of a content in order, each in a buffer of its own that nobody else uses. */
export type PlainChunks = AsyncIterable<Bytes>;

/** The exported files of one store. Their names begin with the store's, so that the next opening removes what is left. */
export class Exports {
  readonly #directory: FileSystemDirectoryHandle;
  readonly #prefix: string;

  constructor(directory: FileSystemDirectoryHandle, storeName: string) {
    this.#directory = directory;
    this.#prefix = `${storeName}.export-`;
  }

  /** Writes a file and gives it as a blob; removes the half of one that failed. */
  async write(id: number, chunks: PlainChunks): Promise<Blob> {
    const name = `${this.#prefix}${id}`;
    try {
      const handle = await openSync(this.#directory, name);
      try {
        handle.truncate(0);
        let at = 0;
        for await (const chunk of chunks) {
          writeWhole(handle, chunk, at);
          at += chunk.length;
          release(chunk.buffer);
        }
        handle.flush();
      } finally {
        handle.close();
      }
      return await (await this.#directory.getFileHandle(name)).getFile();
    } catch (cause) {
      await this.drop(id);
      throw cause;
    }
  }

  async drop(id: number): Promise<void> {
    await this.#remove(`${this.#prefix}${id}`);
  }

  /** Removes every exported file of this store. */
  async clear(): Promise<void> {
    const names: string[] = [];
    for await (const name of this.#directory.keys()) {
      if (name.startsWith(this.#prefix)) {
        names.push(name);
      }
    }
    await Promise.all(names.map((name) => this.#remove(name)));
  }

  async #remove(name: string): Promise<void> {
    try {
      await this.#directory.removeEntry(name);
    } catch {
      // Gone already, or still read by somebody: the next opening tries again.
    }
  }
}

/** The same without files. */
export async function toBlob(chunks: PlainChunks): Promise<Blob> {
  const parts: Blob[] = [];
  let gathered: Bytes[] = [];
  let gatheredBytes = 0;
  for await (const chunk of chunks) {
    gathered.push(chunk);
    gatheredBytes += chunk.length;
    if (gatheredBytes >= PART_BYTES) {
      parts.push(new Blob(gathered));
      gathered = [];
      gatheredBytes = 0;
    }
  }
  return new Blob([...parts, ...gathered]);
}
