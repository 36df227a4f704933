/** The package `peerloom`. Importing it has no effect, also outside browsers. */

import { loadCore } from "./init.ts";
import { Swarm as SlimSwarm } from "./swarm.ts";
import type { SwarmOptions } from "./types.ts";
import { throwIfAborted, waitFor } from "./wait.ts";
import { wasmUrl } from "./wasm-url.ts";
import type { WasmSource } from "./wasm.ts";

export { SwarmError, type SwarmErrorCode } from "./errors.ts";
export { broadcastChannel, memoryStore, persistentStore } from "./options.ts";
export { rendezvous } from "./rendezvous.ts";
export { isSupported } from "./support.ts";
export type * from "./types.ts";

/** Loads the core, once for a page. `Swarm.open` calls it; call it yourself only to bring your own bytes or address. */
export function init(wasm?: WasmSource): Promise<void> {
  return loadCore(wasm ?? wasmUrl());
}

/** A swarm that finds its WASM beside itself. */
export class Swarm extends SlimSwarm {
  static override async open(options: SwarmOptions): Promise<Swarm> {
    throwIfAborted(options.signal);
    await waitFor(init(), options);
    return super.open(options);
  }
}
