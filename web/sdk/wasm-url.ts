/** Where the core's WASM is: beside this file. Bundlers look for exactly this expression. */
export function wasmUrl(): URL {
  return new URL("./generated/peerloom_bg.wasm", import.meta.url);
}
