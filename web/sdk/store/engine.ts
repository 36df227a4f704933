/**
 * The store's side of the protocol: runs in the worker, or on the page where no worker can be had.
 *
 * It adds to a `ChunkStore` what needs the bytes: sealing, opening, checking against the hash, exporting.
 */

import { HASH_BYTES, hashesToHex, toHex } from "../hex.ts";
import type { Bytes } from "../bytes.ts";
import { ChunkFile, SLOT_BYTES } from "./chunk-file.ts";
import type { ChunkStore } from "./chunk-store.ts";
import { Database } from "./database.ts";
import { Exports, toBlob } from "./exports.ts";
import { StoreFailure, toStoreFailure } from "./failure.ts";
import { MemoryStore } from "./memory.ts";
import { PersistentStore } from "./persistent.ts";
import type { ExportArgs, OpenArgs, StoreCalls, StoreConfig, StoreOp, StoreOpened, StoreRequest } from "./protocol.ts";
import { Sealer, sha256 } from "./seal.ts";

type Result<K extends StoreOp> = Promise<StoreCalls[K]["result"]>;

/** What a running add has stored: true for the hashes that were not there before. */
type Add = Map<string, boolean>;

/** Somebody waits for a chunk that is not here yet. */
interface Wait {
  readonly hash: string;
  /** Opens the chunk, which was put; resolves when its bytes are needed no more. Null: nobody waits any longer. */
  readonly end: (body: Bytes | null) => Promise<void>;
}

export class StoreEngine {
  readonly #sealer = new Sealer();
  readonly #adds = new Map<number, Add>();
  /** Hashes of stored chunks that were sealed or checked in this session: the disk does not rot that fast. */
  readonly #sound = new Set<string>();
  /** Chunks that are to be opened as soon as they are put, by the names of the waits. As many as streams that are read. */
  readonly #waits = new Map<number, Wait>();
  /** A buffer to read sealed chunks into, while nobody uses it. */
  #scratch: ArrayBuffer | null = null;
  readonly #openStore: (config: StoreConfig) => Promise<Opened>;
  #store: ChunkStore | null = null;
  #exports: Exports | null = null;

  /** `open` finds a place for chunks; by default what the browser has. */
  constructor(open = openStore) {
    this.#openStore = open;
  }

  async handle({ op, args }: StoreRequest): Promise<StoreCalls[StoreOp]["result"]> {
    switch (op) {
      case "open":
        return this.#open(args);
      case "put":
        return this.#put(args.hash, args.body);
      case "get":
        return this.#get(args.hash, args.buffer);
      case "has":
        return this.#has(args.hashes);
      case "delete":
        return this.#delete(hashesToHex(args.hashes));
      case "retain":
        return this.#retain(args.hashes);
      case "loadRecords":
        return this.#opened().loadRecords();
      case "applyRecords":
        return this.#applyRecords(args);
      case "seal":
        return this.#seal(args);
      case "endAdd":
        return this.#endAdd(args.add, args.keep);
      case "openChunk":
        return this.#openChunk(args);
      case "endWait":
        return this.#endWait(args.wait);
      case "export":
        return this.#export(args);
      case "dropExport":
        return this.#dropExport(args.export);
      case "usage":
        return { usedBytes: this.#opened().usedBytes };
      case "close":
        return this.#close();
    }
  }

  async #open(config: StoreConfig): Result<"open"> {
    const { store, exports, fallbacks } = await this.#openStore(config);
    this.#store = store;
    this.#exports = exports;
    return { kind: store.kind, fallbacks, droppedCount: store.droppedCount };
  }

  async #put(hash: Bytes, body: Bytes): Result<"put"> {
    const name = toHex(hash);
    await this.#opened().put(name, body);
    // Whoever waits for it need not read it from the disk.
    const waits = [...this.#waits.values()].filter((wait) => wait.hash === name);
    await Promise.all(waits.map((wait) => wait.end(body)));
    return body.buffer;
  }

  /** Checks what it reads for the first time: whoever serves a rotten chunk is struck for it. */
  async #get(hash: Bytes, buffer: ArrayBuffer | null): Result<"get"> {
    const body = await this.#checked(toHex(hash), buffer);
    if (body === null) {
      throw new StoreFailure("IO", "the chunk is not stored");
    }
    return body;
  }

  async #checked(name: string, buffer: ArrayBuffer | null): Promise<Bytes | null> {
    const body = await this.#opened().get(name, buffer);
    if (body !== null && !this.#sound.has(name)) {
      if (toHex(await sha256(body)) !== name) {
        throw await this.#damaged(name);
      }
      this.#sound.add(name);
    }
    return body;
  }

  async #has(hashes: Bytes): Result<"has"> {
    const store = this.#opened();
    return Uint8Array.from(hashesToHex(hashes), (hash) => (store.has(hash) ? 1 : 0));
  }

  async #delete(hashes: readonly string[]): Promise<null> {
    hashes.forEach((hash) => this.#sound.delete(hash));
    await this.#opened().delete(hashes);
    return null;
  }

  #retain(hashes: Bytes): Result<"retain"> {
    const kept = new Set(hashesToHex(hashes));
    for (const add of this.#adds.values()) {
      for (const hash of add.keys()) {
        kept.add(hash);
      }
    }
    return this.#delete(
      this.#opened()
        .hashes()
        .filter((hash) => !kept.has(hash)),
    );
  }

  async #applyRecords({ puts, deletes }: StoreCalls["applyRecords"]["args"]): Result<"applyRecords"> {
    await this.#opened().applyRecords(puts, deletes);
    return null;
  }

  async #seal({ add: id, key, index, plain }: StoreCalls["seal"]["args"]): Result<"seal"> {
    const add: Add = this.#adds.get(id) ?? new Map();
    this.#adds.set(id, add);
    const body = key === null ? plain : await this.#sealer.seal(key, index, plain);
    const hash = await sha256(body);
    const name = toHex(hash);
    // Noted before it is stored, so that a `retain` in between knows of it.
    add.set(name, add.get(name) ?? false);
    if (await this.#opened().put(name, body)) {
      add.set(name, true);
      this.#sound.add(name);
    }
    return { hash, buffer: plain.buffer };
  }

  async #endAdd(id: number, keep: boolean): Result<"endAdd"> {
    const add = this.#adds.get(id) ?? new Map<string, boolean>();
    this.#adds.delete(id);
    const others = [...this.#adds.values()];
    const gone = [...add].filter(([hash, isNew]) => !keep && isNew && !others.some((other) => other.has(hash)));
    return this.#delete(gone.map(([hash]) => hash));
  }

  async #openChunk({ hash, key, index, wait }: OpenArgs): Result<"openChunk"> {
    const name = toHex(hash);
    if (wait === null) {
      return this.#openStored(name, key, index);
    }
    // Before the first look, so that no put comes in between.
    const put = new Promise<Bytes | null>((resolve, reject) => {
      const end = async (body: Bytes | null): Promise<void> => {
        const opening = body === null ? null : this.#openBody(name, key, index, body);
        await Promise.resolve(opening).then(resolve, reject);
      };
      this.#waits.set(wait, { hash: name, end });
    });
    // Not awaited if the first look finds the chunk, or fails.
    put.catch(() => undefined);
    try {
      return (await this.#openStored(name, key, index)) ?? (await put);
    } finally {
      this.#waits.delete(wait);
    }
  }

  async #endWait(wait: number): Result<"endWait"> {
    void this.#waits.get(wait)?.end(null);
    return null;
  }

  async #openStored(name: string, key: Bytes | null, index: number): Promise<Bytes | null> {
    if (key === null) {
      return this.#checked(name, null);
    }
    const buffer = this.#scratch ?? new ArrayBuffer(SLOT_BYTES);
    this.#scratch = null;
    const sealed = await this.#opened().get(name, buffer);
    const plain = sealed === null ? null : await this.#openBody(name, key, index, sealed);
    this.#scratch = buffer;
    return plain;
  }

  /** The plain bytes of a chunk, in a buffer of their own. */
  async #openBody(name: string, key: Bytes | null, index: number, body: Bytes): Promise<Bytes> {
    if (key === null) {
      return body.slice();
    }
    const plain = await this.#sealer.open(key, index, body);
    if (plain !== null) {
      return plain;
    }
    // The key may be wrong, or the disk: only the hash tells which.
    throw toHex(await sha256(body)) === name
      ? new StoreFailure("WRONG_KEY", `chunk ${index} is not encrypted with this key`)
      : await this.#damaged(name);
  }

  async #export({ export: id, hashes, key, toFile }: ExportArgs): Result<"export"> {
    const chunks = this.#plainChunks(hashes, key);
    return toFile && this.#exports !== null ? this.#exports.write(id, chunks) : toBlob(chunks);
  }

  async *#plainChunks(hashes: Bytes, key: Bytes | null): AsyncGenerator<Bytes> {
    for (let index = 0; index * HASH_BYTES < hashes.length; index++) {
      const hash = hashes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES);
      const plain = await this.#openStored(toHex(hash), key, index);
      if (plain === null) {
        throw new StoreFailure("IO", `chunk ${index} is not stored`);
      }
      yield plain;
    }
  }

  async #dropExport(id: number): Result<"dropExport"> {
    await this.#exports?.drop(id);
    return null;
  }

  async #close(): Result<"close"> {
    const store = this.#store;
    this.#store = null;
    this.#waits.forEach(({ end }) => void end(null));
    await this.#exports?.clear();
    await store?.close();
    return null;
  }

  /** Forgets a chunk that is not what it should be, so that it can be fetched again. */
  async #damaged(hash: string): Promise<StoreFailure> {
    await this.#opened().delete([hash]);
    return new StoreFailure("DAMAGED", `the stored chunk ${hash} was damaged and is deleted: fetch it again`);
  }

  #opened(): ChunkStore {
    if (this.#store === null) {
      throw new StoreFailure("UNAVAILABLE", "the store is closed");
    }
    return this.#store;
  }
}

/** A place for chunks, and one for files if there is one. */
export interface Opened {
  readonly store: ChunkStore;
  readonly exports: Exports | null;
  readonly fallbacks: readonly string[];
}

/** Tries OPFS, then IndexedDB alone, then memory; each step down is told. Throws only for data of a newer version. */
async function openStore(config: StoreConfig): Promise<Opened> {
  const fallbacks: StoreOpened["fallbacks"] & string[] = [];
  const memory = (): Opened => ({ store: new MemoryStore(config.bytesMax), exports: null, fallbacks });
  if (config.kind === "memory") {
    return memory();
  }
  let database: Database;
  try {
    database = await Database.open(config.name);
  } catch (cause) {
    const failure = toStoreFailure(cause);
    if (failure.code === "UNSUPPORTED") {
      throw failure;
    }
    fallbacks.push(`IndexedDB: ${failure.message}`);
    return memory();
  }
  const files = await openFiles(config.name, fallbacks);
  try {
    const store = await PersistentStore.open(database, files?.file ?? null, config.bytesMax);
    return { store, exports: files?.exports ?? null, fallbacks };
  } catch (cause) {
    files?.file.close();
    database.close();
    fallbacks.push(`index: ${toStoreFailure(cause).message}`);
    return memory();
  }
}

async function openFiles(name: string, fallbacks: string[]): Promise<{ file: ChunkFile; exports: Exports } | null> {
  try {
    const directory = await navigator.storage.getDirectory();
    const file = await ChunkFile.open(directory, name);
    const exports = new Exports(directory, name);
    await exports.clear();
    return { file, exports };
  } catch (cause) {
    fallbacks.push(`OPFS: ${toStoreFailure(cause).message}`);
    return null;
  }
}
