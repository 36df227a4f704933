import { expect, test, type BrowserContext, type Page } from "@playwright/test";

import { add, appName, fetched, idOf, openTab, ready, statsOf, until } from "./support/tabs.ts";

/** A tab without a swarm that hears all envelopes and can say anything. */
class Intruder {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(context: BrowserContext): Promise<Intruder> {
    const page = await openTab(context, { open: "no" });
    await page.evaluate((app) => {
      window.heard = [];
      const channel = new BroadcastChannel(`peerloom:${app}`);
      channel.onmessage = ({ data }) => window.heard.push(data as Uint8Array<ArrayBuffer>);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A BroadcastChannel's takes none.
      window.say = (message) => channel.postMessage(message);
    }, appName());
    return new Intruder(page);
  }

  /** Says again what it heard, each envelope as `change` makes it. With `sequence` it claims to be a newer one. */
  async repeat(change: "nothing" | "version" | "body" | "sequence"): Promise<number> {
    return this.page.evaluate((what) => {
      const envelopes = window.heard.map((envelope) => envelope.slice());
      for (const envelope of envelopes) {
        // docs/protocol/signalling.md: version, application, key, a run of 9 bytes, recipient, sequence.
        const recipientAt = 1 + 8 + 65 + 9;
        const sequenceAt = recipientAt + ([1, 33, 42][envelope[recipientAt] ?? 0] ?? 0);
        const at = { nothing: -1, version: 0, body: envelope.length - 80, sequence: sequenceAt }[what];
        if (at >= 0) {
          envelope[at] = (envelope[at] ?? 0) ^ 0x55;
        }
        window.say(envelope);
      }
      return envelopes.length;
    }, change);
  }

  async say(messages: readonly ("empty" | "short" | "random" | "long" | "huge")[]): Promise<void> {
    await this.page.evaluate((kinds) => {
      const bytes = { empty: 0, short: 10, random: 600, long: 20_000, huge: 1_000_000 };
      for (const kind of kinds) {
        const message = new Uint8Array(bytes[kind]);
        crypto.getRandomValues(message.subarray(0, 65_536));
        // The right version, so that it is not refused for that.
        message[0] = 2;
        window.say(message);
      }
    }, messages);
  }
}

const count = async (page: Page, name: string): Promise<number> => (await statsOf(page))[name] ?? 0;

test("garbage on the channel is dropped and counted", async ({ context }) => {
  const intruder = await Intruder.open(context);
  const [one, two] = [await openTab(context), await openTab(context)];
  await Promise.all([ready(one), ready(two)]);
  await intruder.page.evaluate(() => {
    for (const message of ["text", 7, null, undefined, { type: "offer", sdp: "v=0" }, [1, 2], new ArrayBuffer(64), new Blob(["x"])]) {
      window.say(message);
    }
  });
  await intruder.say(["empty", "short", "random", "long", "huge", "random"]);
  await expect.poll(() => count(one, "signal.malformed")).toBeGreaterThanOrEqual(4);
  await expect.poll(() => count(one, "signal.too_large")).toBeGreaterThanOrEqual(1);
  await intruder.repeat("version");
  await expect.poll(() => count(one, "signal.unknown_version")).toBeGreaterThan(0);
  await stillFine(one, two);
});

test("an envelope that is tampered with, replayed or for somebody else is dropped and counted", async ({ context }) => {
  const intruder = await Intruder.open(context);
  const [one, two] = [await openTab(context), await openTab(context)];
  await Promise.all([ready(one), ready(two)]);
  await intruder.page.waitForFunction(() => window.heard.length > 3);
  // What the two said to each other is, for each of them, its own or somebody else's.
  await intruder.repeat("sequence");
  await expect.poll(() => count(one, "signal.bad_signature")).toBeGreaterThan(0);
  await expect.poll(() => count(one, "signal.own")).toBeGreaterThan(0);
  // What was heard before is dropped without a look at its signature, tampered with or not.
  const before = await count(one, "discovery.envelopes_replayed");
  await intruder.repeat("body");
  await expect.poll(() => count(one, "discovery.envelopes_replayed")).toBeGreaterThan(before);
  await intruder.repeat("nothing");
  await expect.poll(() => count(two, "discovery.envelopes_replayed")).toBeGreaterThan(0);
  // A third hears what was meant for the others.
  const third = await openTab(context);
  await ready(third, 2);
  await intruder.repeat("nothing");
  await expect.poll(() => count(third, "signal.other_recipient")).toBeGreaterThan(0);
  const passing = await idOf(third);
  await Promise.all([one, two].map((page) => until(page, "peer:connect", { id: passing })));
  expect(await one.evaluate(() => window.lab.swarm.status.peersConnected)).toBe(2);
  await third.close();
  await Promise.all([one, two].map((page) => until(page, "peer:disconnect", { id: passing })));
  await stillFine(one, two);
});

test("a goodbye that is replayed sends nobody away", async ({ context }) => {
  const intruder = await Intruder.open(context);
  const [one, two] = [await openTab(context), await openTab(context)];
  await Promise.all([ready(one), ready(two)]);
  await one.evaluate(() => window.lab.swarm.stop());
  await until(two, "peer:lose", { id: await idOf(one) });
  await one.evaluate(() => window.lab.swarm.start());
  await Promise.all([ready(one), ready(two)]);
  const before = await count(two, "discovery.envelopes_replayed");
  await intruder.repeat("nothing");
  await expect.poll(() => count(two, "discovery.envelopes_replayed")).toBeGreaterThan(before);
  // What was said before a reload is of an earlier run.
  await one.reload();
  await one.evaluate(() => window.labOpened);
  await Promise.all([ready(one), ready(two)]);
  await intruder.repeat("nothing");
  await expect.poll(() => count(two, "discovery.envelopes_outdated")).toBeGreaterThan(0);
  await stillFine(one, two);
});

/** Connected, without having been disconnected meanwhile, and of use. */
async function stillFine(one: Page, two: Page): Promise<void> {
  const other = await idOf(two);
  expect(await one.evaluate(() => window.lab.swarm.peers().filter(({ state }) => state === "connected").map(({ id }) => id))).toEqual([other]);
  expect(await one.evaluate((id) => window.lab.all("peer:disconnect", { id }), other)).toEqual([]);
  for (const page of [one, two]) {
    expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
    expect(await count(page, "node.bugs")).toBe(0);
  }
  const { id } = await add(one, { seed: 90, bytes: 500_000 });
  await until(two, "content:available", { id });
  expect(await fetched(two, id, 90)).toMatchObject({ bytes: 500_000, wrongAt: null });
}

declare global {
  interface Window {
    heard: Uint8Array<ArrayBuffer>[];
    say: (message: unknown) => void;
  }
}
