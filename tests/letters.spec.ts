import { expect, test, type BrowserContext, type Page } from "@playwright/test";

import type { PeerId } from "../web/sdk/types.ts";
import { crash, idOf, openTab, ready, statsOf } from "./support/tabs.ts";

/** Two tabs that are connected, each with three others, which have no place for anybody else and a channel that nobody else hears. */
async function openStars(context: BrowserContext): Promise<{ readonly hubs: [Page, Page]; readonly leaves: Page[] }> {
  const hubs = await Promise.all(["a1,a2,a3", "b1,b2,b3"].map((names) => openTab(context, { channels: `ab,${names}`, maxConnections: 4 })));
  await Promise.all(hubs.map((page) => ready(page)));
  const leaves = await Promise.all(["a1", "a2", "a3", "b1", "b2", "b3"].map((channels) => openTab(context, { channels, maxConnections: 1 })));
  await Promise.all(hubs.map((page) => ready(page, 4)));
  return { hubs: hubs as [Page, Page], leaves };
}

const listen = (page: Page): Promise<void> => page.evaluate(() => window.lab.listen("hall"));

const tell = (page: Page, text: string, to: PeerId | readonly PeerId[]) =>
  page.evaluate(([data, peers]) => window.lab.tell("hall", data, peers), [text, to] as const);

const heard = (page: Page) => page.evaluate(() => window.lab.messages);

const refusal = (page: Page, to: PeerId, timeoutMs?: number) =>
  page.evaluate(
    ([peer, within]) => window.lab.refusal(() => window.lab.tell("hall", "hello?", peer, within)),
    [to, timeoutMs] as const,
  );

const isConnected = (page: Page, to: PeerId): Promise<boolean> =>
  page.evaluate((peer) => window.lab.swarm.peers().some(({ id, state }) => id === peer && state === "connected"), to);

test("a message to one peer crosses two others between eight tabs, once, and its sender is told @firefox", async ({ context }) => {
  const { hubs, leaves } = await openStars(context);
  const [first, between, last] = [leaves[0], hubs[0], leaves[5]] as [Page, Page, Page];
  const [from, middle, to] = [await idOf(first), await idOf(between), await idOf(last)];
  await Promise.all([listen(first), listen(between), listen(last)]);
  expect(await isConnected(first, to)).toBe(false);

  const { id, ...receipt } = await tell(first, "for the last one", to);
  expect(receipt).toEqual({ delivered: [to], pending: [] });
  // It was there before the sender was told, and came over others.
  const messages = await heard(last);
  expect(messages).toMatchObject([{ data: "for the last one", from, id, room: "hall" }]);
  expect(messages[0]?.hops).toBeGreaterThanOrEqual(2);
  expect(await tell(last, "and back", [from, middle])).toMatchObject({ delivered: [from, middle], pending: [] });
  expect(await heard(first)).toMatchObject([{ data: "and back", from: to }]);
  expect(await heard(between)).toMatchObject([{ data: "and back", from: to }]);

  await last.evaluate(() => window.lab.swarm.join("hall").then((room) => room.leave()));
  const absent = { code: "UNREACHABLE", message: expect.stringContaining("not in this room") as unknown };
  expect(await refusal(first, to)).toMatchObject(absent);
  expect(await isConnected(first, to)).toBe(false);
  expect((await heard(last)).length).toBe(1);
  for (const page of [...hubs, ...leaves]) {
    expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
    expect((await statsOf(page))["node.bugs"]).toBe(0);
  }
});

test("two thousand messages to a connected peer arrive, each once, and none is refused @firefox", async ({ context }) => {
  const [first, second] = [await openTab(context, { channels: "ab" }), await openTab(context, { channels: "ab" })];
  await Promise.all([first, second].map((page) => ready(page)));
  await Promise.all([listen(first), listen(second)]);
  const to = await idOf(second);
  const texts = Array.from({ length: 2_000 }, (_, n) => `message ${n}`);
  const undelivered = await first.evaluate(
    async ([data, peer]) => {
      const receipts = await Promise.all(data.map((text) => window.lab.tell("hall", text, peer)));
      return receipts.filter(({ delivered }) => delivered[0] !== peer).length;
    },
    [texts, to] as const,
  );
  expect(undelivered).toBe(0);
  expect((await heard(second)).map(({ data }) => data).sort()).toEqual(texts.sort());
  expect((await statsOf(first))["node.bugs"]).toBe(0);
});

test("a message to one that has left, or died, is told to be unreachable, and goes around a tab that dies on its way", async ({ context }) => {
  test.setTimeout(120_000);
  // Each of four is connected to the same two, and has no place for another.
  const [hop, other] = [await openTab(context), await openTab(context)];
  await Promise.all([hop, other].map((page) => ready(page)));
  const ends: Page[] = [];
  for (let count = 0; count < 4; count++) {
    const page = await openTab(context, { maxConnections: 2 });
    await ready(page, 2);
    ends.push(page);
  }
  await Promise.all([hop, other, ...ends].map(listen));
  const [sender, next, left, died] = ends as [Page, Page, Page, Page];
  const ids = (await Promise.all([next, left, died].map(idOf))) as [PeerId, PeerId, PeerId];
  // Whoever is on one of the ways dies without a word while it is sent to those behind.
  const sending = tell(sender, "around", ids);
  await crash(hop);
  expect(await sending).toMatchObject({ delivered: ids, pending: [] });
  for (const page of [next, left, died]) {
    expect(await heard(page)).toMatchObject([{ data: "around" }]);
  }
  await left.close({ runBeforeUnload: true });
  expect(await refusal(sender, ids[1])).toMatchObject({ code: "UNREACHABLE" });
  await crash(died);
  expect(await refusal(sender, ids[2], 200)).toMatchObject({ code: "TIMEOUT" });
  expect(await refusal(sender, ids[2])).toMatchObject({ code: "UNREACHABLE" });
});
