import { expect, test, type Page } from "@playwright/test";

import { crash, idOf, openTab, statsOf } from "./support/tabs.ts";

const TABS = 12;
const PLACES = 4;

interface Graph {
  /** How many parts it is in. */
  readonly parts: number;
  /** The connections of each tab to those that are left. */
  readonly connections: readonly number[];
}

/** Who is connected to whom, as the tabs say. */
async function graphOf(pages: readonly Page[]): Promise<Graph> {
  const ids = await Promise.all(pages.map(idOf));
  const connected = await Promise.all(
    pages.map((page) =>
      page.evaluate(() => window.lab.swarm.peers().flatMap(({ id, state }) => (state === "connected" ? [id] : []))),
    ),
  );
  const edges = connected.map((peers) => peers.filter((peer) => ids.includes(peer)));
  const left = new Set(ids);
  let parts = 0;
  for (const id of ids) {
    if (!left.delete(id)) {
      continue;
    }
    parts += 1;
    const edge = [id];
    for (let at = edge.pop(); at !== undefined; at = edge.pop()) {
      edge.push(...(edges[ids.indexOf(at)] ?? []).filter((next) => left.delete(next)));
    }
  }
  return { parts, connections: edges.map((peers) => peers.length) };
}

/** Waits until the tabs are one graph in which nobody hangs by a thread. */
async function untilOne(pages: readonly Page[]): Promise<void> {
  const lacks = async (): Promise<string> => {
    const { parts, connections } = await graphOf(pages);
    return parts === 1 && Math.min(...connections) >= 2 ? "nothing" : `${parts} parts, connections ${connections.join(" ")}`;
  };
  await expect.poll(lacks, { timeout: 90_000 }).toBe("nothing");
}

test("twelve tabs with four places each are one swarm, and the six that are left when six die are one again", async ({ context }) => {
  test.setTimeout(240_000);
  const pages = await Promise.all(Array.from({ length: TABS }, () => openTab(context, { maxConnections: PLACES })));
  await untilOne(pages);
  for (const page of pages) {
    const stats = await statsOf(page);
    expect(stats["link.open"]).toBeLessThanOrEqual(PLACES);
    expect(stats["node.bugs"]).toBe(0);
    // Everybody knows of everybody, or will.
    await expect.poll(() => page.evaluate(() => window.lab.swarm.peers().length), { timeout: 60_000 }).toBe(TABS - 1);
  }

  const dead = pages.filter((_, n) => n % 2 === 0);
  const alive = pages.filter((_, n) => n % 2 === 1);
  await Promise.all(dead.map(crash));
  await untilOne(alive);
  for (const page of alive) {
    expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
    expect((await statsOf(page))["node.bugs"]).toBe(0);
  }
});
