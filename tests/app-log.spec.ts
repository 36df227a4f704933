import { expect, test } from "@playwright/test";

import { AppPage } from "./app-page.ts";

interface Row {
  readonly at: string;
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

test("the log shows what happened, is filtered, copied as JSON and cleared", async ({ context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const [one, two] = await AppPage.pair(context);
  const other = await two.page.evaluate(() => window.swarm?.id ?? "");
  const { page } = one;
  await page.getByRole("link", { name: "Log" }).click();
  const log = page.getByRole("log", { name: "Events" });
  await expect(log).toContainText("peer:connect");
  await expect(log).toContainText(other.slice(0, 8));

  await page.getByLabel("Kind of event").selectOption("peer:connect");
  await expect(log).not.toContainText("peer:discover");
  await page.getByLabel("Filter by text").fill(other);
  await expect(log).toContainText("peer:connect");
  await page.getByRole("button", { name: "Copy as JSON" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Copied" })).toHaveCount(1);
  const rows = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as readonly Row[];
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ kind: "peer:connect", fields: { id: other } });

  await page.getByLabel("Filter by text").fill("nothing has this in it");
  await expect(page.getByText("No event matches the filter.")).toBeVisible();
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(log).toHaveCount(0);
});
