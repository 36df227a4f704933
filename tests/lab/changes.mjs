// What happens to networks while two homes are connected, and how long it takes until they are whole again.
//
// While each fault lasts, home b adds a content. Measured is, from the end of the fault, when home a has fetched it. Both
// speak throughout, twice a second. It asserts that the content comes, and that each word is heard and heard once; and no times.

import { distinct, secondsOf } from "../../benches/stats.mjs";
import { inHomes } from "./homes.mjs";
import { move, moveBehindRouter, renumber, silence, unplug } from "./net.mjs";

/** How long until a content that was added meanwhile has to be there. */
const WHOLE_MS_MAX = 90_000;

const MISSED_BYTES = 1_048_576;

const SPEAK_EVERY_MS = 500;

const SWITCH = { a: "none", b: "none" };
const ROUTERS = { a: "cone", b: "cone" };

/** The last byte of home a's address, and of its router's, beyond the first ones. */
let lastAddress = 30;

/** For ever: nothing is put right. */
function change(...ways) {
  return () => {
    lastAddress += 1;
    for (const way of ways) way(lastAddress);
    return () => {};
  };
}

export const CHANGES = {
  "outage-3": { nats: SWITCH, what: "nothing gets through", seconds: 3, harm: silence },
  "outage-10": { nats: SWITCH, what: "nothing gets through", seconds: 10, harm: silence },
  "outage-40": { nats: SWITCH, what: "nothing gets through", seconds: 40, harm: silence },
  "unplugged-10": { nats: SWITCH, what: "the cable is drawn", seconds: 10, harm: unplug },
  "address": { nats: SWITCH, what: "another address", seconds: 0, harm: change(move) },
  "router-outage-10": { nats: ROUTERS, what: "nothing gets through", seconds: 10, harm: silence },
  "router-outage-40": { nats: ROUTERS, what: "nothing gets through", seconds: 40, harm: silence },
  "router-address": { nats: ROUTERS, what: "another address behind its router", seconds: 0, harm: change(moveBehindRouter) },
  "router-public": { nats: ROUTERS, what: "its router gets another public address", seconds: 0, harm: change(renumber) },
  "router-both": { nats: ROUTERS, what: "both change, as with another network", seconds: 0, harm: change(renumber, moveBehindRouter) },
};

/** Fresh homes for each round. */
export function roundOfChange({ nats, seconds, harm }) {
  return inHomes(nats, nats.a !== "none", async (homes) => {
    const startedAt = Date.now();
    await Promise.all([homes.a, homes.b].map((page) => page.evaluate(() => globalThis.tab.start())));
    await Promise.all([homes.a, homes.b].map((page) => page.evaluate(() => globalThis.tab.ready(1))));
    const connectMs = Date.now() - startedAt;
    // The first ping is answered, and nothing is on its way any more.
    await homes.a.waitForFunction(() => globalThis.tab.roundTrip() !== null);
    return { connectMs, ...(await measure(seconds, harm, homes)) };
  });
}

async function measure(seconds, harm, { a, b }) {
  const [restarts, ended] = [await restartsOf(a, b), await endedOf(a, b)];
  await Promise.all([a, b].map((page) => page.evaluate((everyMs) => globalThis.tab.talk(everyMs), SPEAK_EVERY_MS)));
  const mend = harm();
  const missed = await b.evaluate((bytes) => globalThis.tab.offer(bytes), MISSED_BYTES);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  mend();
  const endedAt = Date.now();
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("not whole again in time")), WHOLE_MS_MAX));
  const fetched = a.evaluate((content) => globalThis.tab.fetch(content), missed);
  const { bytes } = await Promise.race([fetched, late]);
  if (bytes !== MISSED_BYTES) throw new Error(`${bytes} bytes instead of ${MISSED_BYTES}`);
  const wholeMs = Date.now() - endedAt;
  const said = await Promise.race([Promise.all([talkBetween(a, b), talkBetween(b, a)]), late]);
  return { wholeMs, said: said[0] + said[1], restarts: (await restartsOf(a, b)) - restarts, ended: (await endedOf(a, b)) - ended };
}

/** Ends what `speaker` says; returns how many words it were, once `listener` has heard each of them, and none twice. */
async function talkBetween(speaker, listener) {
  const said = await speaker.evaluate(() => globalThis.tab.hush());
  const heard = await listener.evaluate((count) => globalThis.tab.heard(count), said);
  if (heard.length !== said) throw new Error(`${said} words were said, and ${heard.length} heard`);
  return said;
}

async function restartsOf(...pages) {
  const stats = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.tab.stats())));
  return stats.reduce((sum, stat) => sum + stat["link.restarts"], 0);
}

async function endedOf(...pages) {
  const ended = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.tab.ended().length)));
  return ended.reduce((sum, count) => sum + count, 0);
}

/** `samples`: those of each case, by its name. */
export function tableOfChanges(samples) {
  const rows = Object.entries(samples).map(([name, rounds]) => {
    const { nats, what, seconds: lasts } = CHANGES[name];
    const whole = secondsOf(rounds, "wholeMs");
    const counts = (key) => distinct(rounds.map((round) => round[key]));
    const between = nats.a === "none" ? "a switch" : "routers";
    return `| ${between} | ${what} | ${lasts === 0 ? "–" : `${lasts} s`} | ${whole.median} | ${whole.worst} | ${counts("restarts")} | ${counts("ended")} | all of ${counts("said")} |`;
  });
  const head = "| between the homes | what happens to home a | for | whole again | at worst | ICE restarts | connections given up | words heard, each once |";
  return [head, "|---|---|--:|--:|--:|--:|--:|--:|", ...rows].join("\n");
}
