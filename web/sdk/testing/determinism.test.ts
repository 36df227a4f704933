import { describe, expect, it } from "vitest";

import type { Swarm } from "../swarm.ts";
import { SimNetwork } from "./index.ts";
import { matter, mesh, record } from "./support.ts";

/** Much of what can happen, and all that was told of it. */
async function story(seed: number): Promise<string> {
  const network = new SimNetwork({ seed, loss: 0.01, bytesPerSecond: 2_000_000 });
  const swarms = await Promise.all(Array.from({ length: 4 }, () => network.open({ app: "notes" })));
  const [a, b, c, d] = swarms as [Swarm, Swarm, Swarm, Swarm];
  const log = record(network, swarms);
  const [first, second] = await network.run(
    Promise.all([a.content.add(matter(900_000), { name: "first" }), b.content.add(new Blob([matter(700_000)]), { name: "second" })]),
  );
  const downloads = [c.content.get(first.link), d.content.get(second.link), c.content.get(second.link)];
  const reading = d.content.get(first.link).stream().getReader();
  await network.run(reading.read());
  network.partition([a, c], [b, d]);
  await network.advance(40_000);
  network.heal();
  await network.run(Promise.all(downloads.map(({ done }) => done)));
  await network.kill(a);
  network.freeze(b);
  await network.advance(60_000);
  network.resume(b);
  await network.until(() => [b, c, d].every(({ status }) => status.peersConnected === 2));
  await network.close();
  return log.join("\n");
}

describe("a seed", () => {
  it("gives the same story each time, to the last event", async () => {
    const [one, same, other] = [await story(11), await story(11), await story(12)];
    expect(one.split("\n").length).toBeGreaterThan(100);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  it("gives the same story while other networks run", async () => {
    const [one, same] = await Promise.all([story(5), story(5)]);
    expect(same).toBe(one);
  });
});

describe("many swarms", () => {
  it("fifty of them all know one another", { timeout: 60_000 }, async () => {
    const network = new SimNetwork();
    const swarms = await Promise.all(Array.from({ length: 50 }, () => network.open({ app: "notes" })));
    await network.until(() => swarms.every(({ status }) => status.peersDiscovered === 49 && status.peersConnected > 0));
    const { link } = await network.run((swarms[0] as Swarm).content.add(matter(300_000)));
    const neighbours = swarms.filter((swarm) => swarm.peers().some(({ id, state }) => id === swarms[0]?.id && state === "connected"));
    await network.run(Promise.all(neighbours.map((swarm) => swarm.content.get(link).done)));
    expect(neighbours.length).toBeGreaterThan(0);
    await network.close();
  });

  it("a few are as ever after many networks came and went", { timeout: 60_000 }, async () => {
    for (let round = 0; round < 40; round++) {
      const network = new SimNetwork();
      await mesh(network, 3);
      await network.close();
    }
  });
});
