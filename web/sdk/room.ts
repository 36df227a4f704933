/** Rooms and their channels: what applications say to each other. */

import type { Ambient } from "./ambient.ts";
import { toPeerInfo } from "./convert.ts";
import { SwarmError, toSwarmError } from "./errors.ts";
import { Emitter } from "./events.ts";
import { deliver, recipients, type Turns } from "./letter.ts";
import { pack, packName, unpack } from "./payload.ts";
import type {
  Channel,
  ChannelOptions,
  Log,
  Message,
  Payload,
  PeerId,
  PeerInfo,
  Receipt,
  Room,
  RoomEvents,
  SendOptions,
  Wait,
} from "./types.ts";
import { closedError, throwIfAborted } from "./wait.ts";
import type { MessageSnapshot, NodeHandle, PeerSnapshot } from "./wasm.ts";

/** What a room needs of its swarm. */
export interface RoomContext {
  readonly ambient: Ambient;
  readonly log: Log;
  node(): NodeHandle;
  waitFor<T>(work: Promise<T>, wait?: Wait): Promise<T>;
  /** The room is left. */
  forget(): void;
  /** Numbers a message to single peers. */
  nextNumber(): number;
  /** When it may be sent. */
  readonly turns: Turns;
}

interface ChannelEvents<T> {
  message: CustomEvent<Message<T>>;
}

export class JoinedRoom implements Room {
  readonly name: string;
  readonly #context: RoomContext;
  readonly #events: Emitter<RoomEvents>;
  readonly #channels = new Map<string, RoomChannel<Payload>>();
  #isLeft = false;

  constructor(name: string, context: RoomContext) {
    this.name = name;
    this.#context = context;
    this.#events = new Emitter(context.ambient);
  }

  peers(): readonly PeerInfo[] {
    return this.#isLeft ? [] : this.#context.node().members(this.name).map(toPeerInfo);
  }

  channel<T extends Payload>(name: string, options: ChannelOptions<T> = {}): Channel<T> {
    if (this.#isLeft) {
      throw leftError();
    }
    const { delivery = "unordered" } = options;
    if (delivery !== "unordered" && delivery !== "lossy") {
      throw new SwarmError("UNSUPPORTED", `delivery "${String(delivery)}" does not exist yet: messages arrive unordered`);
    }
    const known = this.#channels.get(name);
    const channel = known ?? new RoomChannel<Payload>(name, options, (data, sending) => this.#send(data, sending), this.#context);
    this.#channels.set(name, channel);
    return channel as unknown as Channel<T>;
  }

  async leave(): Promise<void> {
    if (!this.#isLeft) {
      this.end();
      await this.#context.waitFor(this.#context.node().leave(this.name));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  addEventListener<K extends keyof RoomEvents>(type: K, listener: (event: RoomEvents[K]) => void, options?: AddEventListenerOptions): void {
    this.#events.addEventListener(type, listener, options);
  }

  removeEventListener<K extends keyof RoomEvents>(type: K, listener: (event: RoomEvents[K]) => void): void {
    this.#events.removeEventListener(type, listener);
  }

  events<K extends keyof RoomEvents>(type: K, wait?: Wait): AsyncIterableIterator<RoomEvents[K]> {
    return this.#events.events(type, wait);
  }

  onMember(type: keyof RoomEvents, peer: PeerSnapshot): void {
    this.#events.emit(type, toPeerInfo(peer));
  }

  /** Returns whether there is a channel that takes it. */
  onMessage({ data, from, id, sentMs, hops }: MessageSnapshot): boolean {
    const unpacked = unpack(data);
    if (unpacked === null) {
      this.#context.log("debug", "message.unreadable", { from, id });
      return false;
    }
    const message = { data: unpacked.data, from: from as PeerId, id, sentAt: sentMs, hops };
    return this.#channels.get(unpacked.channel)?.onMessage(message) ?? false;
  }

  /** It is left, or its swarm is closed. */
  end(): void {
    this.#isLeft = true;
    this.#context.forget();
    this.#events.end();
    for (const channel of this.#channels.values()) {
      channel.end();
    }
  }

  async #send(data: Uint8Array, { to, ...wait }: SendOptions): Promise<Receipt> {
    if (this.#isLeft) {
      throw leftError();
    }
    throwIfAborted(wait.signal);
    const node = this.#context.node();
    if (to === undefined) {
      return { id: await this.#context.waitFor(node.post(this.name, data), wait), delivered: [], pending: [] };
    }
    const peers = recipients(to, node.id);
    const number = this.#context.nextNumber();
    return deliver(peers, (peer) => {
      // Whoever does not wait any more sends nothing.
      let isOver = false;
      const send = async (): Promise<string> => {
        if (isOver) {
          throw closedError();
        }
        return node.send(peer, this.name, number, data);
      };
      return this.#context.waitFor(this.#context.turns.take(peer, send), wait).finally(() => (isOver = true));
    });
  }
}

class RoomChannel<T extends Payload> implements Channel<T> {
  readonly name: string;
  onmessage: ((message: Message<T>) => void) | null = null;
  readonly #packedName: ReturnType<typeof packName>;
  readonly #parse: (value: unknown) => T;
  readonly #send: (data: Uint8Array, options: SendOptions) => Promise<Receipt>;
  readonly #log: Log;
  readonly #events: Emitter<ChannelEvents<T>>;

  constructor(
    name: string,
    options: ChannelOptions<unknown>,
    send: (data: Uint8Array, options: SendOptions) => Promise<Receipt>,
    context: RoomContext,
  ) {
    this.name = name;
    this.#packedName = packName(name);
    this.#parse = (options.parse ?? ((value) => value)) as (value: unknown) => T;
    this.#send = send;
    this.#log = context.log;
    this.#events = new Emitter(context.ambient);
    // As an event, so that what it throws is reported and stops nobody else.
    this.#events.addEventListener("message", ({ detail }) => this.onmessage?.(detail));
  }

  async send(data: T, options: SendOptions = {}): Promise<Receipt> {
    return this.#send(pack(this.#packedName, data), options);
  }

  /** Listens from this call on. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>> {
    const events = this.#events.events("message", {}, lateError);
    const next = async (): Promise<IteratorResult<Message<T>>> => {
      const { done, value } = await events.next();
      return done === true ? { done, value: undefined } : { done: false, value: value.detail };
    };
    const end = async (): Promise<IteratorResult<Message<T>>> => {
      await events.return?.();
      return { done: true, value: undefined };
    };
    const iterator = { next, return: end, [Symbol.asyncIterator]: () => iterator };
    return iterator;
  }

  /** Returns whether it takes it. */
  onMessage(message: Message<unknown>): boolean {
    let data: T;
    try {
      data = this.#parse(message.data);
    } catch (cause) {
      const { from, id } = message;
      this.#log("warn", "message.refused", { from, id, channel: this.name, reason: toSwarmError(cause).message });
      return false;
    }
    this.#events.emit("message", { ...message, data });
    return true;
  }

  end(): void {
    this.#events.end();
  }
}

function lateError(): SwarmError {
  return new SwarmError("RATE_LIMITED", "more messages came than were read, and some were lost: read faster, and iterate again");
}

function leftError(): SwarmError {
  return new SwarmError("CLOSED", "the room was left", { cause: closedError() });
}
