import { describe, expect, it } from "vitest";

import { SwarmError, toSwarmError } from "./errors.ts";
import { StoreFailure } from "./store/failure.ts";
import { deferred, waitFor } from "./wait.ts";

describe("toSwarmError", () => {
  it.each([
    ["what the core rejects with", { code: "NOT_FOUND", message: "nothing is known under this id" }, "NOT_FOUND"],
    ["a full store", new StoreFailure("QUOTA", "storage is full"), "QUOTA"],
    ["a store that is gone", new StoreFailure("UNAVAILABLE", "storage is gone"), "POISONED"],
    ["a damaged chunk", new StoreFailure("DAMAGED", "damaged"), "BAD_HASH"],
    ["the browser's quota", new DOMException("full", "QuotaExceededError"), "QUOTA"],
    ["the browser's abort", new DOMException("aborted", "AbortError"), "ABORTED"],
    ["an unknown code", { code: "SOMETHING", message: "new" }, "POISONED"],
    ["a bug", new TypeError("x is not a function"), "POISONED"],
    ["a text", "failed", "POISONED"],
    ["nothing", undefined, "POISONED"],
  ])("gives %s a stable code", (_, cause, code) => {
    const error = toSwarmError(cause);
    expect(error).toBeInstanceOf(SwarmError);
    expect(error.code).toBe(code);
    expect(error.message).not.toBe("");
  });

  it("keeps the peer and the failure", () => {
    const failure = { peer: "ab", stage: "ice", reason: "no route" };
    expect(toSwarmError({ code: "UNREACHABLE", message: "no connection", peer: "ab", failure })).toMatchObject({ peer: "ab", failure });
  });

  it("leaves its own kind as it is", () => {
    const error = new SwarmError("DENIED", "banned");
    expect(toSwarmError(error)).toBe(error);
  });
});

describe("waitFor", () => {
  const forever = new Promise<never>(() => undefined);

  it("gives what the work gives", async () => {
    expect(await waitFor(Promise.resolve(3))).toBe(3);
  });

  it("wraps what the work rejects with", async () => {
    await expect(waitFor(Promise.reject({ code: "DENIED", message: "banned" }))).rejects.toMatchObject({ name: "SwarmError", code: "DENIED" });
  });

  it.each([
    ["ABORTED for a signal that has fired", { signal: AbortSignal.abort() }, "ABORTED"],
    ["TIMEOUT for a signal that is a deadline", { signal: AbortSignal.timeout(1) }, "TIMEOUT"],
    ["TIMEOUT after the time", { timeoutMs: 1 }, "TIMEOUT"],
  ])("rejects with %s", async (_, wait, code) => {
    await expect(waitFor(forever, wait)).rejects.toMatchObject({ code });
  });

  it("rejects with CLOSED when the swarm is closed, before or while it waits", async () => {
    const closing = new AbortController();
    const waiting = waitFor(forever, {}, closing.signal);
    closing.abort();
    await expect(waiting).rejects.toMatchObject({ code: "CLOSED" });
    await expect(waitFor(forever, {}, closing.signal)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("settles once, with what came first", async () => {
    const { promise, resolve } = deferred<number>();
    const gaveUp = new AbortController();
    const waiting = waitFor(promise, { signal: gaveUp.signal });
    resolve(1);
    expect(await waiting).toBe(1);
    gaveUp.abort();
    expect(await waiting).toBe(1);
  });
});
