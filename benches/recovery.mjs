// How long a tab takes to be whole again after what browsers, machines and people do to it.
//
//   node benches/recovery.mjs [--only hidden,stopped] [--rounds 3] [--json]
//
// Build the package first: cargo xtask build. Three tabs are connected, and the victim is downloading. While the fault
// lasts, another tab adds a content, which the third one fetches. Measured is, from the end of the fault, when all three
// are connected to each other, and when besides the victim has fetched what it missed. It reports and never asserts a time; but
// that nothing is missing, it does. The rows that were measured are written into docs/performance.md.

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { FAULTS, launch, openPage, rendererOf } from "./faults.mjs";
import { machineOf, root } from "./machine.mjs";
import { machineLines } from "./report.mjs";
import { serve } from "./server.mjs";
import { distinct, secondsOf } from "./stats.mjs";

/** What is done for how long. A killed tab is opened again at once, or long after the others gave it up. */
const CASES = {
  hidden: { fault: "hidden", seconds: 60, name: "hidden" },
  frozen: { fault: "frozen", seconds: 30, name: "frozen by the browser" },
  stopped: { fault: "stopped", seconds: 20, name: "its process stopped (SIGSTOP)" },
  "stopped-long": { fault: "stopped", seconds: 45, name: "its process stopped for longer than ICE restarts" },
  blocked: { fault: "blocked", seconds: 20, name: "its main thread blocked" },
  offline: { fault: "offline", seconds: 30, name: "`offline`, then `online`" },
  killed: { fault: "killed", seconds: 0, name: "its process killed, opened again at once" },
  "killed-long": { fault: "killed", seconds: 35, name: "its process killed, opened again later" },
  reloaded: { fault: "reloaded", seconds: 0, name: "reloaded" },
};

const DOWNLOAD_BYTES = 64 * 1_048_576;
const BEGUN_BYTES = 4 * 1_048_576;
const MISSED_BYTES = 1_048_576;

const BEGIN = "<!-- recovery: written by node benches/recovery.mjs -->";
const END = "<!-- end of recovery -->";
const HEAD = ["what happens to a tab", "for", "connected again", "whole again", "at worst", "connections given up meanwhile", "commit"];

const { values: options } = parseArgs({
  options: { only: { type: "string" }, rounds: { type: "string", default: "3" }, json: { type: "boolean", default: false } },
});
const only = options.only?.split(",") ?? Object.keys(CASES);
for (const name of only) {
  if (CASES[name] === undefined) throw new Error(`there is no case ${name}; there are ${Object.keys(CASES).join(", ")}`);
}
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a whole number from 1");

/** One round of one case in a fresh browser. */
async function measure(url, { fault, seconds }) {
  const browser = await launch();
  const fail = (error) => {
    throw error;
  };
  try {
    const open = async () => {
      const page = await openPage(browser, `${url}/peerloom.html`, fail);
      await page.waitForFunction(() => globalThis.tab !== undefined);
      await page.evaluate(async () => {
        await globalThis.tab.open("recovery");
        await globalThis.tab.start();
      });
      return page;
    };
    const [victim, other, front] = [await open(), await open(), await open()];
    const ready = (page) => page.evaluate(() => globalThis.tab.ready(2));
    const fetch = (page, id) => page.evaluate((content) => globalThis.tab.fetch(content), id);
    const offer = (bytes) => front.evaluate((length) => globalThis.tab.offer(length), bytes);
    await Promise.all([victim, other, front].map(ready));
    const id = await victim.evaluate(() => globalThis.tab.id);
    const renderer = await rendererOf(victim);
    const large = await offer(DOWNLOAD_BYTES);
    await victim.evaluate(([content, bytes]) => globalThis.tab.begin(content, bytes), [large, BEGUN_BYTES]);

    const reopen = open;
    const mend = await FAULTS[fault].harm({ victim, front, renderer, ms: seconds * 1000, reopen });
    const missed = await offer(MISSED_BYTES);
    await fetch(other, missed);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));

    const endedAt = Date.now();
    const mended = await mend();
    // Of a page that is new, the script of `open` is over; a reloaded one has to run it.
    await mended.waitForFunction(() => globalThis.tab !== undefined);
    if (fault === "reloaded") {
      await mended.evaluate(async () => {
        await globalThis.tab.open("recovery");
        await globalThis.tab.start();
      });
    }
    const since = async (done) => {
      await done;
      return Date.now() - endedAt;
    };
    const [connectedMs, fetchedMs] = await Promise.all([
      since(Promise.all([mended, other, front].map(ready))),
      since(fetch(mended, missed)),
    ]);
    const wholeMs = Math.max(connectedMs, fetchedMs);
    const isSame = (await mended.evaluate(() => globalThis.tab.id)) === id;
    const finish = ([content, survived]) => (survived ? globalThis.tab.finish() : globalThis.tab.fetchBlob(content));
    const bytes = await mended.evaluate(finish, [large, FAULTS[fault].survives]);
    if (!isSame || bytes !== DOWNLOAD_BYTES) throw new Error(`${fault}: the tab is not whole`);
    const ended = await Promise.all([other, front].map((page) => page.evaluate(() => globalThis.tab.ended())));
    return { connectedMs, wholeMs, ended: ended.flat().filter((end) => end.id === id).length };
  } finally {
    await browser.close();
  }
}

function rowOf({ seconds, name }, samples, commit) {
  const whole = secondsOf(samples, "wholeMs");
  const given = distinct(samples.map(({ ended }) => (ended === 0 ? "none" : `${ended} of 2`)));
  return [name, `${seconds} s`, secondsOf(samples, "connectedMs").median, whole.median, whole.worst, given, commit];
}

/** Puts the rows in place of those of the same name, in the order of the cases. */
function writeDocument(path, machine, rows) {
  const document = readFileSync(path, "utf8");
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${path} has no place for the figures`);
  const cellsOf = (line) => line.split("|").slice(1, -1).map((cell) => cell.trim());
  const before = document.slice(begin, end).split("\n").filter((line) => line.startsWith("| ")).map(cellsOf);
  const byName = new Map([...before, ...rows].map((row) => [row[0], row]));
  const all = Object.values(CASES).map(({ name }) => byName.get(name)).filter((row) => row !== undefined);
  const figures = [BEGIN, "", ...machineLines(machine, `Medians of ${rounds} rounds`), "", ...tableOf(all), "", END].join("\n");
  writeFileSync(path, document.slice(0, begin) + figures + document.slice(end + END.length));
}

function tableOf(rows) {
  const widths = HEAD.map((_, column) => Math.max(...[HEAD, ...rows].map((cells) => cells[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(HEAD), rule, ...rows.map(line)];
}

const server = await serve(`${root}dist/peerloom`);
const browser = await launch();
const machine = machineOf((await browser.version()).replace(/^\D*/, ""));
await browser.close();
const rows = [];
try {
  for (const name of only) {
    const samples = [];
    for (let round = 1; round <= rounds; round++) {
      samples.push(await measure(server.url, CASES[name]));
      console.error(`${name}, round ${round} of ${rounds}: ${JSON.stringify(samples.at(-1))}`);
    }
    rows.push(rowOf(CASES[name], samples, machine.commit));
    if (options.json) console.log(JSON.stringify({ case: name, machine, samples }));
  }
} finally {
  await server.close();
}
console.log(tableOf(rows).join("\n"));
writeDocument(`${root}docs/performance.md`, machine, rows);
