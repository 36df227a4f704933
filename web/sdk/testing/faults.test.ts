import { afterEach, describe, expect, it } from "vitest";

import { memoryStore } from "../options.ts";
import type { Swarm } from "../swarm.ts";
import { SimNetwork } from "./index.ts";
import { digestOf, matter, mesh, record } from "./support.ts";

const MEGABYTE = 1_000_000;

let network = new SimNetwork();

afterEach(() => network.close());

async function trio(options: ConstructorParameters<typeof SimNetwork>[0] = {}): Promise<[Swarm, Swarm, Swarm]> {
  network = new SimNetwork(options);
  return (await mesh(network, 3)) as [Swarm, Swarm, Swarm];
}

const connectedOf = (swarm: Swarm): number => swarm.status.peersConnected;

describe("a partition", () => {
  it("parts the swarms until it is healed", async () => {
    const [a, b, c] = await trio();
    network.partition([a, b], [c]);
    await network.until(() => connectedOf(a) === 1 && connectedOf(b) === 1 && connectedOf(c) === 0);
    expect(a.peers().find(({ state }) => state === "connected")?.id).toBe(b.id);
    network.heal();
    await network.until(() => [a, b, c].every((swarm) => connectedOf(swarm) === 2));
  });

  it("leaves those together that it does not name, also late ones", async () => {
    const [a, b, c] = await trio();
    network.partition([a]);
    const late = await network.open({ app: "notes" });
    await network.until(() => connectedOf(late) === 2 && connectedOf(a) === 0);
    // The others may have told of it.
    const connected = late.peers().filter(({ state }) => state === "connected");
    expect(connected.map(({ id }) => id)).not.toContain(a.id);
    expect(connectedOf(b) + connectedOf(c)).toBe(4);
  });

  it("interrupts a download, which goes on where it was", async () => {
    const [a, b, c] = await trio({ bytesPerSecond: MEGABYTE });
    const data = matter(3 * MEGABYTE);
    const { link } = await network.run(a.content.add(data));
    const download = b.content.get(link);
    await network.until(() => download.progress.doneBytes > MEGABYTE);
    network.partition([a], [b, c]);
    await network.advance(90_000);
    const { doneBytes } = download.progress;
    expect(doneBytes).toBeLessThan(data.length);
    network.heal();
    expect(await digestOf(await network.run(download))).toBe(await digestOf(data));
  });
});

describe("loss and latency", () => {
  it("slow a download down and change nothing in it", async () => {
    const took = async (loss: number): Promise<number> => {
      network = new SimNetwork({ loss, latencyMs: 20 });
      const [a, b] = (await mesh(network, 2)) as [Swarm, Swarm];
      const { link } = await network.run(a.content.add(matter(MEGABYTE)));
      const begunMs = network.nowMs;
      expect(await digestOf(await network.run(b.content.get(link)))).toBe(await digestOf(matter(MEGABYTE)));
      const tookMs = network.nowMs - begunMs;
      await network.close();
      return tookMs;
    };
    expect(await took(0.02)).toBeGreaterThan(4 * (await took(0)));
  });

  it("can be changed while it runs, everywhere or between two", async () => {
    const [a, b, c] = await trio({ latencyMs: 10 });
    const rttMs = (from: Swarm, to: Swarm): number => from.peers().find(({ id }) => id === to.id)?.rttMs ?? 0;
    network.shape({ latencyMs: 200 }, [a, b]);
    await network.until(() => rttMs(a, b) > 300);
    expect(rttMs(a, c)).toBeLessThan(50);
    network.shape({ latencyMs: 50 });
    await network.until(() => rttMs(a, c) > 80 && rttMs(a, b) < 150);
  });
});

describe("a killed swarm", () => {
  it("is missed, and a download goes on from another source", async () => {
    const [a, b, c] = await trio({ bytesPerSecond: MEGABYTE });
    const data = matter(3 * MEGABYTE);
    const { link } = await network.run(a.content.add(data));
    await network.run(c.content.get(link).done);
    const download = b.content.get(link);
    await network.until(() => download.progress.doneBytes > MEGABYTE / 2);
    const log = record(network, [b]);
    await network.kill(a);
    expect(a.status.state).toBe("stopped");
    expect(await digestOf(await network.run(download))).toBe(await digestOf(data));
    await network.until(() => connectedOf(b) === 1 && connectedOf(c) === 1);
    expect(log.filter((line) => line.includes("peer:disconnect")).join()).not.toContain("goodbye");
  });

  it("comes back with its profile: the same peer, with what it had", async () => {
    network = new SimNetwork();
    const first = await network.open({ app: "notes", profile: "ann" });
    const { id } = await network.run(first.content.add(matter(300_000), { name: "kept" }));
    await expect(network.open({ app: "notes", profile: "ann" })).rejects.toMatchObject({ code: "DENIED" });
    await network.kill(first);
    const again = await network.open({ app: "notes", profile: "ann" });
    expect(again.id).toBe(first.id);
    expect(await network.run(again.content.list())).toMatchObject([{ id, name: "kept", complete: true }]);

    await again.close();
    const forgetful = await network.open({ app: "notes", profile: "ann", store: memoryStore() });
    expect(forgetful.id).toBe(first.id);
    expect(await forgetful.content.list()).toEqual([]);
    expect((await network.open({ app: "notes", profile: "bob" })).id).not.toBe(first.id);
  });
});

describe("a page", () => {
  it("that is frozen does nothing, nor do its timers, and is not called dead", async () => {
    const [a, b] = await trio();
    network.freeze(b);
    const log = record(network, [b]);
    const wait = b.ready({ peers: 9, timeoutMs: 1_000 }).then(() => "ready", ({ code }: { code: string }) => code);
    await network.advance(120_000);
    expect(log).toEqual([]);
    expect(await Promise.race([wait, Promise.resolve("waits")])).toBe("waits");
    expect(connectedOf(a)).toBe(2);
    network.resume(b);
    expect(await network.run(wait)).toBe("TIMEOUT");
    await network.until(() => connectedOf(b) === 2);
  });

  it("whose machine sleeps is missed, and comes back", async () => {
    const [a, b, c] = await trio();
    network.sleep(b);
    await network.until(() => connectedOf(a) === 1 && connectedOf(c) === 1);
    network.resume(b);
    await network.until(() => [a, b, c].every((swarm) => connectedOf(swarm) === 2));
  });

  it("that is hidden stays connected", async () => {
    const [a, b] = await trio();
    const log = record(network, [a]);
    network.hide(b);
    await network.advance(120_000);
    network.show(b);
    await network.advance(10_000);
    expect(log.filter((line) => line.includes("peer:disconnect"))).toEqual([]);
    expect(connectedOf(a)).toBe(2);
  });
});
