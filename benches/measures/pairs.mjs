// Two connected tabs, one way and the other.

let rooms = 0;

/** A name that no other measure uses: one for signalling, and one for what is stored. */
export function newRoom() {
  rooms += 1;
  return `bench-${rooms}`;
}

/** Opens so many raw tabs, loaded and not yet started. */
export async function rawTabs(browser, count) {
  return Promise.all(Array.from({ length: count }, () => browser.open("raw")));
}

/** Opens so many tabs with a swarm each, not yet started. */
export async function peerloomTabs(browser, count, room) {
  const tabs = [];
  // One after the other: eight that compile at once would only slow each other down.
  for (let i = 0; i < count; i++) {
    const tab = await browser.open("peerloom");
    await tab.evaluate((app) => globalThis.tab.open(app), room);
    tabs.push(tab);
  }
  return tabs;
}

export async function closeTabs(tabs) {
  await Promise.all(tabs.map((tab) => tab.close()));
}

/** Two raw tabs, connected and serving. */
export async function rawPair(browser) {
  const room = newRoom();
  const tabs = await rawTabs(browser, 2);
  for (const [index, tab] of tabs.entries()) {
    await tab.evaluate(([name, own]) => globalThis.tab.start(name, own), [room, index]);
  }
  for (const tab of tabs) {
    await tab.evaluate(async () => {
      await globalThis.tab.connected(1);
      globalThis.tab.serve();
    });
  }
  return tabs;
}

/** Two connected tabs with a swarm each. */
export async function peerloomPair(browser) {
  const tabs = await peerloomTabs(browser, 2, newRoom());
  for (const tab of tabs) await tab.evaluate(() => globalThis.tab.start());
  for (const tab of tabs) await tab.evaluate(() => globalThis.tab.connected(1));
  return tabs;
}
