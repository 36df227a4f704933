/**
 * The boundary to the core: what `generated/peerloom.js` exports, and what the core calls.
 *
 * Written by hand, because wasm-bindgen types plain objects as `any`. One shape for each type of `crates/core/src/event.rs`:
 * variants are camelCase strings, `None` is null, hashes are lower-case hex, integers are numbers.
 */

import type { Bytes } from "./bytes.ts";
import type { StoredRecord } from "./store/database.ts";
import type { Ban, ConnectFailure, ContentInfo, PeerInfo, Progress } from "./types.ts";

export type WasmSource = URL | Request | Response | BufferSource | WebAssembly.Module;

/** The generated module. */
export interface CoreModule {
  default(source: { module_or_path: WasmSource }): Promise<unknown>;
  readonly NodeHandle: new (publicKey: Uint8Array, options: NodeOptions, host: Host) => NodeHandle;
}

export interface NodeOptions {
  readonly app: string;
  /** The `BroadcastChannel`s for signalling. */
  readonly channels: readonly string[];
  /** How many rendezvous servers there are. */
  readonly servers: number;
  readonly maxConnections: number;
  /** The same as a supernode, if that is more. */
  readonly supernodeConnections: number;
  readonly isInstalled: boolean;
  /** 0: nothing that stays. */
  readonly storeBytes: number;
  readonly rtc: RTCConfiguration;
  /** 32 bytes for the node's random choices; secrets are drawn apart from it. */
  readonly seed: Uint8Array;
  readonly recordTrace?: boolean;
}

/** `saving`: the battery is low, or traffic costs; `spending`: not any more. */
export type PageState = "visible" | "hidden" | "frozen" | "resumed" | "saving" | "spending" | "leaving";

/** One node. Its promises reject with `{code, message, peer?, failure?}`. */
export interface NodeHandle {
  readonly id: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  connect(peer: string): Promise<void>;
  disconnect(peer: string): Promise<void>;
  /**
   * At most 16,000 bytes to one peer, over several hops if need be. Resolves with the message's name when the application there
   * took it. `number` is from 1 and greater than all before, or the same again for the same message to another peer.
   */
  send(peer: string, room: string, number: number, data: Uint8Array): Promise<string>;
  ban(peer: string): Promise<void>;
  unban(peer: string): Promise<void>;
  bans(): Ban[];
  add(draft: ContentDraft): Promise<string>;
  /** Resolves when the content is complete. */
  get(content: string, key: Uint8Array | null): Promise<void>;
  pause(content: string): Promise<void>;
  resume(content: string): Promise<void>;
  cancel(content: string): Promise<void>;
  remove(content: string): Promise<void>;
  seek(content: string, chunk: number): Promise<void>;
  join(room: string, isShown: boolean): Promise<void>;
  leave(room: string): Promise<void>;
  /** Resolves with the message's name when it is on its way. */
  post(room: string, data: Uint8Array): Promise<string>;
  /** Who says that it is in the room. */
  members(room: string): PeerSnapshot[];
  peers(): PeerSnapshot[];
  contents(): ContentSnapshot[];
  layout(content: string): ContentLayout | null;
  servers(): ServerSnapshot[];
  status(): StatusSnapshot;
  stats(): Record<string, number>;
  lifecycle(state: PageState): void;
  close(): void;
  free(): void;
}

export interface ContentDraft {
  readonly name: string;
  readonly mime: string;
  readonly bytes: number;
  /** 32 bytes for each chunk, in order. */
  readonly chunks: Uint8Array;
  readonly key: Uint8Array | null;
}

export interface ContentLayout {
  readonly bytes: number;
  readonly chunkPlainBytes: number;
  /** 32 bytes for each chunk, in order. */
  readonly chunks: Uint8Array;
  readonly key: Uint8Array | null;
}

export interface PeerSnapshot {
  readonly id: string;
  readonly state: PeerInfo["state"];
  readonly stage: PeerInfo["stage"];
  readonly rttMicros: number | null;
  readonly rttVarMicros: number | null;
  readonly inPerSecond: number | null;
  readonly outPerSecond: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly bufferedBytes: number;
  readonly contents: number;
  readonly strikes: number;
  /** In thousandths, like the score. */
  readonly reputation: number;
  readonly score: number;
  /** Bits; null while its record is not known. */
  readonly roles: number | null;
  readonly capabilities: number;
  readonly connectedAtMs: number | null;
  readonly lastFailure: (FailureSnapshot & { readonly atMs: number }) | null;
  readonly nextTryMs: number | null;
}

export interface FailureSnapshot {
  readonly peer: string;
  readonly stage: ConnectFailure["stage"];
  readonly reason: string;
  readonly hint: string | null;
}

export interface ContentSnapshot {
  readonly id: string;
  readonly name: string;
  readonly mime: string;
  readonly bytes: number;
  readonly encrypted: boolean;
  readonly providers: number;
  readonly local: ContentInfo["local"];
  readonly download: ContentInfo["download"];
}

export interface StatusSnapshot {
  readonly running: boolean;
  readonly peersDiscovered: number;
  readonly peersConnected: number;
  readonly contents: number;
  readonly roles: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface ServerSnapshot {
  readonly server: number;
  readonly state: "stopped" | "waiting" | "connecting" | "connected";
  readonly fault: "BAD_ADDRESS" | "BLOCKED" | "UNREACHABLE" | "LOST" | "SILENT" | "BAD_PROTOCOL" | "REFUSED" | "MOVING" | null;
  /** The server's own number for why, if it refused. */
  readonly refusal: number | null;
  readonly detail: string;
  readonly nextTryMs: number | null;
}

export interface MessageSnapshot {
  readonly room: string;
  readonly from: string;
  readonly id: string;
  readonly sentMs: number;
  readonly hops: number;
  readonly data: Uint8Array;
}

/** What the core tells, by kind. */
export interface CoreEvents {
  peerDiscovered: PeerSnapshot;
  peerConnected: PeerSnapshot;
  peerUpdated: PeerSnapshot;
  peerDisconnected: { readonly peer: PeerSnapshot; readonly cause: string };
  peerLost: { readonly peer: string };
  connectFailed: FailureSnapshot;
  contentChanged: ContentSnapshot;
  contentGone: { readonly content: string };
  progress: Progress & { readonly content: string };
  served: { readonly content: string; readonly peer: string; readonly sentBytes: number; readonly totalBytes: number };
  message: MessageSnapshot;
  memberJoined: { readonly room: string; readonly peer: PeerSnapshot };
  memberLeft: { readonly room: string; readonly peer: PeerSnapshot };
  serverChanged: ServerSnapshot;
  security: { readonly peer: string; readonly kind: string; readonly action: "strike" | "ban" };
}

/** The same as a union, to switch over. */
export type CoreEvent = { [K in keyof CoreEvents]: { readonly kind: K; readonly detail: CoreEvents[K] } }[keyof CoreEvents];

/** What the core asks of the SDK. The store's promises reject with an error whose `code` is `QUOTA`, `UNAVAILABLE` or `IO`. */
export interface Host {
  /** Returns whether the application takes it: asked of messages to this peer alone. */
  event(kind: string, detail: object): boolean;
  /** An ECDSA signature with SHA-256 by the peer's key, 64 bytes. */
  sign(payload: Uint8Array): Promise<Uint8Array>;
  /** Whether `signature` was made over `payload` by that public key; rejects if it is none. */
  verify(key: Uint8Array, payload: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** Where that server is now; rejects with a sentence if there is no such place. */
  serverAddress(server: number): Promise<string>;
  seal(plain: Uint8Array): Promise<Uint8Array>;
  /** Rejects if nobody of the swarm sealed it. */
  unseal(sealed: Uint8Array): Promise<Uint8Array>;
  /** The buffer of `body` is transferred; the promise gives one of the same length back. */
  putChunk(hash: Uint8Array, body: Bytes): Promise<ArrayBuffer>;
  /** Rejects if the chunk is not stored or is damaged. */
  getChunk(hash: Uint8Array): Promise<Bytes>;
  /** Takes the buffer of a chunk that was read and is needed no more; it must not be used after. */
  recycle(buffer: ArrayBuffer): void;
  /** n × 32 bytes in, n bytes of 0 or 1 out. */
  hasChunks(hashes: Uint8Array): Promise<Uint8Array>;
  deleteChunks(hashes: Uint8Array): Promise<void>;
  retainChunks(hashes: Uint8Array): Promise<void>;
  loadRecords(): Promise<StoredRecord[]>;
  applyRecords(puts: readonly StoredRecord[], deletes: readonly string[]): Promise<void>;
}
