/** Ids and hashes as text. */

import type { Bytes } from "./bytes.ts";
import { SwarmError } from "./errors.ts";

/** SHA-256. */
export const HASH_BYTES = 32;

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += byte.toString(16).padStart(2, "0");
  }
  return text;
}

export function fromHex(text: string): Bytes {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/** Splits concatenated hashes, n × 32 bytes, into n texts. */
export function hashesToHex(hashes: Uint8Array): string[] {
  const texts: string[] = [];
  for (let at = 0; at + HASH_BYTES <= hashes.length; at += HASH_BYTES) {
    texts.push(toHex(hashes.subarray(at, at + HASH_BYTES)));
  }
  return texts;
}

/** Whether this is an id of 64 lower-case hex digits. */
export function isId(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

export function checkPeerId(peer: unknown): void {
  if (!isId(peer)) {
    throw new SwarmError("BAD_INPUT", "a peer id has 64 lower-case hex digits");
  }
}
