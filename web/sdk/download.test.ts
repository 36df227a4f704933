import { describe, expect, it, vi } from "vitest";

import type { Bytes } from "./bytes.ts";
import { browser } from "./ambient.ts";
import { ContentDownload, type DownloadContext } from "./download.ts";
import { SwarmError } from "./errors.ts";
import type { ContentId, GetOptions } from "./types.ts";
import { deferred } from "./wait.ts";
import type { ContentLayout } from "./wasm.ts";

const CHUNK_BYTES = 4;
const PLAIN = Uint8Array.from({ length: 10 }, (_, i) => i);
const LAYOUT: ContentLayout = { bytes: PLAIN.length, chunkPlainBytes: CHUNK_BYTES, chunks: new Uint8Array(96), key: null };

/** A content of ten bytes in three chunks, whose chunks arrive when the test says so. */
function begun(options: GetOptions = {}, complete = false) {
  const fetched = deferred<void>();
  const closing = new AbortController();
  const here = [0, 1, 2].map(() => deferred<void>());
  const log: string[] = [];
  let layout: ContentLayout | null = complete ? LAYOUT : null;
  const chunk = (index: number): Bytes => PLAIN.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
  const context: DownloadContext = {
    closed: closing.signal,
    ambient: browser,
    fetch: () => fetched.promise,
    layout: () => layout,
    openChunk: async (_, index, untilOver) => {
      const over = new Promise((resolve) => untilOver.addEventListener("abort", resolve));
      const isHere = complete || (await Promise.race([here[index]?.promise.then(() => true), untilOver.aborted ? null : over]));
      return isHere === true ? chunk(index) : null;
    },
    toBlob: async () => new Blob([PLAIN]),
    seek: (index) => void log.push(`seek ${index}`),
    pause: () => void log.push("pause"),
    resume: () => void log.push("resume"),
    end: (isGivenUp) => void log.push(isGivenUp ? "given up" : "ended"),
  };
  const download = new ContentDownload("00" as ContentId, context, options);
  const arrive = (...indices: number[]): void => {
    layout = LAYOUT;
    indices.forEach((index) => here[index]?.resolve());
    download.onChange();
  };
  return { download, fetched, closing, log, arrive };
}

async function read(stream: ReadableStream<Uint8Array>): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
    bytes.push(...piece);
  }
  return bytes;
}

describe("ContentDownload", () => {
  it("is a promise of the whole, and tells the whole as its last progress", async () => {
    const told: number[] = [];
    const { download, fetched, arrive, log } = begun({ onProgress: ({ doneBytes }) => told.push(doneBytes) });
    arrive(0, 1, 2);
    fetched.resolve();
    expect((await download).size).toBe(10);
    expect(download.progress).toMatchObject({ doneBytes: 10, totalBytes: 10, fromPeers: 0, fromDisk: 10 });
    expect(told).toEqual([10]);
    expect(log).toEqual(["ended"]);
  });

  it("streams chunks in order while they arrive in another", async () => {
    const { download, arrive, log } = begun();
    const reading = read(download.stream());
    arrive(2);
    await Promise.resolve();
    arrive(0);
    setTimeout(() => arrive(1), 1);
    expect(await reading).toEqual([...PLAIN]);
    expect(log).toEqual([]);
  });

  it("says where it reads when it begins in the middle, and what it waits for when that is late", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { download, arrive, log } = begun();
    arrive(1);
    const reading = read(download.stream({ start: 5 }));
    await vi.advanceTimersByTimeAsync(99);
    expect(log).toEqual(["seek 1"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log).toEqual(["seek 1", "seek 2"]);
    arrive(2);
    expect(await reading).toEqual([...PLAIN.slice(5)]);
    vi.useRealTimers();
  });

  it("fails a stream whose content was removed while it was read", async () => {
    const { download, fetched, arrive } = begun();
    const reading = read(download.stream());
    arrive(0);
    fetched.resolve();
    await expect(reading).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it.each([
    [{}, 0, 10],
    [{ start: 3 }, 3, 10],
    [{ end: 4 }, 0, 4],
    [{ start: 4, end: 8 }, 4, 8],
    [{ start: 3, end: 5 }, 3, 5],
    [{ start: 9, end: 99 }, 9, 10],
    [{ start: 5, end: 5 }, 0, 0],
    [{ start: 10 }, 0, 0],
    [{ start: 99 }, 0, 0],
  ])("streams the range %o", async (range, from, to) => {
    const { download } = begun({}, true);
    expect(await read(download.stream(range))).toEqual([...PLAIN.slice(from, to)]);
  });

  it.each([{ start: -1 }, { start: 2, end: 1 }, { start: Number.NaN }, { start: 0.5 }])("refuses the range %o", async (range) => {
    const { download } = begun({}, true);
    await expect(read(download.stream(range))).rejects.toMatchObject({ code: "BAD_INPUT" });
  });

  it("rejects, fails its streams and tells the core when it is cancelled", async () => {
    const { download, log } = begun();
    const reading = read(download.stream());
    download.cancel();
    await expect(download).rejects.toMatchObject({ code: "ABORTED" });
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
    expect(log).toEqual(["given up"]);
  });

  it("is cancelled by a signal that fired before it began", async () => {
    const { download, log } = begun({ signal: AbortSignal.abort() });
    await expect(download.done).rejects.toMatchObject({ code: "ABORTED" });
    expect(log).toEqual(["given up"]);
  });

  it("gives up after its time", async () => {
    const { download, log } = begun({ timeoutMs: 1 });
    await expect(download.done).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(log).toEqual(["given up"]);
  });

  it("rejects with what the core says, and does not cancel what is over", async () => {
    const { download, fetched, log } = begun();
    const reading = read(download.stream());
    fetched.reject(new SwarmError("WRONG_KEY", "the content is encrypted"));
    await expect(download).rejects.toMatchObject({ code: "WRONG_KEY" });
    await expect(reading).rejects.toMatchObject({ code: "WRONG_KEY" });
    expect(log).toEqual(["ended"]);
  });

  it("rejects with CLOSED when the swarm is closed", async () => {
    const { download, closing } = begun();
    const reading = read(download.stream());
    closing.abort();
    await expect(download).rejects.toMatchObject({ code: "CLOSED" });
    await expect(reading).rejects.toMatchObject({ code: "CLOSED" });
  });
});
