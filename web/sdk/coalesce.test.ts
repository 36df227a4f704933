import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Coalescer } from "./coalesce.ts";

/** Touches at these times and gives the times at which it acted. */
function check(touchesMs: readonly number[], actsMs: readonly number[]): void {
  const acts: number[] = [];
  const coalescer = new Coalescer(100, () => acts.push(performance.now()));
  for (const at of touchesMs) {
    vi.advanceTimersByTime(at - performance.now());
    coalescer.touch();
  }
  vi.advanceTimersByTime(1_000);
  expect(acts).toEqual(actsMs);
}

describe("Coalescer", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"], now: 0 }));
  afterEach(() => void vi.useRealTimers());

  it("acts at once when it was quiet", () => check([5], [5]));
  it("acts once for many touches, and again after the last", () => check([0, 10, 20, 90], [0, 100]));
  it("never acts twice within the interval", () => check([0, 50, 120, 130, 199, 350], [0, 100, 200, 350]));

  it("does nothing after it was stopped", () => {
    const act = vi.fn();
    const coalescer = new Coalescer(100, act);
    coalescer.touch();
    coalescer.stop();
    coalescer.touch();
    vi.advanceTimersByTime(1_000);
    expect(act).not.toHaveBeenCalled();
  });
});
