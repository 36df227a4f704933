// What browsers, machines and people do to a tab, done to one of Chromium's by Puppeteer. Playwright keeps every page
// visible, and a page that is not hidden can't be frozen.

import { readFileSync } from "node:fs";

import { launch as launchChromium } from "puppeteer-core";

const CHROMIUM = "/usr/bin/chromium";

const FLAGS = ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** By these Puppeteer spares pages in the background what people's browsers do to them. */
const SPARING_FLAGS = ["--disable-renderer-backgrounding", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows"];

/** How long a tab is busy in each try. */
const BURN_MS = 400;

/** Processor time that stands out from what an idle tab uses: hundredths of a second, as the kernel counts it. */
const BUSY_TICKS = 15;

/** Starts a browser with a profile of its own on disk. */
export function launch() {
  return launchChromium({ executablePath: CHROMIUM, args: FLAGS, ignoreDefaultArgs: SPARING_FLAGS });
}

/** Opens a page. What it catches nowhere is thrown here, at `onError`. */
export async function openPage(browser, address, onError) {
  const page = await browser.newPage();
  page.on("pageerror", onError);
  // Freezing closes sockets, and the development server's client reloads a page whose socket closed: it gets one that
  // does nothing.
  await page.evaluateOnNewDocument(() => {
    class Mute extends EventTarget {
      send() {}
    }
    Object.assign(window, { WebSocket: Mute });
  });
  await page.goto(address);
  return page;
}

/**
 * By name: what is done to the page `victim`, while `front` is another one. `harm` resolves once it is done, with what ends
 * it; that resolves with the victim's page, which may be a new one at the same `address`.
 *
 * `survives`: whether the page and what runs in it outlive it, so that nobody has a reason to take them for dead.
 */
export const FAULTS = {
  hidden: {
    survives: true,
    async harm({ victim, front }) {
      await front.bringToFront();
      return async () => {
        await victim.bringToFront();
        return victim;
      };
    },
  },
  frozen: {
    survives: true,
    async harm({ victim, front }) {
      await front.bringToFront();
      const session = await victim.createCDPSession();
      await session.send("Page.setWebLifecycleState", { state: "frozen" });
      return async () => {
        await session.send("Page.setWebLifecycleState", { state: "active" });
        return victim;
      };
    },
  },
  stopped: {
    survives: true,
    async harm({ victim, renderer }) {
      process.kill(renderer, "SIGSTOP");
      return async () => {
        process.kill(renderer, "SIGCONT");
        return victim;
      };
    },
  },
  blocked: {
    survives: true,
    async harm({ victim, ms }) {
      const ended = victim.evaluate((forMs) => {
        const endAt = performance.now() + forMs;
        while (performance.now() < endAt);
      }, ms);
      return async () => {
        await ended;
        return victim;
      };
    },
  },
  offline: {
    survives: true,
    async harm({ victim }) {
      await victim.setOfflineMode(true);
      return async () => {
        await victim.setOfflineMode(false);
        return victim;
      };
    },
  },
  killed: {
    survives: false,
    async harm({ victim, renderer, reopen }) {
      const crashed = new Promise((resolve) => victim.once("error", resolve));
      process.kill(renderer, "SIGKILL");
      await crashed;
      return reopen;
    },
  },
  reloaded: {
    survives: false,
    async harm({ victim }) {
      return async () => {
        await victim.reload();
        return victim;
      };
    },
  },
};

/** The process that runs a page: the one that gets busy when the page does. */
export async function rendererOf(page) {
  const session = await page.browser().target().createCDPSession();
  const times = async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const renderers = processInfo.filter(({ type }) => type === "renderer");
    return new Map(renderers.map(({ id }) => [id, processorTicks(id)]));
  };
  const before = await times();
  for (;;) {
    await page.evaluate((ms) => {
      const endAt = performance.now() + ms;
      while (performance.now() < endAt);
    }, BURN_MS);
    const used = [...(await times())].map(([pid, ticks]) => ({ pid, ticks: ticks - (before.get(pid) ?? 0) }));
    const [first, second] = used.toSorted((a, b) => b.ticks - a.ticks);
    // On a machine that others use it may take several tries until it has had its share.
    if (first.ticks < BUSY_TICKS || first.ticks < 3 * (second?.ticks ?? 0)) continue;
    await session.detach();
    return first.pid;
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
