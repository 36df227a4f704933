/** Profiles on disk, and their quota. */

import { chromium, firefox, test, type BrowserContext, type Page } from "@playwright/test";

/** What Firefox may store for all origins together, in KiB; a fifth of it for one. */
const FIREFOX_QUOTA = "dom.quotaManager.temporaryStorage.fixedLimit";

/**
 * Off the record, browsers keep everything in memory and fail in other ways: some stories need a profile on disk.
 *
 * A test that calls this twice has the same profile in two sessions. `firefoxQuotaBytes` limits what an origin may
 * store in Firefox; for Chromium see `limitQuota`.
 */
export async function onDisk(act: (context: BrowserContext) => Promise<void>, firefoxQuotaBytes: number | null = null): Promise<void> {
  const { launchOptions, baseURL, browserName } = test.info().project.use;
  const browser = browserName === "firefox" ? firefox : chromium;
  const context = await browser.launchPersistentContext(test.info().outputPath("profile"), {
    ...launchOptions,
    ...(baseURL === undefined ? {} : { baseURL }),
    ...(firefoxQuotaBytes === null ? {} : { firefoxUserPrefs: { [FIREFOX_QUOTA]: Math.ceil((firefoxQuotaBytes * 5) / 1_024) } }),
  });
  try {
    await act(context);
  } finally {
    await context.close();
  }
}

/**
 * Limits what the page's origin may store in Chromium, all its tabs together; null lifts the limit.
 *
 * The session stays with the page: the limit ends when it is detached (Chromium 156).
 */
export async function limitQuota(page: Page, quotaSize: number | null): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await session.send("Storage.overrideQuotaForOrigin", quotaSize === null ? { origin } : { origin, quotaSize });
}
