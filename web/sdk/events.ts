/** A typed event target whose events can also be iterated. */

import { browser, type Ambient } from "./ambient.ts";
import type { TypedTarget, Wait } from "./types.ts";
import { closedError, deferred, waitFor, type Deferred } from "./wait.ts";

/** Events that wait for a slow iterator. Guess: ten seconds of a busy swarm at 100 events a second. */
export const EVENTS_QUEUED_MAX = 1024;

type Detail<E> = E extends CustomEvent<infer D> ? D : never;

/** Holds the listeners of one owner, who alone can emit and end. */
export class Emitter<M> implements TypedTarget<M> {
  readonly #target = new EventTarget();
  readonly #iterators = new Set<{ end(): void }>();
  readonly #ambient: Ambient;
  #ended = false;

  constructor(ambient = browser) {
    this.#ambient = ambient;
  }

  addEventListener<K extends keyof M & string>(type: K, listener: (event: M[K]) => void, options?: AddEventListenerOptions): void {
    this.#target.addEventListener(type, listener as unknown as EventListener, options);
  }

  removeEventListener<K extends keyof M & string>(type: K, listener: (event: M[K]) => void): void {
    this.#target.removeEventListener(type, listener as unknown as EventListener);
  }

  /**
   * If more wait than may, the oldest are dropped. With `tooMany`, which makes the error, none is: after those that wait, the
   * iterator throws it, and is done.
   */
  events<K extends keyof M & string>(type: K, wait: Wait = {}, tooMany: (() => Error) | null = null): AsyncIterableIterator<M[K]> {
    const queue = new EventQueue<M[K]>(wait, this.#ambient, tooMany, () => {
      this.#target.removeEventListener(type, push);
      this.#iterators.delete(queue);
    });
    const push = (event: Event): void => queue.push(event as M[K]);
    if (this.#ended) {
      queue.end();
      return queue;
    }
    this.#target.addEventListener(type, push);
    this.#iterators.add(queue);
    return queue;
  }

  emit<K extends keyof M & string>(type: K, detail: Detail<M[K]>): void {
    this.#target.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Ends every iterator: after what is queued they are done. */
  end(): void {
    this.#ended = true;
    for (const queue of [...this.#iterators]) {
      queue.end();
    }
  }
}

/** One running `for await`: it listens until it is ended, returned from, aborted or timed out. */
class EventQueue<E> implements AsyncIterableIterator<E> {
  readonly #wait: Wait;
  readonly #ambient: Ambient;
  readonly #tooMany: (() => Error) | null;
  readonly #unlisten: () => void;
  readonly #events: E[] = [];
  /** What is thrown after what waits. */
  #error: Error | null = null;
  #waiting: Deferred<IteratorResult<E>> | null = null;
  #done = false;

  constructor(wait: Wait, ambient: Ambient, tooMany: (() => Error) | null, unlisten: () => void) {
    this.#wait = wait;
    this.#ambient = ambient;
    this.#tooMany = tooMany;
    this.#unlisten = unlisten;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<E> {
    return this;
  }

  push(event: E): void {
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting.resolve({ done: false, value: event });
      return;
    }
    if (this.#events.length >= EVENTS_QUEUED_MAX) {
      if (this.#tooMany !== null) {
        this.#error = this.#tooMany();
        return this.end();
      }
      this.#events.shift();
    }
    this.#events.push(event);
  }

  async next(): Promise<IteratorResult<E>> {
    const event = this.#events.shift();
    if (event !== undefined) {
      return { done: false, value: event };
    }
    if (this.#error !== null) {
      const error = this.#error;
      this.#error = null;
      throw error;
    }
    if (this.#done) {
      return { done: true, value: undefined };
    }
    if (this.#waiting !== null) {
      throw new TypeError("next() was called before the last one was answered");
    }
    const waiting = deferred<IteratorResult<E>>();
    this.#waiting = waiting;
    try {
      return await waitFor(waiting.promise, this.#wait, null, this.#ambient);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<E>> {
    this.#events.length = 0;
    this.#error = null;
    this.end();
    return { done: true, value: undefined };
  }

  end(): void {
    if (this.#done) {
      return;
    }
    this.#done = true;
    this.#unlisten();
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
  }
}

/** Resolves with the first event that `wanted` accepts; rejects with `CLOSED` if the target ends before. */
export async function firstEvent<M, K extends keyof M & string>(
  target: TypedTarget<M>,
  type: K,
  wanted: (event: M[K]) => boolean,
): Promise<M[K]> {
  for await (const event of target.events(type)) {
    if (wanted(event)) {
      return event;
    }
  }
  throw closedError();
}
