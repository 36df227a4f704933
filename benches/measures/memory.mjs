// How much the process of the receiver grows while it fetches a file that is larger than anything it should hold.

const SAMPLE_INTERVAL_MS = 200;

/** Fetches a content as a `Blob`; returns the greatest growth of private memory, of the receiver and of the browser. */
export async function receiverMemory(browser, [sender, receiver], bytes) {
  const id = await sender.evaluate((length) => globalThis.tab.offer(length), bytes);
  await receiver.evaluate((content) => globalThis.tab.offered(content), id);
  const pid = await browser.processOf(receiver);
  const session = await browser.session(receiver);
  await session.send("Performance.enable");
  // What the tab had before is not what the transfer takes.
  await session.send("HeapProfiler.collectGarbage");
  const look = async () => ({
    receiver: browser.privateBytes(pid),
    browser: await browser.privateBytesOfAll(),
    heap: await heapBytes(session),
  });
  const before = await look();
  const samples = [];
  const transfer = receiver.evaluate((content) => globalThis.tab.fetchBlob(content), id);
  let running = true;
  const ended = transfer.finally(() => (running = false));
  while (running) {
    samples.push(await look());
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, SAMPLE_INTERVAL_MS))]);
  }
  const got = await transfer;
  if (got !== bytes) throw new Error(`${got} of ${bytes} bytes came`);
  for (const tab of [receiver, sender]) await tab.evaluate((content) => globalThis.tab.remove(content), id);
  const growth = (part) => Math.max(...samples.map((sample) => sample[part])) - before[part];
  return { receiverBytes: growth("receiver"), browserBytes: growth("browser"), heapBytes: growth("heap") };
}

async function heapBytes(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0;
}
