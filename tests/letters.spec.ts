import { expect, test, type BrowserContext, type Page } from "@playwright/test";

import type { PeerId } from "../web/sdk/types.ts";
import { crash, idOf, openTab, ready, statsOf, until } from "./support/tabs.ts";

const TABS = 7;

/** Tabs in a line: each shares a channel with the next, and has no place for more than its neighbours. */
async function openLine(context: BrowserContext): Promise<Page[]> {
  const isEnd = (at: number): boolean => at === 0 || at === TABS - 1;
  const channels = (at: number): string => (at === 0 ? "1" : isEnd(at) ? String(at) : `${at},${at + 1}`);
  const options = (at: number) => ({ channels: channels(at), maxConnections: isEnd(at) ? 1 : 2 });
  const pages = await Promise.all(Array.from({ length: TABS }, (_, at) => openTab(context, options(at))));
  await Promise.all(pages.map((page, at) => ready(page, isEnd(at) ? 1 : 2)));
  return pages;
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

test("a message to one peer crosses a line of seven tabs, once, and its sender is told @firefox", async ({ context }) => {
  const pages = (await openLine(context)) as [Page, Page, Page, Page, Page, Page, Page];
  const [first, between, last] = [pages[0], pages[3], pages[6]];
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
  for (const page of pages) {
    expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
    expect((await statsOf(page))["node.bugs"]).toBe(0);
  }
});

test("a message to one that has left, or died, is told to be unreachable, and goes around a tab that dies on its way", async ({ context }) => {
  test.setTimeout(120_000);
  const pages = await Promise.all(Array.from({ length: 6 }, () => openTab(context, { maxConnections: 3 })));
  await Promise.all(pages.map((page) => ready(page)));
  await Promise.all(pages.map(listen));
  // All are one swarm: each hears of each.
  for (const page of pages) {
    await expect.poll(() => page.evaluate(() => window.lab.members("hall").length)).toBe(5);
  }
  const [one, two, ...others] = pages as [Page, Page, Page, Page, Page, Page];
  const ids = await Promise.all(others.map(idOf));
  // Whoever is on the way to them dies without a word while they are sent to.
  const sending = tell(one, "around", ids.slice(0, 3));
  await crash(two);
  expect(await sending).toMatchObject({ delivered: ids.slice(0, 3), pending: [] });
  for (const page of others.slice(0, 3)) {
    expect(await heard(page)).toMatchObject([{ data: "around" }]);
  }
  const [three, four] = others as [Page, Page, Page, Page];
  const [left, died] = ids as [PeerId, PeerId];
  await three.close({ runBeforeUnload: true });
  await until(one, "peer:lose", { id: left });
  expect(await refusal(one, left)).toMatchObject({ code: "UNREACHABLE" });
  await crash(four);
  expect(await refusal(one, died)).toMatchObject({ code: "UNREACHABLE" });
  expect(await refusal(one, died, 200)).toMatchObject({ code: "TIMEOUT" });
});
