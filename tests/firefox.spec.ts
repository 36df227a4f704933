import { expect, test } from "@playwright/test";

import { add, fetched, idOf, opened, openPair, ready, seenCount, statsOf, until } from "./support/tabs.ts";

test("two tabs connect, exchange contents in both directions, and stay themselves over a reload @firefox", async ({ context }) => {
  const [one, two] = await openPair(context);
  const [id, other] = [await idOf(one), await idOf(two)];
  for (const [from, to, seed, bytes, encrypt] of [
    [one, two, 110, 0, true],
    [two, one, 111, 262_113, true],
    [one, two, 112, 8_000_000, true],
    [two, one, 113, 3_000_000, false],
  ] as const) {
    const { id: content } = await add(from, { seed, bytes, encrypt });
    await until(to, "content:available", { id: content });
    expect(await fetched(to, content, seed)).toMatchObject({ bytes, wrongAt: null, progress: { doneBytes: bytes, fromPeers: bytes } });
  }
  expect(await one.evaluate(async () => (await window.lab.swarm.content.usage()).kind)).toBe("opfs");

  const seen = await seenCount(two);
  await one.reload();
  await opened(one);
  expect(await idOf(one)).toBe(id);
  await ready(one);
  await until(two, "peer:disconnect", { id, cause: "goodbye" }, seen);
  await until(two, "peer:connect", { id }, seen);
  expect(await one.evaluate(async () => (await window.lab.swarm.content.list()).length)).toBe(4);
  expect(await one.evaluate(() => window.lab.swarm.peers())).toMatchObject([{ id: other, state: "connected" }]);
  for (const page of [one, two]) {
    expect(await statsOf(page)).toMatchObject({ "node.bugs": 0 });
    expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
  }
});
