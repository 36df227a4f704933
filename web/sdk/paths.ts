/** The signalling paths of a swarm, in words. */

import type { SignallingFault, SignallingPath } from "./types.ts";
import type { ServerSnapshot } from "./wasm.ts";

const FAULTS: Readonly<Record<Exclude<ServerSnapshot["fault"], null>, string>> = {
  BAD_ADDRESS: "The address of the server can’t be used.",
  BLOCKED: "This page or browser does not allow a connection to the server.",
  UNREACHABLE: "The server can’t be reached: it may be down, or the network, its address or its certificate may be wrong.",
  LOST: "The connection to the server broke.",
  SILENT: "The server does not answer.",
  BAD_PROTOCOL: "The server speaks another version of the protocol.",
  REFUSED: "The server turns this peer away.",
  MOVING: "The server is being restarted.",
};

/** Why a server refuses, by its number on the wire: docs/protocol/rendezvous.md. */
const REFUSALS: Readonly<Record<number, SignallingFault>> = {
  1: { code: "BAD_PROTOCOL", reason: FAULTS.BAD_PROTOCOL },
  4: { code: "WRONG_HOST", reason: "The server does not go by the name that it was called by." },
  6: { code: "ORIGIN_DENIED", reason: "The server is not for pages of this origin." },
  7: { code: "TOO_MANY", reason: "The server has as many connections from this network as it allows." },
  8: { code: "BUSY", reason: "The server is full." },
  9: { code: "TOO_MANY", reason: "The server hears more of this peer than it allows." },
  10: { code: "ROOM_FULL", reason: "As many peers as the server allows meet here: new ones don’t find this one." },
  13: { code: "REPLACED", reason: "The same peer is connected to the server from elsewhere." },
  17: { code: "MOVING", reason: FAULTS.MOVING },
};

export function toServerPath({ state, fault, refusal, detail, nextTryMs }: ServerSnapshot, name: string): SignallingPath {
  const known = refusal === null ? undefined : REFUSALS[refusal];
  const told = fault === null ? null : (known ?? { code: fault, reason: detail === "" ? FAULTS[fault] : `${FAULTS[fault]} ${detail}.` });
  return { kind: "rendezvous", name, state, fault: told, nextTryAt: nextTryMs };
}

/** A path that works whenever the swarm runs. */
export function toPath(kind: "broadcast" | "peers", name: string, state: SignallingPath["state"]): SignallingPath {
  return { kind, name, state, fault: null, nextTryAt: null };
}
