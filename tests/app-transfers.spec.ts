import { randomBytes } from "node:crypto";

import { expect, test } from "@playwright/test";

import { AppPage, namespace } from "./app-page.ts";
import { serveAll, serveSome } from "./support/serving.ts";

/** Several times what `serveSome` lets through. */
const LARGE_BYTES = 32_000_000;

test("a download is paused, stays paused over a reload, and goes on from there", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const digest = await one.chooseNoise("large.bin", LARGE_BYTES);
  await serveSome(one.page);
  await two.fetchSome("large.bin");
  await expect(one.row("large.bin")).toContainText("Sending to");
  await two.page.getByRole("button", { name: "Pause large.bin" }).click();
  await expect(two.row("large.bin")).toContainText("Paused");
  await two.reload();
  await two.connected(1);
  await expect(two.row("large.bin")).toContainText("Paused");
  await two.page.getByRole("button", { name: "Resume large.bin" }).click();
  await serveAll(one.page);
  await two.complete("large.bin");
  expect(await two.savedDigest("large.bin")).toBe(digest);
});

test("a download that a reload cuts off goes on by itself", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const digest = await one.chooseNoise("large.bin", LARGE_BYTES);
  await serveSome(one.page);
  await two.fetchSome("large.bin");
  await two.reload();
  await serveAll(one.page);
  await two.complete("large.bin");
  expect(await two.savedDigest("large.bin")).toBe(digest);
});

test("switching P2P off holds a download, and switching it on takes it up", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const digest = await one.chooseNoise("large.bin", LARGE_BYTES);
  await serveSome(one.page);
  await two.fetchSome("large.bin");
  await two.page.evaluate(() => window.swarm?.stop());
  await expect(two.row("large.bin")).toContainText("goes on when P2P is on");
  await serveAll(one.page);
  await two.page.getByRole("button", { name: "Turn on P2P" }).click();
  await two.complete("large.bin");
  expect(await two.savedDigest("large.bin")).toBe(digest);
});

test("a cancelled download leaves nothing behind and can be fetched again", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  await one.chooseNoise("large.bin", LARGE_BYTES);
  await serveSome(one.page);
  await two.fetchSome("large.bin");
  await two.page.getByRole("button", { name: "Cancel large.bin" }).click();
  await expect(two.page.getByRole("button", { name: "Fetch large.bin" })).toBeVisible();
  await expect.poll(() => two.page.evaluate(async () => (await window.swarm?.content.list())?.length)).toBe(0);
});

test("a share link opened in a new tab says what it waits for, and fetches once P2P is on", async ({ context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const one = await AppPage.open(context, namespace(), "&p2p=on");
  const bytes = randomBytes(300_000);
  await one.choose("linked.bin", bytes);
  await one.page.getByRole("button", { name: "Copy the share link of linked.bin" }).click();
  await expect(one.page.getByRole("status").filter({ hasText: "Copied" })).toHaveCount(1);
  const link = await one.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(/#peerloom=[0-9a-f]{64}\.[\w-]+$/);

  const two = await AppPage.at(context, link);
  await expect(two.rows).toContainText("Turn on P2P to look for it");
  await two.page.getByRole("button", { name: "Turn on P2P" }).click();
  await expect(two.row("linked.bin")).toContainText("On this device");
  expect((await two.saved("linked.bin")).bytes.equals(bytes)).toBe(true);
  // Done with: a reload must not fetch again what was removed meanwhile.
  await expect(two.page).not.toHaveURL(/#peerloom=/);
});

test("a link to what nobody has looks for it, over a reload too, until it is given up", async ({ context }) => {
  const app = await AppPage.open(context, namespace(), "&p2p=on", `#peerloom=${"ab".repeat(32)}.${"A".repeat(43)}`);
  const row = app.rows;
  await expect(row).toContainText("Looking for it: nobody who is connected has it yet");
  await app.reload();
  await expect(row).toContainText("Looking for it");
  await app.page.getByRole("button", { name: /^Cancel/ }).click();
  await expect(row).toHaveCount(0);
  await expect(app.page).not.toHaveURL(/#peerloom=/);
});

test("garbage in a share link gets a sentence", async ({ context }) => {
  const { page } = await AppPage.open(context, namespace(), "", "#peerloom=not-a-link");
  await expect(page.getByRole("alert").filter({ hasText: "This share link can’t be opened" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Share files from browser to browser" })).toBeVisible();
});
