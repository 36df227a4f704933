/** Profiles on disk, and their quota. */

import { chromium, test, type BrowserContext, type Page } from "@playwright/test";

/** Off the record, Chromium keeps everything in memory and fails in other ways: some stories need a profile on disk. */
export async function onDisk(act: (context: BrowserContext) => Promise<void>): Promise<void> {
  const { launchOptions, baseURL } = test.info().project.use;
  const context = await chromium.launchPersistentContext(test.info().outputPath("profile"), {
    ...launchOptions,
    ...(baseURL === undefined ? {} : { baseURL }),
  });
  try {
    await act(context);
  } finally {
    await context.close();
  }
}

/**
 * Limits what the page's origin may store, all its tabs together; null lifts the limit.
 *
 * The session stays with the page: the limit ends when it is detached (Chromium 156).
 */
export async function limitQuota(page: Page, quotaSize: number | null): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await session.send("Storage.overrideQuotaForOrigin", quotaSize === null ? { origin } : { origin, quotaSize });
}
