import { expect, test, type Page } from "@playwright/test";

import { joinChannel } from "./support/channels.ts";
import { add, fetched, idOf, opened, openPair, openTab, ready, statsOf, until } from "./support/tabs.ts";

test("tabs in separate contexts learn of each other from the tab between them, and connect over it unasked", async ({ browser, context }) => {
  const elsewhere = await browser.newContext();
  await joinChannel("b", [context, elsewhere]);
  const one = await openTab(context, { channels: "a" });
  const bridge = await openTab(context, { channels: "a,b" });
  const three = await openTab(elsewhere, { channels: "b" });
  const [id, other, between] = await Promise.all([idOf(one), idOf(three), idOf(bridge)]);

  await until(one, "peer:discover", { id: other });
  await until(one, "peer:connect", { id: other });
  await until(three, "peer:connect", { id });
  for (const page of [one, three]) {
    expect(await statsOf(page)).toMatchObject({ "connect.by_peers": 1, "connect.by_broadcast": 1, "pex.known": 2, "registry.peers": 2 });
  }
  await bridge.close();
  await Promise.all([one, three].map((page) => until(page, "peer:disconnect", { id: between })));
  const { id: content } = await add(one, { seed: 71, bytes: 1_000_000 });
  await until(three, "content:available", { id: content });
  expect(await fetched(three, content, 71)).toMatchObject({ bytes: 1_000_000, wrongAt: null });
  await elsewhere.close();
});

/** What is stored of the peers that were met: one record among those of the contents. */
async function storedPeers(page: Page, replacement?: readonly number[]): Promise<number[]> {
  return page.evaluate(async (bytes) => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    for (const { name } of await indexedDB.databases()) {
      const database = await settled(indexedDB.open(name ?? ""));
      try {
        if (database.objectStoreNames.contains("records")) {
          const records = database.transaction("records", "readwrite").objectStore("records");
          if (bytes !== undefined) {
            await settled(records.put(new Uint8Array(bytes), "peers"));
          }
          return [...((await settled(records.get("peers"))) as Uint8Array)];
        }
      } finally {
        database.close();
      }
    }
    throw new Error("no database holds records");
  }, replacement);
}

/** Stops the swarm and waits until what it knows of peers is stored. */
async function stop(page: Page): Promise<void> {
  await page.evaluate(() => window.lab.swarm.stop());
  await expect.poll(async () => (await statsOf(page))["registry.saves"] ?? 0).toBeGreaterThan(0);
}

test("who was met is remembered over a reload and called at the start", async ({ context }) => {
  const [one, two] = await openPair(context);
  await stop(one);
  // Nobody is there to be found in another way.
  await two.close();
  await one.reload();
  await opened(one);
  await expect.poll(async () => (await statsOf(one))["registry.peers_called"]).toBe(1);
  expect(await statsOf(one)).toMatchObject({ "registry.peers": 1 });
});

test("a corrupt record of peers is replaced, one of a newer version is left alone, and contents stay in both cases", async ({ context }) => {
  const one = await openTab(context);
  // With no database, so that there is one in all.
  const two = await openTab(context, { store: "memory" });
  await ready(one);
  const { id: content } = await add(one, { seed: 72, bytes: 1_000_000 });
  await stop(one);
  const stored = await storedPeers(one);
  const bent = stored.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
  for (const [written, isReplaced] of [[bent, true], [[2, ...stored.slice(1)], false]] as const) {
    await one.evaluate(() => window.lab.swarm.close());
    await storedPeers(one, written);
    await one.reload();
    await opened(one);
    await ready(one);
    expect(await statsOf(one)).toMatchObject({ "registry.loads_failed": 1, "registry.peers": 1 });
    expect(await one.evaluate(() => window.lab.swarm.content.list())).toMatchObject([{ id: content, complete: true }]);
    await one.evaluate(() => window.lab.swarm.stop());
    if (isReplaced) {
      await expect.poll(() => storedPeers(one)).toHaveLength(stored.length);
      await expect.poll(() => storedPeers(one)).not.toEqual(written);
    }
  }
  await one.evaluate(() => window.lab.swarm.close());
  expect(await storedPeers(one)).toEqual([2, ...stored.slice(1)]);
  await two.close();
});

test("peers named as seeds are called by name at the start", async ({ context }) => {
  const seed = "ab".repeat(32);
  const listener = await openTab(context, { open: "no" });
  await listener.evaluate(() => {
    window.overheard = [];
    new BroadcastChannel("c").onmessage = ({ data }) => {
      window.overheard.push([...(data as Uint8Array)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    };
  });
  const caller = await openTab(context, { channels: "c", open: "no" });
  await caller.evaluate((peer) => window.lab.open({ seedPeers: [peer as never] }), seed);
  await listener.waitForFunction((peer) => window.overheard.some((envelope) => envelope.includes(peer)), seed);
});

declare global {
  interface Window {
    overheard: string[];
  }
}
