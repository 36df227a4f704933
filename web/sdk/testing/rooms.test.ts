import { afterEach, describe, expect, it } from "vitest";

import type { Swarm } from "../swarm.ts";
import type { Channel, Message, Payload, Room } from "../types.ts";
import { SimNetwork } from "./index.ts";
import { mesh } from "./support.ts";

let network = new SimNetwork();

afterEach(() => network.close());

function make(options: ConstructorParameters<typeof SimNetwork>[0] = {}): SimNetwork {
  network = new SimNetwork(options);
  return network;
}

/** Everything that a channel hears from now on. */
function heard<T extends Payload>(channel: Channel<T>): Message<T>[] {
  const messages: Message<T>[] = [];
  channel.onmessage = (message) => void messages.push(message);
  return messages;
}

async function joined(swarms: readonly Swarm[], name = "kitchen"): Promise<Room[]> {
  const rooms = await network.run(Promise.all(swarms.map((swarm) => swarm.join(name))));
  await network.until(() => rooms.every((room) => room.peers().length === swarms.length - 1));
  return rooms;
}

describe("rooms on a simulated network", () => {
  it("tell who is there, who comes and who leaves", async () => {
    const [a, b, c] = (await mesh(make(), 3)) as [Swarm, Swarm, Swarm];
    const [room, other] = (await joined([a, b])) as [Room, Room];
    expect(room.peers().map(({ id }) => id)).toEqual([b.id]);
    const comes = room.events("peer:join");
    const third = await network.run(c.join("kitchen"));
    expect((await network.run(comes.next())).value.detail).toMatchObject({ id: c.id, state: "connected" });
    const leaves = room.events("peer:leave");
    await network.run(other.leave());
    expect((await network.run(leaves.next())).value.detail).toMatchObject({ id: b.id });
    await third.leave();
    await network.run(leaves.next());
    expect(room.peers()).toEqual([]);
    expect(other.peers()).toEqual([]);
  });

  it("carry messages to all others, each once, with who said it and when", async () => {
    const [a, b, c] = (await mesh(make(), 3)) as [Swarm, Swarm, Swarm];
    const rooms = await joined([a, b, c]);
    const [one, two, three] = rooms.map((room) => room.channel("talk")) as [Channel<Payload>, Channel<Payload>, Channel<Payload>];
    const [own, there, elsewhere] = [heard(one), heard(two), heard(three)];
    const { id } = await network.run(one.send({ text: "hello" }));
    await network.run(one.send(Uint8Array.of(1, 2)));
    await network.until(() => there.length === 2 && elsewhere.length === 2);
    await network.advance(10_000);
    // In any order.
    there.sort((left, right) => Number(left.data instanceof Uint8Array) - Number(right.data instanceof Uint8Array));
    expect(there[0]).toMatchObject({ data: { text: "hello" }, from: a.id, id });
    // The way over the third may be the faster one.
    expect([1, 2]).toContain(there[0]?.hops);
    expect(there[1]?.data).toEqual(Uint8Array.of(1, 2));
    expect([there.length, elsewhere.length, own.length]).toEqual([2, 2, 0]);
    expect((there[0]?.sentAt ?? 0) % 1).toBe(0);
    expect(there[0]?.sentAt).toBeGreaterThan(Date.UTC(2025, 0));
  });

  it("keep rooms and channels apart", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    const [kitchen, other] = (await joined([a, b])) as [Room, Room];
    const hall = await network.run(b.join("hall"));
    const [talk, silent, elsewhere] = [other.channel("talk"), other.channel("silent"), hall.channel("talk")].map(heard);
    await network.run(kitchen.channel("talk").send("hi"));
    await network.advance(5_000);
    expect([talk, silent, elsewhere].map((messages) => messages?.length)).toEqual([1, 0, 0]);
  });

  it("can be iterated, and iteration ends when the room is left", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    const [one, two] = (await joined([a, b])) as [Room, Room];
    const messages = two.channel<number>("count")[Symbol.asyncIterator]();
    for (const number of [1, 2, 3]) {
      await network.run(one.channel<number>("count").send(number));
    }
    const values = [];
    for (let index = 0; index < 3; index++) {
      values.push((await network.run(messages.next())).value.data);
    }
    expect(values.toSorted()).toEqual([1, 2, 3]);
    await network.run(two.leave());
    expect(await messages.next()).toMatchObject({ done: true });
    await expect(two.channel).toThrow();
    await expect(network.run(a.join("kitchen"))).resolves.toBe(one);
  });

  it("refuse what does not exist yet, and what is too much", async () => {
    const a = await make().open({ app: "notes" });
    await expect(a.join("", {})).rejects.toMatchObject({ code: "BAD_INPUT" });
    await expect(a.join("x", { password: "secret" } as never)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    const room = await network.run(a.join("x"));
    expect(() => room.channel("c", { delivery: "ordered" as never })).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
    const channel = room.channel<Payload>("c");
    await expect(network.run(channel.send("x".repeat(33_000)))).rejects.toMatchObject({ code: "TOO_LARGE" });
    const many = Array.from({ length: 200 }, () => network.run(channel.send("x".repeat(32_000))));
    const codes = (await Promise.allSettled(many)).map((end) => (end.status === "rejected" ? (end.reason as { code: string }).code : "sent"));
    expect(new Set(codes)).toEqual(new Set(["sent", "RATE_LIMITED"]));
    await room.leave();
    await expect(channel.send("x")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("carry megabytes as fast as each message is awaited, and tell a reader that is too late", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    const [one, two] = (await joined([a, b])) as [Room, Room];
    const all = heard(two.channel("c"));
    const late = two.channel("c")[Symbol.asyncIterator]();
    for (let index = 0; index < 170; index++) {
      await network.run(one.channel("c").send(String(index).padEnd(30_000)));
    }
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => network.run(one.channel("c").send(index))));
    await network.until(() => all.length === 1_170);
    for (let index = 0; index < 1_024; index++) {
      expect((await late.next()).done).toBe(false);
    }
    await expect(late.next()).rejects.toMatchObject({ code: "RATE_LIMITED" });
    expect(await late.next()).toMatchObject({ done: true });
  });

  it("drop what a channel's parse refuses", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    const [one, two] = (await joined([a, b])) as [Room, Room];
    const parse = (value: unknown): number => {
      if (typeof value !== "number") {
        throw new TypeError("not a number");
      }
      return value;
    };
    const numbers = heard(two.channel("n", { parse }));
    await network.run(one.channel("n").send("seven"));
    await network.run(one.channel("n").send(7));
    await network.until(() => numbers.length === 1);
    expect(numbers[0]?.data).toBe(7);
  });

  it("reach over peers that are in no room, and over a cut that heals within a minute", async () => {
    make({ latencyMs: 20 });
    const swarms = await Promise.all(Array.from({ length: 12 }, () => network.open({ app: "notes", maxConnections: 3 })));
    await network.advance(60_000);
    const ends = [swarms[0], swarms[11]] as [Swarm, Swarm];
    const [one, two] = (await joined(ends)) as [Room, Room];
    const messages = heard(two.channel("talk"));
    await network.run(one.channel("talk").send("over"));
    await network.until(() => messages.length === 1);
    network.partition([ends[1]]);
    await network.run(one.channel("talk").send("later"));
    await network.advance(20_000);
    expect(messages.length).toBe(1);
    network.heal();
    await network.until(() => messages.length === 2);
    expect(messages[1]?.data).toBe("later");
  });

  it("stay joined over a stop and a start", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    const [one, two] = (await joined([a, b])) as [Room, Room];
    const messages = heard(one.channel("talk"));
    await network.run(a.stop());
    expect(one.peers()).toEqual([]);
    await network.until(() => two.peers().length === 0);
    await network.run(a.start());
    await network.until(() => one.peers().length === 1 && two.peers().length === 1);
    await network.run(two.channel("talk").send("again"));
    await network.until(() => messages.length === 1);
  });
});
