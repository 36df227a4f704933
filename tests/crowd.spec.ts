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

/** One says something in a room, and each of the others hears it as its message of that number. */
async function saysToAll(one: Page, others: readonly Page[], nth: number): Promise<void> {
  const text = `message ${nth}`;
  const id = await one.evaluate((data) => window.lab.say("hall", data), text);
  const heard = others.map((page) => page.evaluate((count) => window.lab.heard("hall", count), nth));
  for (const messages of await Promise.all(heard)) {
    expect(messages).toHaveLength(nth);
    expect(messages[nth - 1]).toMatchObject({ data: text, id });
  }
}

test("twelve tabs with four places each are one swarm that a message crosses, and so are the six that are left when six die", async ({ context }) => {
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
  await Promise.all(pages.map((page) => page.evaluate(() => window.lab.listen("hall"))));
  const [speaker] = pages as [Page];
  await saysToAll(speaker, pages.slice(1), 1);

  const dead = pages.filter((_, n) => n % 2 === 0);
  const alive = pages.filter((_, n) => n % 2 === 1);
  await Promise.all(dead.map(crash));
  await untilOne(alive);
  const [first, ...others] = alive as [Page, ...Page[]];
  await saysToAll(first, others, 2);
  for (const page of alive) {
    expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
    expect((await statsOf(page))["node.bugs"]).toBe(0);
  }
});

test("six tabs with two places each are one ring that a message crosses", async ({ context }) => {
  test.setTimeout(120_000);
  const pages = await Promise.all(Array.from({ length: 6 }, () => openTab(context, { maxConnections: 2 })));
  await untilOne(pages);
  await Promise.all(pages.map((page) => page.evaluate(() => window.lab.listen("hall"))));
  const [speaker] = pages as [Page];
  await saysToAll(speaker, pages.slice(1), 1);
  for (const page of pages) {
    expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
    expect((await statsOf(page))["node.bugs"]).toBe(0);
  }
});
