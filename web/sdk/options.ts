/** Reads and checks what `Swarm.open` is given. */

import { SwarmError } from "./errors.ts";
import { isId } from "./hex.ts";
import type { Address, RendezvousOption } from "./rendezvous.ts";
import type { Signalling, Store, SwarmOptions } from "./types.ts";

/** Full mesh among nine tabs; more connections cost each tab more than they bring. Guess. */
export const CONNECTIONS_DEFAULT = 8;

/** What a supernode has, if the application does not say how many connections there may be: twice as many. Guess. */
const SUPERNODE_CONNECTIONS_DEFAULT = 16;

/** Each is called every second for ten. Guess. */
const SEED_PEERS_MAX = 16;

/** A name becomes part of a channel's, a lock's, a file's and a database's. */
const NAME_LENGTH_MAX = 64;

/** Each envelope goes out on each channel. */
const CHANNELS_MAX = 8;

/** All of them are used at once. As many as the core takes. */
const SERVERS_MAX = 4;

/** Half a character: it can't be written as UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

interface StoreOption extends Store {
  readonly kind: "persistent" | "memory";
  readonly maxBytes: number | null;
}

interface BroadcastOption extends Signalling {
  readonly kind: "broadcast";
  readonly name: string | null;
}

/** Chunks in OPFS and records in IndexedDB; falls back to IndexedDB alone, then to memory. */
export function persistentStore(options: { readonly maxBytes?: number } = {}): Store {
  return storeOption("persistent", options.maxBytes);
}

/** Everything in memory, forgotten when the swarm is closed. Default limit 512 MiB. */
export function memoryStore(options: { readonly maxBytes?: number } = {}): Store {
  return storeOption("memory", options.maxBytes);
}

function storeOption(kind: StoreOption["kind"], maxBytes: number | undefined): StoreOption {
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= 0)) {
    throw new SwarmError("BAD_INPUT", "maxBytes has to be a whole number of bytes");
  }
  return { kind, maxBytes: maxBytes ?? null };
}

/** Signalling between the tabs of an origin, over a `BroadcastChannel` of this name. Default: `peerloom:<app>`. */
export function broadcastChannel(options: { readonly name?: string } = {}): Signalling {
  const option: BroadcastOption = { kind: "broadcast", name: options.name ?? null };
  return option;
}

/** Options with every default filled in. */
export interface CheckedOptions {
  readonly app: string;
  readonly profile: string | undefined;
  readonly isIdentityKept: boolean;
  readonly channels: readonly string[];
  readonly servers: readonly Address[];
  readonly rtc: NonNullable<SwarmOptions["rtc"]>;
  readonly store: { readonly kind: "persistent" | "memory"; readonly bytesMax: number | null };
  readonly maxConnections: number;
  readonly supernodeConnections: number;
  readonly seedPeers: readonly string[];
  readonly autostart: boolean;
}

/** Throws `BAD_INPUT` with a sentence. */
export function checkOptions(options: SwarmOptions): CheckedOptions {
  const { app, profile, identity = "persistent", maxConnections = CONNECTIONS_DEFAULT, seedPeers = [] } = options;
  checkName("app", app);
  if (profile !== undefined) {
    checkName("profile", profile);
  }
  if (identity !== "persistent" && identity !== "ephemeral") {
    throw new SwarmError("BAD_INPUT", 'identity has to be "persistent" or "ephemeral"');
  }
  if (!Number.isInteger(maxConnections) || maxConnections < 1 || maxConnections > 255) {
    throw new SwarmError("BAD_INPUT", "maxConnections has to be a whole number from 1 to 255");
  }
  if (!Array.isArray(seedPeers) || seedPeers.length > SEED_PEERS_MAX || !seedPeers.every(isId)) {
    throw new SwarmError("BAD_INPUT", `seedPeers takes up to ${SEED_PEERS_MAX} ids of peers`);
  }
  return {
    app,
    profile,
    isIdentityKept: identity === "persistent",
    ...checkSignalling(app, options.signalling ?? [broadcastChannel()]),
    rtc: options.rtc ?? { iceServers: [] },
    store: checkStore(options.store ?? persistentStore()),
    maxConnections,
    supernodeConnections: options.maxConnections ?? SUPERNODE_CONNECTIONS_DEFAULT,
    seedPeers,
    autostart: options.autostart ?? true,
  };
}

function checkName(what: string, name: unknown): void {
  if (typeof name !== "string" || name === "" || name.length > NAME_LENGTH_MAX || LONE_SURROGATE.test(name)) {
    throw new SwarmError("BAD_INPUT", `${what} has to be a text of 1 to ${NAME_LENGTH_MAX} characters`);
  }
}

/** Returns the names of the channels, each once, and the servers. */
function checkSignalling(app: string, signalling: readonly Signalling[]): Pick<CheckedOptions, "channels" | "servers"> {
  const options: readonly Signalling[] = Array.isArray(signalling) ? signalling : [];
  const broadcast = options.filter((option): option is BroadcastOption => option.kind === "broadcast");
  const servers = options.filter((option): option is RendezvousOption => option.kind === "rendezvous");
  const isKnown = Array.isArray(signalling) && broadcast.length + servers.length === options.length;
  if (!isKnown || broadcast.length > CHANNELS_MAX || servers.length > SERVERS_MAX) {
    throw new SwarmError("BAD_INPUT", `signalling takes up to ${CHANNELS_MAX} broadcastChannel() and ${SERVERS_MAX} rendezvous()`);
  }
  return { channels: [...new Set(broadcast.map(({ name }) => name ?? `peerloom:${app}`))], servers: servers.map(({ address }) => address) };
}

function checkStore(store: Store): CheckedOptions["store"] {
  if (store.kind !== "persistent" && store.kind !== "memory") {
    throw new SwarmError("BAD_INPUT", "store takes persistentStore() or memoryStore()");
  }
  return { kind: store.kind, bytesMax: (store as StoreOption).maxBytes };
}
