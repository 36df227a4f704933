/** Waiting that can be given up: by the caller's signal, by time, or because the swarm is closed. */

import { browser } from "./ambient.ts";
import { SwarmError, toSwarmError } from "./errors.ts";
import type { Wait } from "./types.ts";

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: SwarmError) => void;
}

/** A promise and its ends; nobody is told of a rejection that nobody awaits. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: SwarmError) => void = () => undefined;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** Settles as `work` does, unless the caller gives up, time runs out or `closed` fires first. Rejects only with `SwarmError`. */
export function waitFor<T>(work: PromiseLike<T>, wait: Wait = {}, closed: AbortSignal | null = null, { after } = browser): Promise<T> {
  const { signal, timeoutMs } = wait;
  return new Promise<T>((resolve, reject) => {
    let stopTimer = (): void => undefined;
    const settle = (act: () => void): void => {
      closed?.removeEventListener("abort", onClosed);
      signal?.removeEventListener("abort", onAborted);
      stopTimer();
      act();
    };
    const fail = (error: SwarmError): void => settle(() => reject(error));
    const onClosed = (): void => fail(closedError());
    const onAborted = (): void => fail(abortedError(signal ?? null));
    work.then(
      (value) => settle(() => resolve(value)),
      (cause: unknown) => fail(toSwarmError(cause)),
    );
    if (closed?.aborted === true) {
      return fail(closedError());
    }
    if (signal?.aborted === true) {
      return fail(abortedError(signal));
    }
    closed?.addEventListener("abort", onClosed);
    signal?.addEventListener("abort", onAborted);
    if (timeoutMs !== undefined && Number.isFinite(timeoutMs)) {
      stopTimer = after(timeoutMs, () => fail(new SwarmError("TIMEOUT", `gave up after ${timeoutMs} ms`)));
    }
  });
}

/** Throws `ABORTED` if the caller gave up already. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw abortedError(signal);
  }
}

export function abortedError(signal: AbortSignal | null): SwarmError {
  // `AbortSignal.timeout()` fires with a TimeoutError: the caller meant a deadline.
  const reason: unknown = signal?.reason;
  if (reason instanceof DOMException && reason.name === "TimeoutError") {
    return new SwarmError("TIMEOUT", "gave up: the time of the signal ran out", { cause: reason });
  }
  return new SwarmError("ABORTED", "given up by the caller", { cause: reason });
}

export function closedError(): SwarmError {
  return new SwarmError("CLOSED", "the swarm is closed");
}
