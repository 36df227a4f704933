/** What the page and the store worker say to each other: requests with ids, each answered once. */

import type { Bytes } from "../bytes.ts";
import type { StoreKind } from "./chunk-store.ts";
import type { StoredRecord } from "./database.ts";
import type { StoreFailure } from "./failure.ts";

export interface StoreConfig {
  /** Names the OPFS files and the database. */
  readonly name: string;
  readonly kind: "persistent" | "memory";
  readonly bytesMax: number | null;
}

export interface StoreOpened {
  readonly kind: StoreKind;
  /** Why it is not the kind asked for, in order of the attempts. */
  readonly fallbacks: readonly string[];
  /** Records of chunks that pointed nowhere. */
  readonly droppedCount: number;
}

/** Hashes cross as concatenated bytes, 32 each; buffers are transferred both ways. */
export interface StoreCalls {
  open: { args: StoreConfig; result: StoreOpened };
  /** Gives the buffer of `body` back. */
  put: { args: { readonly hash: Bytes; readonly body: Bytes }; result: ArrayBuffer };
  /** Reads a chunk and checks it against its hash; to the end of `buffer`, if it is long enough. */
  get: { args: { readonly hash: Bytes; readonly buffer: ArrayBuffer | null }; result: Bytes };
  has: { args: { readonly hashes: Bytes }; result: Bytes };
  delete: { args: { readonly hashes: Bytes }; result: null };
  /** Deletes all but these, and but what a running `add` has stored. */
  retain: { args: { readonly hashes: Bytes }; result: null };
  loadRecords: { args: null; result: StoredRecord[] };
  applyRecords: { args: { readonly puts: readonly StoredRecord[]; readonly deletes: readonly string[] }; result: null };
  /** Encrypts (if there is a key), hashes and stores one chunk for the add named `add`. Gives the plain buffer back. */
  seal: {
    args: { readonly add: number; readonly key: Bytes | null; readonly index: number; readonly plain: Bytes };
    result: { readonly hash: Bytes; readonly buffer: ArrayBuffer };
  };
  /** Ends an add: keeps what it stored, or deletes what was not there before. */
  endAdd: { args: { readonly add: number; readonly keep: boolean }; result: null };
  /** Reads and decrypts chunk `index`. If it is not stored: null, at once or, given a `wait`, when that is ended before a put. */
  openChunk: { args: OpenArgs; result: Bytes | null };
  /** Ends the wait of an `openChunk`; none of that name is no error. */
  endWait: { args: { readonly wait: number }; result: null };
  /** The plain content as one blob. */
  export: { args: ExportArgs; result: Blob };
  /** Deletes exported files that are needed no more. */
  dropExport: { args: { readonly export: number }; result: null };
  usage: { args: null; result: { readonly usedBytes: number } };
  close: { args: null; result: null };
}

export interface OpenArgs {
  readonly hash: Bytes;
  readonly key: Bytes | null;
  readonly index: number;
  /** Names the wait for a chunk that is not here yet; null for none. */
  readonly wait: number | null;
}

export interface ExportArgs {
  /** Names the exported file, for `dropExport`. */
  readonly export: number;
  readonly hashes: Bytes;
  readonly key: Bytes | null;
  /** Into a file, where there are files; else into memory. */
  readonly toFile: boolean;
}

export type StoreOp = keyof StoreCalls;

export type StoreRequest = {
  readonly [K in StoreOp]: { readonly id: number; readonly op: K; readonly args: StoreCalls[K]["args"] };
}[StoreOp];

export type StoreResponse =
  | { readonly id: number; readonly ok: true; readonly result: StoreCalls[StoreOp]["result"] }
  | { readonly id: number; readonly ok: false; readonly code: StoreFailure["code"]; readonly message: string };

/** The buffers of a request or a result that change hands. */
export function transfersOf(value: StoreCalls[StoreOp]["args"] | StoreCalls[StoreOp]["result"]): ArrayBuffer[] {
  if (value instanceof ArrayBuffer) {
    return [value];
  }
  if (value instanceof Uint8Array) {
    return [value.buffer];
  }
  if (typeof value !== "object" || value === null || value instanceof Blob || Array.isArray(value)) {
    return [];
  }
  const { body, plain, buffer } = value as { body?: Bytes; plain?: Bytes; buffer?: ArrayBuffer | null };
  return [body?.buffer, plain?.buffer, buffer].filter((item) => item instanceof ArrayBuffer);
}
