/** Messages to single peers: who gets them, and what their sender is told. */

import { SwarmError, toSwarmError } from "./errors.ts";
import { checkPeerId } from "./hex.ts";
import type { PeerId, Receipt } from "./types.ts";

/** How many messages to one peer are under way at a time. More would be refused by it: the core's `UNANSWERED_MAX`. */
const UNDER_WAY_MAX = 64;

/** Lets so many sends to each peer be under way, and the others wait for their turn in the order of the calls. */
export class Turns {
  /** Who waits, for each peer to whom something is under way. */
  readonly #peers = new Map<string, { underWay: number; readonly waiting: (() => void)[] }>();

  async take<T>(peer: string, send: () => Promise<T>): Promise<T> {
    const turns = this.#peers.get(peer) ?? { underWay: 0, waiting: [] };
    this.#peers.set(peer, turns);
    if (turns.underWay < UNDER_WAY_MAX) {
      turns.underWay += 1;
    } else {
      await new Promise<void>((resolve) => void turns.waiting.push(resolve));
    }
    try {
      return await send();
    } finally {
      const next = turns.waiting.shift();
      if (next !== undefined) {
        next();
      } else {
        turns.underWay -= 1;
        if (turns.underWay === 0) {
          this.#peers.delete(peer);
        }
      }
    }
  }
}

/** Each once. Throws if there is nobody, or oneself, whose own messages never come back. */
export function recipients(to: PeerId | readonly PeerId[], own: string): readonly PeerId[] {
  const peers = [...new Set<PeerId>(Array.isArray(to) ? to : [to as PeerId])];
  peers.forEach(checkPeerId);
  if (peers.length === 0) {
    throw new SwarmError("BAD_INPUT", "a message is for one peer at least");
  }
  if (peers.includes(own as PeerId)) {
    throw new SwarmError("BAD_INPUT", "a message can't be sent to this peer itself");
  }
  return peers;
}

/** Sends to each, and waits for all. Rejects if nobody has it, or if the caller or the swarm ends the waiting. */
export async function deliver(peers: readonly PeerId[], send: (peer: PeerId) => Promise<string>): Promise<Receipt> {
  const ends = await Promise.allSettled(peers.map(send));
  const delivered: PeerId[] = [];
  const pending: PeerId[] = [];
  const errors: SwarmError[] = [];
  let id = "";
  for (const [index, peer] of peers.entries()) {
    const end = ends[index];
    if (end?.status === "fulfilled") {
      id = end.value;
      delivered.push(peer);
    } else {
      const { code, message } = toSwarmError(end?.reason);
      errors.push(new SwarmError(code, message, { peer, cause: end?.reason }));
      pending.push(peer);
    }
  }
  const error = errors.find(({ code }) => code === "ABORTED" || code === "CLOSED") ?? errors[0];
  if (error !== undefined && (delivered.length === 0 || error.code === "ABORTED" || error.code === "CLOSED")) {
    throw error;
  }
  return { id, delivered, pending };
}
