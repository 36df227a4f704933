/**
 * The key pair of a peer: P-256, made by WebCrypto, its private half not extractable.
 *
 * It is kept in a database of its own, so that a store that is broken or cleared does not take the identity with it.
 * Whoever holds the profile's lock is the only one to read or write its key.
 */

import type { Bytes } from "./bytes.ts";
import { toStoreFailure } from "./store/failure.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const KEYS = "keys";
const VERSION = 1;

/** The most keys of peers that are kept imported; the first ones go first. As many as the core knows peers. */
const IMPORTED_MAX = 256;

/** Signs as a peer; the key itself stays in the browser. */
export class PeerKey {
  /** The public key, 65 bytes: an uncompressed point. */
  readonly publicKey: Bytes;
  readonly #privateKey: CryptoKey;

  constructor(publicKey: Bytes, privateKey: CryptoKey) {
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  static async generate(): Promise<PeerKey> {
    return fromPair(await generatePair());
  }

  /** Loads the key of a profile, or makes and stores one. Rejects where keys can't be stored. */
  static async load(app: string, profile: string): Promise<PeerKey> {
    const db = await open(`peerloom-${encodeURIComponent(app)}-identity`);
    try {
      const stored = await ask<unknown>(db.transaction(KEYS).objectStore(KEYS).get(profile));
      if (isPair(stored)) {
        return await fromPair(stored);
      }
      const pair = await generatePair();
      await put(db, profile, pair);
      return await fromPair(pair);
    } finally {
      db.close();
    }
  }

  /** An ECDSA signature with SHA-256, 64 bytes: r, then s. */
  async sign(payload: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.sign(SIGNING, this.#privateKey, payload));
  }
}

/** Checks signatures, and keeps the keys that it imported: importing one takes as long as a check. */
export class Verifier {
  readonly #keys = new Map<string, Promise<CryptoKey>>();

  /** Whether `signature` was made over `payload` by that public key; rejects if it is no point on the curve. */
  async verify(publicKey: Bytes, payload: Bytes, signature: Bytes): Promise<boolean> {
    return crypto.subtle.verify(SIGNING, await this.#imported(publicKey), signature, payload);
  }

  #imported(publicKey: Bytes): Promise<CryptoKey> {
    const name = publicKey.join();
    const known = this.#keys.get(name);
    if (known !== undefined) {
      return known;
    }
    const key = crypto.subtle.importKey("raw", publicKey, ALGORITHM, false, ["verify"]);
    const [oldest] = this.#keys.keys();
    if (oldest !== undefined && this.#keys.size >= IMPORTED_MAX) {
      this.#keys.delete(oldest);
    }
    this.#keys.set(name, key);
    return key;
  }
}

function generatePair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
}

async function fromPair(pair: CryptoKeyPair): Promise<PeerKey> {
  return new PeerKey(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)), pair.privateKey);
}

function isPair(value: unknown): value is CryptoKeyPair {
  const { publicKey, privateKey } = (value ?? {}) as Partial<CryptoKeyPair>;
  return publicKey instanceof CryptoKey && privateKey instanceof CryptoKey;
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = () => void request.result.createObjectStore(KEYS);
  return ask(request);
}

function put(db: IDBDatabase, profile: string, pair: CryptoKeyPair): Promise<void> {
  // Strict, and written once in a profile's life: an identity that others have seen must not be lost to a power cut.
  const tx = db.transaction(KEYS, "readwrite", { durability: "strict" });
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(toStoreFailure(tx.error));
    tx.objectStore(KEYS).put({ publicKey: pair.publicKey, privateKey: pair.privateKey }, profile);
  });
}

function ask<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(toStoreFailure(request.error));
  });
}
