// How much the process of the receiver grows while it fetches a file that is larger than anything it should hold.

const SAMPLE_INTERVAL_MS = 200;

/** Receives so many bytes and keeps none: what the platform itself takes. */
export function rawMemory(browser, [, receiver], bytes) {
  return growthDuring(browser, receiver, () => receiver.evaluate((length) => globalThis.tab.fetch(length), bytes));
}

/** Fetches a content as a `Blob`. */
export async function peerloomMemory(browser, [sender, receiver], bytes) {
  const id = await sender.evaluate((length) => globalThis.tab.offer(length), bytes);
  await receiver.evaluate((content) => globalThis.tab.offered(content), id);
  const growth = await growthDuring(browser, receiver, async () => {
    const got = await receiver.evaluate((content) => globalThis.tab.fetchBlob(content), id);
    if (got !== bytes) throw new Error(`${got} of ${bytes} bytes came`);
  });
  for (const tab of [receiver, sender]) await tab.evaluate((content) => globalThis.tab.remove(content), id);
  return growth;
}

/** The greatest growth, while `work` runs, of a tab's process, of its JavaScript heap, and of the whole browser. */
async function growthDuring(browser, tab, work) {
  const pid = await browser.processOf(tab);
  const session = await browser.session(tab);
  await session.send("Performance.enable");
  // What the tab had before is not what the work takes.
  await session.send("HeapProfiler.collectGarbage");
  const look = async () => ({
    tab: browser.privateBytes(pid),
    browser: await browser.privateBytesOfAll(),
    heap: await heapBytes(session),
  });
  const before = await look();
  const samples = [];
  let running = true;
  const ended = work().finally(() => (running = false));
  while (running) {
    samples.push(await look());
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, SAMPLE_INTERVAL_MS))]);
  }
  await ended;
  await session.detach();
  const growth = (part) => Math.max(...samples.map((sample) => sample[part])) - before[part];
  return { tabBytes: growth("tab"), browserBytes: growth("browser"), heapBytes: growth("heap") };
}

async function heapBytes(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0;
}
