import { expect, test, type Locator, type Page } from "@playwright/test";

import { AppPage, namespace } from "./app-page.ts";

/** All tests one after the other, on a machine that builds something else meanwhile. */
const ALL_MS_MAX = 120_000;

interface JsonReport {
  readonly tests: Readonly<Record<string, { readonly state: string; readonly findings: { readonly figures: readonly { readonly name: string; readonly value: number | null }[]; readonly stages: readonly { readonly stage: string }[] } }>>;
  readonly swarm: { readonly id: string } | null;
  readonly log: readonly { readonly kind: string; readonly side: string }[];
}

/** The page of diagnostics in one tab. */
class DiagnosticsPage {
  readonly page: Page;
  readonly main: Locator;

  constructor(page: Page) {
    this.page = page;
    this.main = page.locator("peerloom-diagnostics-page");
  }

  static async of(app: AppPage): Promise<DiagnosticsPage> {
    await app.page.bringToFront();
    await app.page.getByRole("link", { name: "Diagnostics" }).click();
    await expect(app.page.getByRole("heading", { name: "Diagnostics", level: 1 })).toBeVisible();
    return new DiagnosticsPage(app.page);
  }

  card(name: string): Locator {
    return this.page.getByRole("region", { name, exact: true });
  }

  /** Chooses so little that all tests together take seconds. */
  async chooseSmall(): Promise<void> {
    await this.page.getByLabel("Rounds of Discovery").selectOption("3 rounds");
    await this.page.getByLabel("Rounds of Connection").selectOption("3 rounds");
    await this.page.getByLabel("Size").selectOption("1 MiB");
    await this.page.getByLabel("Peers", { exact: true }).selectOption("4 peers");
    await this.page.getByLabel("Seconds of coming and going").selectOption("2 s");
  }

  async run(name: string): Promise<void> {
    await this.page.getByRole("button", { name: `Run ${name}`, exact: true }).click();
  }

  async passed(name: string): Promise<void> {
    await expect(this.card(name)).toContainText("Passed", { timeout: ALL_MS_MAX });
  }

  async noneLive(): Promise<void> {
    await expect(this.main).toContainText("0\u00a0test peers open");
  }

  /** The values of a test's figures, as they are shown. */
  async figure(of: string, name: string): Promise<string> {
    return await this.card(of).locator("dl > div").filter({ has: this.page.locator("dt", { hasText: new RegExp(`^${name}`) }) }).locator("dd").first().innerText();
  }

  async copied(button: string): Promise<string> {
    const said = this.page.getByRole("status").filter({ hasText: "Copied" });
    await expect(said).toHaveCount(0);
    await this.page.getByRole("button", { name: button }).click();
    await expect(said).toHaveCount(1);
    return await this.page.evaluate(() => navigator.clipboard.readText());
  }
}

test("all tests run with one click while P2P is off, and pass with figures", { tag: "@firefox" }, async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const page = await DiagnosticsPage.of(app);
  await expect(page.main).toContainText("P2P is off");
  await expect(page.main).toContainText("Nothing has happened yet");
  await page.chooseSmall();
  await app.page.getByRole("button", { name: "Run all" }).click();
  for (const name of ["Environment", "Discovery", "Connection", "Transfer", "Stress"]) await page.passed(name);
  await page.noneLive();

  await expect(page.card("Environment")).toContainText(/Network addresses\s*\d+\saddress/);
  expect(await page.figure("Discovery", "Succeeded")).toBe("3 of 3 (100\u00a0%)");
  expect(await page.figure("Connection", "Median")).toMatch(/ms|s$/);
  for (const stage of ["Announce, until discovered", "Offer and answer", "Network path (ICE)", "Data channels"]) {
    await expect(page.card("Connection").getByRole("row").filter({ hasText: stage })).toContainText("ms");
  }
  await expect(page.card("Transfer")).toContainText("1.0\u00a0MB arrived and every byte is right");
  await expect(page.card("Transfer").getByRole("img", { name: /^Rate over time/ })).toBeVisible();
  expect(await page.figure("Stress", "Peers")).toContain("4, all in one swarm");
  expect(await page.figure("Stress", "Connections at once")).toMatch(/^\d+$/);
  // The person's own swarm met nobody, and never began to look.
  expect(await app.page.evaluate(() => window.swarm?.status)).toMatchObject({ state: "stopped", peersDiscovered: 0 });
});

test("the report is copied as text and as JSON, and says what the page says", async ({ context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const app = await AppPage.open(context, namespace(), "&p2p=on");
  const page = await DiagnosticsPage.of(app);
  await page.chooseSmall();
  for (const name of ["Environment", "Connection", "Transfer"]) {
    await page.run(name);
    await page.passed(name);
  }
  const own = await app.page.evaluate(() => window.swarm?.id ?? "");
  const text = await page.copied("Copy report");
  expect(text).toContain("## Peerloom diagnostics");
  for (const name of ["Environment", "Connection", "Transfer"]) expect(text).toContain(`### ${name}: Passed`);
  expect(text).toContain("### Stress: Not run yet");
  expect(text).toMatch(/\| Offer and answer \| (<1|\d+)\sms \|/u);
  expect(text).toContain(`${own.slice(0, 8)}, No peers yet`);
  const json = await page.copied("Copy as JSON");
  // Enough to compare two reports by, and no more.
  expect(`${text}${json}`).not.toContain(own);
  const report = JSON.parse(json) as JsonReport;
  expect(report.swarm?.id).toBe(own.slice(0, 8));
  expect(report.tests["connection"]).toMatchObject({ state: "passed" });
  expect(report.tests["connection"]?.findings.stages.map(({ stage }) => stage)).toEqual(["discovery", "dialling", "signalling", "ice", "dtls", "channel", "authentication"]);
  expect(report.tests["transfer"]?.findings.figures.find(({ name }) => name === "Ratio")?.value).toBeGreaterThan(0);
  expect(report.log.some(({ kind, side }) => kind === "connected" && side === "test")).toBe(true);
});

test("a stress test is stopped in the middle, by its button and by leaving the page, and all its peers are closed", async ({ context }) => {
  const app = await AppPage.open(context, namespace());
  const page = await DiagnosticsPage.of(app);
  await page.page.getByLabel("Seconds of coming and going").selectOption("60 s");
  await page.run("Stress");
  await expect(page.card("Stress")).toContainText("Coming and going", { timeout: ALL_MS_MAX });
  await expect(page.main).toContainText(/[78]\stest peers open/);
  await expect(page.page.getByRole("button", { name: "Run Discovery" })).toBeDisabled();
  await page.page.getByRole("button", { name: "Stop Stress" }).click();
  await expect(page.card("Stress")).toContainText("Stopped before its end");
  await page.noneLive();
  await expect(page.page.getByRole("button", { name: "Run Stress" })).toBeFocused();

  await page.run("Stress");
  await expect(page.main).toContainText(/[1-8]\stest peers? open/);
  await page.page.getByRole("link", { name: "Log" }).click();
  await DiagnosticsPage.of(app);
  await expect(page.card("Stress")).toContainText("Stopped before its end");
  await page.noneLive();
});

test("the own swarm is shown with its peers and its log, from before the page was opened too", async ({ context }) => {
  const [one, two] = await AppPage.pair(context);
  const other = (await two.page.evaluate(() => window.swarm?.id ?? "")).slice(0, 8);
  const page = await DiagnosticsPage.of(one);
  const row = page.page.getByRole("table", { name: "Peers of your swarm" }).getByRole("row").filter({ hasText: other });
  await expect(row).toContainText("Connected");
  await expect(row).toContainText("Direct, browser to browser");
  const log = page.page.getByRole("log", { name: "Connection events" });
  await expect(log).toContainText(`You → ${other}`);
  await expect(log).toContainText("connected");

  await two.page.evaluate(() => window.swarm?.close());
  await expect(log).toContainText("disconnected");
  await expect(row).toHaveCount(0);
  await page.page.getByLabel("Filter the log by text").fill("disconnected");
  await expect(log.locator(".row")).toHaveCount(1);
  await page.page.getByLabel("Whose events").selectOption("Test peers’");
  await expect(page.main).toContainText("No event matches the filter.");
});

test("where tabs do not hear each other, tests fail and say why, and those that build on them are not run", async ({ context }) => {
  await context.addInitScript(() => {
    BroadcastChannel.prototype.postMessage = () => undefined;
  });
  const app = await AppPage.open(context, namespace());
  const page = await DiagnosticsPage.of(app);
  await page.chooseSmall();
  await app.page.getByRole("button", { name: "Run all" }).click();
  await expect(page.card("Environment")).toContainText("Failed");
  await expect(page.card("Environment")).toContainText("What one peer says on a BroadcastChannel, another one does not hear");
  await expect(page.card("Discovery")).toContainText("Two peers found each other in 0 of 2\u00a0rounds. The last one was not tried. Neither peer heard of the other", { timeout: ALL_MS_MAX });
  for (const name of ["Connection", "Transfer", "Stress"]) await expect(page.card(name)).toContainText("Not run: peers have to");
  await page.noneLive();
});

test("where the browser lacks something, the app can't start, and Diagnostics still says what is missing", async ({ context }) => {
  await context.addInitScript(() => Reflect.deleteProperty(globalThis, "BroadcastChannel"));
  const tab = await context.newPage();
  await tab.goto(`/?app=${namespace()}`);
  await expect(tab.getByRole("heading", { name: "Peerloom can’t start here" })).toBeVisible();
  await tab.getByRole("link", { name: "Diagnostics" }).click();
  const page = new DiagnosticsPage(tab);
  await expect(page.main).toContainText("It is not open");
  await page.run("Environment");
  await expect(page.card("Environment")).toContainText("This browser or page lacks BroadcastChannel");
  await page.run("Discovery");
  await expect(page.card("Discovery")).toContainText("Failed");
  await expect(page.card("Discovery")).toContainText("lacks BroadcastChannel");
  await page.noneLive();
});

test("a configuration that can't work fails at its stage, with a hint", async ({ page: tab }) => {
  await tab.goto("/tests/pages/diagnostics.html");
  const page = new DiagnosticsPage(tab);
  await page.run("Environment");
  await expect(page.card("Environment")).toContainText("Only relays may be used (iceTransportPolicy), and no relay gave an address");
  await tab.getByLabel("Rounds of Connection").selectOption("1 round");
  await page.run("Connection");
  await expect(page.card("Connection")).toContainText("Two peers connected in 0 of 1\u00a0round. No network path between the two of you was found", { timeout: ALL_MS_MAX });
  await expect(page.page.getByRole("log", { name: "Connection events" })).toContainText("Trying network paths");
  await page.noneLive();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`in ${colorScheme} colours and at 360 px it holds together, and axe finds nothing`, async ({ browser, baseURL }) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: "reduce", viewport: { width: 360, height: 740 }, ...(baseURL === undefined ? {} : { baseURL }) });
    const name = namespace();
    const app = await AppPage.open(context, name, "&p2p=on&maxConnections=1");
    const page = await DiagnosticsPage.of(app);
    await app.expectNoSidewaysScroll();
    await app.expectAccessible();
    // One that is connected, and one for whom there is no room.
    for (let other = 0; other < 2; other += 1) await AppPage.open(context, name, "&p2p=on");
    await app.page.bringToFront();
    const rows = page.page.getByRole("table", { name: "Peers of your swarm" }).getByRole("row");
    await expect(rows).toHaveCount(3);
    await expect(rows.filter({ hasText: "Direct, browser to browser" })).toHaveCount(1);
    await app.page.evaluate(() => void window.swarm?.peers().map(({ id }) => window.swarm?.connect(id).catch(() => undefined)));
    await expect(rows.filter({ hasText: "connections are in use" })).toHaveCount(1);
    await page.chooseSmall();
    await page.page.getByRole("button", { name: "Run all" }).click();
    for (const title of ["Environment", "Discovery", "Connection", "Transfer", "Stress"]) await page.passed(title);
    await app.expectNoSidewaysScroll();
    await app.expectAccessible();
    await context.close();
  });
}
