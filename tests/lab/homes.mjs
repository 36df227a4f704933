// A browser in each home, with a tab of the bench's page, and the way by which their envelopes travel.
//
// Until there is a rendezvous server, this script is the way: it hands what one page's `BroadcastChannel` gets to the other
// page's. It runs outside of the namespaces, so signalling works while the network between the homes does not.

import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "@playwright/test";

import { root } from "../../benches/machine.mjs";
import { packageFiles } from "../../benches/server.mjs";
import { STUN_URL, down, inHome, serveStun, up } from "./net.mjs";

const CHROMIUM = "/usr/bin/chromium";

/** The addresses of the homes stand in candidates as they are: their mDNS names could be resolved by nobody. */
const FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-features=WebRtcHideLocalIpsWithMdns"];

/** A secure context at which nobody serves anything: each page gets its files from this script. */
const ORIGIN = "http://127.0.0.1:7";

const APP = "lab";

/**
 * Makes the homes, and takes them down after `use`, which gets their pages. Resolves with what that gives, and the browser's
 * version. `nats`: the kind of address translation of each; `stun`: whether the pages are told of the STUN server.
 */
export async function inHomes(nats, stun, use) {
  up(nats);
  const endStun = stun ? await serveStun() : null;
  try {
    const homes = await openHomes(packageFiles(`${root}dist/peerloom`), { iceServers: stun ? [{ urls: STUN_URL }] : [] });
    try {
      return { version: homes.version, ...(await use(homes)) };
    } finally {
      await homes.close();
    }
  } finally {
    await endStun?.();
    down();
  }
}

/** `files`: path to body, of the page and the package. `rtc`: the configuration of their connections. */
async function openHomes(files, rtc) {
  const folder = mkdtempSync(join(tmpdir(), "peerloom-lab-"));
  const homes = {};
  for (const side of ["a", "b"]) {
    const executablePath = join(folder, side);
    writeFileSync(executablePath, `#!/bin/sh\nexec ${inHome(side).join(" ")} ${CHROMIUM} "$@"\n`);
    chmodSync(executablePath, 0o755);
    const browser = await chromium.launch({ executablePath, args: FLAGS });
    const context = await browser.newContext();
    await context.route(`${ORIGIN}/**`, (route) => answer(route, files));
    homes[side] = { browser, page: await context.newPage() };
  }
  await bridge(homes.a.page, homes.b.page);
  await bridge(homes.b.page, homes.a.page);
  for (const { page } of Object.values(homes)) {
    page.on("pageerror", (error) => console.error(error.message));
    await page.goto(`${ORIGIN}/peerloom.html`);
    await page.waitForFunction(() => globalThis.tab !== undefined);
    await page.evaluate(([app, options]) => globalThis.tab.open(app, options), [APP, { rtc }]);
  }
  return {
    a: homes.a.page,
    b: homes.b.page,
    version: homes.a.browser.version(),
    async close() {
      await Promise.all(Object.values(homes).map(({ browser }) => browser.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function answer(route, files) {
  const { pathname } = new URL(route.request().url());
  const file = files.get(pathname);
  return file === undefined ? route.fulfill({ status: 404 }) : route.fulfill({ body: file.body, contentType: file.type });
}

/** Hands what `from` puts on its channel to `to`. */
async function bridge(from, to) {
  await from.exposeBinding("bridgeOut", (_, envelope) => to.evaluate((bytes) => globalThis.bridgeIn?.(bytes), envelope));
  await from.addInitScript((app) => {
    const channel = new BroadcastChannel(`peerloom:${app}`);
    channel.addEventListener("message", ({ data }) => void globalThis.bridgeOut([...data]));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A BroadcastChannel takes none.
    globalThis.bridgeIn = (bytes) => channel.postMessage(Uint8Array.from(bytes));
  }, APP);
}
