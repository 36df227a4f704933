import { describe, expect, it } from "vitest";

import { SwarmError } from "./errors.ts";
import { Emitter, EVENTS_QUEUED_MAX } from "./events.ts";

type Events = { tick: CustomEvent<number>; other: CustomEvent<string> };

async function take(iterator: AsyncIterable<CustomEvent<number>>, count: number): Promise<number[]> {
  const taken: number[] = [];
  for await (const event of iterator) {
    taken.push(event.detail);
    if (taken.length === count) {
      break;
    }
  }
  return taken;
}

describe("Emitter", () => {
  it("tells listeners until they are removed", () => {
    const emitter = new Emitter<Events>();
    const heard: number[] = [];
    const listener = (event: CustomEvent<number>): void => void heard.push(event.detail);
    emitter.addEventListener("tick", listener);
    emitter.emit("tick", 1);
    emitter.removeEventListener("tick", listener);
    emitter.emit("tick", 2);
    expect(heard).toEqual([1]);
  });

  it("keeps events in order for an iterator that is slow", async () => {
    const emitter = new Emitter<Events>();
    const events = emitter.events("tick");
    emitter.emit("tick", 1);
    emitter.emit("other", "not this");
    emitter.emit("tick", 2);
    expect(await take(events, 2)).toEqual([1, 2]);
  });

  it("wakes an iterator that waits", async () => {
    const emitter = new Emitter<Events>();
    const taking = take(emitter.events("tick"), 1);
    emitter.emit("tick", 7);
    expect(await taking).toEqual([7]);
  });

  it("drops the oldest events when too many wait", async () => {
    const emitter = new Emitter<Events>();
    const events = emitter.events("tick");
    for (let i = 0; i <= EVENTS_QUEUED_MAX; i++) {
      emitter.emit("tick", i);
    }
    expect(await take(events, 1)).toEqual([1]);
  });

  it("gives what waits and then says that there was more, if that matters", async () => {
    const emitter = new Emitter<Events>();
    const events = emitter.events("tick", {}, () => new SwarmError("RATE_LIMITED", "too many"));
    for (let i = 0; i <= EVENTS_QUEUED_MAX; i++) {
      emitter.emit("tick", i);
    }
    const taken: number[] = [];
    const takeAll = async (): Promise<void> => {
      for await (const event of events) {
        taken.push(event.detail);
      }
    };
    await expect(takeAll()).rejects.toMatchObject({ code: "RATE_LIMITED" });
    expect(taken).toEqual(Array.from({ length: EVENTS_QUEUED_MAX }, (_, i) => i));
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it("ends iterators, after what is queued", async () => {
    const emitter = new Emitter<Events>();
    const events = emitter.events("tick");
    emitter.emit("tick", 1);
    emitter.end();
    expect(await take(events, 10)).toEqual([1]);
    expect(await take(emitter.events("tick"), 10)).toEqual([]);
  });

  it("rejects with ABORTED when the signal fires, and then is done", async () => {
    const gaveUp = new AbortController();
    const events = new Emitter<Events>().events("tick", { signal: gaveUp.signal });
    const next = events.next();
    gaveUp.abort();
    await expect(next).rejects.toMatchObject({ code: "ABORTED" });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it("rejects with TIMEOUT when no event comes in time", async () => {
    const events = new Emitter<Events>().events("tick", { timeoutMs: 1 });
    await expect(events.next()).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});
