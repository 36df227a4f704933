import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { BATCH_MAX, Batches } from "./batches.ts";

/** How long a commit takes. */
const COMMIT_MS = 5;

type Commit = readonly [atMs: number, ...items: number[]];

/** Adds an item at each of these times and gives the batches, each with the time at which its commit began. */
async function check(addsMs: readonly number[], commits: readonly Commit[]): Promise<void> {
  const seen: Commit[] = [];
  const batches = new Batches<number>(async (batch) => {
    seen.push([performance.now(), ...batch]);
    await new Promise((resolve) => setTimeout(resolve, COMMIT_MS));
  });
  const added: Promise<void>[] = [];
  for (const at of addsMs) {
    await vi.advanceTimersByTimeAsync(at - performance.now());
    added.push(batches.add(at));
  }
  await vi.advanceTimersByTimeAsync(1_000);
  await Promise.all(added);
  expect(seen).toEqual(commits);
}

describe("Batches", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"], now: 0 }));
  afterEach(() => void vi.useRealTimers());

  it("commits at once what comes after a silence", () => check([5, 200], [[5, 5], [200, 200]]));
  it("lets the next ones wait until no more come", () => check([0, 1, 8, 20, 60], [[0, 0], [35, 1, 8, 20], [75, 60]]));

  it("lets none wait long, however many come", async () => {
    const adds = Array.from({ length: 20 }, (_, i) => i * 12);
    await check(adds, [[0, 0], [112, ...adds.slice(1, 10)], [220, ...adds.slice(10, 19)], [243, 228]]);
  });

  it("commits a full batch at once", async () => {
    const adds = Array.from({ length: BATCH_MAX + 2 }, (_, i) => 10 + i / 4);
    await check([0, ...adds], [[0, 0], [10 + (BATCH_MAX - 1) / 4, ...adds.slice(0, BATCH_MAX)], [29.25, ...adds.slice(BATCH_MAX)]]);
  });

  it("waits for no more once it is to end", async () => {
    const commit = vi.fn(async () => undefined);
    const batches = new Batches<number>(commit);
    const first = batches.add(1);
    await first;
    const added = [batches.add(2), batches.add(3)];
    await batches.end();
    await Promise.all(added);
    expect(commit.mock.calls).toEqual([[[1]], [[2, 3]]]);
    expect(performance.now()).toBe(0);
  });

  it("rejects the items of a batch that failed, and goes on", async () => {
    const commit = vi.fn(async () => undefined).mockRejectedValueOnce(new Error("full"));
    const batches = new Batches<number>(commit);
    await expect(batches.add(1)).rejects.toThrow("full");
    const next = batches.add(2);
    await vi.advanceTimersByTimeAsync(100);
    await next;
  });
});
