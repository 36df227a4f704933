/** Encrypting, decrypting and hashing chunks with WebCrypto. The native twin is `crates/crypto`. */

import { toHex } from "../hex.ts";
import type { Bytes } from "../bytes.ts";

/** What AES-GCM adds to a chunk. */
export const TAG_BYTES = 16;
/** AES-256. */
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** Imported keys that are remembered; the oldest goes first. A few contents are read or written at once. */
const KEYS_MAX = 16;

/** Seals and opens chunks, remembering the keys it imported. */
export class Sealer {
  readonly #keys = new Map<string, Promise<CryptoKey>>();

  /** Encrypts chunk `index` of a content. The key is fresh for each content, so a counter is a safe nonce. */
  async seal(key: Bytes, index: number, plain: Bytes): Promise<Bytes> {
    const params = { name: "AES-GCM", iv: nonce(index) };
    return new Uint8Array(await crypto.subtle.encrypt(params, await this.#import(key), plain));
  }

  /** Decrypts and authenticates; null if the bytes are not chunk `index` under this key. */
  async open(key: Bytes, index: number, sealed: Bytes): Promise<Bytes | null> {
    const params = { name: "AES-GCM", iv: nonce(index) };
    try {
      return new Uint8Array(await crypto.subtle.decrypt(params, await this.#import(key), sealed));
    } catch {
      return null;
    }
  }

  #import(key: Bytes): Promise<CryptoKey> {
    const name = toHex(key);
    const known = this.#keys.get(name);
    if (known !== undefined) {
      return known;
    }
    const imported = crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
    this.#keys.set(name, imported);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= KEYS_MAX) {
        break;
      }
      this.#keys.delete(oldest);
    }
    return imported;
  }
}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** The chunk's index, 12 bytes big-endian. */
function nonce(index: number): Bytes {
  const bytes = new Uint8Array(NONCE_BYTES);
  new DataView(bytes.buffer).setUint32(NONCE_BYTES - 4, index);
  return bytes;
}
