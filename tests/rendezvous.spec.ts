/** Two browsers that share no channel, and the rendezvous server. */

import { expect, firefox, test, type Browser, type Page } from "@playwright/test";

import { RendezvousServer } from "./support/server.ts";
import { add, appName, fetched, idOf, openTab, ready, statsOf, until } from "./support/tabs.ts";

const pathOf = (page: Page) => page.evaluate(() => window.lab.swarm.status.paths.find(({ kind }) => kind === "rendezvous"));

const untilPath = (page: Page, state: string): Promise<void> =>
  page.evaluate(async (wanted) => {
    const { lab } = window;
    while (lab.swarm.status.paths.find(({ kind }) => kind === "rendezvous")?.state !== wanted) {
      await lab.next();
    }
  }, state);

/** A tab in a browser of its own: what it has in common with others is the server. */
async function visitor(browser: Browser, server: RendezvousServer, app = appName()): Promise<Page> {
  const { baseURL } = test.info().project.use;
  const context = await browser.newContext({ ...(baseURL === undefined ? {} : { baseURL }) });
  return openTab(context, { app, servers: server.url });
}

async function shares(from: Page, to: Page, seed: number): Promise<void> {
  const { id: content } = await add(from, { seed, bytes: 1_000_000 });
  await until(to, "content:available", { id: content });
  expect(await fetched(to, content, seed)).toMatchObject({ bytes: 1_000_000, wrongAt: null });
}

test("two browsers meet through the server, need it no more, and newcomers find them when it is back @firefox", async ({ browser }) => {
  await RendezvousServer.during(async (server) => {
    const one = await visitor(browser, server);
    expect(await one.evaluate(() => window.lab.swarm.status)).toMatchObject({ mode: "offline", state: "online" });
    await untilPath(one, "connected");
    expect(await one.evaluate(() => window.lab.swarm.status.relayConnected)).toBe(true);
    const [two, stranger] = [await visitor(browser, server), await visitor(browser, server, `${appName()}-other`)];
    await Promise.all([one, two].map((page) => ready(page)));
    expect(await statsOf(one)).toMatchObject({ "connect.by_server": 1, "connect.by_broadcast": 0, "node.bugs": 0 });
    await shares(one, two, 1);

    await server.kill();
    await Promise.all([one, two, stranger].map((page) => untilPath(page, "waiting")));
    const down = await pathOf(one);
    expect(down).toMatchObject({ name: `${server.url}/v1/signal`, fault: { reason: expect.stringContaining("server") } });
    expect(down?.nextTryAt).toBeGreaterThan(Date.now() - 60_000);
    const late = await visitor(browser, server);
    await untilPath(late, "waiting");
    expect(await pathOf(late)).toMatchObject({ fault: { code: "UNREACHABLE" } });
    await shares(two, one, 2);
    for (const page of [one, two]) {
      expect(await page.evaluate(() => window.lab.all("peer:disconnect"))).toEqual([]);
    }

    await server.start();
    await ready(late, 2);
    await untilPath(late, "connected");
    expect(await pathOf(late)).toMatchObject({ fault: null, nextTryAt: null });
    await shares(late, one, 3);
    await shares(two, late, 4);
    await untilPath(stranger, "connected");
    expect(await stranger.evaluate(() => window.lab.swarm.peers())).toEqual([]);
    for (const page of [one, two, late]) {
      expect(await statsOf(page)).toMatchObject({ "node.bugs": 0 });
      expect(await page.evaluate(() => window.lab.all("security"))).toEqual([]);
      await page.context().close();
    }
    await stranger.context().close();
  });
});

test("a peer asks through the server for another one by its id", async ({ browser }) => {
  await RendezvousServer.during(async (server) => {
    const one = await visitor(browser, server);
    const two = await visitor(browser, server);
    await ready(two);
    const id = await idOf(two);
    await one.evaluate((peer) => window.lab.swarm.disconnect(peer), id);
    await until(two, "peer:disconnect", { cause: "parted" });
    expect(await one.evaluate(async (peer) => (await window.lab.swarm.connect(peer)).state, id)).toBe("connected");
    await one.context().close();
    await two.context().close();
  });
});

test("Chromium and Firefox meet through the server", async ({ browser }) => {
  const other = await firefox.launch({ channel: "moz-firefox", executablePath: "/usr/bin/firefox-esr" });
  try {
    await RendezvousServer.during(async (server) => {
      for (const [early, late] of [
        [browser, other],
        [other, browser],
      ] as const) {
        const [one, two] = [await visitor(early, server), await visitor(late, server)];
        await Promise.all([one, two].map((page) => ready(page)));
        await shares(one, two, 5);
        await shares(two, one, 6);
        await one.context().close();
        await two.context().close();
      }
    });
  } finally {
    await other.close();
  }
});

test("each server that does not work says why, and those that do go on", async ({ browser }) => {
  await RendezvousServer.during(async (server) => {
    const wrong = ["ftp://nowhere.example", "ws://127.0.0.1:9"];
    const servers = [...wrong, server.url].join(",");
    const { baseURL } = test.info().project.use;
    const context = await browser.newContext({ ...(baseURL === undefined ? {} : { baseURL }) });
    const one = await openTab(context, { servers });
    const two = await visitor(browser, server);
    await Promise.all([one, two].map((page) => ready(page)));
    const paths = await one.evaluate(() => window.lab.swarm.status.paths.filter(({ kind }) => kind === "rendezvous"));
    expect(paths.map(({ fault }) => fault?.code ?? null)).toEqual(["BAD_ADDRESS", expect.stringMatching("UNREACHABLE|BLOCKED"), null]);
    expect(paths[0]?.fault?.reason).toContain("ftp://nowhere.example");
    expect(paths[0]?.state).toBe("waiting");
    expect(paths[2]?.state).toBe("connected");
    await context.close();
    await two.context().close();
  });
});

test("whom the server turns away is told why", async ({ browser }) => {
  await RendezvousServer.during(
    async (server) => {
      const one = await visitor(browser, server);
      await untilPath(one, "waiting");
      expect(await pathOf(one)).toMatchObject({ fault: { code: "ORIGIN_DENIED", reason: expect.stringContaining("origin") } });
      await one.context().close();
    },
    ["--origin", "https://elsewhere.example"],
  );
});
