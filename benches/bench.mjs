// `cargo xtask bench`: Peerloom against the raw data channel, in one run, in rounds that alternate.
//
//   node benches/bench.mjs [--quick] [--json] [--only connect,transfer] [--memory-mb 1000] [--rounds 7] [--profile folder]
//
// It reports and never asserts: whether a figure is good is for people to say, and machines differ.

import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";

import { Browser } from "./browser.mjs";
import { peerloomConnect, peerloomMesh, rawConnect, rawMesh } from "./measures/connect.mjs";
import { peerloomMemory, rawMemory } from "./measures/memory.mjs";
import { closeTabs, peerloomPair, rawPair } from "./measures/pairs.mjs";
import { packageSize } from "./measures/size.mjs";
import { peerloomMessages, peerloomPing, peerloomSmall, peerloomTransfer, rawMessages, rawTransfer } from "./measures/transfer.mjs";
import { profiled } from "./profile.mjs";
import { machineOf, root } from "./machine.mjs";
import { machineLines, rowsOf, tableOf, writeDocument } from "./report.mjs";
import { serve } from "./server.mjs";
import { median } from "./stats.mjs";

const MEASURES = ["connect", "mesh", "transfer", "small", "memory", "size"];

/** Seven connections for each, one less than the default limit. */
const MESH_TABS = 8;

/** Wakes what sleeps: the first transfer of a connection starts with a small congestion window. */
const WARM_UP_BYTES = 8 * 1_048_576;

const FULL = { connectRounds: 9, meshRounds: 3, transferRounds: 15, smallRounds: 5, transferBytes: 64 * 1_048_576, memoryBytes: 1e9 };
const QUICK = { connectRounds: 3, meshRounds: 1, transferRounds: 3, smallRounds: 1, transferBytes: 16 * 1_048_576, memoryBytes: 1e8 };

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    rounds: { type: "string" },
    "memory-mb": { type: "string" },
    package: { type: "string" },
    profile: { type: "string" },
  },
});

const packageFolder = options.package ?? `${root}dist/peerloom`;
const only = options.only?.split(",") ?? MEASURES;
for (const name of only) {
  if (!MEASURES.includes(name)) throw new Error(`there is no measure ${name}; there are ${MEASURES.join(", ")}`);
}
const plan = options.quick ? { ...QUICK } : { ...FULL };
if (options.rounds !== undefined) {
  const rounds = wholeNumber("rounds", options.rounds);
  Object.assign(plan, { connectRounds: rounds, meshRounds: rounds, transferRounds: rounds, smallRounds: rounds });
}
if (options["memory-mb"] !== undefined) plan.memoryBytes = wholeNumber("memory-mb", options["memory-mb"]) * 1e6;

/** By row: what raw and Peerloom gave, round by round. */
const samples = {};

function note(row, side, value) {
  if (value === null || value === undefined) return;
  samples[row] ??= {};
  (samples[row][side] ??= []).push(value);
}

/** Calls both in rounds, each first in every second one. The first round warms up and is not counted. */
async function alternate(what, rounds, raw, peerloom) {
  for (let round = 0; round <= rounds; round++) {
    const isCounted = round > 0;
    progress(`${what}: ${isCounted ? `round ${round} of ${rounds}` : "warming up"}`);
    const turns = round % 2 === 0 ? [raw, peerloom] : [peerloom, raw];
    for (const turn of turns) await turn(isCounted);
  }
}

async function measureConnect(browser) {
  await alternate(
    "connect",
    plan.connectRounds,
    async (isCounted) => {
      const { connectMs } = await rawConnect(browser);
      if (isCounted) note("connected", "raw", connectMs);
    },
    async (isCounted) => {
      const { connectMs, discoverMs } = await peerloomConnect(browser);
      if (!isCounted) return;
      note("connected", "peerloom", connectMs);
      note("discovered", "peerloom", discoverMs);
    },
  );
}

async function measureMesh(browser) {
  await alternate(
    "mesh",
    plan.meshRounds,
    async (isCounted) => {
      const { meshMs } = await rawMesh(browser, MESH_TABS);
      if (isCounted) note("mesh", "raw", meshMs);
    },
    async (isCounted) => {
      const { meshMs } = await peerloomMesh(browser, MESH_TABS);
      if (isCounted) note("mesh", "peerloom", meshMs);
    },
  );
}

async function measureTransfer(browser) {
  const raw = await rawPair(browser);
  const peerloom = await peerloomPair(browser);
  const noteTransfer = (side, { firstChunkMs, bytesPerSecond, taskMs, gapMs, processorMs }) => {
    note("firstChunk", side, firstChunkMs);
    note("throughput", side, bytesPerSecond / 1e6);
    note("processor", side, processorMs);
    note("longTask", side, taskMs);
    note("gap", side, gapMs);
  };
  await alternate(
    "transfer",
    plan.transferRounds,
    async (isCounted) => {
      const figures = await rawTransfer(browser, raw, isCounted ? plan.transferBytes : WARM_UP_BYTES);
      if (isCounted) noteTransfer("raw", figures);
    },
    async (isCounted) => {
      const figures = await peerloomTransfer(browser, peerloom, isCounted ? plan.transferBytes : WARM_UP_BYTES);
      if (!isCounted) return;
      noteTransfer("peerloom", figures);
      note("ping", "peerloom", await peerloomPing(peerloom));
    },
  );
  samples.throughput.detail = `${plan.transferBytes / 1_048_576} MiB`;
  if (options.profile !== undefined) {
    mkdirSync(options.profile, { recursive: true });
    progress(`transfer: profiling into ${options.profile}`);
    await profiled(browser, peerloom, `${options.profile}/peerloom`, () => peerloomTransfer(browser, peerloom, plan.transferBytes));
    await profiled(browser, raw, `${options.profile}/raw`, () => rawTransfer(browser, raw, plan.transferBytes));
  }
  await closeTabs([...raw, ...peerloom]);
}

async function measureSmall(browser) {
  const raw = await rawPair(browser);
  const peerloom = await peerloomPair(browser);
  await alternate(
    "small",
    plan.smallRounds,
    async (isCounted) => {
      const { roundTripMs, perSecond } = await rawMessages(raw);
      if (!isCounted) return;
      note("roundTrip", "raw", roundTripMs);
      note("messages", "raw", perSecond);
    },
    async (isCounted) => {
      const { tookMs, perSecond } = await peerloomSmall(peerloom);
      if (!isCounted) return;
      note("smallContent", "peerloom", median(tookMs));
      note("smallContents", "peerloom", perSecond);
      const messages = await peerloomMessages(peerloom);
      note("roundTrip", "peerloom", messages.roundTripMs);
      note("messages", "peerloom", messages.perSecond);
      note("messagesInTurn", "peerloom", messages.inTurnPerSecond);
      note("messagesToOne", "peerloom", messages.toOnePerSecond);
      note("messagesToOneInTurn", "peerloom", messages.toOneInTurnPerSecond);
    },
  );
  await closeTabs([...raw, ...peerloom]);
}

async function measureMemory(browser) {
  const sides = [
    ["raw", rawPair, rawTransfer, rawMemory],
    ["peerloom", peerloomPair, peerloomTransfer, peerloomMemory],
  ];
  for (const [side, pair, transfer, memory] of sides) {
    const tabs = await pair(browser);
    await transfer(browser, tabs, WARM_UP_BYTES);
    progress(`memory: ${side} with ${plan.memoryBytes / 1e6} MB`);
    const { tabBytes, heapBytes, browserBytes } = await memory(browser, tabs, plan.memoryBytes);
    note("memory", side, tabBytes / 1e6);
    note("memoryHeap", side, heapBytes / 1e6);
    note("memoryBrowser", side, browserBytes / 1e6);
    await closeTabs(tabs);
  }
  samples.memory.detail = `file of ${plan.memoryBytes / 1e6} MB`;
}

function measureSize() {
  const { gzipBytes, brotliBytes } = packageSize(packageFolder);
  note("gzip", "peerloom", gzipBytes / 1000);
  note("brotli", "peerloom", brotliBytes / 1000);
}

/** To standard error, so that standard output is the report alone. */
function progress(text) {
  console.error(text);
}

function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number from 1`);
  return number;
}

const server = await serve(packageFolder);
const browser = await Browser.launch(server);
const machine = machineOf(browser.version());
try {
  const measures = { connect: measureConnect, mesh: measureMesh, transfer: measureTransfer, small: measureSmall, memory: measureMemory, size: measureSize };
  for (const name of only) await measures[name](browser);
} finally {
  await browser.close();
  await server.close();
}

const rows = rowsOf(samples);
const table = tableOf(rows);
const rounds = `Medians of ${plan.connectRounds} rounds for connecting, ${plan.meshRounds} for the mesh, ${plan.transferRounds} for transfers, ${plan.smallRounds} for messages and small contents`;
console.log([...machineLines(machine, rounds), "", table].join("\n"));
// A short run, or one of parts, is for whoever works on something, and does not replace the figures of a whole one.
if (!options.quick && options.only === undefined) writeDocument(`${root}docs/performance.md`, machine, rounds, table);
if (options.json) console.log(JSON.stringify({ machine, plan, rows }));
