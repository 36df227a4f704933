/**
 * Messages of channels as bytes: a kind, the channel's name with its length before it, and the data.
 * See docs/protocol/broadcast.md.
 */

import type { Bytes } from "./bytes.ts";
import { SwarmError } from "./errors.ts";
import type { Payload } from "./types.ts";

/** The longest name of a channel, in bytes of UTF-8: one byte tells its length. */
export const CHANNEL_NAME_BYTES_MAX = 255;

const JSON_DATA = 0;
const BYTE_DATA = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export interface Packed {
  readonly channel: string;
  readonly data: unknown;
}

export function packName(channel: string): Bytes {
  const name = encoder.encode(channel);
  if (name.length === 0 || name.length > CHANNEL_NAME_BYTES_MAX) {
    throw new SwarmError("BAD_INPUT", `a channel's name has 1 to ${CHANNEL_NAME_BYTES_MAX} bytes`);
  }
  return Uint8Array.of(name.length, ...name);
}

/** `name` is what `packName` made. */
export function pack(name: Bytes, data: Payload): Bytes {
  const bytes = toBytes(data);
  const body = bytes ?? encoder.encode(toJson(data));
  const packed = new Uint8Array(1 + name.length + body.length);
  packed[0] = bytes === null ? JSON_DATA : BYTE_DATA;
  packed.set(name, 1);
  packed.set(body, 1 + name.length);
  return packed;
}

/** Null for what no honest peer of this version sends. */
export function unpack(packed: Uint8Array): Packed | null {
  const kind = packed[0];
  const bodyAt = 2 + (packed[1] ?? 0);
  if (bodyAt > packed.length) {
    return null;
  }
  try {
    const channel = decoder.decode(packed.subarray(2, bodyAt));
    const body = packed.slice(bodyAt);
    switch (kind) {
      case JSON_DATA:
        return { channel, data: JSON.parse(decoder.decode(body)) as unknown };
      case BYTE_DATA:
        return { channel, data: body };
      default:
        return null;
    }
  } catch {
    return null;
  }
}

function toBytes(data: unknown): Uint8Array | null {
  if (data instanceof Uint8Array) {
    return data;
  }
  return data instanceof ArrayBuffer ? new Uint8Array(data) : null;
}

function toJson(data: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw new SwarmError("BAD_INPUT", "this can't be written as JSON", { cause });
  }
  if (json === undefined || data instanceof Blob || ArrayBuffer.isView(data)) {
    throw new SwarmError("BAD_INPUT", "a message is JSON, an ArrayBuffer or a Uint8Array");
  }
  return json;
}
