/** Rooms by link, as people see them: another browser, another network perhaps, and the server that the page came from. */

import { expect, test, type Browser, type BrowserContext } from "@playwright/test";

import { AppPage, namespace } from "./app-page.ts";

async function elsewhere(browser: Browser): Promise<BrowserContext> {
  const { baseURL } = test.info().project.use;
  return browser.newContext({ ...(baseURL === undefined ? {} : { baseURL }) });
}

const roomOf = (app: AppPage): string => new URL(app.page.url()).hash;

test("a room is made with one click, and whoever opens its link is there with files of its own", async ({ browser, context }) => {
  const app = namespace();
  const one = await AppPage.open(context, app, "&p2p=on");
  // Without a room nobody outside this browser is asked for anything.
  expect(await one.page.evaluate(() => window.swarm?.status.paths.map(({ kind }) => kind))).toEqual(["broadcast", "peers"]);
  await Promise.all([one.page.waitForEvent("load"), one.page.getByRole("button", { name: "Make a room" }).first().click()]);
  await one.opened();
  expect(roomOf(one)).toMatch(/^#room=[\w-]{22}$/u);

  const other = await elsewhere(browser);
  const two = await AppPage.at(other, `/?app=${app}${roomOf(one)}`);
  // The link is the wish to meet: nothing has to be turned on.
  await one.connected(1);
  await two.connected(1);
  await one.choose("menu.txt", Buffer.from("soup"), "text/plain");
  await expect(two.page.getByText("menu.txt")).toBeVisible();

  // Pages of the app stay in the room, and so does a reload.
  await two.page.getByRole("link", { name: "Log" }).click();
  expect(roomOf(two)).toBe(`${roomOf(one)}/log`);
  await two.page.reload();
  await two.opened();
  await two.connected(1);

  const third = await elsewhere(browser);
  const stranger = await AppPage.at(third, `/?app=${app}#room=AAECAwQFBgcICQoLDA0ODw`);
  await expect.poll(() => stranger.page.evaluate(() => window.swarm?.status.relayConnected)).toBe(true);
  const outside = await AppPage.open(context, app, "&p2p=on");
  await expect(outside.page.getByText("menu.txt")).toHaveCount(0);
  expect(await stranger.page.evaluate(() => window.swarm?.peers())).toEqual([]);
  expect(await outside.page.evaluate(() => window.swarm?.peers())).toEqual([]);
  await other.close();
  await third.close();
});

test("the status says through which server others are met", async ({ context }) => {
  const app = await AppPage.open(context, namespace(), "", "#room=AAECAwQFBgcICQoLDA0ODw");
  await expect.poll(() => app.page.evaluate(() => window.swarm?.status.relayConnected)).toBe(true);
  await app.status.click();
  const servers = app.page.getByRole("list", { name: "Meeting others through" });
  await expect(servers.getByText(new URL(app.page.url()).host)).toBeVisible();
  await expect(servers.getByText("Connected. Others are met here; your data goes past it.")).toBeVisible();
});

test("a room whose server is not there says so, and the tabs of the browser meet all the same", async ({ context }) => {
  // Requests only are routed; the socket of the test's own server is blocked in the page.
  await context.addInitScript(() => {
    const Own = WebSocket;
    globalThis.WebSocket = class extends Own {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(String(url).includes("/v1/signal") ? "ws://127.0.0.1:9/v1/signal" : url, protocols);
      }
    };
  });
  const app = namespace();
  const room = "#room=AAECAwQFBgcICQoLDA0ODw";
  const one = await AppPage.open(context, app, "", room);
  const two = await AppPage.open(context, app, "", room);
  await one.connected(1);
  await two.connected(1);
  await expect.poll(() => one.page.evaluate(() => window.swarm?.status.paths.find(({ kind }) => kind === "rendezvous")?.fault?.code)).toBe("UNREACHABLE");
  await one.status.click();
  await expect(one.page.getByText(/The server can’t be reached/u)).toBeVisible();
});
