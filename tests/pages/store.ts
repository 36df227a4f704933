/** Gives tests the SDK's store by itself, as `window.bench`, with chunks that can be told apart and checked. */

import { fromHex, toHex } from "../../web/sdk/hex.ts";
import { StoreClient } from "../../web/sdk/store-client.ts";
import type { StoreConfig } from "../../web/sdk/store/protocol.ts";
import type { Bytes } from "../../web/sdk/bytes.ts";
import { storeWorker } from "../../web/sdk/worker-url.ts";

const CHUNK_BYTES = 262_144;
const IN_FLIGHT = 4;

export interface Outcome {
  readonly stored: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly megabytesPerSecond: number;
}

/** One store and what tests do with it. */
export class StoreBench {
  #store: StoreClient | null = null;
  #hashes: string[] = [];

  /** Opens a store; `breakage` stands for a platform that lacks something. */
  async open(config: StoreConfig, breakage: "none" | "no-worker" | "no-opfs" | "no-storage" = "none") {
    const store = await StoreClient.open(config, () => workerWith(breakage));
    this.#store = store;
    return store.opened;
  }

  /** Stores chunks made from `seed`; several at once. Remembers those that were stored. */
  async put(count: number, seed: number, chunkBytes = CHUNK_BYTES): Promise<Outcome> {
    const bodies = await Promise.all(Array.from({ length: count }, (_, i) => chunk(seed + i, chunkBytes)));
    return measure(bodies, chunkBytes, async ({ hash, body }) => {
      await this.store.put(hash, body);
      this.#hashes.push(toHex(hash));
    });
  }

  /** Reads chunks back; the store checks them against their hashes. */
  async get(hashes: readonly string[] = this.#hashes): Promise<Outcome> {
    return measure(hashes, CHUNK_BYTES, async (hash) => {
      this.store.recycle((await this.store.get(fromHex(hash))).buffer);
    });
  }

  /** Encrypts and stores, as adding a file does. */
  async seal(count: number): Promise<Outcome & { readonly hashes: readonly string[] }> {
    const key = new Uint8Array(32).fill(7);
    const add = this.store.beginAdd();
    const hashes: string[] = [];
    const outcome = await measure([...Array(count).keys()], CHUNK_BYTES - 16, async (index) => {
      const plain = new Uint8Array(this.store.pool.take(), 0, CHUNK_BYTES - 16);
      plain.fill(index);
      hashes[index] = toHex(await this.store.seal(add, key, index, plain));
    });
    await this.store.endAdd(add, true);
    return { ...outcome, hashes };
  }

  /** Reads, decrypts and checks what `seal` stored. */
  async unseal(hashes: readonly string[]): Promise<Outcome> {
    const key = new Uint8Array(32).fill(7);
    return measure([...hashes.entries()], CHUNK_BYTES - 16, async ([index, hash]) => {
      const plain = await this.store.openChunk(fromHex(hash), key, index);
      if (plain === null || plain.some((byte) => byte !== index % 256)) {
        throw new Error("not what was sealed");
      }
    });
  }

  /** The whole as one blob: its length, its last byte, and how long it took. */
  async export(hashes: readonly string[]) {
    const begun = performance.now();
    const { blob } = await this.store.export(concat(hashes), new Uint8Array(32).fill(7), true);
    const ms = performance.now() - begun;
    const last = new Uint8Array(await blob.slice(blob.size - 1).arrayBuffer());
    return { bytes: blob.size, last: last[0], ms };
  }

  async has(hashes: readonly string[]): Promise<number> {
    return (await this.store.has(concat(hashes))).reduce((sum, bit) => sum + bit, 0);
  }

  async delete(hashes: readonly string[]): Promise<void> {
    await this.store.delete(concat(hashes));
  }

  get hashes(): readonly string[] {
    return this.#hashes;
  }

  get store(): StoreClient {
    if (this.#store === null) {
      throw new Error("open the store first");
    }
    return this.#store;
  }

  /** Begins puts and waits for none of them. */
  putAndForget(count: number, seed: number): void {
    void this.put(count, seed).catch(() => undefined);
  }

  async files(): Promise<string[]> {
    const names: string[] = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) {
      names.push(name);
    }
    return names.sort();
  }

  async fileBytes(name: string): Promise<number> {
    return (await (await fileHandle(name)).getFile()).size;
  }

  async cutFile(name: string, bytes: number): Promise<void> {
    const writable = await (await fileHandle(name)).createWritable({ keepExistingData: true });
    await writable.truncate(bytes);
    await writable.close();
  }

  /** Changes one byte. */
  async spoilFile(name: string, at: number): Promise<void> {
    const handle = await fileHandle(name);
    const [byte = 0] = new Uint8Array(await (await handle.getFile()).slice(at, at + 1).arrayBuffer());
    const writable = await handle.createWritable({ keepExistingData: true });
    await writable.write({ type: "write", position: at, data: Uint8Array.of(byte ^ 1) });
    await writable.close();
  }
}

async function fileHandle(name: string): Promise<FileSystemFileHandle> {
  return (await navigator.storage.getDirectory()).getFileHandle(name);
}

async function chunk(seed: number, bytes: number): Promise<{ hash: Bytes; body: Bytes }> {
  const body = new Uint8Array(bytes);
  // Random beneath the stamp: compressible data does not count against the quota of IndexedDB as it should.
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(body.subarray(at, Math.min(at + 65_536, bytes)));
  }
  if (bytes >= 4) {
    new DataView(body.buffer).setUint32(0, seed);
  }
  return { hash: new Uint8Array(await crypto.subtle.digest("SHA-256", body)), body };
}

async function measure<T>(items: readonly T[], bytes: number, act: (item: T) => Promise<void>): Promise<Outcome> {
  const failures: Record<string, number> = {};
  let stored = 0;
  let next = 0;
  const begun = performance.now();
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++] as T;
      try {
        await act(item);
        stored += 1;
      } catch (error) {
        const code = String((error as { code?: unknown }).code ?? error);
        failures[code] = (failures[code] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const seconds = (performance.now() - begun) / 1_000;
  return { stored, failures, megabytesPerSecond: (stored * bytes) / 1e6 / seconds };
}

function concat(hashes: readonly string[]): Bytes {
  return fromHex(hashes.join(""));
}

/** The store's worker, on a platform that lacks something. */
function workerWith(breakage: "none" | "no-worker" | "no-opfs" | "no-storage"): Worker {
  if (breakage === "none") {
    return storeWorker();
  }
  if (breakage === "no-worker") {
    throw new DOMException("no workers here", "SecurityError");
  }
  const removed = breakage === "no-opfs" ? ["StorageManager.prototype.getDirectory"] : ["self.indexedDB"];
  const module = new URL("../../web/sdk/store-worker.ts", import.meta.url).href;
  // Messages that come before the module has loaded would be lost, since a blob's module starts at once: hold them.
  const script = `
    ${removed.map((name) => `Object.defineProperty(${name.slice(0, name.lastIndexOf("."))}, "${name.slice(name.lastIndexOf(".") + 1)}", { value: undefined });`).join("\n")}
    const early = []; onmessage = (event) => early.push(event);
    await import(${JSON.stringify(module)});
    early.forEach((event) => onmessage(event));`;
  return new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
}

declare global {
  interface Window {
    bench: StoreBench;
  }
}

window.bench = new StoreBench();
