/** The core's snapshots as the public types. */

import type { ConnectFailure, ContentId, ContentInfo, PeerId, PeerInfo, Progress, Upload } from "./types.ts";
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
    connectedAt: peer.connectedAtMs,
    lastFailure: peer.lastFailure === null ? null : { ...toConnectFailure(peer.lastFailure), at: peer.lastFailure.atMs },
    nextTryAt: peer.nextTryMs,
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
