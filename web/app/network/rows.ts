/** Which peers a table shows, and in which order. Pure but for the order that is kept while somebody points at it. */

import type { PeerInfo } from "../../sdk/index.ts";
import { byState } from "../../ui/peer-words.ts";

/** `all`, or one state; `trouble` are those whose last try failed, whatever they do now. */
export type Filter = "all" | "connected" | "trouble" | "discovered";

/** A peer, or null for one that is gone and keeps its place for now. */
export interface Row {
  readonly id: string;
  readonly peer: PeerInfo | null;
}

/** Returns whether a peer belongs to a group. Every peer is connected, or discovered, which counts those on the way too. */
export function belongs(peer: PeerInfo, filter: Filter): boolean {
  switch (filter) {
    case "all":
      return true;
    case "connected":
      return peer.state === "connected";
    case "trouble":
      return peer.lastFailure !== null && peer.state !== "connected";
    case "discovered":
      return peer.state !== "connected";
  }
}

/** The rows of a table, which must not move while somebody points at them. */
export class Rows {
  #ids: readonly string[] = [];
  #key = "";

  /**
   * Returns the rows to show. While `held`, those shown before keep their places, also if they are gone, and new ones come
   * last. Another filter or another text is a person's wish and holds for all at once.
   */
  arrange(peers: readonly PeerInfo[], filter: Filter, text: string, held: boolean): readonly Row[] {
    const wanted = text.trim().toLowerCase();
    const shown = byState(peers).filter((peer) => belongs(peer, filter) && peer.id.includes(wanted));
    const key = `${filter} ${wanted}`;
    const ids = shown.map(({ id }) => id);
    if (held && key === this.#key) {
      const before = new Set(this.#ids);
      this.#ids = [...this.#ids, ...ids.filter((id) => !before.has(id))];
    } else {
      this.#ids = ids;
    }
    this.#key = key;
    const known = new Map<string, PeerInfo>(peers.map((peer) => [peer.id, peer]));
    return this.#ids.map((id) => ({ id, peer: known.get(id) ?? null }));
  }
}
