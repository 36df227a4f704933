// A browser with a profile on disk, its tabs, and what their processes take.

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "@playwright/test";

const CHROMIUM = "/usr/bin/chromium";

const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** In what the kernel counts processor time. */
const TICK_MS = 10;

/** Enough processor time to stand out from what an idle tab uses, at the ticks in which it is counted. */
const BURN_MS = 400;

export class Browser {
  #context;
  #server;
  #profile;
  #cdp;

  /** Starts a browser on the server's pages. A private window would keep its files in memory, so it gets a profile. */
  static async launch(server) {
    const profile = await mkdtemp(join(tmpdir(), "peerloom-bench-"));
    const context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: FLAGS });
    const cdp = await context.browser().newBrowserCDPSession();
    return new Browser(context, server, profile, cdp);
  }

  constructor(context, server, profile, cdp) {
    this.#context = context;
    this.#server = server;
    this.#profile = profile;
    this.#cdp = cdp;
  }

  version() {
    return this.#context.browser().version();
  }

  /** Opens a page of the bench; its module has set `tab` when this resolves. */
  async open(page) {
    const tab = await this.#context.newPage();
    tab.on("pageerror", (error) => console.error(`${page}: ${error.message}`));
    tab.on("crash", () => console.error(`${page}: the tab crashed`));
    await tab.goto(`${this.#server.url}/${page}.html`);
    await tab.waitForFunction(() => globalThis.tab !== undefined);
    return tab;
  }

  /** A session of Chromium's own protocol with one tab. */
  session(tab) {
    return this.#context.newCDPSession(tab);
  }

  /** The process that runs a tab: the one that gets busy when the tab does. */
  async processOf(tab) {
    const before = await this.#rendererTimes();
    await tab.evaluate((ms) => globalThis.tab.burn(ms), BURN_MS);
    const after = await this.#rendererTimes();
    const used = [...after].map(([pid, ticks]) => ({ pid, ticks: ticks - (before.get(pid) ?? 0) }));
    return used.toSorted((a, b) => b.ticks - a.ticks)[0].pid;
  }

  /** Private memory of one process in bytes. */
  privateBytes(pid) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map(([, kb]) => Number(kb));
    return kilobytes.reduce((sum, kb) => sum + kb, 0) * 1024;
  }

  /** Private memory of all of the browser's processes in bytes. */
  async privateBytesOfAll() {
    const pids = (await this.#processes()).map(({ id }) => id);
    return pids.reduce((sum, pid) => sum + this.#privateBytesIfAlive(pid), 0);
  }

  /** Processor time that all of the browser's processes have used, in milliseconds. */
  async processorMs() {
    const ticks = (await this.#processes()).map(({ id }) => processorTicks(id));
    return ticks.reduce((sum, used) => sum + used, 0) * TICK_MS;
  }

  async close() {
    await this.#context.close();
    await rm(this.#profile, { recursive: true, force: true });
  }

  #privateBytesIfAlive(pid) {
    try {
      return this.privateBytes(pid);
    } catch {
      return 0;
    }
  }

  async #processes() {
    return (await this.#cdp.send("SystemInfo.getProcessInfo")).processInfo;
  }

  async #rendererTimes() {
    const renderers = (await this.#processes()).filter(({ type }) => type === "renderer");
    return new Map(renderers.map(({ id }) => [id, processorTicks(id)]));
  }
}

/** User and system time, as /proc counts it. */
function processorTicks(pid) {
  try {
    // The command's name, in brackets, may hold blanks; what follows has the state as its first field.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}
