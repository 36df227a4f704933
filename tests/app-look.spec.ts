import { expect, test } from "@playwright/test";

import { AppPage, namespace } from "./app-page.ts";

for (const colorScheme of ["light", "dark"] as const) {
  test(`in ${colorScheme} colours axe finds nothing to object to`, async ({ browser, baseURL }) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: "reduce", ...(baseURL === undefined ? {} : { baseURL }) });
    const name = namespace();
    const app = await AppPage.open(context, name);
    await app.expectAccessible();
    await app.choose("mine.txt", Buffer.from("mine"), "text/plain");
    await app.page.getByRole("button", { name: "Preview mine.txt" }).click();
    await expect(app.page.getByRole("region", { name: "Preview of mine.txt" })).toBeVisible();
    await app.page.getByRole("button", { name: "Turn on P2P" }).click();
    const other = await AppPage.open(context, name, "&p2p=on");
    await other.choose("theirs.zip", Buffer.from("theirs"), "application/zip");
    await expect(app.page.getByRole("button", { name: "Fetch theirs.zip" })).toBeVisible();
    await app.expectAccessible();
    await app.status.click();
    await app.page.getByLabel("Connect to a peer").fill("x");
    await app.page.getByLabel("Connect to a peer").press("Enter");
    await expect(app.page.getByText("This is not the id of a peer")).toBeVisible();
    await app.expectAccessible();
    await app.page.keyboard.press("Escape");
    await app.page.getByRole("link", { name: "Log" }).click();
    await expect(app.page.getByRole("log")).toContainText("peer:connect");
    await app.expectAccessible();
    await context.close();
  });
}

test("at 360 px nothing scrolls sideways", async ({ browser, baseURL }) => {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, ...(baseURL === undefined ? {} : { baseURL }) });
  const name = namespace();
  const app = await AppPage.open(context, name);
  await app.expectNoSidewaysScroll();
  await app.choose(`${"a-long-name-without-a-place-to-break".repeat(5)}.txt`, Buffer.from("x"), "text/plain");
  await expect(app.rows).toContainText("On this device");
  await app.expectNoSidewaysScroll();
  const other = await AppPage.open(context, name, "&p2p=on");
  await app.page.getByRole("button", { name: "Turn on P2P" }).click();
  await app.connected(1);
  await other.choose("theirs.bin", Buffer.from("theirs"));
  await expect(app.page.getByRole("button", { name: "Fetch theirs.bin" })).toBeVisible();
  await app.expectNoSidewaysScroll();
  await app.status.click();
  const popover = await app.page.getByRole("dialog", { name: "Peer-to-peer status" }).boundingBox();
  expect(popover?.x).toBeGreaterThanOrEqual(0);
  expect((popover?.x ?? 0) + (popover?.width ?? 361)).toBeLessThanOrEqual(360);
  await app.page.keyboard.press("Escape");
  await app.page.getByRole("link", { name: "Log" }).click();
  await expect(app.page.getByRole("log")).toContainText("peer:connect");
  await app.expectNoSidewaysScroll();
  await context.close();
});

test("hundreds of files are added, and the list answers at once", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const { page } = app;
  const files = Array.from({ length: 300 }, (_, index) => ({ name: `file ${index}.txt`, mimeType: "text/plain", buffer: Buffer.from(`${index}`) }));
  await page.getByLabel("Files to add").setInputFiles(files);
  await expect(page.getByRole("button", { name: /^On this device 300/ })).toBeVisible();
  await page.getByLabel("Find by name").fill("file 299");
  await expect(app.rows).toHaveCount(1);
  await expect(app.rows).toContainText("On this device");
  await page.getByLabel("Find by name").fill("");
  await expect(app.rows).toHaveCount(300);
});
