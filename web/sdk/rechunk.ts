/** Cuts a stream of pieces of any length into chunks of one length. */

import type { Bytes } from "./bytes.ts";
import { SwarmError, toSwarmError } from "./errors.ts";

/** Gives buffers to fill, each at least as long as a chunk. */
export interface Buffers {
  take(): ArrayBuffer;
}

/** Yields chunks of `chunkBytes`, the last one shorter; none for an empty stream. Each has a buffer of its own. */
export async function* rechunk(pieces: AsyncIterable<Uint8Array>, chunkBytes: number, buffers: Buffers): AsyncGenerator<Bytes> {
  let buffer: Bytes | null = null;
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      buffer ??= new Uint8Array(buffers.take());
      const taken = Math.min(piece.length - at, chunkBytes - filled);
      buffer.set(piece.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled === chunkBytes) {
        yield buffer.subarray(0, filled);
        buffer = null;
        filled = 0;
      }
    }
  }
  if (buffer !== null) {
    yield buffer.subarray(0, filled);
  }
}

/**
 * The pieces of a stream. Ends it if the reader stops early or `gaveUp` fires, also while a piece is awaited.
 *
 * Throws `BAD_INPUT` if the stream fails: a file was changed or removed, or its disk is gone.
 */
export async function* piecesOf(stream: ReadableStream<Uint8Array>, gaveUp: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  // A stream that failed refuses to be cancelled: it is over anyway.
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  gaveUp.addEventListener("abort", cancel, { once: true });
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await readPiece(reader);
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    gaveUp.removeEventListener("abort", cancel);
    if (!ended) {
      cancel();
    }
    reader.releaseLock();
  }
}

async function readPiece(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
  let result: ReadableStreamReadResult<Uint8Array>;
  try {
    result = await reader.read();
  } catch (cause) {
    throw new SwarmError("BAD_INPUT", `the content could not be read to its end: ${toSwarmError(cause).message}`, { cause });
  }
  if (!result.done && !(result.value instanceof Uint8Array)) {
    throw new SwarmError("BAD_INPUT", "the stream gave something that is not a Uint8Array");
  }
  return result;
}
