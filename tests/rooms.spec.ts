import { expect, test, type BrowserContext, type Page } from "@playwright/test";

import { idOf, openMesh, openTab, ready, statsOf } from "./support/tabs.ts";

/** Three tabs in a line: the ends share no channel and know nothing of each other. */
async function openLine(context: BrowserContext): Promise<[Page, Page, Page]> {
  const one = await openTab(context, { channels: "a", maxConnections: 1 });
  const bridge = await openTab(context, { channels: "a,b", maxConnections: 2 });
  const three = await openTab(context, { channels: "b", maxConnections: 1 });
  await ready(bridge, 2);
  return [one, bridge, three];
}

const listen = (page: Page, room: string): Promise<void> => page.evaluate((name) => window.lab.listen(name), room);

const say = (page: Page, room: string, text: string): Promise<string> =>
  page.evaluate(([name, data]) => window.lab.say(name, data), [room, text] as const);

const heard = (page: Page, room: string, count: number): Promise<readonly { readonly data: string }[]> =>
  page.evaluate(([name, many]) => window.lab.heard(name, many), [room, count] as const);

test("a message crosses a line of three tabs, also in a room that the one between has not joined @firefox", async ({ context }) => {
  const [one, bridge, three] = await openLine(context);
  const [from, answers] = await Promise.all([idOf(one), idOf(three)]);
  await Promise.all([listen(one, "hall"), listen(bridge, "hall"), listen(three, "hall")]);
  await Promise.all([listen(one, "attic"), listen(three, "attic")]);

  const id = await say(one, "hall", "to all");
  expect(await heard(bridge, "hall", 1)).toMatchObject([{ data: "to all", from, id, hops: 1 }]);
  expect(await heard(three, "hall", 1)).toMatchObject([{ data: "to all", from, id, hops: 2 }]);

  await say(one, "attic", "not for the bridge");
  expect(await heard(three, "attic", 1)).toMatchObject([{ data: "not for the bridge", from, hops: 2 }]);
  await say(three, "attic", "and back");
  expect(await heard(one, "attic", 1)).toMatchObject([{ data: "and back", from: answers, hops: 2 }]);
  expect(await bridge.evaluate(() => window.lab.messages.length)).toBe(1);
  const stats = await statsOf(three);
  expect([stats["node.bugs"], stats["broadcast.bad_signature"] ?? 0]).toEqual([0, 0]);
});

test("members of a room are known over a tab that is not in it, and leave it when they are closed", async ({ context }) => {
  const [one, , three] = await openLine(context);
  await Promise.all([listen(one, "attic"), listen(three, "attic")]);
  const other = await idOf(three);
  const members = (): Promise<string[]> => one.evaluate(() => window.lab.members("attic"));
  await expect.poll(members).toEqual([other]);
  await three.close({ runBeforeUnload: true });
  await expect.poll(members).toEqual([]);
});

test("a thousand small messages arrive, each once @firefox", async ({ context }) => {
  const [one, two] = (await openMesh(context, 2)) as [Page, Page];
  await Promise.all([listen(one, "hall"), listen(two, "hall")]);
  await one.evaluate(async () => {
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => window.lab.say("hall", String(index))));
  });
  const messages = await heard(two, "hall", 1_000);
  expect(new Set(messages.map(({ data }) => data)).size).toBe(1_000);
  const { "broadcast.sent": posts } = await statsOf(one);
  expect(posts).toBeLessThan(500);
});

test("5 MB said as fast as they are taken arrive, each message once, over a tab in between @firefox", async ({ context }) => {
  const [one, bridge, three] = await openLine(context);
  await Promise.all([listen(one, "hall"), listen(bridge, "hall"), listen(three, "hall")]);
  const [count, length] = [170, 30_000];
  // A rejection, `RATE_LIMITED` above all, would end this.
  await one.evaluate(
    async ([many, long]) => {
      for (let index = 0; index < many; index++) {
        await window.lab.say("hall", String(index).padEnd(long, "."));
      }
    },
    [count, length] as const,
  );
  for (const page of [bridge, three]) {
    const indices = await page.evaluate(
      async ([many, long]) => {
        const messages = await window.lab.heard("hall", many);
        return messages.filter(({ data }) => data.length === long).map(({ data }) => Number.parseInt(data, 10));
      },
      [count, length] as const,
    );
    expect(new Set(indices).size).toBe(count);
    expect(indices.length).toBe(count);
    const stats = await statsOf(page);
    expect([stats["node.bugs"], stats["broadcast.beyond_window"] ?? 0, stats["broadcast.lost"] ?? 0]).toEqual([0, 0, 0]);
  }
});
