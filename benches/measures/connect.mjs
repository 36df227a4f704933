// From the second tab's start until both know each other, and until both channels are open on both sides.

import { closeTabs, newRoom, peerloomTabs, rawTabs } from "./pairs.mjs";

/**
 * How long the first tab has been there: a second one that is opened within a second is what a restored window does, and
 * that is what the mesh measures.
 */
const SETTLE_MS = 1_200;

/** Each round has fresh tabs, since that is what a person opens. */
export async function rawConnect(browser) {
  const room = newRoom();
  const [first, second] = await rawTabs(browser, 2);
  await first.evaluate((name) => globalThis.tab.start(name, 0), room);
  await settle();
  const startedAt = await second.evaluate((name) => globalThis.tab.start(name, 1), room);
  const connectedAt = await lastConnectedAt([first, second], 1);
  await closeTabs([first, second]);
  return { connectMs: connectedAt - startedAt };
}

export async function peerloomConnect(browser) {
  const [first, second] = await peerloomTabs(browser, 2, newRoom());
  await first.evaluate(() => globalThis.tab.start());
  await settle();
  const startedAt = await second.evaluate(() => globalThis.tab.start());
  const connectedAt = await lastConnectedAt([first, second], 1);
  const discoveredAt = await Promise.all([first, second].map((tab) => tab.evaluate(() => globalThis.tab.discovered())));
  await closeTabs([first, second]);
  return { connectMs: connectedAt - startedAt, discoverMs: Math.max(...discoveredAt) - startedAt };
}

export async function rawMesh(browser, count) {
  const room = newRoom();
  const tabs = await rawTabs(browser, count);
  const starts = tabs.map((tab, index) => tab.evaluate(([name, own]) => globalThis.tab.start(name, own), [room, index]));
  const startedAt = Math.min(...(await Promise.all(starts)));
  const connectedAt = await lastConnectedAt(tabs, count - 1);
  await closeTabs(tabs);
  return { meshMs: connectedAt - startedAt };
}

export async function peerloomMesh(browser, count) {
  const tabs = await peerloomTabs(browser, count, newRoom());
  const starts = tabs.map((tab) => tab.evaluate(() => globalThis.tab.start()));
  const startedAt = Math.min(...(await Promise.all(starts)));
  const connectedAt = await lastConnectedAt(tabs, count - 1);
  await closeTabs(tabs);
  return { meshMs: connectedAt - startedAt };
}

async function lastConnectedAt(tabs, peers) {
  const times = tabs.map((tab) => tab.evaluate((count) => globalThis.tab.connected(count), peers));
  return Math.max(...(await Promise.all(times)));
}

function settle() {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
