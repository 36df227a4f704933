import { expect, test, type Locator, type Page } from "@playwright/test";

import type {} from "./pages/network.ts";
import { AppPage, namespace } from "./app-page.ts";

/** The page of the network in one tab. */
class NetworkPage {
  readonly app: AppPage;
  readonly page: Page;
  readonly graph: Locator;
  readonly table: Locator;

  private constructor(app: AppPage) {
    this.app = app;
    this.page = app.page;
    this.graph = this.page.getByRole("application");
    this.table = this.page.getByRole("table", { name: "Peers" });
  }

  static async of(app: AppPage): Promise<NetworkPage> {
    // A tab behind others gets a frame a second, and each click waits for two.
    await app.page.bringToFront();
    await app.page.getByRole("link", { name: "Network" }).click();
    await expect(app.page.getByRole("heading", { name: "Network", level: 1 })).toBeVisible();
    return new NetworkPage(app);
  }

  row(id: string): Locator {
    return this.table.getByRole("row").filter({ hasText: id.slice(0, 8) });
  }

  details(id: string): Locator {
    return this.page.getByRole("complementary", { name: `Peer ${id.slice(0, 8)}` });
  }

  async choose(id: string): Promise<Locator> {
    await this.row(id).getByRole("button").click();
    await expect(this.details(id)).toBeVisible();
    return this.details(id);
  }
}

async function idOf(app: AppPage): Promise<string> {
  return await app.page.evaluate(() => window.swarm?.id ?? "");
}

async function stateOf(app: AppPage, id: string): Promise<string> {
  return await app.page.evaluate((peer) => window.swarm?.peers().find((one) => one.id === peer)?.state ?? "gone", id);
}

test("three tabs see each other in graph and table; one is disconnected, connected again, and banned", async ({ context }) => {
  const name = namespace();
  const apps = [await AppPage.open(context, name, "&p2p=on"), await AppPage.open(context, name, "&p2p=on"), await AppPage.open(context, name, "&p2p=on")] as const;
  const [one, two, three] = apps;
  for (const app of apps) await app.connected(2);
  const [own, other] = [await idOf(one), await idOf(two)];
  const network = await NetworkPage.of(one);
  await expect(network.graph).toHaveAccessibleName(/^The swarm as a graph: 2 of 2\speers connected/);
  await expect(network.table.getByRole("row")).toHaveCount(3);

  const details = await network.choose(other);
  await expect(details).toContainText("Direct, browser to browser");
  await expect(details).toContainText("Leaf: no part in particular");
  await expect(details).toContainText(/Tab; keeps files, up to/);
  await expect(details).toContainText("Nothing held against it; new here");
  await expect(details).toContainText(/Score\s*(Fair|Good): \d+ of 100/);
  await expect(details).toContainText(/Round trip\s*(<1|\d+)\s+ms/);
  await expect(details.getByRole("img", { name: /^Rates over the last five minutes/ })).toBeVisible();

  // It stays known on both sides, and neither dials: an announcement of each is heard meanwhile.
  const cause = await two.page.evaluateHandle(() => {
    const parted = new Promise<string>((resolve) => window.swarm?.addEventListener("peer:disconnect", ({ detail }) => resolve(detail.cause)));
    // In an object: a promise by itself would be waited for here.
    return { parted };
  });
  await details.getByRole("button", { name: "Disconnect" }).click();
  await expect(details).toContainText("Discovered");
  expect(await cause.evaluate(({ parted }) => parted)).toBe("parted");
  await expect(network.graph).toHaveAccessibleName(/1 of 2\speers connected/);
  expect(await stateOf(two, own)).toBe("discovered");

  await details.getByRole("button", { name: "Connect" }).click();
  await expect(details.getByRole("button", { name: "Disconnect" })).toBeVisible();
  await two.connected(2);

  await details.getByRole("button", { name: "Ban" }).click();
  const dialog = one.page.getByRole("dialog", { name: `Ban ${other.slice(0, 8)}?` });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  expect(await stateOf(one, other)).toBe("connected");
  await details.getByRole("button", { name: "Ban" }).click();
  await dialog.getByRole("button", { name: "Ban", exact: true }).click();
  await expect(network.row(other)).toHaveCount(0);
  await expect(network.graph).toHaveAccessibleName(/1 of 1\speer connected/);
  await expect(one.page.getByRole("complementary", { name: "All connections" })).toBeFocused();
  await three.connected(2);

  // Over a reload it stays so, though the other one announces itself; the page says so, and can take it back.
  await one.reload();
  await one.connected(1);
  const bans = one.page.getByRole("list", { name: "Banned" });
  await expect(bans.getByRole("listitem")).toHaveText([new RegExp(`${other.slice(0, 8)}\\s*for\\s+(29|30)\\s+days`)]);
  await expect.poll(() => one.page.evaluate(async () => (await window.swarm?.stats())?.["signal.banned"] ?? 0)).toBeGreaterThan(0);
  expect(await stateOf(one, other)).toBe("gone");
  await bans.getByRole("button", { name: `Lift the ban of ${other.slice(0, 8)}` }).click();
  await expect(bans).toHaveCount(0);
  await two.connected(2);
  await one.connected(2);
});

test("a peer is found and chosen by keyboard alone", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const other = await idOf(two);
  const network = await NetworkPage.of(one);
  await expect(network.row(other)).toBeVisible();
  await network.graph.focus();
  // Wherever it is drawn, one of the four arrows leads there.
  for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]) {
    if ((await network.details(other).count()) === 0) await one.page.keyboard.press(key);
  }
  await expect(network.details(other)).toBeVisible();
  await expect(one.page.getByRole("status").filter({ hasText: `${other.slice(0, 8)}, Connected` })).toHaveCount(1);
  await one.page.keyboard.press("Escape");
  await expect(network.details(other)).toHaveCount(0);

  const button = network.row(other).getByRole("button");
  await button.focus();
  await one.page.keyboard.press("Enter");
  await expect(network.details(other)).toBeVisible();
  await expect(button).toHaveAttribute("aria-pressed", "true");
  await network.details(other).getByRole("button", { name: "Close the details" }).press("Enter");
  await expect(one.page.getByRole("complementary", { name: "All connections" })).toBeFocused();
});

test("a page without peers says how to get some, and what is missing for it", async ({ context }) => {
  const name = namespace();
  const one = await AppPage.open(context, name);
  await NetworkPage.of(one);
  await expect(one.page.getByRole("main")).toContainText("P2P is off");
  await one.page.getByRole("main").getByRole("button", { name: "Turn on P2P" }).click();
  await expect(one.page.getByRole("heading", { name: "Nobody here but you, yet" })).toBeVisible();
  await expect(one.page.getByRole("link", { name: "Open a tab" })).toBeVisible();
  await AppPage.open(context, name, "&p2p=on");
  await expect(one.page.getByRole("heading", { name: "Nobody here but you, yet" })).toHaveCount(0);
  await expect(one.page.getByRole("application")).toHaveAccessibleName(/1 of 1\speer connected/);
});

test("who can't be connected is in a list of its own, with the reason and the next try", async ({ context }) => {
  const name = namespace();
  const full = await AppPage.open(context, name, "&p2p=on&maxConnections=1");
  const lucky = await AppPage.open(context, name, "&p2p=on");
  await full.connected(1);
  const late = await AppPage.open(context, name, "&p2p=on");
  const [fullId, luckyId] = [await idOf(full), await idOf(lucky)];
  await late.connected(1);
  const failed = late.page.evaluate(
    (peer) => new Promise<void>((resolve) => {
      const look = (): void => void (window.swarm?.peers().some((one) => one.id === peer && one.lastFailure !== null) === true && resolve());
      window.swarm?.addEventListener("connect:failed", look);
      window.swarm?.addEventListener("peer:update", look);
      void window.swarm?.connect(peer as never).catch(() => look());
    }),
    fullId,
  );
  await failed;
  await late.status.click();
  const popover = late.page.getByRole("dialog", { name: "Peer-to-peer status" });
  await expect(popover.getByRole("list", { name: "Connected", exact: true }).getByRole("listitem")).toContainText(luckyId.slice(0, 8));
  const other = popover.getByRole("list", { name: "Discovered, not connected" }).getByRole("listitem");
  await expect(other).toContainText(fullId.slice(0, 8));
  await expect(other).toContainText("It did not let us in");
  await expect(other).toContainText(/Next try (in \d+|as soon as)|Trying once more/);
  await late.page.keyboard.press("Escape");

  const network = await NetworkPage.of(late);
  await late.page.getByRole("button", { name: /^In trouble 1/ }).click();
  await expect(network.row(luckyId)).toHaveCount(0);
  const details = await network.choose(fullId);
  await expect(details).toContainText("The last try failed");
  await expect(details).toContainText("Close a tab, or raise maxConnections.");
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`in ${colorScheme} colours and at 360 px it holds together, and axe finds nothing`, async ({ browser, baseURL }) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: "reduce", viewport: { width: 360, height: 740 }, ...(baseURL === undefined ? {} : { baseURL }) });
    const name = namespace();
    const one = await AppPage.open(context, name, "&p2p=on");
    const network = await NetworkPage.of(one);
    await one.expectNoSidewaysScroll();
    await one.expectAccessible();
    const two = await AppPage.open(context, name, "&p2p=on");
    const details = await network.choose(await idOf(two));
    await expect(details.getByRole("button", { name: "Disconnect" })).toBeVisible();
    await one.expectNoSidewaysScroll();
    await one.expectAccessible();
    await context.close();
  });
}

test("with 500 peers numbers redraw nothing, nobody moves under the pointer, and the page keeps answering", async ({ page }) => {
  await page.goto("/tests/pages/network.html?peers=500");
  const canvas = page.getByRole("application");
  await expect(canvas).toHaveAccessibleName(/of 500\speers connected/);
  const picture = async (): Promise<string> => await canvas.evaluate((element) => (element as HTMLCanvasElement).toDataURL());
  // At rest: two looks apart are alike.
  await expect(async () => expect(await picture()).toBe(await page.evaluate(async () => {
    await window.busy.bustle(10, false);
    const graph = window.busy.page.renderRoot.querySelector("peerloom-network-graph");
    return graph?.renderRoot.querySelector("canvas")?.toDataURL() ?? "";
  }))).toPass();

  const box = await canvas.boundingBox();
  if (box === null) throw new Error("the canvas is not there");
  await page.mouse.move(box.x + 8, box.y + 8);
  const held = await page.evaluate(() => window.busy.places());
  await page.evaluate(() => window.busy.bustle(60, true));
  const after = new Map((await page.evaluate(() => window.busy.places())).map(([id, x, y]) => [id, [x, y]]));
  const moved = held.filter(([id, x, y]) => after.has(id) && (after.get(id)?.[0] !== x || after.get(id)?.[1] !== y));
  expect(moved).toEqual([]);
  await page.getByLabel("Find by id").fill("zz");
  await expect(page.getByText("No peer has this in its id.")).toBeVisible();
});
