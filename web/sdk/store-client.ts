/** The page's side of the store: typed calls into the worker, or into an engine on the page where no worker can be had. */

import { SLOT_BYTES } from "./store/chunk-file.ts";
import { StoreFailure, toStoreFailure } from "./store/failure.ts";
import { BufferPool } from "./store/pool.ts";
import {
  transfersOf,
  type StoreCalls,
  type StoreConfig,
  type StoreOp,
  type StoreOpened,
  type StoreRequest,
  type StoreResponse,
} from "./store/protocol.ts";
import type { Bytes } from "./bytes.ts";
import type { StoredRecord } from "./store/database.ts";
import { storeWorker } from "./worker-url.ts";

/** Buffers kept for reading and for adding. A few connections serve and one or two adds run at once. */
const POOLED_MAX = 16;

/** Room in front of a chunk that is read, for the header of the frame in which it is sent. More than that takes. */
const HEADROOM_BYTES = 64;

/** How long the worker may take to finish its transactions before it is ended anyway. */
const CLOSE_MS_MAX = 2_000;

interface Pending {
  readonly resolve: (result: StoreCalls[StoreOp]["result"]) => void;
  readonly reject: (failure: StoreFailure) => void;
}

/** Carries requests to an engine. */
export interface Transport {
  post(request: StoreRequest): void;
  end(): void;
}

/** Makes a transport; answers go to `receive`, and its end to `fail`. */
export type Connect = (receive: (response: StoreResponse) => void, fail: (failure: StoreFailure) => void) => Transport;

export class StoreClient {
  /** What the store turned out to be. */
  readonly opened: StoreOpened;
  /** Buffers for chunks that are gathered for `seal`, or read. */
  readonly pool = new BufferPool(HEADROOM_BYTES + SLOT_BYTES, POOLED_MAX);
  readonly #channel: Channel;
  #addCount = 0;
  #exportCount = 0;
  #waitCount = 0;

  private constructor(channel: Channel, opened: StoreOpened) {
    this.#channel = channel;
    this.opened = opened;
  }

  /** Opens the store, in a worker if one can be started. Rejects only if a newer version wrote the data (`UNSUPPORTED`). */
  static async open(config: StoreConfig, makeWorker: () => Worker = storeWorker): Promise<StoreClient> {
    try {
      return await StoreClient.over((receive, fail) => workerTransport(makeWorker, receive, fail), config);
    } catch (cause) {
      const failure = toStoreFailure(cause);
      if (failure.code === "UNSUPPORTED") {
        throw failure;
      }
      return StoreClient.over(pageTransport, config, [`worker: ${failure.message}`]);
    }
  }

  /** Opens the store behind a transport. `fallbacks`: what was tried before. */
  static async over(connect: Connect, config: StoreConfig, fallbacks: readonly string[] = []): Promise<StoreClient> {
    const channel = new Channel(connect);
    try {
      const opened = await channel.call("open", config);
      return new StoreClient(channel, { ...opened, fallbacks: [...fallbacks, ...opened.fallbacks] });
    } catch (cause) {
      channel.end(new StoreFailure("UNAVAILABLE", "the store is closed"));
      throw cause;
    }
  }

  /** Stores a chunk. The buffer of `body` is transferred, and given back. */
  put(hash: Bytes, body: Bytes): Promise<ArrayBuffer> {
    return this.#channel.call("put", { hash, body });
  }

  /** Reads a chunk, checked against its hash. Its buffer begins at least `HEADROOM_BYTES` before it, and may be given to `recycle`. */
  get(hash: Bytes): Promise<Bytes> {
    return this.#channel.call("get", { hash, buffer: this.pool.take() });
  }

  recycle(buffer: ArrayBuffer): void {
    this.pool.give(buffer);
  }

  has(hashes: Bytes): Promise<Bytes> {
    return this.#channel.call("has", { hashes });
  }

  async delete(hashes: Bytes): Promise<void> {
    await this.#channel.call("delete", { hashes });
  }

  async retain(hashes: Bytes): Promise<void> {
    await this.#channel.call("retain", { hashes });
  }

  loadRecords(): Promise<StoredRecord[]> {
    return this.#channel.call("loadRecords", null);
  }

  async applyRecords(puts: readonly StoredRecord[], deletes: readonly string[]): Promise<void> {
    await this.#channel.call("applyRecords", { puts, deletes });
  }

  /** Begins an add: `retain` leaves alone what it seals until it is ended. */
  beginAdd(): number {
    this.#addCount += 1;
    return this.#addCount;
  }

  /** Encrypts, hashes and stores one chunk. The buffer of `plain` goes to the pool. */
  async seal(add: number, key: Bytes | null, index: number, plain: Bytes): Promise<Bytes> {
    const { hash, buffer } = await this.#channel.call("seal", { add, key, index, plain });
    this.pool.give(buffer);
    return hash;
  }

  async endAdd(add: number, keep: boolean): Promise<void> {
    await this.#channel.call("endAdd", { add, keep });
  }

  /**
   * The plain bytes of chunk `index`. If it is not stored: null, at once or, given a signal, when that fires before the
   * chunk is put.
   */
  openChunk(hash: Bytes, key: Bytes | null, index: number, untilOver: AbortSignal | null = null): Promise<Bytes | null> {
    if (untilOver === null || untilOver.aborted) {
      return this.#channel.call("openChunk", { hash, key, index, wait: null });
    }
    this.#waitCount += 1;
    const wait = this.#waitCount;
    const end = (): void => void this.#channel.call("endWait", { wait }).catch(() => undefined);
    untilOver.addEventListener("abort", end, { once: true });
    const opening = this.#channel.call("openChunk", { hash, key, index, wait });
    return opening.finally(() => untilOver.removeEventListener("abort", end));
  }

  /** The whole plain content, in a file if that is asked for and to be had. `id` is for `dropExport`. */
  async export(hashes: Bytes, key: Bytes | null, toFile: boolean): Promise<{ id: number; blob: Blob }> {
    this.#exportCount += 1;
    const id = this.#exportCount;
    return { id, blob: await this.#channel.call("export", { export: id, hashes, key, toFile }) };
  }

  async dropExport(id: number): Promise<void> {
    await this.#channel.call("dropExport", { export: id });
  }

  async usedBytes(): Promise<number> {
    return (await this.#channel.call("usage", null)).usedBytes;
  }

  /** Finishes what is under way, removes exported files, and ends the worker. Whatever is called after fails. */
  async close(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => void (timer = setTimeout(resolve, CLOSE_MS_MAX)));
    await Promise.race([this.#channel.call("close", null).catch(() => undefined), late]);
    clearTimeout(timer);
    this.#channel.end(new StoreFailure("UNAVAILABLE", "the store is closed"));
  }
}

/** Matches answers to requests. */
class Channel {
  readonly #transport: Transport;
  readonly #pending = new Map<number, Pending>();
  #idLast = 0;
  #failure: StoreFailure | null = null;

  constructor(connect: Connect) {
    this.#transport = connect(
      (response) => this.#receive(response),
      (failure) => this.end(failure),
    );
  }

  call<K extends StoreOp>(op: K, args: StoreCalls[K]["args"]): Promise<StoreCalls[K]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        return reject(this.#failure);
      }
      this.#idLast += 1;
      const id = this.#idLast;
      this.#pending.set(id, { resolve, reject } as Pending);
      try {
        this.#transport.post({ id, op, args } as StoreRequest);
      } catch (cause) {
        this.#pending.delete(id);
        reject(toStoreFailure(cause));
      }
    });
  }

  /** Fails what is pending and whatever comes. */
  end(failure: StoreFailure): void {
    if (this.#failure !== null) {
      return;
    }
    this.#failure = failure;
    this.#transport.end();
    for (const { reject } of this.#pending.values()) {
      reject(failure);
    }
    this.#pending.clear();
  }

  #receive(response: StoreResponse): void {
    const pending = this.#pending.get(response.id);
    if (pending === undefined) {
      return;
    }
    this.#pending.delete(response.id);
    if (response.ok) {
      pending.resolve(response.result);
    } else {
      pending.reject(new StoreFailure(response.code, response.message));
    }
  }
}

function workerTransport(
  makeWorker: () => Worker,
  receive: (response: StoreResponse) => void,
  fail: (failure: StoreFailure) => void,
): Transport {
  let worker: Worker;
  try {
    worker = makeWorker();
  } catch (cause) {
    // No workers here, or the page's security policy forbids them: the first call fails, and the page takes over.
    queueMicrotask(() => fail(new StoreFailure("UNAVAILABLE", `no worker: ${String(cause)}`, cause)));
    return { post: () => undefined, end: () => undefined };
  }
  worker.onmessage = (event: MessageEvent<readonly StoreResponse[]>) => event.data.forEach(receive);
  worker.onmessageerror = () => fail(new StoreFailure("UNAVAILABLE", "the store worker sent something unreadable"));
  worker.onerror = (event) => {
    event.preventDefault();
    fail(new StoreFailure("UNAVAILABLE", `the store worker failed: ${event.message || "it could not be loaded"}`));
  };
  return {
    post: (request) => worker.postMessage(request, transfersOf(request.args)),
    end: () => worker.terminate(),
  };
}

function pageTransport(receive: (response: StoreResponse) => void): Transport {
  // Loaded only now: nearly every page has workers, and the worker brings its own.
  const loading = import("./store/engine.ts").then(({ StoreEngine }) => new StoreEngine());
  const answer = async (request: StoreRequest): Promise<void> => {
    try {
      const engine = await loading;
      receive({ id: request.id, ok: true, result: await engine.handle(request) });
    } catch (cause) {
      const { code, message } = toStoreFailure(cause);
      receive({ id: request.id, ok: false, code, message });
    }
  };
  return { post: (request) => void answer(request), end: () => undefined };
}
