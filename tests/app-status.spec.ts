import { expect, test } from "@playwright/test";

import { AppPage, namespace } from "./app-page.ts";

test("the status popover is used by keyboard alone", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const { page, status } = app;
  await expect(status).toHaveAccessibleName("Peer-to-peer status: P2P off");
  await status.focus();
  await page.keyboard.press("Enter");
  const popover = page.getByRole("dialog", { name: "Peer-to-peer status" });
  await expect(popover).toBeVisible();
  await expect(status).toHaveAttribute("aria-expanded", "true");

  const onOff = popover.getByRole("switch", { name: "Peer to peer" });
  await expect(onOff).not.toBeChecked();
  await onOff.focus();
  await page.keyboard.press("Space");
  await expect(onOff).toBeChecked();
  await expect(popover.getByRole("heading", { name: "No peers yet" })).toBeVisible();

  // However often Tab is pressed, the page behind stays out of reach.
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab");
    const behind = await page.getByRole("navigation").locator(":focus").count();
    expect(behind).toBe(0);
  }

  await page.keyboard.press("Escape");
  await expect(popover).toBeHidden();
  await expect(status).toBeFocused();
  await expect(status).toHaveAttribute("aria-expanded", "false");
});

test("the popover closes with a press beside it, and stays with one inside", async ({ context }) => {
  const { page, status } = await AppPage.open(context, namespace());
  await status.click();
  const popover = page.getByRole("dialog", { name: "Peer-to-peer status" });
  await popover.getByText("This is you").click();
  await expect(popover).toBeVisible();
  await page.mouse.click(20, 400);
  await expect(popover).toBeHidden();
});

test("the own id is copied whole", async ({ context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { page, status } = await AppPage.open(context, namespace());
  const id = await page.evaluate(() => window.swarm?.id ?? "");
  await status.click();
  await page.getByRole("button", { name: "Copy id" }).click();
  await expect(page.getByText("Copied", { exact: true }).first()).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(id);
});

test("an id that is not one gets a sentence, and a peer that is connected is told at once", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const other = await two.page.evaluate(() => window.swarm?.id ?? "");
  await one.status.click();
  const field = one.page.getByLabel("Connect to a peer");
  await field.fill("hello");
  await field.press("Enter");
  await expect(one.page.getByText("This is not the id of a peer")).toBeVisible();
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(field).toBeFocused();
  await field.fill(other.toUpperCase());
  await field.press("Enter");
  await expect(one.page.getByText(`Connected to ${other.slice(0, 8)}.`)).toBeVisible();
});

test("the attempt to reach a peer that is nowhere can be given up", async ({ context }) => {
  await context.clock.install();
  const { page, status } = await AppPage.open(context, namespace(), "&p2p=on");
  // The attempt is over after ten seconds, which do not pass.
  await context.clock.pauseAt(Date.now() + 60_000);
  await status.click();
  await page.getByLabel("Connect to a peer").fill("ab".repeat(32));
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.getByText("Connecting to abababab")).toBeVisible();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Connecting to abababab")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeVisible();
});

test("two tabs show each other, with their round trip, until one leaves", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const other = await two.page.evaluate(() => window.swarm?.id.slice(0, 8) ?? "");
  await one.status.click();
  const popover = one.page.getByRole("dialog", { name: "Peer-to-peer status" });
  const peer = popover.getByRole("listitem").filter({ hasText: other });
  await expect(peer).toContainText("Connected");
  await expect(peer).toContainText(/\d\s+ms round trip/);
  await expect(popover.getByRole("list", { name: "Connected", exact: true }).getByRole("listitem")).toHaveCount(1);
  await expect(popover).toContainText("all who are known are connected");
  await two.page.close({ runBeforeUnload: true });
  await expect(popover.getByRole("heading", { name: "No peers yet" })).toBeVisible();
});

test("P2P is off until somebody turns it on, and that is remembered over a reload", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const { page, status } = app;
  await expect(status).toHaveAccessibleName("Peer-to-peer status: P2P off");
  await page.getByRole("button", { name: "Turn on P2P" }).click();
  await expect(status).toHaveAccessibleName("Peer-to-peer status: No peers yet");
  await app.reload();
  await expect(status).toHaveAccessibleName("Peer-to-peer status: No peers yet");
  await status.click();
  await page.getByRole("switch", { name: "Peer to peer" }).click();
  await expect(page.getByRole("switch", { name: "Peer to peer" })).not.toBeChecked();
  await app.reload();
  await expect(status).toHaveAccessibleName("Peer-to-peer status: P2P off");
});
