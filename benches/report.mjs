// What was measured, as rows that can be read: for the terminal, for docs/performance.md, and as JSON.

import { readFileSync, writeFileSync } from "node:fs";

import { median } from "./stats.mjs";

/** Between these the document is written anew; the rest of it is written by people. */
const BEGIN = "<!-- figures: written by cargo xtask bench -->";
const END = "<!-- end of figures -->";

/** A target: `of` says what is compared, `least` and `most` with what; `goal` is what we would like. */
const ROWS = [
  { id: "discovered", name: "announce to discovered", unit: "ms", target: { of: "value", most: 20 } },
  { id: "connected", name: "announce to connected", unit: "ms", target: { of: "ratio", most: 2, goal: 1.5 } },
  { id: "mesh", name: "mesh of 8, all 28 connections", unit: "ms", target: { of: "ratio", most: 2 } },
  { id: "firstChunk", name: "first chunk after the request", unit: "ms", target: { of: "value", most: 20 } },
  { id: "throughput", name: "throughput", unit: "MB/s", target: { of: "ratio", least: 0.85, goal: 0.95 } },
  { id: "processor", name: "processor time of that", unit: "ms" },
  { id: "longTask", name: "longest task in a transfer", unit: "ms", summary: (samples) => Math.max(...samples), target: { of: "value", most: 50 } },
  { id: "gap", name: "longest wait of a timer in a transfer", unit: "ms" },
  { id: "roundTrip", name: "1 KiB round trip", unit: "ms" },
  { id: "smallContent", name: "content of 1 KiB, from the call to its last byte", unit: "ms" },
  { id: "ping", name: "round trip of the swarm's pings", unit: "ms" },
  { id: "messages", name: "100-byte messages a second, 1,000 under way", unit: "/s" },
  { id: "messagesInTurn", name: "the same, each awaited before the next", unit: "/s" },
  { id: "messagesToOne", name: "such messages to one peer, acknowledged, 1,000 under way", unit: "/s" },
  { id: "messagesToOneInTurn", name: "the same, each acknowledged before the next", unit: "/s" },
  { id: "smallContents", name: "contents of 1 KiB a second, 200 asked for at once", unit: "/s" },
  { id: "memory", name: "growth of the receiver's memory", unit: "MB", target: { of: "value", most: 64 } },
  { id: "memoryHeap", name: "growth of the receiver's JavaScript heap", unit: "MB" },
  { id: "memoryBrowser", name: "growth of all of the browser's memory", unit: "MB" },
  { id: "gzip", name: "WASM, glue and SDK, gzip", unit: "kB", target: { of: "value", most: 190 } },
  { id: "brotli", name: "WASM, glue and SDK, brotli", unit: "kB" },
];

/** Makes the rows of what was measured: `samples` has for a row's id what raw and Peerloom gave, round by round. */
export function rowsOf(samples) {
  return ROWS.filter(({ id }) => samples[id] !== undefined).map(({ id, name, unit, target = null, summary = median }) => {
    const { raw = [], peerloom = [], detail = "" } = samples[id];
    const [rawValue, value] = [raw, peerloom].map((list) => (list.length === 0 ? null : summary(list)));
    const ratio = rawValue === null || value === null || rawValue === 0 ? null : value / rawValue;
    const met = target === null ? null : isMet(target, target.of === "ratio" ? ratio : value);
    return { id, name: detail === "" ? name : `${name} (${detail})`, unit, raw: rawValue, peerloom: value, ratio, target, met, samples: { raw, peerloom } };
  });
}

/** The rows as lines of a Markdown table, aligned so that they can be read in a terminal as well. */
export function tableOf(rows) {
  const head = ["", "raw", "Peerloom", "ratio", "target", "met"];
  const body = rows.map((row) => [
    row.name,
    shown(row.raw, row.unit),
    shown(row.peerloom, row.unit),
    row.ratio === null ? "–" : row.ratio.toFixed(2),
    row.target === null ? "–" : wanted(row.target, row.unit),
    row.met === null ? "–" : row.met,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** Writes the table into its place in the document. */
export function writeDocument(path, machine, rounds, table) {
  const document = readFileSync(path, "utf8");
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${path} has no place for the figures`);
  const figures = [BEGIN, "", ...machineLines(machine, rounds), "", table, "", END].join("\n");
  writeFileSync(path, document.slice(0, begin) + figures + document.slice(end + END.length));
}

export function machineLines({ date, commit, processor, cores, memoryGigabytes, system, browser, load }, rounds) {
  return [
    `${date}, commit ${commit}. ${cores} cores of ${processor}, ${memoryGigabytes} GB, ${system}; headless Chromium ${browser}.`,
    `${rounds}. Load average before: ${load}.`,
  ];
}

/** `goal` if even that is reached, else `yes` or `no`; null for what was not measured. */
function isMet({ least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY, goal }, value) {
  if (value === null) return null;
  if (value < least || value > most) return "no";
  if (goal === undefined) return "yes";
  return (least === Number.NEGATIVE_INFINITY ? value <= goal : value >= goal) ? "goal" : "yes";
}

function wanted({ of, least, most, goal }, unit) {
  const limit = least === undefined ? `≤ ${most}` : `≥ ${least}`;
  const text = of === "ratio" ? `${limit} × raw` : `${limit} ${unit}`;
  return goal === undefined ? text : `${text}, goal ${goal}`;
}

function shown(value, unit) {
  if (value === null) return "–";
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}
