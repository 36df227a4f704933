/** Opens what a swarm is made of, in order, and lets go of all of it if one thing fails. */

import { browser, type Ambient } from "./ambient.ts";
import { SwarmError, toSwarmError } from "./errors.ts";
import { PeerKey } from "./identity.ts";
import { loadedCore } from "./init.ts";
import type { CheckedOptions } from "./options.ts";
import { Servers } from "./rendezvous.ts";
import { canClaim, claimProfile, ephemeralProfile, storeName, type Profile } from "./profile.ts";
import { StoreClient } from "./store-client.ts";
import type { Log, Wait } from "./types.ts";
import type { Host, NodeHandle } from "./wasm.ts";

const SEED_BYTES = 32;

/** The longest that browsers grant. A tab that is open for longer can't connect until it is reloaded. */
const CERTIFICATE_LIFE_MS = 365 * 24 * 3_600_000;

/** Everything that a swarm holds and has to let go of. */
export interface Parts {
  readonly profile: Profile;
  readonly store: StoreClient;
  readonly bytesMax: number | null;
  readonly key: Pick<PeerKey, "sign">;
  readonly servers: Servers;
  /** The names of the channels for signalling. */
  readonly channels: readonly string[];
  readonly log: Log;
  /** Whom to connect to at each start. */
  readonly seedPeers: readonly string[];
  readonly ambient: Ambient;
  makeNode(host: Host): NodeHandle;
}

export async function openParts(options: CheckedOptions, wait: Wait, log: Log): Promise<Parts> {
  const core = await loadedCore();
  const profile = await profileFor(options, wait, log);
  let store: StoreClient | null = null;
  try {
    const isKept = canClaim();
    const kind = isKept ? options.store.kind : "memory";
    const { bytesMax } = options.store;
    store = await StoreClient.open({ name: storeName(options.app, profile.name), kind, bytesMax });
    tellFallbacks(store, log);
    const key = await keyFor(options, profile, isKept, log);
    const rtc = await prepareConnections(typeof options.rtc === "function" ? await options.rtc() : options.rtc, log);
    const servers = await Servers.of(options.servers, options.app);
    const { app, channels, maxConnections, supernodeConnections, seedPeers } = options;
    const storeBytes = store.opened.kind === "memory" ? 0 : (bytesMax ?? (await quotaBytes()));
    const seed = browser.random(new Uint8Array(SEED_BYTES));
    const limits = { maxConnections, supernodeConnections, storeBytes };
    const node = { app, channels, servers: servers.count, ...limits, isInstalled: isInstalled(), rtc, seed };
    const makeNode = (host: Host): NodeHandle => new core.NodeHandle(key.publicKey, node, host);
    return { profile, store, bytesMax, key, servers, channels, log, seedPeers, ambient: browser, makeNode };
  } catch (cause) {
    await store?.close();
    profile.release();
    throw toSwarmError(cause);
  }
}

/**
 * Does what the first connection would have to wait for: starts the browser's WebRTC threads (5 to 20 ms), and makes the
 * certificate that all connections of this swarm show (2 to 6 ms for each of its own; measured 2026-11-20).
 */
async function prepareConnections(rtc: RTCConfiguration, log: Log): Promise<RTCConfiguration> {
  if (rtc.certificates !== undefined) {
    return rtc;
  }
  const algorithm = { name: "ECDSA", namedCurve: "P-256", expires: CERTIFICATE_LIFE_MS };
  const certificate = await RTCPeerConnection.generateCertificate(algorithm);
  const prepared = { ...rtc, certificates: [certificate] };
  try {
    new RTCPeerConnection(prepared).close();
  } catch (cause) {
    const { name, message } = cause as DOMException;
    // Chromium has 500 in a process, those that are closed among them until they are collected. All else that a swarm does
    // needs none, and its attempts to connect say why they fail and are made again.
    if (name !== "UnknownError") {
      throw new SwarmError("BAD_INPUT", `the browser refuses the option \`rtc\`: ${message}`, { cause });
    }
    log("warn", "connections.unavailable", { reason: message });
  }
  return prepared;
}

/** Whether the page is an application of its own, and no tab. Without a window, as in a test in Node, it is none. */
function isInstalled(): boolean {
  return globalThis.matchMedia?.("(display-mode: standalone)").matches ?? false;
}

/** What the browser lets this origin store, or 0 if it does not say. */
async function quotaBytes(): Promise<number> {
  const estimate = await navigator.storage?.estimate?.().catch(() => null);
  return estimate?.quota ?? 0;
}

/** Nothing that is kept needs no profile, and without Web Locks there is none. */
async function profileFor(options: CheckedOptions, wait: Wait, log: Log): Promise<Profile> {
  if (!options.isIdentityKept && options.store.kind === "memory") {
    return ephemeralProfile();
  }
  if (!canClaim()) {
    log("warn", "profile.unavailable", { reason: "no Web Locks here: identity and contents are forgotten at the end" });
    return ephemeralProfile();
  }
  return claimProfile(options.app, options.profile, wait);
}

async function keyFor(options: CheckedOptions, profile: Profile, isKept: boolean, log: Log): Promise<PeerKey> {
  if (!options.isIdentityKept || !isKept) {
    return PeerKey.generate();
  }
  try {
    return await PeerKey.load(options.app, profile.name);
  } catch (cause) {
    log("warn", "identity.unavailable", { reason: toSwarmError(cause).message });
    return PeerKey.generate();
  }
}

function tellFallbacks({ opened }: StoreClient, log: Log): void {
  if (opened.fallbacks.length > 0) {
    log("warn", "store.fallback", { kind: opened.kind, reasons: opened.fallbacks });
  }
  if (opened.droppedCount > 0) {
    log("warn", "store.dropped", { count: opened.droppedCount, reason: "the chunk file is shorter than its index says" });
  }
}
