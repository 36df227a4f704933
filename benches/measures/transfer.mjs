// Many bytes from the first tab to the second, and small messages there and back.

const ROUND_TRIPS = 100;
const SMALL_MESSAGES = 10_000;

export function rawTransfer(browser, tabs, bytes) {
  return watched(browser, tabs, ([, receiver]) => receiver.evaluate((length) => globalThis.tab.fetch(length), bytes));
}

/** A new content each time, since what is on disk is not fetched again. */
export async function peerloomTransfer(browser, tabs, bytes) {
  const [sender, receiver] = tabs;
  const id = await sender.evaluate((length) => globalThis.tab.offer(length), bytes);
  await receiver.evaluate((content) => globalThis.tab.offered(content), id);
  const figures = await watched(browser, tabs, () => receiver.evaluate((content) => globalThis.tab.fetch(content), id));
  if (figures.bytes !== bytes) throw new Error(`${figures.bytes} of ${bytes} bytes came`);
  for (const tab of [receiver, sender]) await tab.evaluate((content) => globalThis.tab.remove(content), id);
  return figures;
}

export async function rawMessages([, second]) {
  const roundTripMs = await second.evaluate((count) => globalThis.tab.roundTrip(count), ROUND_TRIPS);
  const perSecond = await second.evaluate((count) => globalThis.tab.messageRate(count), SMALL_MESSAGES);
  return { roundTripMs, perSecond };
}

/** What the swarm measured by its own pings. It has no messages for applications yet. */
export async function peerloomMessages([, second]) {
  return { roundTripMs: await second.evaluate(() => globalThis.tab.roundTrip()) };
}

/** Adds the longest task and gap of either main thread, and the browser's processor time, to what a transfer returns. */
async function watched(browser, tabs, transfer) {
  for (const tab of tabs) await tab.evaluate(() => globalThis.tab.watch());
  const before = await browser.processorMs();
  const figures = await transfer(tabs);
  const processorMs = (await browser.processorMs()) - before;
  const threads = await Promise.all(tabs.map((tab) => tab.evaluate(() => globalThis.tab.unwatch())));
  const longest = (part) => Math.max(...threads.map((thread) => thread[part]));
  return { ...figures, taskMs: longest("taskMs"), gapMs: longest("gapMs"), processorMs };
}
