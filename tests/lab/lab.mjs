// `cargo xtask lab`: what happens to networks, done to two browsers in homes of their own, and how long it takes until they
// are whole again.
//
//   node tests/lab/lab.mjs [--only outage-10] [--rounds 3] [--json]
//
// While each fault lasts, home b adds a content. Measured is, from the end of the fault, when home a has fetched it. It
// asserts that this comes to pass, and no times.

import { parseArgs } from "node:util";

import { machineOf, root } from "../../benches/machine.mjs";
import { packageFiles } from "../../benches/server.mjs";
import { distinct, secondsOf } from "../../benches/stats.mjs";
import { openHomes } from "./homes.mjs";
import { down, move, silence, unplug, up } from "./net.mjs";

/** How long until a content that was added meanwhile has to be there. */
const WHOLE_MS_MAX = 90_000;

const MISSED_BYTES = 1_048_576;

/** Addresses of home a beyond its first. */
let lastAddress = 10;

const CASES = {
  "outage-3": { name: "nothing gets through", seconds: 3, harm: silence },
  "outage-10": { name: "nothing gets through", seconds: 10, harm: silence },
  "outage-40": { name: "nothing gets through", seconds: 40, harm: silence },
  "unplugged-10": { name: "the cable is drawn", seconds: 10, harm: unplug },
  "address": {
    name: "another address",
    seconds: 0,
    harm() {
      lastAddress += 1;
      move(lastAddress);
      return () => {};
    },
  },
};

const { values: options } = parseArgs({
  options: { only: { type: "string" }, rounds: { type: "string", default: "3" }, json: { type: "boolean", default: false } },
});
const only = options.only?.split(",") ?? Object.keys(CASES);
for (const name of only) {
  if (CASES[name] === undefined) throw new Error(`there is no case ${name}; there are ${Object.keys(CASES).join(", ")}`);
}
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a whole number from 1");

async function measure({ seconds, harm }, homes) {
  const { a, b } = homes;
  const [restarts, ended] = [await restartsOf(a, b), await endedOf(a, b)];
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
  return { wholeMs, restarts: (await restartsOf(a, b)) - restarts, ended: (await endedOf(a, b)) - ended };
}

async function restartsOf(...pages) {
  const stats = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.tab.stats())));
  return stats.reduce((sum, stat) => sum + stat["link.restarts"], 0);
}

async function endedOf(...pages) {
  const ended = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.tab.ended().length)));
  return ended.reduce((sum, count) => sum + count, 0);
}

/** Fresh homes for each round. */
async function round(name) {
  up();
  const homes = await openHomes(packageFiles(`${root}dist/peerloom`));
  try {
    const startedAt = Date.now();
    await Promise.all([homes.a, homes.b].map((page) => page.evaluate(() => globalThis.tab.start())));
    await Promise.all([homes.a, homes.b].map((page) => page.evaluate(() => globalThis.tab.ready(1))));
    const connectMs = Date.now() - startedAt;
    // The first ping is answered, and nothing is on its way any more.
    await homes.a.waitForFunction(() => globalThis.tab.roundTrip() !== null);
    return { version: homes.version, connectMs, ...(await measure(CASES[name], homes)) };
  } finally {
    await homes.close();
    down();
  }
}

const all = {};
for (const name of only) {
  for (let n = 1; n <= rounds; n++) {
    const sample = await round(name);
    (all[name] ??= []).push(sample);
    console.error(`${name}, round ${n} of ${rounds}: ${JSON.stringify(sample)}`);
  }
}
const machine = machineOf(Object.values(all)[0][0].version);
console.log("| what happens to home a | for | whole again | at worst | ICE restarts | connections given up |");
console.log("|---|--:|--:|--:|--:|--:|");
for (const [name, samples] of Object.entries(all)) {
  const whole = secondsOf(samples, "wholeMs");
  const counts = (key) => distinct(samples.map((sample) => sample[key]));
  const { name: what, seconds: lasts } = CASES[name];
  console.log(`| ${what} | ${lasts} s | ${whole.median} | ${whole.worst} | ${counts("restarts")} | ${counts("ended")} |`);
}
if (options.json) console.log(JSON.stringify({ machine, cases: all }));
