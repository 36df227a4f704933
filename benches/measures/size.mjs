// What a page has to load: the WASM core, and the SDK with all that comes with it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** Compressed file by file, since each is a response of its own. `cargo xtask size` holds the same sum to its budget. */
export function packageSize(packageFolder) {
  const { outputs } = JSON.parse(readFileSync(`${packageFolder}.bundle.json`, "utf8"));
  const files = new Set(["index.js"]);
  // A set that grows while it is walked is walked to its end. What is imported on demand is not loaded with the rest.
  for (const file of files) {
    for (const { path, kind } of outputs[file].imports) if (kind !== "dynamic-import") files.add(path);
  }
  const contents = ["peerloom_bg.wasm", ...files].map((file) => readFileSync(join(packageFolder, file)));
  const total = (lengthOf) => contents.reduce((sum, content) => sum + lengthOf(content), 0);
  return {
    rawBytes: total((content) => content.length),
    gzipBytes: total((content) => gzipSync(content, { level: 9 }).length),
    brotliBytes: total((content) => brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length),
  };
}
