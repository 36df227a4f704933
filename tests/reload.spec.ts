import { expect, test } from "@playwright/test";

import { serveAll, serveSome } from "./support/serving.ts";
import { add, addressOf, fetched, idOf, opened, openMesh, openPair, ready, seenCount, statsOf, until } from "./support/tabs.ts";

const BYTES = 24_000_000;

test("a tab that is reloaded has its identity, its content and its connections again", async ({ context }) => {
  const pages = await openMesh(context, 3);
  const [one, two] = pages;
  if (one === undefined || two === undefined) {
    throw new Error("three were opened");
  }
  const [id, other] = [await idOf(one), await idOf(two)];
  const { id: content } = await add(one, { seed: 30, bytes: 1_000_000 });
  await until(two, "content:available", { id: content });
  for (let round = 0; round < 3; round++) {
    const seen = await seenCount(two);
    await one.reload();
    await opened(one);
    expect(await idOf(one)).toBe(id);
    await ready(one, 2);
    await until(two, "peer:connect", { id }, seen);
    await until(two, "content:available", { id: content }, seen);
    expect(await one.evaluate(() => window.lab.swarm.content.list())).toMatchObject([{ id: content, complete: true }]);
  }
  expect(await idOf(two)).toBe(other);
  expect(await fetched(two, content, 30)).toMatchObject({ bytes: 1_000_000, wrongAt: null });
  expect(await two.evaluate(() => window.lab.swarm.peers().length)).toBe(2);
});

test("tabs that are all reloaded at once are all connected again", async ({ context }) => {
  const pages = await openMesh(context, 4);
  const ids = await Promise.all(pages.map(idOf));
  for (let round = 0; round < 2; round++) {
    await Promise.all(pages.map((page) => page.reload()));
    await Promise.all(pages.map(opened));
    await Promise.all(pages.map((page) => ready(page, pages.length - 1)));
    expect(await Promise.all(pages.map(idOf))).toEqual(ids);
  }
});

test("a download that a reload interrupts fetches nothing a second time", async ({ context }) => {
  const [one, two] = await openPair(context);
  const id = await idOf(two);
  const { id: content } = await add(one, { seed: 31, bytes: BYTES });
  await until(two, "content:available", { id: content });
  await serveSome(one, 6_000_000);
  await two.evaluate((what) => window.lab.begin(what), content);
  const before = await two.evaluate(() => window.lab.reached(4_000_000));

  await two.reload();
  await opened(two);
  expect(await idOf(two)).toBe(id);
  expect(await two.evaluate((what) => window.lab.swarm.content.info(what), content)).toMatchObject({ local: "partial", complete: false });
  await serveAll(one);
  const got = await fetched(two, content, 31);
  expect(got).toMatchObject({ bytes: BYTES, wrongAt: null });
  // What was counted before was stored before.
  expect(got.progress.fromDisk).toBeGreaterThanOrEqual(before.doneBytes);
  expect(got.progress.fromDisk + got.progress.fromPeers).toBe(BYTES);
  const { "content.bytes_verified": verified = 0, "content.bodies_wrong": wrong = 0 } = await statsOf(two);
  // Stored bytes: a tag for each chunk besides, and the manifest.
  expect(verified).toBeLessThan(got.progress.fromPeers * 1.01);
  expect(wrong).toBe(0);
});

test("a duplicated tab is another peer, with contents of its own", async ({ context }) => {
  const [first] = await openPair(context);
  const id = await idOf(first);
  await add(first, { seed: 32, bytes: 100 });
  // A window that a page opens gets a copy of its sessionStorage, as a duplicated tab does.
  const [second] = await Promise.all([context.waitForEvent("page"), first.evaluate((url) => void window.open(url), addressOf())]);
  await opened(second);
  const other = await idOf(second);
  expect(other).not.toBe(id);
  await ready(second, 2);
  await ready(first, 2);
  expect(await second.evaluate(() => window.lab.swarm.content.list())).toEqual([]);
  // Each keeps what it has, whichever is reloaded.
  await Promise.all([first.reload(), second.reload()]);
  await Promise.all([opened(first), opened(second)]);
  expect(await Promise.all([idOf(first), idOf(second)])).toEqual([id, other]);
  await Promise.all([ready(first, 2), ready(second, 2)]);
});
