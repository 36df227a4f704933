/** Adding a content: from a stream of any length to sealed chunks in the store, a few at a time. */

import type { Ambient } from "./ambient.ts";
import type { Bytes } from "./bytes.ts";
import { SwarmError, toSwarmError } from "./errors.ts";
import { HASH_BYTES } from "./hex.ts";
import { piecesOf, rechunk } from "./rechunk.ts";
import { KEY_BYTES, TAG_BYTES } from "./store/seal.ts";
import type { StoreClient } from "./store-client.ts";
import type { AddOptions } from "./types.ts";
import { waitFor } from "./wait.ts";
import type { ContentDraft } from "./wasm.ts";

/** Chunks on their way to the worker: four keep it busy (measured 2026-11-20), and 1 MiB is all that is in memory. */
const SEALING_MAX = 4;

/** As in `crates/wire`: what a content is cut into, sealed. With its header, a chunk is one message of a data channel. */
const CHUNK_BYTES = 262_128;

/** As in `crates/wire`: a manifest holds no more. 32 GiB. */
const CHUNKS_MAX = 131_008;
const NAME_BYTES_MAX = 255;
const MIME_BYTES_MAX = 127;

const NAME_DEFAULT = "unnamed";
const MIME_DEFAULT = "application/octet-stream";

export type Source = Blob | Uint8Array | ReadableStream<Uint8Array>;

/** What an add needs. */
export interface AddContext {
  readonly store: StoreClient;
  readonly closed: AbortSignal;
  readonly ambient: Ambient;
  /** Hands a stored content to the core, which names it. */
  offer(draft: ContentDraft): Promise<string>;
  /** Takes back a content that was offered although the caller had given up. */
  withdraw(id: string): Promise<void>;
}

export interface Added {
  readonly id: string;
  readonly key: Bytes | null;
}

/** Stores and offers a content. On any failure nothing of it is kept, and the promise rejects once that is done. */
export async function addContent(context: AddContext, data: Source, options: AddOptions): Promise<Added> {
  const described = describe(data, options, context.ambient);
  const add = context.store.beginAdd();
  const gaveUp = new AbortController();
  const adding = storeAndOffer(context, add, described, options, gaveUp.signal);
  try {
    const added = await waitFor(adding, options, context.closed, context.ambient);
    await context.store.endAdd(add, true);
    return added;
  } catch (cause) {
    gaveUp.abort();
    const late = await adding.catch(() => null);
    if (late !== null) {
      await context.withdraw(late.id).catch(() => undefined);
    }
    // Fails only with the store itself; then the next start sweeps what is left.
    await context.store.endAdd(add, false).catch(() => undefined);
    throw toSwarmError(cause);
  }
}

interface Described {
  readonly stream: ReadableStream<Uint8Array>;
  /** Null if nobody knows. */
  readonly bytes: number | null;
  readonly name: string;
  readonly mime: string;
  readonly isEncrypted: boolean;
}

/** Checks what can be checked before anything is read. */
function describe(data: Source, options: AddOptions, ambient: Ambient): Described {
  const isEncrypted = options.encrypt ?? true;
  const bytes = data instanceof Blob ? data.size : data instanceof Uint8Array ? data.length : null;
  if (bytes !== null && bytes > CHUNKS_MAX * plainBytesOf(isEncrypted)) {
    throw tooLarge();
  }
  const ownName = data instanceof File ? data.name : "";
  const ownMime = data instanceof Blob ? data.type : "";
  // Control characters would be refused by every peer; file systems allow them in names.
  const name = (options.name ?? (ownName || NAME_DEFAULT)).replace(/\p{Cc}/gu, "_");
  const mime = options.mime ?? (ownMime || MIME_DEFAULT);
  checkText("name", name, NAME_BYTES_MAX);
  checkText("MIME type", mime, MIME_BYTES_MAX);
  return { stream: streamOf(data, ambient), bytes, name, mime, isEncrypted };
}

function checkText(what: string, text: unknown, bytesMax: number): void {
  if (typeof text !== "string" || /\p{Cc}/u.test(text)) {
    throw new SwarmError("BAD_INPUT", `the ${what} has to be a text without control characters`);
  }
  if (new TextEncoder().encode(text).length > bytesMax) {
    throw new SwarmError("TOO_LARGE", `the ${what} is over the limit of ${bytesMax} bytes`);
  }
}

function streamOf(data: Source, ambient: Ambient): ReadableStream<Uint8Array> {
  if (data instanceof Blob) {
    return ambient.read(data);
  }
  if (data instanceof Uint8Array) {
    return new ReadableStream({
      start: (controller) => {
        controller.enqueue(data);
        controller.close();
      },
    });
  }
  if (data instanceof ReadableStream && !data.locked) {
    return data;
  }
  throw new SwarmError("BAD_INPUT", "a content is a Blob, a Uint8Array or a ReadableStream that nobody reads yet");
}

async function storeAndOffer(
  context: AddContext,
  add: number,
  described: Described,
  options: AddOptions,
  gaveUp: AbortSignal,
): Promise<Added> {
  const key = described.isEncrypted ? context.ambient.random(new Uint8Array(KEY_BYTES)) : null;
  const { hashes, bytes } = await storeAll(context, add, described, key, options, gaveUp);
  if (described.bytes !== null && described.bytes !== bytes) {
    throw new SwarmError("BAD_INPUT", `the file changed while it was read: ${bytes} of ${described.bytes} bytes came`);
  }
  const chunks = new Uint8Array(hashes.length * HASH_BYTES);
  hashes.forEach((hash, index) => chunks.set(hash, index * HASH_BYTES));
  const { name, mime } = described;
  return { id: await context.offer({ name, mime, bytes, chunks, key }), key };
}

interface StoredChunks {
  readonly hashes: readonly Bytes[];
  readonly bytes: number;
}

async function storeAll(
  { store, ambient }: AddContext,
  add: number,
  described: Described,
  key: Bytes | null,
  options: AddOptions,
  gaveUp: AbortSignal,
): Promise<StoredChunks> {
  const hashes: Bytes[] = [];
  const sealing = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const report = progressOf(described.bytes, options, ambient);
  let bytes = 0;
  const chunks = rechunk(piecesOf(described.stream, gaveUp), plainBytesOf(described.isEncrypted), store.pool);
  try {
    for await (const plain of chunks) {
      if (gaveUp.aborted || failures.length > 0) {
        break;
      }
      const index = hashes.length;
      if (index >= CHUNKS_MAX) {
        throw tooLarge();
      }
      const length = plain.length;
      // Holds the place: chunks may be sealed out of order.
      hashes.push(plain);
      bytes += length;
      const sealed = store.seal(add, key, index, plain).then(
        (hash) => {
          hashes[index] = hash;
          report(length);
        },
        (cause: unknown) => void failures.push(cause),
      );
      sealing.add(sealed);
      void sealed.then(() => sealing.delete(sealed));
      if (sealing.size >= SEALING_MAX) {
        await Promise.race(sealing);
      }
    }
  } finally {
    // Also when reading failed: the add is ended only after, and then nothing of it arrives any more.
    await Promise.all(sealing);
  }
  if (gaveUp.aborted) {
    throw new SwarmError("ABORTED", "given up by the caller");
  }
  if (failures.length > 0) {
    throw toSwarmError(failures[0]);
  }
  return { hashes, bytes };
}

function progressOf(totalBytes: number | null, { onProgress }: AddOptions, { nowMs }: Ambient): (bytes: number) => void {
  const begunMs = nowMs();
  let doneBytes = 0;
  return (bytes) => {
    doneBytes += bytes;
    const seconds = Math.max(nowMs() - begunMs, 1) / 1_000;
    const bytesPerSecond = Math.round(doneBytes / seconds);
    onProgress?.({ doneBytes, totalBytes: totalBytes ?? 0, fromPeers: 0, fromDisk: 0, sources: 0, bytesPerSecond });
  };
}

/** Plain bytes in each chunk but the last: with its tag, an encrypted one is as long as others. */
function plainBytesOf(isEncrypted: boolean): number {
  return isEncrypted ? CHUNK_BYTES - TAG_BYTES : CHUNK_BYTES;
}

function tooLarge(): SwarmError {
  return new SwarmError("TOO_LARGE", `a content holds at most ${CHUNKS_MAX} chunks, which is 32 GiB`);
}
