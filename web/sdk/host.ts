/** What the core calls: the store, the peer's key, the servers, and the delivery of events. */

import type { Bytes } from "./bytes.ts";
import { Verifier, type PeerKey } from "./identity.ts";
import type { Servers } from "./rendezvous.ts";
import type { StoreClient } from "./store-client.ts";
import type { CoreEvent, Host } from "./wasm.ts";

/** Hashes and envelopes come in memory of their own, but typed as if they might be shared. */
const own = (bytes: Uint8Array): Bytes => bytes as Bytes;

/** What it is made of. */
export interface HostParts {
  readonly store: StoreClient;
  readonly key: Pick<PeerKey, "sign">;
  readonly servers: Servers;
}

export function hostOf({ store, key, servers }: HostParts, onEvent: (event: CoreEvent) => boolean): Host {
  const verifier = new Verifier();
  return {
    event: (kind, detail) => onEvent({ kind, detail } as CoreEvent),
    sign: (payload) => key.sign(own(payload)),
    verify: (publicKey, payload, signature) => verifier.verify(own(publicKey), own(payload), own(signature)),
    serverAddress: (server) => servers.addressOf(server),
    seal: (plain) => servers.seal(own(plain)),
    unseal: (sealed) => servers.unseal(own(sealed)),
    putChunk: (hash, body) => store.put(own(hash), body),
    getChunk: (hash) => store.get(own(hash)),
    recycle: (buffer) => store.recycle(buffer),
    hasChunks: (hashes) => store.has(own(hashes)),
    deleteChunks: (hashes) => store.delete(own(hashes)),
    retainChunks: (hashes) => store.retain(own(hashes)),
    loadRecords: () => store.loadRecords(),
    applyRecords: (puts, deletes) => store.applyRecords(puts, deletes),
  };
}
