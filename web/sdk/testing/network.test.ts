import { afterEach, describe, expect, it, vi } from "vitest";

import { SwarmError } from "../errors.ts";
import { Swarm } from "../swarm.ts";
import { SimNetwork } from "./index.ts";
import { mesh, record } from "./support.ts";

let network = new SimNetwork();

afterEach(async () => {
  vi.useRealTimers();
  await network.close();
});

function make(options: ConstructorParameters<typeof SimNetwork>[0] = {}): SimNetwork {
  network = new SimNetwork(options);
  return network;
}

describe("swarms on a simulated network", () => {
  it("find each other and connect", async () => {
    const [a, b] = await Promise.all([make({ seed: 7 }).open({ app: "notes" }), network.open({ app: "notes" })]);
    expect(a).toBeInstanceOf(Swarm);
    expect(a.status).toMatchObject({ mode: "offline", state: "online", peersConnected: 0 });
    await network.run(a.ready({ peers: 1 }));
    expect(a.peers()).toMatchObject([{ id: b.id, state: "connected", path: "direct" }]);
    expect(a.status).toMatchObject({ mode: "p2p", peersConnected: 1 });
    expect((await a.stats())["link.opened"] ?? Object.keys(await a.stats()).length).toBeGreaterThan(0);
  });

  it("tell their events, which can be iterated", async () => {
    const a = await make().open({ app: "notes" });
    const connected = a.events("peer:connect", { timeoutMs: 60_000 });
    const b = await network.open({ app: "notes" });
    const { value } = await network.run(connected.next());
    expect(value.detail.id).toBe(b.id);
  });

  it("never meet those of another app, or of another channel", async () => {
    make();
    const swarms = await Promise.all([network.open({ app: "notes" }), network.open({ app: "chat" }), network.open({ app: "notes", signalling: [] })]);
    await network.advance(60_000);
    expect(swarms.map((swarm) => swarm.peers())).toEqual([[], [], []]);
  });

  it("obey maxConnections", async () => {
    make();
    const swarms = await Promise.all(Array.from({ length: 6 }, () => network.open({ app: "notes", maxConnections: 2 })));
    await network.advance(60_000);
    const counts = swarms.map(({ status }) => status.peersConnected);
    // A ring: with two places nothing else is one graph.
    expect(counts).toEqual([2, 2, 2, 2, 2, 2]);
    const around = new Map(swarms.map((swarm) => [swarm.id, swarm.peers().filter(({ state }) => state === "connected")]));
    const reached = new Set([...around.keys()].slice(0, 1));
    for (const id of reached) {
      for (const peer of around.get(id) ?? []) {
        reached.add(peer.id);
      }
    }
    expect(reached.size).toBe(6);
  });

  it("disconnect, connect and ban", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    await network.run(a.disconnect(b.id));
    await network.until(() => b.status.peersConnected === 0);
    const info = await network.run(a.connect(b.id));
    expect(info).toMatchObject({ id: b.id, state: "connected" });
    a.ban(b.id);
    await network.until(() => b.status.peersConnected === 0);
    await expect(network.run(a.connect(b.id))).rejects.toMatchObject({ code: "DENIED" });
  });

  it("say why nobody is reached, in virtual time", async () => {
    const a = await make().open({ app: "notes" });
    const begunMs = network.nowMs;
    const nobody = "0".repeat(63) + "1";
    const failure = await network.run(a.connect(nobody as typeof a.id)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SwarmError);
    expect(failure).toMatchObject({ code: "UNREACHABLE", failure: { stage: "signalling" } });
    expect(network.nowMs - begunMs).toBeGreaterThan(1_000);
    await expect(network.run(a.connect(nobody as typeof a.id, { timeoutMs: 100 }))).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  it("stop and start again", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    await network.run(a.stop());
    expect(a.status.state).toBe("stopped");
    await network.until(() => b.status.peersConnected === 0);
    await network.run(a.start());
    await network.until(() => a.status.peersConnected === 1);
  });

  it("open without starting, if asked to", async () => {
    const a = await make().open({ app: "notes", autostart: false });
    await network.open({ app: "notes" });
    await network.advance(5_000);
    expect(a.status).toMatchObject({ state: "stopped", peersDiscovered: 0 });
  });

  it("say goodbye when they are closed, and do nothing more", async () => {
    const [a, b] = (await mesh(make(), 2)) as [Swarm, Swarm];
    const log = record(network, [b]);
    await a.close();
    await network.until(() => b.peers().length === 0);
    expect(log.some((line) => line.includes("peer:disconnect") && line.includes('"cause":"goodbye"'))).toBe(true);
    expect(network.swarms).toEqual([b]);
    await expect(a.start()).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("virtual time", () => {
  it("stands still unless it is moved", async () => {
    make();
    expect(network.nowMs).toBe(0);
    await Promise.all([network.open({ app: "notes" }), network.open({ app: "notes" })]);
    const atMs = network.nowMs;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(network.nowMs).toBe(atMs);
    await network.advance(1_234.5);
    expect(network.nowMs).toBe(atMs + 1_234.5);
  });

  it("moves for several who wait, each until its own end", async () => {
    const a = await make().open({ app: "notes" });
    const begunMs = network.nowMs;
    const ends: number[] = [];
    const note = (): void => void ends.push(network.nowMs - begunMs);
    await Promise.all([
      network.advance(500).then(note),
      network.run(a.ready({ timeoutMs: 200 })).catch(note),
      network.advance(300).then(() => network.advance(400)).then(note),
    ]);
    expect(ends).toEqual([200, 500, 700]);
  });

  it("stops at the moment at which the condition holds", async () => {
    const [a] = [await make({ latencyMs: 25 }).open({ app: "notes" }), await network.open({ app: "notes" })];
    const seen: number[] = [];
    a.addEventListener("peer:connect", () => seen.push(network.nowMs));
    await network.until(async () => a.status.peersConnected === 1);
    expect(seen).toEqual([network.nowMs]);
  });

  it("does not move for a promise that needs none", async () => {
    const a = await make().open({ app: "notes" });
    const atMs = network.nowMs;
    expect(await network.run(a.content.list())).toEqual([]);
    await network.until(() => true);
    expect(network.nowMs).toBe(atMs);
  });

  it("passes on what a condition or a promise throws", async () => {
    await make().open({ app: "notes" });
    const mine = new RangeError("mine");
    const fail = (): never => {
      throw mine;
    };
    await expect(network.until(fail)).rejects.toBe(mine);
    await expect(network.until(() => Promise.reject(mine))).rejects.toBe(mine);
    await expect(network.run(Promise.reject(mine))).rejects.toBe(mine);
  });

  it("gives up with a sentence that says how the swarms are", async () => {
    await make().open({ app: "notes" });
    await expect(network.until(() => false)).rejects.toThrow(/within 300000 ms of virtual time.*online with 0 connected/);
    await expect(network.run(new Promise(() => undefined), { timeoutMs: 50 })).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  it("is let go of by a signal", async () => {
    await make().open({ app: "notes" });
    const giveUp = new AbortController();
    const never = network.until(() => false, { timeoutMs: Number.POSITIVE_INFINITY, signal: giveUp.signal });
    setTimeout(() => giveUp.abort(), 5);
    await expect(never).rejects.toMatchObject({ code: "ABORTED" });
    await expect(network.advance(5, { signal: giveUp.signal })).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("moves under fake timers, which it never touches", async () => {
    vi.useFakeTimers();
    const [a] = await mesh(make(), 2);
    expect(a?.status.peersConnected).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a network", () => {
  it("refuses what makes no sense, and says what", async () => {
    expect(() => new SimNetwork({ seed: -1 })).toThrow("seed has to be a whole number");
    expect(() => new SimNetwork({ loss: 1 })).toThrow("loss has to be a share");
    expect(() => new SimNetwork({ latencyMs: [50, 10] })).toThrow("latencyMs has to be");
    expect(() => new SimNetwork({ latencyMs: Number.NaN })).toThrow(SwarmError);
    expect(() => new SimNetwork({ bytesPerSecond: 0 })).toThrow("bytesPerSecond");
    make();
    await expect(network.open({ app: "" })).rejects.toMatchObject({ code: "BAD_INPUT" });
    await expect(network.advance(-1)).rejects.toMatchObject({ code: "BAD_INPUT" });
    await expect(network.until(true as never)).rejects.toMatchObject({ code: "BAD_INPUT" });
    const a = await network.open({ app: "notes" });
    const stranger = {} as Swarm;
    expect(() => network.partition([stranger])).toThrow("not opened by this network");
    expect(() => network.partition([a], [a])).toThrow("one group");
    expect(() => network.shape({}, [a, a])).toThrow("two different swarms");
    await a.close();
    expect(() => network.freeze(a)).toThrow("closed");
  });

  it("closes its swarms and rejects whatever waits", async () => {
    const [a] = (await mesh(make(), 2)) as [Swarm, Swarm];
    const waits = [network.until(() => false), network.run(a.ready({ peers: 9 })), a.ready({ peers: 9 })];
    const ends = Promise.all(waits.map((wait) => wait.then(() => "done", ({ code }: SwarmError) => code)));
    await network.close();
    expect(await ends).toEqual(["CLOSED", "CLOSED", "CLOSED"]);
    expect(a.status.state).toBe("stopped");
    await expect(network.open({ app: "notes" })).rejects.toMatchObject({ code: "CLOSED" });
    await expect(network.advance(1)).rejects.toMatchObject({ code: "CLOSED" });
    await network.close();
  });

  it("can be closed before it was used, and while a swarm is opened", async () => {
    await make().close();
    make();
    const opening = network.open({ app: "notes" }).catch(({ code }: SwarmError) => code);
    await network.close();
    expect(await opening).toBe("CLOSED");
  });
});
