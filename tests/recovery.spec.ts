import { expect, test } from "@playwright/test";
import type { Page } from "puppeteer-core";

import { FAULTS, launch, openPage, rendererOf, type FaultName } from "../benches/faults.mjs";
import type { PeerId } from "../web/sdk/types.ts";
import { addressOf } from "./support/tabs.ts";

const BYTES = 64_000_000;

/**
 * How long each lasts. ICE notices after 5 to 7 s that nothing comes, and restarts begin a second later: longer than that
 * changes nothing before the 30 s after which unanswered pings would be the end, and those are `hidden.spec.ts`'s story.
 * The full lengths are in docs/performance.md, by `node benches/recovery.mjs`.
 */
const LASTS_MS: Readonly<Record<FaultName, number>> = {
  hidden: 9_000,
  frozen: 9_000,
  stopped: 9_000,
  blocked: 9_000,
  offline: 3_000,
  killed: 0,
  reloaded: 0,
};

const idOf = (page: Page): Promise<PeerId> => page.evaluate(() => window.lab.swarm.id);
const seenCount = (page: Page): Promise<number> => page.evaluate(() => window.lab.seen.length);
const add = (page: Page, seed: number, bytes: number) => page.evaluate(([s, b]) => window.lab.add({ seed: s, bytes: b }), [seed, bytes] as const);
const ready = (page: Page) => page.evaluate(() => window.lab.swarm.ready({ peers: 2 }));

/** Waits until a content is offered, fetches it and compares it with what `seed` makes. */
const fetched = (page: Page, id: Awaited<ReturnType<typeof add>>["id"], seed: number) =>
  page.evaluate(
    async ([content, known]) => {
      await window.lab.until("content:available", { id: content });
      return window.lab.fetch(content, known);
    },
    [id, seed] as const,
  );

/** What is said in the hall while a fault lasts, by each. */
const SAID = 20;

const textsOf = (by: string): string[] => Array.from({ length: SAID }, (_, n) => `${by} ${n}`);

const say = (page: Page, by: string): Promise<void> =>
  page.evaluate(async (texts) => {
    for (const text of texts) {
      await window.lab.say("hall", text);
    }
  }, textsOf(by));

/** Everything that was heard in the hall, once it has these texts. Messages to one alone begin with "alone". */
const heard = async (page: Page, texts: readonly string[]): Promise<{ readonly all: string[]; readonly alone: string[] }> => {
  const data = await page.evaluate(async (awaited) => {
    const missing = (): boolean => awaited.some((text) => !window.lab.messages.some((message) => message.data === text));
    while (missing()) {
      await window.lab.next();
    }
    return window.lab.messages.map((message) => message.data);
  }, texts);
  return { all: data.filter((text) => !text.startsWith("alone")).sort(), alone: data.filter((text) => text.startsWith("alone")) };
};

/** Says something to one alone; whether its application has it, or why that is not known. */
const tell = (page: Page, text: string, to: PeerId): Promise<string> =>
  page.evaluate(
    async ([data, peer]) => {
      try {
        const { delivered } = await window.lab.tell("hall", data, peer);
        return delivered.length === 1 ? "delivered" : "pending";
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
    [text, to] as const,
  );

/** Whom a tab was told to be gone, since it had seen so many events. */
const gone = (page: Page, from: number): Promise<unknown[]> =>
  page.evaluate((since) => {
    const seen = [...window.lab.all("peer:disconnect", {}, since), ...window.lab.all("peer:lose", {}, since)];
    return seen.map(({ type, detail }) => [type, (detail as { id: string; cause?: string }).id, (detail as { cause?: string }).cause]);
  }, from);

for (const [name, fault] of Object.entries(FAULTS)) {
  const lastsMs = LASTS_MS[name as FaultName];
  const after = fault.survives ? "has what it missed, and was taken for dead by nobody" : "is whole again, as the one that it was";

  test(`a tab that is ${name} in mid-download ${after}`, async ({ baseURL }) => {
    const browser = await launch();
    try {
      const address = new URL(addressOf(), baseURL).href;
      const open = async (): Promise<Page> => {
        const page = await openPage(browser, address, (error) => expect.soft(error, "an error that nobody caught").toBeNull());
        await page.evaluate(() => window.labOpened);
        await page.evaluate(() => window.lab.listen("hall"));
        return page;
      };
      const [victim, other, front] = [await open(), await open(), await open()];
      await Promise.all([victim, other, front].map(ready));
      const id = await idOf(victim);
      if (!fault.survives) {
        // What a page says in its last moment may not have left it.
        await say(victim, "before");
      }
      const renderer = await rendererOf(victim);
      const large = await add(front, 200, BYTES);
      const seen = await Promise.all([victim, other, front].map(seenCount));
      const begun = await victim.evaluate(async (content) => {
        await window.lab.until("content:available", { id: content });
        window.lab.begin(content);
        return window.lab.reached(4_000_000);
      }, large.id);
      expect(begun.doneBytes).toBeLessThan(BYTES);

      if (fault.survives) {
        await say(victim, "before");
      }
      const mend = await fault.harm({ victim, front, renderer, ms: lastsMs, reopen: open });
      if (name === "killed") {
        // Nobody says goodbye for it: ICE restarts come to nothing.
        await Promise.all([other, front].map((page, n) => page.evaluate(([peer, from]) => window.lab.until("peer:disconnect", { id: peer, cause: "transport" }, from), [id, seen[n + 1] ?? 0] as const)));
      }
      // Meanwhile the others go on, and speak to all and to the one that is harmed.
      await say(other, "other");
      const telling = tell(front, "alone meanwhile", id);
      await say(front, "front");
      const missed = await add(front, 201, 1_000_000);
      expect(await fetched(other, missed.id, 201)).toMatchObject({ bytes: 1_000_000, wrongAt: null });
      // The passing of time is what this story is about.
      await new Promise((resolve) => setTimeout(resolve, lastsMs));
      const mended = await mend();

      await mended.evaluate(() => window.labOpened);
      expect(await idOf(mended)).toBe(id);
      if (name === "reloaded") {
        await mended.evaluate(() => window.lab.listen("hall"));
      }
      await Promise.all([mended, other, front].map(ready));
      // Nothing that was said is lost, or comes twice, but to a page that is new: it has no history.
      const [meanwhile, before] = [[...textsOf("front"), ...textsOf("other")], textsOf("before")];
      const expected = (by: string): string[] => [...before, ...textsOf(by)].sort();
      expect(await heard(other, expected("front"))).toEqual({ all: expected("front"), alone: [] });
      expect(await heard(front, expected("other"))).toEqual({ all: expected("other"), alone: [] });
      const told = await telling;
      if (fault.survives) {
        expect(await heard(mended, meanwhile)).toEqual({ all: meanwhile.sort(), alone: ["alone meanwhile"] });
        expect(told).toBe("delivered");
      }
      expect(await tell(front, "alone after", id)).toBe("delivered");
      await say(mended, "after");
      await heard(other, textsOf("after"));
      await heard(front, textsOf("after"));
      // The page before may have got what was said to it.
      const { alone } = await heard(mended, ["alone after"]);
      expect(fault.survives ? alone : alone.filter((text) => text !== "alone meanwhile")).toEqual([
        ...(fault.survives ? ["alone meanwhile"] : []),
        "alone after",
      ]);
      expect(new Set(alone).size).toBe(alone.length);
      // The download goes on, or begins where it was: nothing comes twice.
      const got = await (fault.survives
        ? mended.evaluate((seed) => window.lab.finish(seed), 200)
        : mended.evaluate(([content, seed]) => window.lab.fetch(content, seed), [large.id, 200] as const));
      expect(got).toMatchObject({ bytes: BYTES, wrongAt: null });
      expect(got.progress.fromDisk > 0).toBe(!fault.survives);
      expect(got.progress.fromDisk + got.progress.fromPeers).toBe(BYTES);
      expect(await fetched(mended, missed.id, 201)).toMatchObject({ bytes: 1_000_000, wrongAt: null });
      const own = await add(mended, 202, 500_000);
      for (const page of [other, front]) {
        expect(await fetched(page, own.id, 202)).toMatchObject({ bytes: 500_000, wrongAt: null });
      }
      const gones = await Promise.all([mended, other, front].map((page, n) => gone(page, page === mended && !fault.survives ? 0 : (seen[n] ?? 0))));
      const others = await Promise.all([other, front].map(idOf));
      expect(gones.flat().filter((event) => fault.survives || others.some((peer) => peer === (event as string[])[1]))).toEqual([]);
    } finally {
      await browser.close();
    }
  });
}
