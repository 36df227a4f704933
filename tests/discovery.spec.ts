import { expect, test } from "@playwright/test";

import { idOf, openPair, openTab, ready, seenCount, until } from "./support/tabs.ts";

const NOBODY = "0123456789abcdef".repeat(4);

test("two tabs find each other and are connected, and both say so", async ({ context }) => {
  const pages = await openPair(context);
  const ids = await Promise.all(pages.map(idOf));
  expect(new Set(ids).size).toBe(2);
  for (const [page, other] of [
    [pages[0], ids[1]],
    [pages[1], ids[0]],
  ] as const) {
    const { peers, status, discovered, connected } = await page.evaluate(() => {
      const { lab } = window;
      const order = (type: "peer:discover" | "peer:connect") => lab.seen.findIndex((seen) => seen.type === type);
      return { peers: lab.swarm.peers(), status: lab.swarm.status, discovered: order("peer:discover"), connected: order("peer:connect") };
    });
    expect(peers).toMatchObject([{ id: other, state: "connected", path: "direct", strikes: 0, contents: 0 }]);
    expect(Math.abs(Date.now() - (peers[0]?.connectedAt ?? 0))).toBeLessThan(600_000);
    expect(status).toMatchObject({ mode: "p2p", state: "online", peersDiscovered: 1, peersConnected: 1, contents: 0 });
    expect(discovered).toBeGreaterThanOrEqual(0);
    expect(connected).toBeGreaterThan(discovered);
    // The status event tells the same as the property.
    await page.evaluate(() => window.lab.until("status", { mode: "p2p", peersConnected: 1 }));
    // A first ping tells how far away it is.
    await expect.poll(() => page.evaluate(() => window.lab.swarm.peers()[0]?.rttMs)).toBeGreaterThan(0);
  }
});

test("a swarm with nobody in sight is usable, and not ready", async ({ context }) => {
  const page = await openTab(context);
  expect(await page.evaluate(() => window.lab.swarm.status)).toMatchObject({ mode: "offline", state: "online", peersConnected: 0 });
  expect(await page.evaluate(() => window.lab.refusal(() => window.lab.swarm.ready({ timeoutMs: 50 })))).toMatchObject({ code: "TIMEOUT" });
  await page.evaluate(() => window.lab.swarm.ready({ peers: 0 }));
  // And whoever waits is told when somebody comes.
  const isReady = ready(page);
  await openTab(context);
  await isReady;
});

test("swarms of other applications never meet", async ({ context }) => {
  const [one] = await openPair(context);
  const other = await openTab(context, { open: "no" });
  await other.evaluate(() => window.lab.open({ app: "another-application" }));
  await openTab(context).then((third) => ready(third, 2));
  expect(await one.evaluate(() => window.lab.swarm.status.peersDiscovered)).toBe(2);
  expect(await other.evaluate(() => window.lab.swarm.status.peersDiscovered)).toBe(0);
});

test("a peer is connected to by its id, also one that comes later", async ({ context }) => {
  const [one, two] = [await openTab(context), await openTab(context, { open: "stopped" })];
  const other = await idOf(two);
  const connected = one.evaluate((id) => window.lab.swarm.connect(id), other);
  await two.evaluate(() => window.lab.swarm.start());
  expect(await connected).toMatchObject({ id: other, state: "connected" });
  // Once connected, the answer is there at once.
  expect(await one.evaluate((id) => window.lab.swarm.connect(id), other)).toMatchObject({ id: other, state: "connected" });
});

test("nobody behind an id is a failure with a stage and a hint", async ({ context }) => {
  const page = await openTab(context);
  const refusal = await page.evaluate((id) => window.lab.refusal(() => window.lab.swarm.connect(id as never)), NOBODY);
  expect(refusal).toMatchObject({ isSwarmError: true, code: "UNREACHABLE", failure: { stage: "signalling" } });
  expect(refusal?.failure?.reason).not.toBe("");
  expect(refusal?.failure?.hint).toContain("Check the id");
  const impatient = await page.evaluate((id) => window.lab.refusal(() => window.lab.swarm.connect(id as never, { timeoutMs: 50 })), NOBODY);
  expect(impatient).toMatchObject({ isSwarmError: true, code: "TIMEOUT" });
});

test("a peer that was banned is gone, and stays away", async ({ context }) => {
  const [one, two] = await openPair(context);
  const other = await idOf(two);
  await one.evaluate((id) => window.lab.swarm.ban(id), other);
  await until(one, "peer:disconnect", { id: other, cause: "banned" });
  await until(two, "peer:disconnect", { id: await idOf(one) });
  const refusal = await one.evaluate((id) => window.lab.refusal(() => window.lab.swarm.connect(id)), other);
  expect(refusal).toMatchObject({ isSwarmError: true, code: "DENIED" });
  // A third one is welcome to both, and by then they have heard each other again.
  const third = await openTab(context);
  await ready(third, 2);
  // Each side says on its own that it is connected.
  await until(one, "peer:connect", { id: await idOf(third) });
  expect(await one.evaluate(() => window.lab.swarm.status.peersConnected)).toBe(1);
});

test("a swarm that is closed and opened again has its id and its connections", async ({ context }) => {
  const [one, two] = await openPair(context);
  const [id, other] = [await idOf(one), await idOf(two)];
  const seen = await seenCount(two);
  await one.evaluate(() => window.lab.swarm.close());
  await until(two, "peer:disconnect", { id, cause: "goodbye" }, seen);
  expect(await one.evaluate(() => window.lab.open())).toBe(id);
  await until(one, "peer:connect", { id: other });
  await until(two, "peer:connect", { id }, seen);
});
