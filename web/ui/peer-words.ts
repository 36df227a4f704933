/** How a peer's state reads, why it is not connected, and what happens next. Pure functions. */

import type { PeerInfo, Role } from "../sdk/index.ts";
import { formatBytes, formatCount, formatDuration, formatRate } from "./format.ts";
import type { IconName } from "./icons.ts";
import { stageWords } from "./words.ts";

export interface StateWords {
  readonly word: string;
  readonly icon: IconName;
}

const STATES: Record<PeerInfo["state"], StateWords> = {
  connected: { word: "Connected", icon: "connected" },
  connecting: { word: "Connecting", icon: "waiting" },
  backoff: { word: "Waiting to try again", icon: "waiting" },
  discovered: { word: "Discovered", icon: "preview" },
};

/** Connected first: the order in which groups of peers are shown. */
export const STATE_ORDER: readonly PeerInfo["state"][] = ["connected", "connecting", "backoff", "discovered"];

/** Returns the peers by state, each group by id: an order that changes only when a connection comes or goes. */
export function byState(peers: readonly PeerInfo[]): readonly PeerInfo[] {
  return [...peers].sort((a, b) => STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state) || (a.id < b.id ? -1 : 1));
}

/** Returns the word and the icon of a state. */
export function stateWords(state: PeerInfo["state"]): StateWords {
  return STATES[state];
}

/** Returns how frames reach a peer; an en dash while they don't. */
export function pathWords(path: PeerInfo["path"]): string {
  return path === null ? "–" : "Direct, browser to browser";
}

/** Returns why there is no connection, as one sentence; empty if nothing failed. */
export function troubleWords({ lastFailure }: Pick<PeerInfo, "lastFailure">): string {
  return lastFailure === null ? "" : `${stageWords(lastFailure.stage)}.`;
}

/** Returns what happens next with a peer that is not connected; empty if nothing is planned. */
export function nextWords({ state, stage, nextTryAt, lastFailure }: Pick<PeerInfo, "state" | "stage" | "nextTryAt" | "lastFailure">, nowMs: number): string {
  if (state === "connecting") return lastFailure === null ? attemptWords(stage) : "Trying once more";
  if (state !== "backoff" || nextTryAt === null) return "";
  if (nextTryAt <= nowMs) return "Next try as soon as a connection is free";
  return `Next try in ${formatDuration(Math.max(1000, nextTryAt - nowMs))}`;
}

/** Returns what a connection carried when it last carried contents: `12.4 MB/s from it, 3.1 MB/s to it`. */
export function throughputWords({ throughputIn, throughputOut }: Pick<PeerInfo, "throughputIn" | "throughputOut">): string {
  const from = throughputIn === null ? [] : [`${formatRate(throughputIn)} from it`];
  const to = throughputOut === null ? [] : [`${formatRate(throughputOut)} to it`];
  return [...from, ...to].join(", ") || "not measured yet";
}

const ATTEMPT_WORDS: Readonly<Record<NonNullable<PeerInfo["stage"]>, string>> = {
  signalling: "Offer and answer are on their way",
  ice: "Trying network paths",
  dtls: "Setting up encryption",
  channel: "Opening the data channels",
  authentication: "Greeting each other",
  admission: "Waiting to be let in",
};

/** Returns what an attempt to connect is at; null is one of which nothing more is known. */
export function attemptWords(stage: PeerInfo["stage"]): string {
  return stage === null ? "Looking for a way to it" : ATTEMPT_WORDS[stage];
}

const ROLE_WORDS: Record<Role, string> = {
  leaf: "Leaf: no part in particular",
  seed: "Seed: has whole files for others",
  relay: "Relay: carries for others",
  supernode: "Supernode: has more connections than others",
};

/** Returns what a peer says that it is. */
export function roleWords(roles: readonly Role[]): string {
  return roles.length === 0 ? "Not known yet" : roles.map((role) => ROLE_WORDS[role]).join("; ");
}

/** Returns what a peer says that it can do. */
export function capabilityWords(can: PeerInfo["capabilities"]): string {
  if (can === null) return "Not known yet";
  const words = [
    can.installed ? "Installed app" : "Tab",
    can.stores ? `keeps files${can.storeBytes === null ? "" : `, up to ${formatBytes(can.storeBytes)}`}` : "keeps nothing",
    ...(can.bytesPerSecond === null ? [] : [`has sent ${formatRate(can.bytesPerSecond)}`]),
    ...(can.uptimeMs === 0 ? [] : [`has been up for ${formatDuration(can.uptimeMs)}`]),
    ...(can.relays ? [] : ["spares power or traffic"]),
  ];
  return words.join("; ");
}

/** Returns what a peer did wrong, or for how long it did nothing wrong, as a person would ask. */
export function reputationWords({ strikes, reputation }: Pick<PeerInfo, "strikes" | "reputation">): string {
  if (strikes > 0) return formatCount(strikes, "proven misbehaviour");
  const known = reputation < 0.6 ? "new here" : reputation < 0.8 ? "known for a while" : "known for long";
  return `Nothing held against it; ${known}`;
}

/** Returns what a peer is worth among those that would do as well. A stranger nearby is fair. */
export function scoreWords(score: number): string {
  const word = score < 0.2 ? "Poor" : score < 0.4 ? "Fair" : "Good";
  return `${word}: ${Math.round(score * 100)} of 100`;
}
