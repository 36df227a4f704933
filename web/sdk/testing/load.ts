/** Loads the WASM of the simulated network, once for a process or page. */

import { SwarmError, toSwarmError } from "../errors.ts";
import * as generated from "../generated/peerloom_testing.js";
import type { TestingModule } from "./wasm.ts";

/** What Node offers without an import, which bundlers for browsers would stumble over. Since 20.16. */
interface NodeProcess {
  getBuiltinModule?(name: "node:fs/promises"): { readFile(path: string): Promise<Uint8Array<ArrayBuffer>> };
  getBuiltinModule?(name: "node:url"): { fileURLToPath(url: string): string };
}

let loading: Promise<TestingModule> | null = null;

/** The loaded module. A failed load can be tried again. */
export async function loadTesting(): Promise<TestingModule> {
  if (loading === null) {
    const module = generated as unknown as TestingModule;
    loading = findWasm()
      .then((source) => module.default({ module_or_path: source }))
      .then(() => module);
    loading.catch(() => void (loading = null));
  }
  try {
    return await loading;
  } catch (cause) {
    const reason = toSwarmError(cause).message;
    throw new SwarmError("UNSUPPORTED", `the simulated network could not be loaded: ${reason}`, { cause });
  }
}

/** Beside this file. Bundlers look for exactly this expression; Node's `fetch` reads no files. */
async function findWasm(): Promise<URL | Uint8Array<ArrayBuffer>> {
  const url = new URL("../generated/peerloom_testing_bg.wasm", import.meta.url);
  const { process } = globalThis as { process?: NodeProcess };
  if (url.protocol !== "file:" || process?.getBuiltinModule === undefined) {
    return url;
  }
  const path = process.getBuiltinModule("node:url").fileURLToPath(url.href);
  return process.getBuiltinModule("node:fs/promises").readFile(path);
}
