import { afterEach, describe, expect, it } from "vitest";

import { broadcastChannel } from "../options.ts";
import type { Swarm } from "../swarm.ts";
import type { Channel, Message, Payload, PeerId, Room } from "../types.ts";
import { SimNetwork } from "./index.ts";
import { mesh } from "./support.ts";

let network = new SimNetwork();

afterEach(() => network.close());

const on = (...names: readonly string[]) => names.map((name) => broadcastChannel({ name }));

/** A line of so many swarms: each shares a channel with the next one, has a place for two, and knows nobody else. */
async function line(count: number): Promise<Swarm[]> {
  network = new SimNetwork({ latencyMs: 10 });
  const swarms: Swarm[] = [];
  for (let at = 0; at < count; at++) {
    const isEnd = at === 0 || at === count - 1;
    const signalling = on(...(at === 0 ? [] : [`${at}`]), ...(at === count - 1 ? [] : [`${at + 1}`]));
    swarms.push(await network.open({ app: "notes", maxConnections: isEnd ? 1 : 2, signalling }));
  }
  await network.until(() => swarms.every(({ status }, at) => status.peersConnected === (at === 0 || at === count - 1 ? 1 : 2)));
  return swarms;
}

/** Everything that this swarm hears on a channel from now on. */
async function listen(swarm: Swarm, room = "kitchen", name = "talk"): Promise<{ room: Room; channel: Channel<Payload>; heard: Message<Payload>[] }> {
  const joined = await network.run(swarm.join(room));
  const channel = joined.channel<Payload>(name);
  const heard: Message<Payload>[] = [];
  channel.onmessage = (message) => void heard.push(message);
  return { room: joined, channel, heard };
}

describe("messages to single peers on a simulated network", () => {
  it("reach one who is not connected, over those between, and nobody else", async () => {
    const swarms = (await line(4)) as [Swarm, Swarm, Swarm, Swarm];
    const [a, between, , d] = swarms;
    const [from, other, to] = [await listen(a), await listen(between), await listen(d)];
    const receipt = await network.run(from.channel.send({ text: "for you" }, { to: d.id }));
    expect(receipt).toEqual({ id: receipt.id, delivered: [d.id], pending: [] });
    // It was there before the sender was told.
    expect(to.heard).toMatchObject([{ data: { text: "for you" }, from: a.id, id: receipt.id, hops: 3 }]);
    expect(to.heard[0]?.sentAt).toBeGreaterThan(Date.UTC(2025, 0));
    await network.run(to.channel.send(Uint8Array.of(1, 2), { to: a.id }));
    expect(from.heard).toMatchObject([{ data: Uint8Array.of(1, 2), from: d.id, hops: 3 }]);
    await network.advance(60_000);
    expect([from.heard.length, other.heard.length, to.heard.length]).toEqual([1, 0, 1]);
    expect(a.peers().find(({ id }) => id === d.id)?.state ?? "unknown").not.toBe("connected");
  });

  it("go to several under one id, and tell who has it", async () => {
    const [a, b, c] = (await mesh((network = new SimNetwork()), 3)) as [Swarm, Swarm, Swarm];
    const [from, to] = [await listen(a), await listen(b)];
    const both = await network.run(from.channel.send("hi", { to: [b.id, c.id, b.id] }));
    expect(both).toMatchObject({ delivered: [b.id], pending: [c.id] });
    const third = await listen(c);
    const again = await network.run(from.channel.send("again", { to: [b.id, c.id] }));
    expect(again).toMatchObject({ delivered: [b.id, c.id], pending: [] });
    expect(to.heard.map(({ data, id }) => [data, id])).toEqual([["hi", both.id], ["again", again.id]]);
    expect(third.heard).toMatchObject([{ data: "again", id: again.id, hops: 1 }]);
  });

  it("are refused by who is not in the room, has no such channel, or does not take them", async () => {
    const [a, b] = (await mesh((network = new SimNetwork()), 2)) as [Swarm, Swarm];
    const { channel } = await listen(a);
    const refusal = { code: "UNREACHABLE", peer: b.id, message: expect.stringContaining("not in this room") as string };
    await expect(network.run(channel.send("hi", { to: b.id }))).rejects.toMatchObject(refusal);
    const room = await network.run(b.join("kitchen"));
    await expect(network.run(channel.send("hi", { to: b.id }))).rejects.toMatchObject(refusal);
    const heard: unknown[] = [];
    const numbers = room.channel("talk", {
      parse: (value) => {
        if (typeof value !== "number") {
          throw new TypeError("not a number");
        }
        return value;
      },
    });
    numbers.onmessage = ({ data }) => void heard.push(data);
    await expect(network.run(channel.send("seven", { to: b.id }))).rejects.toMatchObject(refusal);
    await network.run(channel.send(7, { to: b.id }));
    expect(heard).toEqual([7]);
    await room.leave();
    await expect(network.run(channel.send(8, { to: b.id }))).rejects.toMatchObject(refusal);
  });

  it("to one that is gone fail within 20 seconds, or when the caller gives up", async () => {
    const [a, , , d] = (await line(4)) as [Swarm, Swarm, Swarm, Swarm];
    const { channel } = await listen(a);
    const to = d.id;
    await d.close();
    const begun = network.nowMs;
    await expect(network.run(channel.send("hi", { to }))).rejects.toMatchObject({ code: "UNREACHABLE", peer: to });
    expect(network.nowMs - begun).toBeLessThanOrEqual(20_000);
    await expect(network.run(channel.send("hi", { to, timeoutMs: 300 }))).rejects.toMatchObject({ code: "TIMEOUT", peer: to });
    const giveUp = new AbortController();
    const waiting = channel.send("hi", { to, signal: giveUp.signal });
    giveUp.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
    await expect(channel.send("hi", { to, signal: giveUp.signal })).rejects.toMatchObject({ code: "ABORTED" });
    await expect(network.run(channel.send("hi", { to: "f".repeat(64) as PeerId }))).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("take another way when one on the way dies, and arrive once", async () => {
    network = new SimNetwork({ latencyMs: 20 });
    const swarms = await Promise.all(Array.from({ length: 12 }, () => network.open({ app: "notes", maxConnections: 4 })));
    await network.advance(60_000);
    const a = swarms[0] as Swarm;
    const isConnected = (to: Swarm): boolean => a.peers().some(({ id, state }) => id === to.id && state === "connected");
    const b = swarms.slice(1).find((swarm) => !isConnected(swarm)) as Swarm;
    const [from, to] = [await listen(a), await listen(b)];
    const sending = from.channel.send("by any way", { to: b.id });
    await network.advance(30);
    for (const between of swarms.filter((swarm) => swarm !== b && isConnected(swarm)).slice(0, 2)) {
      network.kill(between);
    }
    expect(await network.run(sending)).toMatchObject({ delivered: [b.id] });
    await network.advance(30_000);
    expect(to.heard).toMatchObject([{ data: "by any way", from: a.id }]);
    expect(to.heard[0]?.hops).toBeGreaterThanOrEqual(2);
  });

  it("wait for their turn when there are many, and none is refused", async () => {
    const [a, b] = (await mesh((network = new SimNetwork()), 2)) as [Swarm, Swarm];
    const { channel } = await listen(a);
    const { heard } = await listen(b);
    const texts = Array.from({ length: 500 }, (_, n) => `${n}`);
    const ends = await network.run(Promise.all(texts.map((text) => channel.send(text, { to: b.id }))));
    expect(ends.every(({ delivered }) => delivered[0] === b.id)).toBe(true);
    expect(heard.map(({ data }) => data)).toEqual(texts);
  });

  it("refuse what can't be sent at once", async () => {
    const [a, b] = (await mesh((network = new SimNetwork()), 2)) as [Swarm, Swarm];
    const { room, channel } = await listen(a);
    await listen(b);
    for (const to of ["", "nobody", [], [b.id, a.id], a.id, null, 7, [[b.id]]]) {
      await expect(channel.send("hi", { to: to as PeerId })).rejects.toMatchObject({ code: "BAD_INPUT" });
    }
    const tooLarge = { code: "TOO_LARGE", message: expect.stringContaining("16000") as string };
    await expect(network.run(channel.send("x".repeat(16_000), { to: b.id }))).rejects.toMatchObject(tooLarge);
    await expect(network.run(channel.send("x".repeat(15_990), { to: b.id }))).resolves.toMatchObject({ pending: [] });
    a.ban(b.id);
    await expect(network.run(channel.send("x", { to: b.id }))).rejects.toMatchObject({ code: "DENIED", peer: b.id });
    await network.run(a.unban(b.id));
    await network.run(a.stop());
    await expect(network.run(channel.send("x", { to: b.id }))).rejects.toMatchObject({ code: "CLOSED" });
    await room.leave();
    await expect(channel.send("x", { to: b.id })).rejects.toMatchObject({ code: "CLOSED" });
  });
});
