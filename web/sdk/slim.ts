/** `peerloom/slim`: the same, for those who bring the WASM themselves. Call `init` before the first `Swarm.open`. */

import { loadCore } from "./init.ts";
import type { WasmSource } from "./wasm.ts";

export { SwarmError, type SwarmErrorCode } from "./errors.ts";
export { broadcastChannel, memoryStore, persistentStore } from "./options.ts";
export { rendezvous } from "./rendezvous.ts";
export { isSupported } from "./support.ts";
export { Swarm } from "./swarm.ts";
export type * from "./types.ts";

/** Loads the core from these bytes or this address, once for a page. */
export function init(wasm: WasmSource): Promise<void> {
  return loadCore(wasm);
}
