// Many bytes from the first tab to the second, and small messages there and back.

const ROUND_TRIPS = 100;
const SMALL_MESSAGES = 10_000;
/** How many of these an application has under way that awaits each but not in turn; and how many are sent by one that does. */
const MESSAGES_UNDER_WAY = 1_000;
const MESSAGES_IN_TURN = 1_000;

/** What a message would hold, as a content. */
const SMALL_CONTENT_BYTES = 1_024;
const FETCHED_EACH = 20;
const FETCHED_AT_ONCE = 200;

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

/** What the swarm measured by its own pings. */
export function peerloomPing([, second]) {
  return second.evaluate(() => globalThis.tab.roundTrip());
}

/** The same by messages in a room. */
export async function peerloomMessages([first, second]) {
  for (const tab of [first, second]) await tab.evaluate(() => globalThis.tab.join());
  const roundTripMs = await second.evaluate((count) => globalThis.tab.messageRoundTrip(count), ROUND_TRIPS);
  const rate = async (count, underWay, to) => {
    await second.evaluate((many) => globalThis.tab.expectMessages(many), count);
    const begun = await first.evaluate(([many, most, peer]) => globalThis.tab.sendMessages(many, most, peer), [count, underWay, to]);
    const ended = await second.evaluate(() => globalThis.tab.receivedMessages());
    return count / ((ended - begun) / 1000);
  };
  const to = await second.evaluate(() => globalThis.tab.id);
  return {
    roundTripMs,
    inTurnPerSecond: await rate(MESSAGES_IN_TURN, 1),
    perSecond: await rate(SMALL_MESSAGES, MESSAGES_UNDER_WAY),
    toOneInTurnPerSecond: await rate(MESSAGES_IN_TURN, 1, to),
    toOnePerSecond: await rate(SMALL_MESSAGES, MESSAGES_UNDER_WAY, to),
  };
}

/** Small contents, each fetched once. */
export async function peerloomSmall([first, second]) {
  const offer = async (count) => {
    const ids = await first.evaluate(([many, bytes]) => globalThis.tab.offerMany(many, bytes), [count, SMALL_CONTENT_BYTES]);
    for (const id of ids) await second.evaluate((content) => globalThis.tab.offered(content), id);
    return ids;
  };
  const each = await offer(FETCHED_EACH);
  const tookMs = await second.evaluate((ids) => globalThis.tab.fetchEach(ids), each);
  const together = await offer(FETCHED_AT_ONCE);
  const perSecond = await second.evaluate((ids) => globalThis.tab.fetchRate(ids), together);
  for (const tab of [second, first]) {
    for (const id of [...each, ...together]) await tab.evaluate((content) => globalThis.tab.remove(content), id);
  }
  return { tookMs, perSecond };
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
