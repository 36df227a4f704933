/** Peers that nobody is, for tests and for looking at a busy page. The same number gives the same peer. */

import type { ConnectFailure, PeerId, PeerInfo, Role } from "../sdk/index.ts";

/** The id of the peer in the middle. */
export const OWN = "00".repeat(32) as PeerId;

/** Returns numbers from 0 to 1 that look random and are not: xorshift32 (Marsaglia 2003). */
export function noise(seed: number): () => number {
  // Neighbouring seeds give numbers that look related, unless their bits are mixed first (MurmurHash3's last step).
  let state = Math.imul(seed + 1, 0x9e37_79b9);
  state = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2_ae35);
  state = state ^ (state >>> 16) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Returns peer number `n`, discovered unless `as` says otherwise. */
export function peer(n: number, as: Partial<PeerInfo> = {}): PeerInfo {
  const next = noise(n);
  const id = Array.from({ length: 8 }, () => Math.floor(next() * 2 ** 32).toString(16).padStart(8, "0")).join("") as PeerId;
  const info: PeerInfo = {
    id,
    state: "discovered",
    stage: null,
    path: null,
    rttMs: null,
    rttVarMs: null,
    throughputIn: null,
    throughputOut: null,
    bytesIn: 0,
    bytesOut: 0,
    bufferedBytes: 0,
    contents: 0,
    strikes: 0,
    reputation: 0.5,
    score: 0.25,
    roles: ["leaf"],
    capabilities: null,
    connectedAt: null,
    lastFailure: null,
    nextTryAt: null,
  };
  return { ...info, ...as };
}

/** Half of them leaves. */
const ROLES: readonly (readonly Role[])[] = [["leaf"], ["leaf"], ["seed"], ["relay"], ["leaf"], ["seed", "relay", "supernode"]];

const FAILURES: readonly Omit<ConnectFailure, "peer">[] = [
  { stage: "ice", reason: "no network path to the peer was found", hint: "A firewall, a VPN or a guest network may block direct connections between the two devices. Try another network." },
  { stage: "signalling", reason: "the peer did not answer the offer", hint: "The other tab may be closed, asleep or switched off. It is tried again by itself." },
  { stage: "admission", reason: "all connections of the peer are in use", hint: "Close a tab, or raise maxConnections." },
];

/** Returns a swarm of `count`: a quarter connected, some on the way, some in trouble, the rest heard of. */
export function peers(count: number, nowMs = 1_800_000_000_000): readonly PeerInfo[] {
  return Array.from({ length: count }, (_, n) => {
    const next = noise(n + 7919);
    const share = next();
    if (share < 0.25) {
      const rttMs = 2 * 2 ** (next() * 8);
      return peer(n, { state: "connected", path: "direct", rttMs, rttVarMs: rttMs / 8, bytesIn: Math.floor(next() * 1e8), bytesOut: Math.floor(next() * 1e8), contents: Math.floor(next() * 40), connectedAt: nowMs - next() * 3_600_000, strikes: next() < 0.05 ? 2 : 0, roles: ROLES[Math.floor(next() * ROLES.length)] ?? [] });
    }
    if (share < 0.3) return peer(n, { state: "connecting" });
    const failure = FAILURES[Math.floor(next() * FAILURES.length)];
    if (share < 0.4 && failure !== undefined) {
      const id = peer(n).id;
      return peer(n, { state: "backoff", lastFailure: { ...failure, peer: id, at: nowMs - 5000 }, nextTryAt: nowMs + next() * 60_000 });
    }
    return peer(n, { contents: Math.floor(next() * 3) });
  });
}
