// Makes the npm package in dist/peerloom from web/sdk, web/ui and the WASM core in web/sdk/generated.
//
//   node web/build.mjs --version 0.1.0
//
// In the sources, `new URL("./generated/peerloom_bg.wasm", import.meta.url)` and `new URL("./store-worker.ts", import.meta.url)`
// name the files where they lie, so that Vite's development server finds them. In the package all files lie flat beside each
// other, so the names are rewritten to that: as literals, since bundlers of applications recognise only literals.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const { values: options } = parseArgs({ options: { version: { type: "string" } } });
if (options.version === undefined) throw new Error("which version? Run it by `cargo xtask build`");

/** The WASM modules: what applications load, and what their tests do. */
const modules = ["peerloom", "peerloom_testing"];

const making = `dist/.peerloom-${process.pid}`;
const made = "dist/peerloom";

const NEIGHBOUR = /new URL\(\s*(["'])(\.{1,2}\/[^"']+)\1,\s*import\.meta\.url,?\s*\)/g;

/** Names files as they lie in the package: flat, and compiled. */
const neighbours = {
  name: "neighbours",
  setup(builder) {
    builder.onLoad({ filter: /\/web\/(sdk|ui)\/.*\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8").replace(NEIGHBOUR, (_, _quote, file) => {
        const name = basename(file).replace(/\.ts$/, ".js");
        return `new URL("./${name}", import.meta.url)`;
      }),
    }));
  },
};

async function bundle() {
  const { metafile } = await build({
    entryPoints: {
      index: "web/sdk/index.ts",
      slim: "web/sdk/slim.ts",
      "store-worker": "web/sdk/store-worker.ts",
      testing: "web/sdk/testing/index.ts",
      ui: "web/ui/index.ts",
    },
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    target: "es2022",
    legalComments: "none",
    chunkNames: "[name]-[hash]",
    outdir: making,
    metafile: true,
    logLevel: "warning",
    plugins: [neighbours],
    // Lit's build for Node runs in browsers too, and survives being imported on a server. Only a neutral platform leaves
    // the choice to us.
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["node"],
  });
  // What `cargo xtask size` adds up.
  const flat = Object.entries(metafile.outputs).map(([path, { bytes, imports }]) => [
    basename(path),
    { bytes, imports: imports.map((imported) => ({ path: basename(imported.path), kind: imported.kind })) },
  ]);
  writeFileSync("dist/peerloom.bundle.json", `${JSON.stringify({ outputs: Object.fromEntries(flat) }, null, 2)}\n`);
}

function declare() {
  const tsc = ["node_modules/typescript/bin/tsc", "--project", "tsconfig.package.json", "--outDir", `${making}/types`];
  execFileSync(process.execPath, tsc, { stdio: "inherit" });
  mkdirSync(`${making}/types/sdk/generated`, { recursive: true });
  for (const module of modules) copyFileSync(`web/sdk/generated/${module}.d.ts`, `${making}/types/sdk/generated/${module}.d.ts`);
  copyFileSync("web/lit.d.ts", `${making}/types/lit.d.ts`);
  for (const name of readdirSync(`${making}/types/ui`)) {
    const file = `${making}/types/ui/${name}`;
    writeFileSync(file, readFileSync(file, "utf8").replaceAll('"lit"', '"../lit.js"'));
  }
}

function describe() {
  const entry = (types, file) => ({ types: `./types/${types}`, default: `./${file}` });
  const manifest = {
    name: "peerloom",
    version: options.version,
    description: "Peer-to-peer files and messages between the browsers that have your web app open",
    license: "MIT OR Apache-2.0",
    repository: { type: "git", url: "git+https://github.com/peerloom/peerloom.git" },
    keywords: ["p2p", "webrtc", "wasm", "browser"],
    type: "module",
    exports: {
      ".": entry("sdk/index.d.ts", "index.js"),
      "./slim": entry("sdk/slim.d.ts", "slim.js"),
      "./testing": entry("sdk/testing/index.d.ts", "testing.js"),
      "./ui": entry("ui/index.d.ts", "ui.js"),
      "./peerloom_bg.wasm": "./peerloom_bg.wasm",
      "./package.json": "./package.json",
    },
    types: "./types/sdk/index.d.ts",
    // The element registers itself, and the worker is nothing but its effect.
    sideEffects: ["./ui.js", "./store-worker.js"],
  };
  writeFileSync(`${making}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  for (const document of ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]) {
    if (existsSync(document)) copyFileSync(document, `${making}/${document}`);
  }
}

rmSync(making, { recursive: true, force: true });
mkdirSync(making, { recursive: true });
try {
  await bundle();
  declare();
  for (const module of modules) copyFileSync(`web/sdk/generated/${module}_bg.wasm`, `${making}/${module}_bg.wasm`);
  describe();
  // Replaced as a whole, so that nothing of an earlier build stays in it.
  rmSync(made, { recursive: true, force: true });
  renameSync(making, made);
} finally {
  rmSync(making, { recursive: true, force: true });
}
