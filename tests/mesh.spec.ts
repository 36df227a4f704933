import { expect, test } from "@playwright/test";

import { add, fetched, idOf, openMesh, openTab, statsOf, until } from "./support/tabs.ts";

const TABS = 8;

test("eight tabs are connected each to each, and a content goes from one to all", async ({ context }) => {
  const pages = await openMesh(context, TABS);
  const connectedAt = await Promise.all(pages.map((page) => page.evaluate(() => window.lab.all("peer:connect").map(({ atMs }) => atMs))));
  const span = Math.max(...connectedAt.flat()) - Math.min(...connectedAt.flat());
  console.log(`${TABS} tabs: ${span} ms from the first connection to the last`);
  const ids = await Promise.all(pages.map(idOf));
  for (const [n, page] of pages.entries()) {
    const peers = await page.evaluate(() => window.lab.swarm.peers());
    expect(new Set(peers.map(({ id }) => id))).toEqual(new Set(ids.filter((_, other) => other !== n)));
    expect(peers.every(({ state }) => state === "connected")).toBe(true);
    // One connection for each pair: none was made twice and dropped again.
    expect(await page.evaluate(() => window.lab.all("peer:disconnect"))).toEqual([]);
    const stats = await statsOf(page);
    expect(stats["link.open"]).toBe(TABS - 1);
    expect(stats["node.bugs"]).toBe(0);
  }
  const [first, ...others] = pages;
  if (first === undefined) {
    throw new Error("eight were opened");
  }
  const { id } = await add(first, { seed: 80, bytes: 2_000_000 });
  const all = await Promise.all(
    others.map(async (page) => {
      await until(page, "content:available", { id });
      return fetched(page, id, 80);
    }),
  );
  expect(all.every(({ bytes, wrongAt }) => bytes === 2_000_000 && wrongAt === null)).toBe(true);
  await until(first, "content:update", { id, providers: TABS - 1 });
});

test("beyond its limit of connections a swarm takes nobody, and takes the next once there is room", async ({ context }) => {
  const full = await openMesh(context, 2, { maxConnections: 1 });
  const [one, two] = full;
  if (one === undefined || two === undefined) {
    throw new Error("two were opened");
  }
  const third = await openTab(context, { maxConnections: 1 });
  await Promise.all([one, two].map(async (page) => until(page, "peer:discover", { id: await idOf(third) })));
  expect(await one.evaluate(() => window.lab.swarm.status.peersConnected)).toBe(1);
  const gone = await idOf(two);
  await two.close();
  await until(one, "peer:disconnect", { id: gone });
  await until(third, "peer:connect", { id: await idOf(one) });
});
