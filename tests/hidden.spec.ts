import { expect, test } from "@playwright/test";
import { launch, type Browser, type Page } from "puppeteer-core";

import { addressOf } from "./support/tabs.ts";

/** A ping that stays unanswered for 30 s is the end of a connection, and pings go out every 5 s. */
const LONGER_THAN_ANY_DEADLINE_MS = 38_000;

/** Playwright keeps every page visible: hidden ones need Puppeteer, and Chromium without the flags that spare them. */
async function throttlingBrowser(): Promise<Browser> {
  return launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ignoreDefaultArgs: ["--disable-renderer-backgrounding", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows"],
  });
}

async function openTab(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage();
  // Freezing closes sockets, and the development server's client reloads a page whose socket closed: it gets none.
  await page.evaluateOnNewDocument(() => Object.assign(window, { WebSocket: EventTarget }));
  await page.goto(address);
  await page.evaluate(async () => {
    await window.labOpened;
    window.froze = 0;
    document.addEventListener("freeze", () => (window.froze += 1));
  });
  return page;
}

test("a tab that is hidden, and one that is frozen, are declared dead by nobody and declare nobody dead", async ({ baseURL }) => {
  const browser = await throttlingBrowser();
  try {
    const address = new URL(addressOf(), baseURL).href;
    const hidden = await openTab(browser, address);
    const frozen = await openTab(browser, address);
    const front = await openTab(browser, address);
    const pages = [hidden, frozen, front];
    await Promise.all(pages.map((page) => page.evaluate(() => window.lab.swarm.ready({ peers: 2 }))));
    await Promise.all(pages.map((page) => page.evaluate(() => window.lab.listen("hall"))));
    await front.bringToFront();
    for (const page of [hidden, frozen]) {
      expect(await page.evaluate(() => document.visibilityState)).toBe("hidden");
    }
    const before = await Promise.all(pages.map((page) => page.evaluate(() => window.lab.seen.length)));
    const session = await frozen.createCDPSession();
    await session.send("Page.setWebLifecycleState", { state: "frozen" });

    // What is added meanwhile reaches the hidden tab, which fetches it at once; its timers run once a second.
    const { id } = await front.evaluate(() => window.lab.add({ seed: 120, bytes: 3_000_000 }));
    const got = await hidden.evaluate(async (content) => {
      await window.lab.until("content:available", { id: content });
      return window.lab.fetch(content, 120);
    }, id);
    expect(got).toMatchObject({ bytes: 3_000_000, wrongAt: null });
    // What is said meanwhile reaches the hidden one at once, and the frozen one as soon as it runs again.
    const saying = (page: Page, from: number) =>
      page.evaluate(async (first) => {
        for (let n = first; n < first + 50; n++) {
          await window.lab.say("hall", String(n));
        }
      }, from);
    const said = Array.from({ length: 100 }, (_, n) => String(n)).sort();
    const heardBy = (page: Page) =>
      page.evaluate(async () => {
        const messages = await window.lab.heard("hall", 100);
        return messages.map(({ data }) => data).sort();
      });
    await saying(front, 0);
    // The passing of time is what this story is about.
    await front.evaluate((ms) => new Promise((resolve) => void setTimeout(resolve, ms)), LONGER_THAN_ANY_DEADLINE_MS);

    await saying(front, 50);
    expect(await heardBy(hidden)).toEqual(said);
    await session.send("Page.setWebLifecycleState", { state: "active" });
    expect(await heardBy(frozen)).toEqual(said);
    const late = await frozen.evaluate(async (content) => {
      await window.lab.until("content:available", { id: content });
      return window.lab.fetch(content, 120);
    }, id);
    expect(late).toMatchObject({ bytes: 3_000_000, wrongAt: null });
    expect(await frozen.evaluate(() => window.froze)).toBe(1);
    for (const [n, page] of pages.entries()) {
      const told = await page.evaluate((from) => window.lab.seen.slice(from).map(({ type }) => type), before[n] ?? 0);
      expect(told).not.toContain("peer:disconnect");
      expect(told).not.toContain("peer:lose");
      expect(await page.evaluate(() => window.lab.swarm.status)).toMatchObject({ mode: "p2p", peersConnected: 2 });
    }
  } finally {
    await browser.close();
  }
});

declare global {
  interface Window {
    froze: number;
  }
}
