import { describe, expect, it } from "vitest";

import { SwarmError } from "./errors.ts";
import { piecesOf, rechunk } from "./rechunk.ts";

const CHUNK_BYTES = 4;

/** Cuts pieces of these lengths, numbered through, and gives the lengths of the chunks. */
async function check(pieces: readonly number[], chunks: readonly number[]): Promise<void> {
  let next = 0;
  const source = async function* () {
    for (const length of pieces) {
      yield Uint8Array.from({ length }, () => next++ % 256);
    }
  };
  const buffers = { take: () => new ArrayBuffer(CHUNK_BYTES + 2) };
  const lengths: number[] = [];
  const bytes: number[] = [];
  for await (const chunk of rechunk(source(), CHUNK_BYTES, buffers)) {
    lengths.push(chunk.length);
    bytes.push(...chunk);
  }
  expect(lengths).toEqual(chunks);
  expect(bytes).toEqual(Array.from({ length: next }, (_, i) => i % 256));
}

const never = new AbortController().signal;

function failing(error: unknown): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(error) });
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0;
  for await (const piece of pieces) {
    count += piece.length;
  }
  return count;
}

describe("rechunk", () => {
  it("gives no chunk for an empty stream", () => check([], []));
  it("gives no chunk for empty pieces", () => check([0, 0], []));
  it("keeps a single byte", () => check([1], [1]));
  it("gives exactly one chunk for one chunk's bytes", () => check([4], [4]));
  it("gives a last chunk of one byte", () => check([5], [4, 1]));
  it("joins small pieces", () => check([1, 1, 1, 1, 1, 1], [4, 2]));
  it("cuts large pieces", () => check([11], [4, 4, 3]));
  it("does both at once", () => check([3, 6, 0, 2, 1], [4, 4, 4]));
});

describe("piecesOf", () => {
  it("gives what the stream gives", async () => {
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(2));
        controller.enqueue(new Uint8Array(3));
        controller.close();
      },
    });
    expect(await drain(piecesOf(stream, never))).toBe(5);
  });

  it("calls a stream that fails half-way bad input, with its reason", async () => {
    const error = await drain(piecesOf(failing(new DOMException("the file was removed", "NotFoundError")), never)).catch((cause) => cause);
    expect(error).toBeInstanceOf(SwarmError);
    expect(error).toMatchObject({ code: "BAD_INPUT" });
    expect((error as Error).message).toContain("the file was removed");
  });

  it("refuses pieces that are no bytes", async () => {
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue("text") });
    await expect(drain(piecesOf(stream as ReadableStream<Uint8Array>, never))).rejects.toMatchObject({ code: "BAD_INPUT" });
  });

  it("ends, and cancels the stream, when the caller gives up while it waits", async () => {
    let cancelled = false;
    const stalled = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
    const gaveUp = new AbortController();
    const draining = drain(piecesOf(stalled, gaveUp.signal));
    gaveUp.abort();
    expect(await draining).toBe(0);
    expect(cancelled).toBe(true);
  });
});
