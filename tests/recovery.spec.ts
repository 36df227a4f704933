import { expect, test } from "@playwright/test";
import type { Page } from "puppeteer-core";

import { FAULTS, launch, openPage, rendererOf, type FaultName } from "../benches/faults.mjs";
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

const idOf = (page: Page): Promise<string> => page.evaluate(() => window.lab.swarm.id);
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
        return page;
      };
      const [victim, other, front] = [await open(), await open(), await open()];
      await Promise.all([victim, other, front].map(ready));
      const id = await idOf(victim);
      const renderer = await rendererOf(victim);
      const large = await add(front, 200, BYTES);
      const seen = await Promise.all([victim, other, front].map(seenCount));
      const begun = await victim.evaluate(async (content) => {
        await window.lab.until("content:available", { id: content });
        window.lab.begin(content);
        return window.lab.reached(4_000_000);
      }, large.id);
      expect(begun.doneBytes).toBeLessThan(BYTES);

      const mend = await fault.harm({ victim, front, renderer, ms: lastsMs, reopen: open });
      if (name === "killed") {
        // Nobody says goodbye for it: ICE restarts come to nothing.
        await Promise.all([other, front].map((page, n) => page.evaluate(([peer, from]) => window.lab.until("peer:disconnect", { id: peer, cause: "transport" }, from), [id, seen[n + 1] ?? 0] as const)));
      }
      // Meanwhile the others go on.
      const missed = await add(front, 201, 1_000_000);
      expect(await fetched(other, missed.id, 201)).toMatchObject({ bytes: 1_000_000, wrongAt: null });
      // The passing of time is what this story is about.
      await new Promise((resolve) => setTimeout(resolve, lastsMs));
      const mended = await mend();

      await mended.evaluate(() => window.labOpened);
      expect(await idOf(mended)).toBe(id);
      await Promise.all([mended, other, front].map(ready));
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
      const told = await Promise.all([mended, other, front].map((page, n) => gone(page, page === mended && !fault.survives ? 0 : (seen[n] ?? 0))));
      const others = await Promise.all([other, front].map(idOf));
      expect(told.flat().filter((event) => fault.survives || others.includes((event as string[])[1] ?? ""))).toEqual([]);
    } finally {
      await browser.close();
    }
  });
}
