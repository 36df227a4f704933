/** Tabs with a swarm in each, for stories. */

import { expect, test, type BrowserContext, type Page } from "@playwright/test";

import type { ContentId, PeerId, ShareLink, SwarmEvents, SwarmStats } from "../../web/sdk/types.ts";
import type { Fetched, LabOptions, Matter, Seen } from "../pages/swarm.ts";

const PAGE = "/tests/pages/swarm.html";

/** The address of the page, with an application's name that no other test has. */
export function addressOf(options: LabOptions = {}): string {
  const query = new URLSearchParams({ app: appName() });
  for (const [name, value] of Object.entries(options)) {
    query.set(name, String(value));
  }
  return `${PAGE}?${query.toString()}`;
}

export function appName(): string {
  return `story-${test.info().testId}`;
}

/** Opens a tab and its swarm. What nobody catches in it fails the test. */
export async function openTab(context: BrowserContext, options: LabOptions = {}): Promise<Page> {
  const page = await context.newPage();
  await useTab(page, options);
  return page;
}

/** What Firefox says by itself of a socket that breaks or does not come up, as if the page had thrown it. */
const SOCKET_WORDS = /to (?:the server at )?ws:\/\/|connection to ws:\/\//u;

/** The same with a tab that is there. */
export async function useTab(page: Page, options: LabOptions = {}): Promise<void> {
  page.on("pageerror", (error) => {
    if (!SOCKET_WORDS.test(error.message)) {
      expect.soft(error, "an error that nobody caught").toBeNull();
    }
  });
  await page.goto(addressOf(options));
  await opened(page);
}

/** Waits until the page of a tab has its swarm: after a reload, too. */
export async function opened(page: Page): Promise<void> {
  await page.waitForFunction(() => window.lab !== undefined);
  await page.evaluate(() => window.labOpened);
}

/** Opens so many tabs and waits until each is connected to all others. */
export async function openMesh(context: BrowserContext, count: number, options: LabOptions = {}): Promise<Page[]> {
  const pages = await Promise.all(Array.from({ length: count }, () => openTab(context, options)));
  await Promise.all(pages.map((page) => ready(page, count - 1)));
  return pages;
}

export async function openPair(context: BrowserContext, options: LabOptions = {}): Promise<[Page, Page]> {
  const [one, two] = await openMesh(context, 2, options);
  if (one === undefined || two === undefined) {
    throw new Error("a pair has two tabs");
  }
  return [one, two];
}

export const ready = (page: Page, peers = 1): Promise<void> => page.evaluate((count) => window.lab.swarm.ready({ peers: count }), peers);

export const idOf = (page: Page): Promise<PeerId> => page.evaluate(() => window.lab.swarm.id);

export const add = (page: Page, what: Matter): Promise<{ id: ContentId; link: ShareLink }> =>
  page.evaluate((matter) => window.lab.add(matter), what);

export const fetched = (page: Page, what: ShareLink | ContentId, seed: number): Promise<Fetched> =>
  page.evaluate(([link, known]) => window.lab.fetch(link, known), [what, seed] as const);

/** The first such event, past or to come. */
export const until = (page: Page, type: keyof SwarmEvents, fields: Readonly<Record<string, unknown>> = {}, from = 0): Promise<Seen> =>
  page.evaluate(([kind, wanted, since]) => window.lab.until(kind, wanted, since), [type, fields, from] as const);

/** How many events were seen: what `until` is to begin from, to get later ones only. */
export const seenCount = (page: Page): Promise<number> => page.evaluate(() => window.lab.seen.length);

export const statsOf = (page: Page): Promise<SwarmStats> => page.evaluate(() => window.lab.swarm.stats());

/** The renderer dies as in a crash: nothing in the page runs any more, and nobody is told. */
export async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  // Never answered: the one who would is gone.
  session.send("Page.crash").catch(() => undefined);
  await crashed;
}
