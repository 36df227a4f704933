/** The contents of a swarm: adding, fetching and looking at them. */

import { addContent, type Source } from "./add.ts";
import type { Ambient } from "./ambient.ts";
import type { Bytes } from "./bytes.ts";
import { toContentInfo, toProgress } from "./convert.ts";
import { ContentDownload, hashAt, type DownloadContext } from "./download.ts";
import { SwarmError, toSwarmError } from "./errors.ts";
import { isId } from "./hex.ts";
import { formatLink, parseLink, type LinkParts } from "./share-link.ts";
import type { StoreClient } from "./store-client.ts";
import type { AddOptions, Content, ContentId, ContentInfo, Download, GetOptions, Log, ShareLink, StoreUsage } from "./types.ts";
import { deferred, waitFor } from "./wait.ts";
import type { ContentLayout, CoreEvents, NodeHandle } from "./wasm.ts";

/** Up to here a whole content is given as a blob in memory; above it is written to a file first. */
const MEMORY_BLOB_BYTES_MAX = 8 * 1_048_576;

/** What the contents need of their swarm. */
export interface ContentsContext {
  readonly store: StoreClient;
  readonly bytesMax: number | null;
  readonly closed: AbortSignal;
  readonly log: Log;
  readonly ambient: Ambient;
  /** The core; throws `CLOSED` once it is gone. */
  node(): NodeHandle;
}

/** A whole content in a file, made once however often it is asked for. */
interface Exported {
  readonly exporting: Promise<{ readonly id: number; readonly blob: Blob }>;
}

export class Contents implements Content {
  readonly #context: ContentsContext;
  /** Downloads that somebody waits for. */
  readonly #downloads = new Map<ContentId, Set<ContentDownload>>();
  readonly #exported = new Map<ContentId, Exported>();
  /** Settles when the core has loaded what is stored, or failed to. */
  readonly #loaded: Promise<unknown>;

  constructor(context: ContentsContext, loaded: Promise<unknown>) {
    this.#context = context;
    this.#loaded = loaded;
  }

  async add(data: Source, options: AddOptions = {}): Promise<ContentInfo & { readonly link: ShareLink }> {
    const { store, closed, ambient } = this.#context;
    // Throws, and so rejects, if the swarm is closed.
    this.#context.node();
    const offer = (draft: Parameters<NodeHandle["add"]>[0]) => this.#context.node().add(draft);
    const withdraw = (id: string) => this.#context.node().remove(id);
    const { id, key } = await addContent({ store, closed, ambient, offer, withdraw }, data, options);
    const info = await this.info(id as ContentId);
    if (info === null) {
      throw new SwarmError("NOT_FOUND", "the content was removed as soon as it was added");
    }
    return { ...info, link: formatLink(info.id, key) };
  }

  get(what: ShareLink | ContentId, options: GetOptions = {}): Download {
    let link: LinkParts;
    try {
      link = parseLink(what);
      this.#context.node();
    } catch (cause) {
      return new RefusedDownload(toSwarmError(cause));
    }
    const { id, key } = link;
    const downloads = this.#downloads.get(id) ?? new Set();
    this.#downloads.set(id, downloads);
    // In the set before anything is told, so that it hears of its own first progress.
    const context = this.#downloadContext(id, key, (isGivenUp) => this.#onDownloadEnd(id, download, isGivenUp));
    const download: ContentDownload = new ContentDownload(id, context, options);
    downloads.add(download);
    return download;
  }

  async info(id: ContentId): Promise<ContentInfo | null> {
    if (!isId(id)) {
      throw new SwarmError("BAD_INPUT", "a content id has 64 lower-case hex digits");
    }
    await waitFor(this.#loaded, {}, this.#context.closed);
    const found = this.#all().find((content) => content.id === id);
    return found ?? null;
  }

  async list(): Promise<readonly ContentInfo[]> {
    await waitFor(this.#loaded, {}, this.#context.closed);
    return this.#all().filter(({ local }) => local !== "absent");
  }

  available(): readonly ContentInfo[] {
    return this.#context.closed.aborted ? [] : this.#all().filter(isAvailable);
  }

  link(id: ContentId): ShareLink | null {
    const layout = this.#context.closed.aborted ? null : this.#context.node().layout(id);
    const info = layout === null ? undefined : this.#all().find((content) => content.id === id);
    if (layout === null || info === undefined || (info.encrypted && layout.key === null)) {
      return null;
    }
    return formatLink(id, layout.key);
  }

  async remove(id: ContentId): Promise<void> {
    if (!isId(id)) {
      throw new SwarmError("BAD_INPUT", "a content id has 64 lower-case hex digits");
    }
    await waitFor(this.#context.node().remove(id), {}, this.#context.closed);
    this.#dropExport(id);
  }

  async usage(): Promise<StoreUsage> {
    const { store, bytesMax, closed } = this.#context;
    const { kind } = store.opened;
    const usedBytes = await waitFor(store.usedBytes(), {}, closed);
    const isDisk = kind !== "memory" && navigator.storage !== undefined;
    const estimate = isDisk ? await navigator.storage.estimate() : {};
    const persisted = isDisk && (await navigator.storage.persisted());
    const quotaBytes = Math.min(estimate.quota ?? Number.MAX_SAFE_INTEGER, bytesMax ?? Number.MAX_SAFE_INTEGER);
    return { usedBytes, quotaBytes, persisted, kind };
  }

  onProgress(detail: CoreEvents["progress"]): void {
    for (const download of this.#downloads.get(detail.content as ContentId) ?? []) {
      download.onProgress(toProgress(detail));
    }
  }

  onChanged(id: string): void {
    for (const download of this.#downloads.get(id as ContentId) ?? []) {
      download.onChange();
    }
  }

  onGone(id: string): void {
    this.#dropExport(id as ContentId);
  }

  #all(): ContentInfo[] {
    return this.#context.node().contents().map(toContentInfo);
  }

  #downloadContext(id: ContentId, key: Bytes | null, end: (isGivenUp: boolean) => void): DownloadContext {
    const { store, closed, ambient } = this.#context;
    return {
      closed,
      ambient,
      fetch: () => this.#context.node().get(id, key),
      layout: () => (closed.aborted ? null : this.#context.node().layout(id)),
      openChunk: (layout, index, untilOver) => store.openChunk(hashAt(layout.chunks, index), keyOf(layout, key), index, untilOver),
      toBlob: (layout) => this.#toBlob(id, layout, keyOf(layout, key)),
      seek: (chunk) => this.#tell("seek", (node) => node.seek(id, chunk)),
      pause: () => this.#tell("pause", (node) => node.pause(id)),
      resume: () => this.#tell("resume", (node) => node.resume(id)),
      end,
    };
  }

  /** The core stops fetching when the last download of a content is given up. */
  #onDownloadEnd(id: ContentId, download: ContentDownload, isGivenUp: boolean): void {
    const downloads = this.#downloads.get(id);
    downloads?.delete(download);
    if (downloads?.size !== 0) {
      return;
    }
    this.#downloads.delete(id);
    if (isGivenUp) {
      this.#tell("cancel", (node) => node.cancel(id));
    }
  }

  /** Commands whose failure changes nothing: the content is complete already, or no longer fetched. */
  #tell(what: string, command: (node: NodeHandle) => Promise<void>): void {
    if (this.#context.closed.aborted) {
      return;
    }
    command(this.#context.node()).catch((cause: unknown) => {
      this.#context.log("debug", `content.${what}.refused`, { reason: toSwarmError(cause).message });
    });
  }

  async #toBlob(id: ContentId, layout: ContentLayout, key: Bytes | null): Promise<Blob> {
    const toFile = layout.bytes > MEMORY_BLOB_BYTES_MAX;
    const known = this.#exported.get(id);
    const exporting = known?.exporting ?? this.#context.store.export(new Uint8Array(layout.chunks), key, toFile);
    if (toFile && known === undefined) {
      this.#exported.set(id, { exporting });
      exporting.catch(() => this.#exported.delete(id));
    }
    const { blob } = await exporting;
    const mime = (await this.info(id))?.mime ?? "";
    return blob.slice(0, blob.size, mime);
  }

  #dropExport(id: ContentId): void {
    const exported = this.#exported.get(id);
    this.#exported.delete(id);
    // Fails only if there was no file, or no store any more.
    exported?.exporting.then(({ id: file }) => this.#context.store.dropExport(file)).catch(() => undefined);
  }
}

/** Whether this can be fetched: a connected peer offers it, and it is not complete here. */
export function isAvailable({ providers, complete }: ContentInfo): boolean {
  return providers > 0 && !complete;
}

/** The core knows the key once it has been given it; the caller's is the same. */
function keyOf(layout: ContentLayout, given: Bytes | null): Bytes | null {
  return layout.key === null ? given : new Uint8Array(layout.key);
}

/** What `get` gives for garbage: rejected from the start. */
class RefusedDownload implements Download {
  readonly id = null;
  readonly progress = { doneBytes: 0, totalBytes: 0, fromPeers: 0, fromDisk: 0, sources: 0, bytesPerSecond: 0 };
  readonly done: Promise<never>;
  readonly #error: SwarmError;

  constructor(error: SwarmError) {
    this.#error = error;
    const { promise, reject } = deferred<never>();
    reject(error);
    this.done = promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- A download is awaited for its blob.
  then<R = Blob, E = never>(
    onResolved?: ((blob: Blob) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.done.then(onResolved, onRejected);
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream({ start: (controller) => controller.error(this.#error) });
  }

  pause(): void {}
  resume(): void {}
  cancel(): void {}
}
