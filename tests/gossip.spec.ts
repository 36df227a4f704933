import { expect, test, type Page } from "@playwright/test";

import { add, idOf, openTab, ready, statsOf, useTab } from "./support/tabs.ts";

/** What a tab knows of a peer, if it does. */
const known = (page: Page, id: string): Promise<unknown> => page.evaluate((peer) => window.lab.swarm.peers().find((one) => one.id === peer) ?? null, id);

test("along a line of tabs with no room for more, the ends learn of each other by gossip, and what they are @firefox", async ({ context }) => {
  // Each hears the one before and the one after it only.
  const last = await openTab(context, { channels: "c", maxConnections: 1 });
  await add(last, { seed: 81, bytes: 1_000_000 });
  await expect.poll(() => last.evaluate(() => window.lab.swarm.status.roles)).toEqual(["seed"]);
  const third = await openTab(context, { channels: "b,c", maxConnections: 2 });
  await ready(third);
  const second = await openTab(context, { channels: "a,b", maxConnections: 2 });
  await ready(second);
  const first = await openTab(context, { channels: "a", maxConnections: 1 });
  await ready(first);

  const id = await idOf(last);
  await expect.poll(() => known(first, id)).toMatchObject({ state: "discovered", roles: ["seed"], capabilities: { relays: true, installed: false } });
  // Whom its only neighbour is connected to it was told in a list; this one it was not.
  expect(await statsOf(first)).toMatchObject({ "pex.known": 3 });
  expect((await statsOf(first))["gossip.messages_received"]).toBeGreaterThan(0);
  expect(await first.evaluate(() => window.lab.swarm.peers().filter(({ state }) => state === "connected").length)).toBe(1);
});

test("a page whose traffic costs, or whose battery is low, tells its peers less and gives its roles up @firefox", async ({ context }) => {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const battery = Object.assign(new EventTarget(), { charging: true, level: 0.1 });
    Object.defineProperty(navigator, "getBattery", { value: async () => battery });
    Object.assign(window, { battery });
  });
  await useTab(page);
  await add(page, { seed: 82, bytes: 100_000 });
  const roles = (): Promise<readonly string[]> => page.evaluate(() => window.lab.swarm.status.roles);
  const become = (charging: boolean): Promise<void> =>
    page.evaluate((isCharging) => {
      const { battery } = window as unknown as { readonly battery: EventTarget & { charging: boolean } };
      battery.charging = isCharging;
      battery.dispatchEvent(new Event("chargingchange"));
    }, charging);
  await expect.poll(roles).toEqual(["seed"]);
  await become(false);
  await expect.poll(roles).toEqual(["leaf"]);
  await become(true);
  await expect.poll(roles).toEqual(["seed"]);
});
