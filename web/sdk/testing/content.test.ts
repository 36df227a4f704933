import { afterEach, describe, expect, it } from "vitest";

import { memoryStore } from "../options.ts";
import type { Swarm } from "../swarm.ts";
import type { Progress } from "../types.ts";
import { SimNetwork } from "./index.ts";
import { digestOf, matter, mesh } from "./support.ts";

const MEGABYTE = 1_000_000;

let network = new SimNetwork();

afterEach(() => network.close());

async function pair(options: ConstructorParameters<typeof SimNetwork>[0] = {}): Promise<[Swarm, Swarm]> {
  network = new SimNetwork(options);
  return (await mesh(network, 2)) as [Swarm, Swarm];
}

describe("contents on a simulated network", () => {
  it("arrive byte by byte, encrypted or not", async () => {
    const [a, b] = await pair();
    const data = matter(3 * MEGABYTE + 1);
    for (const encrypt of [true, false]) {
      const { link, id } = await network.run(a.content.add(data, { name: "big.bin", encrypt }));
      await network.until(() => b.content.available().some((info) => info.id === id));
      const blob = await network.run(b.content.get(link));
      expect(await digestOf(blob)).toBe(await digestOf(data));
      expect(await b.content.info(id)).toMatchObject({ name: "big.bin", complete: true, encrypted: encrypt });
    }
    expect((await b.content.usage()).usedBytes).toBeGreaterThan(6 * MEGABYTE);
  });

  it("take the time that the network gives them", async () => {
    const [a, b] = await pair({ latencyMs: 20, bytesPerSecond: MEGABYTE });
    const { link } = await network.run(a.content.add(matter(2 * MEGABYTE)));
    const begunMs = network.nowMs;
    const seen: Progress[] = [];
    await network.run(b.content.get(link, { onProgress: (progress) => void seen.push(progress) }).done);
    const tookMs = network.nowMs - begunMs;
    expect(tookMs).toBeGreaterThan(2_000);
    expect(tookMs).toBeLessThan(3_500);
    expect(seen.at(-1)).toMatchObject({ doneBytes: 2 * MEGABYTE, fromPeers: 2 * MEGABYTE });
  });

  it("come from files, with their names and types", async () => {
    const [a, b] = await pair();
    const file = new File([matter(300_000)], "notes.txt", { type: "text/plain" });
    const { link } = await network.run(a.content.add(file));
    const download = b.content.get(link);
    const blob = await network.run(download);
    expect(blob.type).toBe("text/plain");
    expect(await digestOf(blob)).toBe(await digestOf(matter(300_000)));
    expect(await a.content.list()).toMatchObject([{ name: "notes.txt", mime: "text/plain", bytes: 300_000 }]);
  });

  it("can be read while they arrive, and handed on from one swarm's stream into another's", async () => {
    network = new SimNetwork({ bytesPerSecond: MEGABYTE });
    const [a, b, c] = (await mesh(network, 3)) as [Swarm, Swarm, Swarm];
    const data = matter(MEGABYTE);
    const { link } = await network.run(a.content.add(data));
    const begunMs = network.nowMs;
    const download = b.content.get(link);
    const reader = download.stream().getReader();
    const first = await network.run(reader.read());
    expect(network.nowMs - begunMs).toBeLessThan(700);
    expect(first.value).toEqual(data.subarray(0, first.value?.length ?? 0));
    reader.releaseLock();

    const again = await network.run(b.content.add(b.content.get(link).stream(), { name: "again" }));
    const blob = await network.run(c.content.get(again.link));
    expect(await digestOf(blob)).toBe(await digestOf(data));
  });

  it("wait for somebody who has them, and are given up", async () => {
    const [a, b] = await pair();
    const { link, id } = await network.run(a.content.add(matter(100_000)));
    await network.run(a.content.remove(id));
    await expect(network.run(b.content.get(link, { timeoutMs: 10_000 }))).rejects.toMatchObject({ code: "TIMEOUT" });
    const download = b.content.get(link);
    await network.advance(1_000);
    download.cancel();
    await expect(download).rejects.toMatchObject({ code: "ABORTED" });
    await expect(b.content.get("nonsense" as typeof link)).rejects.toMatchObject({ code: "BAD_INPUT" });
  });

  it("do not fit into a store that is too small", async () => {
    const [a] = await pair();
    const small = await network.open({ app: "notes", store: memoryStore({ maxBytes: MEGABYTE }) });
    await network.until(() => small.status.peersConnected === 2);
    const { link } = await network.run(a.content.add(matter(2 * MEGABYTE)));
    await expect(network.run(small.content.get(link))).rejects.toMatchObject({ code: "QUOTA" });
    await expect(network.run(small.content.add(matter(2 * MEGABYTE)))).rejects.toMatchObject({ code: "QUOTA" });
  });
});
