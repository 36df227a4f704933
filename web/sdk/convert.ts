/** The core's snapshots as the public types. */

import type { Capabilities, ConnectFailure, ContentId, ContentInfo, PeerId, PeerInfo, Progress, Role, Upload } from "./types.ts";
import type { ContentSnapshot, CoreEvents, FailureSnapshot, PeerSnapshot } from "./wasm.ts";

export function toPeerInfo(peer: PeerSnapshot): PeerInfo {
  return {
    id: peer.id as PeerId,
    state: peer.state,
    stage: peer.stage,
    path: peer.state === "connected" ? "direct" : null,
    rttMs: toMillis(peer.rttMicros),
    rttVarMs: toMillis(peer.rttVarMicros),
    throughputIn: peer.inPerSecond,
    throughputOut: peer.outPerSecond,
    bytesIn: peer.bytesIn,
    bytesOut: peer.bytesOut,
    bufferedBytes: peer.bufferedBytes,
    contents: peer.contents,
    strikes: peer.strikes,
    reputation: peer.reputation / 1_000,
    score: peer.score / 1_000,
    roles: peer.roles === null ? [] : toRoles(peer.roles),
    capabilities: peer.roles === null ? null : toCapabilities(peer.capabilities),
    connectedAt: peer.connectedAtMs,
    lastFailure: peer.lastFailure === null ? null : { ...toConnectFailure(peer.lastFailure), at: peer.lastFailure.atMs },
    nextTryAt: peer.nextTryMs,
  };
}

/** By their bits, from the lowest: `docs/protocol/roles.md`. */
const ROLES: readonly Role[] = ["seed", "relay", "supernode"];

export function toRoles(bits: number): readonly Role[] {
  const roles = ROLES.filter((_, place) => (bits & (1 << place)) !== 0);
  return roles.length > 0 ? roles : ["leaf"];
}

/** Four bytes: flags, then the binary logarithms of three sizes. */
function toCapabilities(bits: number): Capabilities {
  const byte = (place: number): number => (bits >>> (8 * place)) & 0xff;
  const flag = (place: number): boolean => (byte(3) & (1 << place)) !== 0;
  const size = (log2: number): number | null => (log2 === 0 ? null : 2 ** log2);
  return {
    relays: flag(0),
    stores: flag(1),
    installed: flag(2),
    storeBytes: size(byte(2)),
    bytesPerSecond: size(byte(1)),
    uptimeMs: (size(byte(0)) ?? 0) * 1_000,
  };
}

function toMillis(micros: number | null): number | null {
  return micros === null ? null : micros / 1_000;
}

export function toContentInfo(content: ContentSnapshot): ContentInfo {
  const { name, mime, bytes, encrypted, providers, local, download } = content;
  return { id: content.id as ContentId, name, mime, bytes, encrypted, providers, complete: local === "complete", local, download };
}

export function toConnectFailure({ peer, stage, reason, hint }: FailureSnapshot): ConnectFailure {
  return { peer: peer as PeerId, stage, reason, ...(hint === null ? {} : { hint }) };
}

export function toProgress({ doneBytes, totalBytes, fromPeers, fromDisk, sources, bytesPerSecond }: Progress): Progress {
  return { doneBytes, totalBytes, fromPeers, fromDisk, sources, bytesPerSecond };
}

export function toUpload({ content, peer, sentBytes, totalBytes }: CoreEvents["served"]): Upload {
  return { id: content as ContentId, peer: peer as PeerId, sentBytes, totalBytes };
}
