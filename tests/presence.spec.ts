import { expect, test, type Page } from "@playwright/test";

import type { Download } from "../web/sdk/index.ts";
import { add, fetched, idOf, openPair, opened, ready, seenCount, until } from "./support/tabs.ts";

test("a swarm that is stopped is gone for the others at once, and back when it is started", async ({ context }) => {
  const [one, two] = await openPair(context);
  const id = await idOf(one);
  const first = await add(one, { seed: 70, bytes: 300_000 });
  await until(two, "content:available", { id: first.id });

  for (let round = 0; round < 3; round++) {
    const [seenByOne, seenByTwo] = [await seenCount(one), await seenCount(two)];
    await one.evaluate(() => window.lab.swarm.stop());
    expect(await one.evaluate(() => window.lab.swarm.status)).toMatchObject({ mode: "offline", state: "stopped", peersConnected: 0, peersDiscovered: 0 });
    expect(await one.evaluate(() => window.lab.swarm.peers())).toEqual([]);
    await until(two, "peer:disconnect", { id, cause: "goodbye" }, seenByTwo);
    await until(two, "peer:lose", { id }, seenByTwo);
    await until(two, "content:remove", { id: first.id }, seenByTwo);

    await one.evaluate(() => window.lab.swarm.start());
    await until(one, "peer:connect", {}, seenByOne);
    await until(two, "peer:connect", { id }, seenByTwo);
    await until(two, "content:available", { id: first.id }, seenByTwo);
    expect(await idOf(one)).toBe(id);
  }
});

test("while it is stopped, contents are added and listed, and downloads wait for its start", async ({ context }) => {
  const [one, two] = await openPair(context);
  const { id } = await add(two, { seed: 71, bytes: 24_000_000 });
  await until(one, "content:available", { id });
  const later = await add(two, { seed: 73, bytes: 300_000 });
  await until(one, "content:available", { id: later.id });
  await one.evaluate(async ([begun, next]) => {
    const { lab } = window;
    lab.begin(begun);
    await lab.reached(1_000_000);
    await lab.swarm.stop();
    window.held = [lab.running, lab.swarm.content.get(next)];
  }, [id, later.id] as const);

  const own = await add(one, { seed: 72, bytes: 500_000 });
  expect(await one.evaluate(async () => (await window.lab.swarm.content.list()).length)).toBe(2);
  expect(await fetched(one, own.id, 72)).toMatchObject({ wrongAt: null, progress: { fromDisk: 500_000 } });
  await one.evaluate(() => window.lab.swarm.start());
  await until(two, "content:available", { id: own.id });
  // Nobody asks for them again.
  const got = await one.evaluate(() =>
    Promise.all(
      window.held.map(async (download, n) => {
        const blob = await download;
        return { compared: await window.lab.compare(blob.stream(), [71, 73][n] ?? 0), progress: download.progress };
      }),
    ),
  );
  expect(got).toMatchObject([
    { compared: { bytes: 24_000_000, wrongAt: null }, progress: { fromPeers: 24_000_000, fromDisk: 0 } },
    { compared: { bytes: 300_000, wrongAt: null } },
  ]);
});

declare global {
  interface Window {
    held: Download[];
  }
}

const leavings: readonly [string, (page: Page) => Promise<unknown>][] = [
  ["closed", (page) => page.close()],
  ["led elsewhere", (page) => page.goto("about:blank")],
  ["reloaded", (page) => page.reload()],
];

for (const [how, leave] of leavings) {
  test(`a tab that is ${how} says goodbye, and the others know at once`, async ({ context }) => {
    const [one, two] = await openPair(context);
    const id = await idOf(one);
    const seen = await seenCount(two);
    await leave(one);
    // Not by silence, which would be noticed seconds later and have another cause.
    await until(two, "peer:disconnect", { id, cause: "goodbye" }, seen);
    await until(two, "peer:lose", { id }, seen);
    if (how === "reloaded") {
      await opened(one);
      await ready(two);
    }
  });
}
