import { expect, test } from "@playwright/test";

import { limitQuota, onDisk } from "./support/disk.ts";
import { add, fetched, openPair, openTab, ready, until } from "./support/tabs.ts";

const MEGABYTE = 1_000_000;
const BYTES = 24 * MEGABYTE;

test("a download that finds no room fails with QUOTA, loses nothing, and goes on once there is room", async () => {
  await onDisk(async (context) => {
    // The quota is the origin's: the sender stores nothing on disk.
    const sender = await openTab(context, { store: "memory" });
    const receiver = await openTab(context);
    await ready(receiver);
    const small = await add(sender, { seed: 60, bytes: MEGABYTE });
    const large = await add(sender, { seed: 61, bytes: BYTES });
    expect(await fetched(receiver, small.link, 60)).toMatchObject({ wrongAt: null });
    await until(receiver, "content:available", { id: large.id });

    await limitQuota(receiver, 10 * MEGABYTE);
    const refusal = await receiver.evaluate((id) => window.lab.refusal(() => window.lab.fetch(id, 61)), large.id);
    expect(refusal).toMatchObject({ isSwarmError: true, code: "QUOTA" });
    expect(refusal?.message).not.toBe("");
    expect(await fetched(receiver, small.id, 60)).toMatchObject({ wrongAt: null, progress: { fromDisk: MEGABYTE, fromPeers: 0 } });
    expect(await receiver.evaluate(() => window.lab.swarm.status.peersConnected)).toBe(1);

    await limitQuota(receiver, null);
    const got = await fetched(receiver, large.id, 61);
    expect(got).toMatchObject({ bytes: BYTES, wrongAt: null });
    expect(got.progress.fromDisk).toBeGreaterThan(MEGABYTE);
    expect(got.progress.fromDisk + got.progress.fromPeers).toBe(BYTES);
  });
});

test("a file that there is no room for is refused with QUOTA, and nothing of it is kept", async () => {
  await onDisk(async (context) => {
    const page = await openTab(context);
    const { id } = await add(page, { seed: 62, bytes: MEGABYTE });
    const usedBytes = await page.evaluate(async () => (await window.lab.swarm.content.usage()).usedBytes);
    await limitQuota(page, 8 * MEGABYTE);
    const refusal = await page.evaluate((bytes) => window.lab.refusal(() => window.lab.add({ seed: 63, bytes })), BYTES);
    expect(refusal).toMatchObject({ isSwarmError: true, code: "QUOTA" });
    expect(await page.evaluate(() => window.lab.swarm.content.list())).toMatchObject([{ id, complete: true }]);
    expect(await page.evaluate(async () => (await window.lab.swarm.content.usage()).usedBytes)).toBe(usedBytes);
    expect(await fetched(page, id, 62)).toMatchObject({ bytes: MEGABYTE, wrongAt: null });
    // What was given up made room for less.
    await add(page, { seed: 64, bytes: MEGABYTE });
    await limitQuota(page, null);
    await add(page, { seed: 63, bytes: BYTES });
  });
});

test("a limit of the application's own is a quota, too", async ({ context }) => {
  const [one, two] = await openPair(context, { store: "memory", storeBytesMax: 3 * MEGABYTE });
  const usage = await one.evaluate(() => window.lab.swarm.content.usage());
  expect(usage).toEqual({ usedBytes: 0, quotaBytes: 3 * MEGABYTE, persisted: false, kind: "memory" });
  const refused = await one.evaluate(() => window.lab.refusal(() => window.lab.add({ seed: 65, bytes: 5_000_000 })));
  expect(refused).toMatchObject({ isSwarmError: true, code: "QUOTA" });
  await add(two, { seed: 66, bytes: 2 * MEGABYTE });
  const { id, link } = await add(one, { seed: 67, bytes: 2 * MEGABYTE });
  await until(two, "content:available", { id });
  expect(await two.evaluate((what) => window.lab.refusal(() => window.lab.fetch(what, 67)), link)).toMatchObject({ isSwarmError: true, code: "QUOTA" });
});
