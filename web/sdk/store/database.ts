/**
 * The IndexedDB side of a store: records, and the chunks where there is no chunk file.
 *
 * Transactions are `relaxed`: they survive the tab, and a power cut may lose the last moments but tears nothing.
 */

import { StoreFailure, toStoreFailure } from "./failure.ts";

/** Raised when the stores below change; data of a newer version is left alone and refused. */
const VERSION = 2;

const RECORDS = "records";
/** The lengths of the bodies by hash: the index, since loading the bodies to know them would take all their memory. */
const LENGTHS = "lengths";
const BODIES = "bodies";

export type BodyChange =
  | { readonly kind: "put"; readonly hash: string; readonly body: Uint8Array }
  | { readonly kind: "delete"; readonly hash: string };

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

export class Database {
  readonly #db: IDBDatabase;
  #gone = false;

  private constructor(db: IDBDatabase) {
    this.#db = db;
    // The person cleared the site's data, or another window deletes the database: let it go, and say so from now on.
    db.onclose = () => void (this.#gone = true);
    db.onversionchange = () => this.close();
  }

  /** Throws `UNSUPPORTED` for data of a newer version, else what the browser says: IndexedDB may not be available. */
  static async open(name: string): Promise<Database> {
    if (typeof indexedDB === "undefined") {
      throw new StoreFailure("UNAVAILABLE", "IndexedDB does not exist here");
    }
    try {
      return new Database(await openDatabase(name));
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "VersionError") {
        throw new StoreFailure(
          "UNSUPPORTED",
          "the stored data was written by a newer version: reload the page to get it; nothing was changed",
          cause,
        );
      }
      throw toStoreFailure(cause);
    }
  }

  async loadRecords(): Promise<StoredRecord[]> {
    const [keys, values] = await this.#all(RECORDS);
    return keys.flatMap((key, i) => {
      const value = values[i];
      return typeof key === "string" && value instanceof Uint8Array ? [{ key, value }] : [];
    });
  }

  /** All or nothing. */
  applyRecords(puts: readonly StoredRecord[], deletes: readonly string[]): Promise<void> {
    return this.#write([RECORDS], (tx) => {
      const records = tx.objectStore(RECORDS);
      for (const { key, value } of puts) {
        records.put(value, key);
      }
      for (const key of deletes) {
        records.delete(key);
      }
    });
  }

  /** The chunks that are kept here, by hash, with their lengths. */
  async loadBodyIndex(): Promise<[string, number][]> {
    const [keys, values] = await this.#all(LENGTHS);
    return keys.flatMap((key, i) => {
      const bytes = values[i];
      return typeof key === "string" && typeof bytes === "number" ? [[key, bytes]] : [];
    });
  }

  /** Applies changes in order, all or nothing. */
  commitBodies(changes: readonly BodyChange[]): Promise<void> {
    return this.#write([LENGTHS, BODIES], (tx) => {
      const lengths = tx.objectStore(LENGTHS);
      const bodies = tx.objectStore(BODIES);
      for (const change of changes) {
        if (change.kind === "delete") {
          lengths.delete(change.hash);
          bodies.delete(change.hash);
        } else {
          lengths.put(change.body.length, change.hash);
          bodies.put(change.body, change.hash);
        }
      }
    });
  }

  /** The body of a chunk that is kept here. */
  async body(hash: string): Promise<Uint8Array | null> {
    const tx = this.#begin([BODIES], "readonly");
    const value: unknown = await settled(tx.objectStore(BODIES).get(hash));
    return value instanceof Uint8Array ? value : null;
  }

  /** Throws `UNAVAILABLE` once the site's data was cleared, or the database closed. */
  assertThere(): void {
    if (this.#gone) {
      throw new StoreFailure("UNAVAILABLE", "storage is gone: the database was closed or deleted");
    }
  }

  close(): void {
    this.#gone = true;
    this.#db.close();
  }

  async #all(store: string): Promise<[IDBValidKey[], unknown[]]> {
    const objects = this.#begin([store], "readonly").objectStore(store);
    return Promise.all([settled(objects.getAllKeys()), settled<unknown[]>(objects.getAll())]);
  }

  #write(stores: string[], act: (tx: IDBTransaction) => void): Promise<void> {
    const tx = this.#begin(stores, "readwrite");
    return new Promise((resolve, reject) => {
      tx.oncomplete = () => resolve();
      // A full disk shows as an abort: `tx.error` has the reason.
      tx.onabort = () => reject(toStoreFailure(tx.error ?? new DOMException("transaction aborted", "UnknownError")));
      try {
        act(tx);
      } catch (cause) {
        tx.abort();
        reject(toStoreFailure(cause));
      }
    });
  }

  #begin(stores: string[], mode: IDBTransactionMode): IDBTransaction {
    this.assertThere();
    try {
      return this.#db.transaction(stores, mode, { durability: "relaxed" });
    } catch (cause) {
      throw toStoreFailure(cause);
    }
  }
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = () => {
    const { result } = request;
    // What version 1 kept of chunks is dropped, as after a cleared file; it was never released.
    for (const store of result.objectStoreNames) {
      if (store !== RECORDS) {
        result.deleteObjectStore(store);
      }
    }
    for (const store of [RECORDS, LENGTHS, BODIES]) {
      if (!result.objectStoreNames.contains(store)) {
        result.createObjectStore(store);
      }
    }
  };
  return settledRaw(request);
}

function settledRaw<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("request failed", "UnknownError"));
  });
}

async function settled<T>(request: IDBRequest<T>): Promise<T> {
  try {
    return await settledRaw(request);
  } catch (cause) {
    throw toStoreFailure(cause);
  }
}
