// `cargo xtask lab`: two browsers in homes of their own, with what is between and what happens to networks.
//
//   node tests/lab/lab.mjs [--only cone-cone,outage-10] [--rounds 3] [--json]

import { parseArgs } from "node:util";

import { machineOf } from "../../benches/machine.mjs";
import { CHANGES, roundOfChange, tableOfChanges } from "./changes.mjs";
import { CONNECTING, roundOfConnecting, tableOfConnecting } from "./connecting.mjs";

const PARTS = [
  { cases: CONNECTING, round: roundOfConnecting, table: tableOfConnecting },
  { cases: CHANGES, round: roundOfChange, table: tableOfChanges },
];

const { values: options } = parseArgs({
  options: { only: { type: "string" }, rounds: { type: "string", default: "3" }, json: { type: "boolean", default: false } },
});
const known = PARTS.flatMap(({ cases }) => Object.keys(cases));
const only = options.only?.split(",") ?? known;
for (const name of only) {
  if (!known.includes(name)) throw new Error(`there is no case ${name}; there are ${known.join(", ")}`);
}
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a whole number from 1");

const all = {};
let machine;
for (const { cases, round, table } of PARTS) {
  const samples = {};
  for (const name of only.filter((wanted) => wanted in cases)) {
    for (let n = 1; n <= rounds; n++) {
      const { version, ...sample } = await round(cases[name]);
      machine ??= machineOf(version);
      (samples[name] ??= []).push(sample);
      console.error(`${name}, round ${n} of ${rounds}: ${JSON.stringify(sample)}`);
    }
  }
  if (Object.keys(samples).length > 0) console.log(`${table(samples)}\n`);
  Object.assign(all, samples);
}
if (options.json) console.log(JSON.stringify({ machine, cases: all }));
