/** What a person can choose before a test. Plain data, kept while the page lives. */

import type { TestName } from "./findings.ts";

export interface Settings {
  readonly discoveryRounds: number;
  readonly connectionRounds: number;
  readonly transferBytes: number;
  readonly stressPeers: number;
  readonly stressSeconds: number;
}

const MIB = 1024 * 1024;

/** Most synthetic peers of a test. Each has a worker, and both ends of each connection are in this page. */
export const PEERS_MAX = 32;

export const DEFAULTS: Settings = {
  discoveryRounds: 5,
  connectionRounds: 5,
  transferBytes: 16 * MIB,
  stressPeers: 8,
  stressSeconds: 10,
};

export interface Choice {
  readonly key: keyof Settings;
  readonly label: string;
  readonly options: readonly { readonly value: number; readonly text: string }[];
}

const rounds = [1, 3, 5, 10, 20].map((value) => ({ value, text: value === 1 ? "1 round" : `${value} rounds` }));

/** What each test lets a person choose. */
export const CHOICES: Readonly<Record<TestName, readonly Choice[]>> = {
  environment: [],
  discovery: [{ key: "discoveryRounds", label: "Rounds of Discovery", options: rounds }],
  connection: [{ key: "connectionRounds", label: "Rounds of Connection", options: rounds }],
  transfer: [{ key: "transferBytes", label: "Size of Transfer", options: [1, 16, 64].map((mib) => ({ value: mib * MIB, text: `${mib} MiB` })) }],
  stress: [
    { key: "stressPeers", label: "Peers", options: [2, 4, 8, 16, 24, PEERS_MAX].map((value) => ({ value, text: `${value} peers` })) },
    { key: "stressSeconds", label: "Seconds of coming and going", options: [2, 10, 30, 60].map((value) => ({ value, text: `${value} s` })) },
  ],
};
