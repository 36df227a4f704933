/**
 * The store's side of the protocol: runs in the worker, or on the page where no worker can be had.
 *
 * It adds to a `ChunkStore` what needs the bytes: sealing, opening, checking against the hash, exporting.
 */

import { HASH_BYTES, hashesToHex, toHex } from "../hex.ts";
import type { Bytes } from "../bytes.ts";
import { BATCH_MAX } from "./batches.ts";
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

/** Sealed chunks of one add that are written and wait for their index entry: what one transaction takes. */
const PUTS_MAX = BATCH_MAX;

/** What a running add has stored. */
interface Add {
  /** True for the hashes that were not there before. */
  readonly stored: Map<string, boolean>;
  /** Under way. None of them rejects. */
  readonly puts: Set<Promise<void>>;
  /** The first failure; the add is of no more use then. */
  failure: StoreFailure | null;
}

/** A chunk that is not here yet. */
interface Wait {
  readonly hash: string;
  /** Ends it: the chunk was put, or nobody wants it any more. */
  readonly end: (isPut: boolean) => void;
}

export class StoreEngine {
  readonly #sealer = new Sealer();
  readonly #adds = new Map<number, Add>();
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
      case "settleAdd":
        return this.#settleAdd(args.add);
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
    const put = this.#opened().put(name, body);
    if (this.#opened().kind === "indexeddb") {
      await put;
    }
    // Elsewhere it can be read already: whoever waits for it need not wait for its index entry.
    for (const wait of this.#waits.values()) {
      if (wait.hash === name) {
        wait.end(true);
      }
    }
    await put;
    return body.buffer;
  }

  /** Checks what it read: whoever serves a rotten chunk is struck for it. */
  async #get(hash: Bytes, buffer: ArrayBuffer | null): Result<"get"> {
    const body = await this.#checked(toHex(hash), buffer);
    if (body === null) {
      throw new StoreFailure("IO", "the chunk is not stored");
    }
    return body;
  }

  async #checked(name: string, buffer: ArrayBuffer | null): Promise<Bytes | null> {
    const body = await this.#opened().get(name, buffer);
    if (body !== null && toHex(await sha256(body)) !== name) {
      throw await this.#damaged(name);
    }
    return body;
  }

  async #has(hashes: Bytes): Result<"has"> {
    const store = this.#opened();
    return Uint8Array.from(hashesToHex(hashes), (hash) => (store.has(hash) ? 1 : 0));
  }

  async #delete(hashes: readonly string[]): Promise<null> {
    await this.#opened().delete(hashes);
    return null;
  }

  #retain(hashes: Bytes): Result<"retain"> {
    const kept = new Set(hashesToHex(hashes));
    for (const { stored } of this.#adds.values()) {
      for (const hash of stored.keys()) {
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

  /** Resolves once the chunk is written; its index entry follows, so that entries are committed many at a time. */
  async #seal({ add: id, key, index, plain }: StoreCalls["seal"]["args"]): Result<"seal"> {
    const add = this.#adds.get(id) ?? { stored: new Map(), puts: new Set(), failure: null };
    this.#adds.set(id, add);
    const body = key === null ? plain : await this.#sealer.seal(key, index, plain);
    const hash = await sha256(body);
    const put = this.#putFor(add, toHex(hash), body);
    add.puts.add(put);
    void put.then(() => add.puts.delete(put));
    if (this.#opened().kind === "indexeddb") {
      // There the body is read when its transaction begins: its buffer can't be given back before.
      await put;
    } else if (add.puts.size >= PUTS_MAX) {
      await Promise.race(add.puts);
    }
    if (add.failure !== null) {
      throw add.failure;
    }
    return { hash, buffer: plain.buffer };
  }

  async #putFor(add: Add, name: string, body: Bytes): Promise<void> {
    // Noted before it is stored, so that a `retain` in between knows of it.
    add.stored.set(name, add.stored.get(name) ?? false);
    try {
      if (await this.#opened().put(name, body)) {
        add.stored.set(name, true);
      }
    } catch (cause) {
      add.failure ??= toStoreFailure(cause);
    }
  }

  async #settleAdd(id: number): Result<"settleAdd"> {
    const add = this.#adds.get(id);
    await Promise.all(add?.puts ?? []);
    if (add !== undefined && add.failure !== null) {
      throw add.failure;
    }
    return null;
  }

  async #endAdd(id: number, keep: boolean): Result<"endAdd"> {
    const add = this.#adds.get(id);
    if (add === undefined) {
      return null;
    }
    await Promise.all(add.puts);
    this.#adds.delete(id);
    if (keep) {
      return null;
    }
    const others = [...this.#adds.values()];
    const gone = [...add.stored].filter(([hash, isNew]) => isNew && !others.some(({ stored }) => stored.has(hash)));
    return this.#delete(gone.map(([hash]) => hash));
  }

  async #openChunk({ hash, key, index, wait }: OpenArgs): Result<"openChunk"> {
    const name = toHex(hash);
    if (wait === null) {
      return this.#openStored(name, key, index);
    }
    // Before the first look, so that no put comes in between.
    const ended = new Promise<boolean>((end) => this.#waits.set(wait, { hash: name, end }));
    try {
      return (await this.#openStored(name, key, index)) ?? ((await ended) ? await this.#openStored(name, key, index) : null);
    } finally {
      this.#waits.delete(wait);
    }
  }

  async #endWait(wait: number): Result<"endWait"> {
    this.#waits.get(wait)?.end(false);
    return null;
  }

  async #openStored(name: string, key: Bytes | null, index: number): Promise<Bytes | null> {
    if (key === null) {
      return this.#checked(name, null);
    }
    const buffer = this.#scratch ?? new ArrayBuffer(SLOT_BYTES);
    this.#scratch = null;
    const sealed = await this.#opened().get(name, buffer);
    const plain = sealed === null ? null : await this.#sealer.open(key, index, sealed);
    if (sealed !== null && plain === null) {
      // The key may be wrong, or the disk: only the hash tells which.
      throw toHex(await sha256(sealed)) === name
        ? new StoreFailure("WRONG_KEY", `chunk ${index} is not encrypted with this key`)
        : await this.#damaged(name);
    }
    this.#scratch = buffer;
    return plain;
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
    this.#waits.forEach(({ end }) => end(false));
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
    const file = await ChunkFile.open(directory, `${name}.chunks`);
    const exports = new Exports(directory, name);
    await exports.clear();
    return { file, exports };
  } catch (cause) {
    fallbacks.push(`OPFS: ${toStoreFailure(cause).message}`);
    return null;
  }
}
