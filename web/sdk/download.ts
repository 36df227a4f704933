/** One running download: a promise of a `Blob`, and streams that can be read before it is complete. */

import type { Ambient } from "./ambient.ts";
import type { Bytes } from "./bytes.ts";
import { SwarmError, toSwarmError } from "./errors.ts";
import { HASH_BYTES } from "./hex.ts";
import type { ContentId, Download, GetOptions, Progress } from "./types.ts";
import { abortedError, deferred, waitFor, type Deferred } from "./wait.ts";
import type { ContentLayout } from "./wasm.ts";

/** What a download needs of the swarm, for one content. */
export interface DownloadContext {
  readonly closed: AbortSignal;
  readonly ambient: Ambient;
  /** Resolves when the content is complete. */
  fetch(): Promise<void>;
  layout(): ContentLayout | null;
  /** The plain bytes of chunk `index`, as soon as it is here; null if it is not when `untilOver` fires. */
  openChunk(layout: ContentLayout, index: number, untilOver: AbortSignal): Promise<Bytes | null>;
  toBlob(layout: ContentLayout): Promise<Blob>;
  seek(chunk: number): void;
  pause(): void;
  resume(): void;
  /** This download is over. `isGivenUp`: by its caller, while the core still fetches. */
  end(isGivenUp: boolean): void;
}

type State = { readonly is: "running" } | { readonly is: "complete" } | { readonly is: "failed"; readonly error: SwarmError };

/** A reader who waits for so long says what it waits for. Peers that are asked in order bring the next chunk sooner. */
const SEEK_AFTER_MS = 100;

const NOTHING: Progress = { doneBytes: 0, totalBytes: 0, fromPeers: 0, fromDisk: 0, sources: 0, bytesPerSecond: 0 };

export class ContentDownload implements Download {
  readonly id: ContentId;
  readonly done: Promise<void>;
  readonly #context: DownloadContext;
  readonly #onProgress: GetOptions["onProgress"];
  readonly #cancelled = new AbortController();
  /** Fires when no more chunks come: it is complete, failed or cancelled. */
  readonly #over = new AbortController();
  #progress = NOTHING;
  #state: State = { is: "running" };
  #blob: Promise<Blob> | null = null;
  /** Resolves at the next change, whatever it is; then there is a new one. */
  #change: Deferred<void> = deferred();

  constructor(id: ContentId, context: DownloadContext, options: GetOptions) {
    this.id = id;
    this.#context = context;
    this.#onProgress = options.onProgress;
    this.done = this.#run(options);
    this.done.catch(() => undefined);
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** The core told how far it is. */
  onProgress(progress: Progress): void {
    this.#progress = progress;
    this.#onProgress?.(progress);
    this.onChange();
  }

  /** The manifest may have come: whoever waits for it shall look again. */
  onChange(): void {
    const change = this.#change;
    this.#change = deferred();
    change.resolve();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- A download is awaited for its blob.
  then<R = Blob, E = never>(
    onResolved?: ((blob: Blob) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#blob ??= this.done.then(() => this.#toBlob());
    return this.#blob.then(onResolved, onRejected);
  }

  stream(range: { readonly start?: number; readonly end?: number } = {}): ReadableStream<Uint8Array> {
    const chunks = this.#read(range.start ?? 0, range.end ?? Number.POSITIVE_INFINITY);
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const { done, value } = await chunks.next();
            if (done === true) {
              controller.close();
            } else {
              controller.enqueue(value);
            }
          } catch (cause) {
            controller.error(toSwarmError(cause));
          }
        },
        cancel: async () => {
          // Not awaited by anybody once the reader is gone; a chunk that is being waited for is let go at the next change.
          void chunks.return(undefined);
        },
      },
      // One chunk ahead: it is decrypted while the reader is busy with the last one.
      { highWaterMark: 1 },
    );
  }

  pause(): void {
    this.#context.pause();
  }

  resume(): void {
    this.#context.resume();
  }

  cancel(): void {
    this.#cancelled.abort();
    this.#over.abort();
  }

  async #run(options: GetOptions): Promise<void> {
    const stops = new AbortController();
    const forward = { signal: stops.signal };
    const { signal } = options;
    const giveUp = new AbortController();
    this.#cancelled.signal.addEventListener("abort", () => giveUp.abort(), forward);
    signal?.addEventListener("abort", () => giveUp.abort(signal.reason), forward);
    if (signal?.aborted === true) {
      giveUp.abort(signal.reason);
    }
    try {
      // Whoever made this download can't be told of its end before it has it.
      await Promise.resolve();
      if (giveUp.signal.aborted) {
        throw abortedError(giveUp.signal);
      }
      const { closed, ambient } = this.#context;
      await waitFor(this.#context.fetch(), { signal: giveUp.signal, timeoutMs: options.timeoutMs }, closed, ambient);
      this.#state = { is: "complete" };
      this.#context.end(false);
      this.#tellWhole();
    } catch (cause) {
      const error = toSwarmError(cause);
      this.#state = { is: "failed", error };
      this.#context.end(error.code === "ABORTED" || error.code === "TIMEOUT");
      throw error;
    } finally {
      stops.abort();
      this.#over.abort();
      this.onChange();
    }
  }

  /** The last progress is the whole, also when nothing had to be fetched. */
  #tellWhole(): void {
    const bytes = this.#context.layout()?.bytes ?? this.#progress.totalBytes;
    if (this.#progress.doneBytes === bytes && this.#progress.totalBytes === bytes && bytes > 0) {
      return;
    }
    const fromPeers = Math.min(this.#progress.fromPeers, bytes);
    this.onProgress({ ...this.#progress, doneBytes: bytes, totalBytes: bytes, fromPeers, fromDisk: bytes - fromPeers, sources: 0 });
  }

  async #toBlob(): Promise<Blob> {
    const layout = this.#context.layout();
    if (layout === null) {
      throw new SwarmError("NOT_FOUND", "the content was removed");
    }
    return waitFor(this.#context.toBlob(layout), {}, this.#context.closed);
  }

  async *#read(start: number, end: number): AsyncGenerator<Uint8Array, void> {
    if (!(start >= 0 && end >= start && Number.isInteger(start))) {
      throw new SwarmError("BAD_INPUT", "a range begins at 0 or later, and ends where it begins or later");
    }
    const layout = await this.#untilLayout();
    const stop = Math.min(Math.floor(end), layout.bytes);
    if (start > 0 && start < stop) {
      this.#context.seek(Math.floor(start / layout.chunkPlainBytes));
    }
    for (let at = start; at < stop; ) {
      const index = Math.floor(at / layout.chunkPlainBytes);
      const chunkStart = index * layout.chunkPlainBytes;
      const plain = await this.#untilChunk(layout, index);
      const piece = plain.subarray(at - chunkStart, Math.min(plain.length, stop - chunkStart));
      yield piece;
      at += piece.length;
    }
  }

  async #untilLayout(): Promise<ContentLayout> {
    for (;;) {
      this.#throwIfOver();
      const { promise } = this.#change;
      const layout = this.#context.layout();
      if (layout !== null) {
        return layout;
      }
      await waitFor(promise, {}, this.#context.closed);
    }
  }

  async #untilChunk(layout: ContentLayout, index: number): Promise<Bytes> {
    for (;;) {
      this.#throwIfOver();
      const isOver = this.#over.signal.aborted;
      const plain = await this.#openChunk(layout, index);
      if (plain !== null && plain.length > 0) {
        return plain;
      }
      if (isOver) {
        throw new SwarmError("NOT_FOUND", "the content was removed while it was read");
      }
    }
  }

  async #openChunk(layout: ContentLayout, index: number): Promise<Bytes | null> {
    const stopTimer = this.#context.ambient.after(SEEK_AFTER_MS, () => this.#context.seek(index));
    try {
      return await waitFor(this.#context.openChunk(layout, index, this.#over.signal), {}, this.#context.closed);
    } finally {
      stopTimer();
    }
  }

  #throwIfOver(): void {
    if (this.#state.is === "failed") {
      throw this.#state.error;
    }
    if (this.#cancelled.signal.aborted) {
      throw abortedError(this.#cancelled.signal);
    }
  }
}

/** Where chunk `index` is in concatenated hashes. */
export function hashAt(hashes: Uint8Array, index: number): Bytes {
  return new Uint8Array(hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
}
