/** Rendezvous servers: where they are, and the sealing of what goes through them. */

import type { Bytes } from "./bytes.ts";
import { SwarmError } from "./errors.ts";
import type { Signalling } from "./types.ts";

/** Where `peerloom-server` takes WebSockets. */
const PATH_DEFAULT = "/v1/signal";

const SEAL_CONTEXT = "peerloom rendezvous seal 1\0";

const NONCE_BYTES = 12;

/** How those of http are written for a WebSocket, which has no other path to the same server. */
const PROTOCOLS: Readonly<Record<string, string>> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" };

/** An address, or what finds it out whenever a connection is made. */
export type Address = string | (() => string | Promise<string>);

export interface RendezvousOption extends Signalling {
  readonly kind: "rendezvous";
  readonly address: Address;
}

/**
 * Signalling through a rendezvous server, for those who share no origin: `wss://host`, or any address that is resolved against the
 * page's. The server sees who meets whom, and nothing of what they say. A function is called whenever a connection is made.
 */
export function rendezvous(url: Address): Signalling {
  if (typeof url !== "function" && typeof url !== "string") {
    throw new SwarmError("BAD_INPUT", "rendezvous() takes an address, or a function that gives one");
  }
  const option: RendezvousOption = { kind: "rendezvous", address: url };
  return option;
}

/** The servers of a swarm, in their order. */
export class Servers {
  readonly #addresses: readonly Address[];
  readonly #key: CryptoKey | null;
  /** Where each was the last time. */
  readonly #known: string[];

  private constructor(addresses: readonly Address[], key: CryptoKey | null) {
    this.#addresses = addresses;
    this.#key = key;
    this.#known = addresses.map((address) => (typeof address === "string" ? address : ""));
  }

  static readonly NONE = new Servers([], null);

  /** Those who know the name of the swarm can read what they say to each other. */
  static async of(addresses: readonly Address[], app: string): Promise<Servers> {
    if (addresses.length === 0) {
      return Servers.NONE;
    }
    return new Servers(addresses, await crypto.subtle.importKey("raw", await sealingKey(app), "AES-GCM", false, ["encrypt", "decrypt"]));
  }

  get count(): number {
    return this.#addresses.length;
  }

  /** Its address as far as it is known; empty before a function said it. */
  nameOf(server: number): string {
    return this.#known[server] ?? "";
  }

  /** Rejects with `BAD_INPUT` if there is no such place. */
  async addressOf(server: number): Promise<string> {
    const address = this.#addresses[server];
    const found = socketAddress(typeof address === "function" ? await address() : address);
    this.#known[server] = found;
    return found;
  }

  /** A fresh nonce, then what AES-GCM makes of it. */
  async seal(plain: Bytes): Promise<Bytes> {
    const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.#held(), plain));
    const bytes = new Uint8Array(NONCE_BYTES + sealed.length);
    bytes.set(iv);
    bytes.set(sealed, NONCE_BYTES);
    return bytes;
  }

  /** Rejects if nobody of the swarm sealed it. */
  async unseal(bytes: Bytes): Promise<Bytes> {
    const iv = bytes.subarray(0, NONCE_BYTES);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.#held(), bytes.subarray(NONCE_BYTES)));
  }

  #held(): CryptoKey {
    if (this.#key === null) {
      throw new SwarmError("UNSUPPORTED", "there is no server");
    }
    return this.#key;
  }
}

/** The AES-256 key of all that the swarm of this name says through servers. Its native twin is `Place::of`. */
export async function sealingKey(app: string): Promise<ArrayBuffer> {
  const encoder = new TextEncoder();
  const root = await crypto.subtle.digest("SHA-256", encoder.encode(app));
  const key = await crypto.subtle.importKey("raw", root, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", key, encoder.encode(SEAL_CONTEXT));
}

/** What a WebSocket can be made with. Throws `BAD_INPUT` with a sentence. */
export function socketAddress(text: unknown): string {
  let url: URL;
  try {
    url = new URL(String(text), globalThis.location?.href);
  } catch {
    throw new SwarmError("BAD_INPUT", `“${String(text)}” is no address of a server`);
  }
  const protocol = PROTOCOLS[url.protocol];
  if (protocol === undefined || url.username !== "" || url.password !== "") {
    throw new SwarmError("BAD_INPUT", `“${url.href}” is no address of a server: it has to be like wss://host/path`);
  }
  const path = url.pathname === "/" ? PATH_DEFAULT : url.pathname;
  return `${protocol}//${url.host}${path}${url.search}`;
}
