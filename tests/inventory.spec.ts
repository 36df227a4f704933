import { expect, test } from "@playwright/test";

import { add, openPair, openTab, ready, until } from "./support/tabs.ts";

test("what is added in one tab appears in the other at once, in both directions", async ({ context }) => {
  const [one, two] = await openPair(context);
  for (const [from, to, seed] of [
    [one, two, 1],
    [two, one, 2],
  ] as const) {
    const { id, link } = await add(from, { seed, bytes: 300_000, name: `inventory ${seed}`, mime: "text/x-story" });
    const known = { id, name: `inventory ${seed}`, mime: "text/x-story", bytes: 300_000, encrypted: true };
    const there = await until(to, "content:available", { id });
    expect(there.detail).toMatchObject({ ...known, providers: 1, complete: false, local: "absent", download: null });
    expect(await to.evaluate(() => window.lab.swarm.content.available())).toMatchObject([{ ...known, providers: 1 }]);
    expect(await from.evaluate((content) => window.lab.swarm.content.info(content), id)).toMatchObject({ ...known, complete: true, local: "complete" });
    expect(await from.evaluate((content) => window.lab.swarm.content.link(content), id)).toBe(link);
  }
  expect(await one.evaluate(async () => (await window.lab.swarm.content.list()).length)).toBe(1);
  expect(await one.evaluate(() => window.lab.swarm.peers()[0]?.contents)).toBe(1);
  expect(await one.evaluate(() => window.lab.swarm.status.contents)).toBe(2);
});

test("what is removed disappears at once, and its room is free again", async ({ context }) => {
  const [one, two] = await openPair(context);
  const before = await one.evaluate(async () => (await window.lab.swarm.content.usage()).usedBytes);
  const { id } = await add(one, { seed: 3, bytes: 600_000 });
  await until(two, "content:available", { id });
  await one.evaluate((content) => window.lab.swarm.content.remove(content), id);
  await until(two, "content:remove", { id });
  await until(one, "content:remove", { id });
  expect(await two.evaluate(() => window.lab.swarm.content.available())).toEqual([]);
  expect(await one.evaluate(() => window.lab.swarm.content.list())).toEqual([]);
  expect(await one.evaluate((content) => window.lab.swarm.content.info(content), id)).toBeNull();
  expect(await one.evaluate(async () => (await window.lab.swarm.content.usage()).usedBytes)).toBe(before);
  const refusal = await one.evaluate((content) => window.lab.refusal(() => window.lab.swarm.content.remove(content)), id);
  expect(refusal).toMatchObject({ isSwarmError: true, code: "NOT_FOUND" });
});

test("a tab that comes later gets the whole inventory, and loses it with the last who has it", async ({ context }) => {
  const first = await openTab(context);
  const ids = new Set<string>();
  for (let seed = 10; seed < 40; seed++) {
    ids.add((await add(first, { seed, bytes: seed })).id);
  }
  const second = await openTab(context);
  await second.waitForFunction((count) => window.lab.swarm.content.available().length === count, ids.size);
  const there = await second.evaluate(() => window.lab.swarm.content.available().map(({ id }) => id as string));
  expect(new Set(there)).toEqual(ids);
  await first.close();
  await second.waitForFunction(() => window.lab.swarm.content.available().length === 0);
});

test("a content that two have is there as long as one of them is", async ({ context }) => {
  const [one, two] = await openPair(context);
  const { id, link } = await add(one, { seed: 50, bytes: 10 });
  await two.evaluate((what) => window.lab.fetch(what, 50), link);
  const three = await openTab(context);
  await ready(three, 2);
  await until(three, "content:update", { id, providers: 2 });
  await one.evaluate((content) => window.lab.swarm.content.remove(content), id);
  await three.waitForFunction(() => window.lab.swarm.content.available()[0]?.providers === 1);
  await two.evaluate((content) => window.lab.swarm.content.remove(content), id);
  await until(three, "content:remove", { id });
});
