/** Loads the WASM core, once for a page. */

import { SwarmError, toSwarmError } from "./errors.ts";
import * as generated from "./generated/peerloom.js";
import type { CoreModule, WasmSource } from "./wasm.ts";

let loading: Promise<CoreModule> | null = null;

/** Loads the core from these bytes or this address, unless it is loaded already. A failed load can be tried again. */
export async function loadCore(source: WasmSource): Promise<void> {
  if (loading === null) {
    const core = generated as unknown as CoreModule;
    loading = core.default({ module_or_path: source }).then(() => core);
    loading.catch(() => void (loading = null));
  }
  try {
    await loading;
  } catch (cause) {
    const reason = toSwarmError(cause).message;
    throw new SwarmError("UNSUPPORTED", `the WASM core could not be loaded: ${reason}`, { cause });
  }
}

/** The loaded core. Rejects with `BAD_INPUT` if nobody began to load it. */
export async function loadedCore(): Promise<CoreModule> {
  if (loading === null) {
    throw new SwarmError("BAD_INPUT", "call init() with the WASM bytes or their URL first");
  }
  return loading;
}
