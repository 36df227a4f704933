/**
 * The npm package in other people's hands: packed, installed from its tarball into projects that know nothing of this
 * one, and used by two tabs to move a file.
 */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import * as vite from "vite";

import type { Swarm } from "../web/sdk/index.ts";
import type { SimNetwork } from "../web/sdk/testing/index.ts";

declare global {
  interface Window {
    /** Set by the pages below. */
    opened: Promise<Swarm>;
    network: SimNetwork;
  }
}

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

/** More than two chunks of 256 KiB, and no whole number of them. */
const FILE_BYTES = 700_001;

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A project</title>
<script type="module" src="./main.ts"></script></html>\n`;

const MAIN = `import { Swarm } from "peerloom";
import "peerloom/ui";
declare global { interface Window { opened: Promise<Swarm> } }
window.opened = Swarm.open({ app: "package-story" });
`;

/** The very type of the package: an application's code takes either. */
const TESTING = `import { Swarm } from "peerloom";
import { SimNetwork } from "peerloom/testing";
const network = new SimNetwork({ seed: 1, latencyMs: [10, 50], loss: 0.01 });
export const swarm: Promise<Swarm> = network.open({ app: "notes" });
`;

const BARE_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>
<script type="module">
import { Swarm } from "./node_modules/peerloom/index.js";
window.opened = Swarm.open({ app: "package-story" });
</script></html>\n`;

/** Two swarms of a bare page's own network, and nothing but the page. */
const TESTING_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>
<script type="module">
import { SimNetwork } from "./node_modules/peerloom/testing.js";
window.network = new SimNetwork({ seed: 7 });
</script></html>\n`;

const TSCONFIG = {
  compilerOptions: {
    strict: true,
    target: "ES2022",
    module: "ESNext",
    moduleResolution: "bundler",
    lib: ["ES2023", "ESNext.Disposable", "DOM", "DOM.Iterable"],
    types: [],
    noEmit: true,
  },
  include: ["main.ts", "testing.ts"],
};

const MIME: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

let workshop = "";
let tarball = "";

test.beforeAll(async () => {
  workshop = await mkdtemp(join(tmpdir(), "peerloom-package-"));
  const pack = ["pack", "--json", "--pack-destination", workshop];
  await run("npm", pack, { cwd: join(root, "dist/peerloom") });
  const packed = await readdir(workshop);
  tarball = join(workshop, packed.find((name) => /^peerloom-.*\.tgz$/.test(name)) ?? "missing");
});

test.afterAll(() => rm(workshop, { recursive: true, force: true }));

test("the tarball holds what is published and no source", async () => {
  const { stdout } = await run("tar", ["--list", "--file", tarball]);
  const files = stdout.trim().split("\n").map((file) => file.replace(/^package\//, ""));
  for (const wanted of ["package.json", "index.js", "slim.js", "ui.js", "testing.js", "store-worker.js", "peerloom_bg.wasm", "peerloom_testing_bg.wasm", "LICENSE-MIT", "LICENSE-APACHE", "README.md"]) {
    expect(files).toContain(wanted);
  }
  expect(files.filter((file) => /(?<!\.d)\.ts$|\.rs$|\.map$/.test(file))).toEqual([]);

  const folder = await project("contents", {});
  const manifest = JSON.parse(await readFile(join(folder, "node_modules/peerloom/package.json"), "utf8"));
  for (const entry of [".", "./slim", "./testing", "./ui"]) {
    expect(Object.keys(manifest.exports[entry])[0], `types come first in ${entry}`).toBe("types");
  }
});

test("importing it in Node does nothing and throws nothing", async () => {
  const folder = await project("node", {});
  for (const entry of ["peerloom", "peerloom/slim", "peerloom/testing", "peerloom/ui"]) {
    // The process ends by itself only if nothing was left running; the limit turns waiting into a failure.
    const imports = ["--input-type=module", "--eval", `import ${JSON.stringify(entry)}`];
    const { stdout, stderr } = await run(process.execPath, imports, { cwd: folder, timeout: 60_000 });
    expect({ entry, stdout, stderr }).toEqual({ entry, stdout: "", stderr: "" });
  }
});

test("its types hold in a strict project that checks its libraries", async () => {
  const folder = await project("types", { "main.ts": MAIN, "testing.ts": TESTING, "tsconfig.json": JSON.stringify(TSCONFIG) });
  const tsc = [join(root, "node_modules/typescript/bin/tsc"), "--project", folder];
  const { stdout } = await run(process.execPath, tsc).catch((error: { stdout: string }) => error);
  expect(stdout).toBe("");
});

test("the documented test of an application passes in plain Node", async () => {
  const text = await readFile(join(root, "docs/testing.md"), "utf8");
  const files = Object.fromEntries([...text.matchAll(/^```js (\S+)\n(.*?)^```$/gms)].map(([, name, code]) => [String(name), String(code)]));
  expect(Object.keys(files)).toEqual(["board.js", "board.test.js", "whisper.test.js"]);
  const folder = await project("documented", files);
  // Ends by itself only if nothing was left running.
  const { stdout } = await run(process.execPath, ["--test"], { cwd: folder, timeout: 60_000 });
  expect(stdout).toMatch(/^# pass [1-9]/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});

test("a network is simulated in a page", async ({ page }) => {
  const folder = await project("simulated", { "index.html": TESTING_PAGE });
  const { address, stop } = await serve(folder);
  try {
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(address);
    const outcome = await page.evaluate(async () => {
      const { network } = window;
      const a = await network.open({ app: "notes" });
      const b = await network.open({ app: "notes" });
      const { link } = await network.run(a.content.add(new Blob(["as it was"])));
      const blob = await network.run(b.content.get(link));
      const seen = { text: await blob.text(), connected: b.status.peersConnected, nowMs: network.nowMs };
      await network.close();
      return seen;
    });
    expect(outcome).toMatchObject({ text: "as it was", connected: 1 });
    expect(outcome.nowMs).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  } finally {
    stop();
  }
});

test("two tabs of a project built by Vite move a file", async ({ context }) => {
  const folder = await project("built", { "index.html": PAGE, "main.ts": MAIN });
  const shared = { root: folder, configFile: false, logLevel: "error" } as const;
  await vite.build({ ...shared, build: { target: "es2022" } });
  const server = await vite.preview({ ...shared, preview: { host: "127.0.0.1", port: await freePort() } });
  try {
    await moveFile(context, server.resolvedUrls?.local[0] ?? "");
  } finally {
    await server.close();
  }
});

test("two tabs of a project in Vite's development server move a file", async ({ context }) => {
  const folder = await project("developed", { "index.html": PAGE, "main.ts": MAIN });
  const server = await vite.createServer({
    root: folder,
    configFile: false,
    logLevel: "error",
    server: { host: "127.0.0.1", port: await freePort() },
  });
  try {
    await server.listen();
    await moveFile(context, server.resolvedUrls?.local[0] ?? "");
  } finally {
    await server.close();
  }
});

test("two tabs of a bare page move a file", async ({ context }) => {
  const folder = await project("bare", { "index.html": BARE_PAGE });
  const { address, stop } = await serve(folder);
  try {
    await moveFile(context, address);
  } finally {
    stop();
  }
});

/** Serves a folder as it is. */
async function serve(folder: string): Promise<{ address: string; stop: () => void }> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = path.endsWith("/") ? `${path}index.html` : path;
    readFile(join(folder, file)).then(
      (content) => response.writeHead(200, { "Content-Type": MIME[extname(file)] ?? "text/plain" }).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, stop };
}

/** Makes a project with these files, installs the tarball into it without a network, and returns its folder. */
async function project(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(workshop, name);
  await mkdir(folder);
  const manifest = { name, private: true, type: "module" };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: folder });
  return folder;
}

/** Opens an address in two tabs, adds a file in the first and expects to get it, byte by byte, in the second. */
async function moveFile(context: BrowserContext, address: string): Promise<void> {
  const [giver, taker] = [await tab(context, address), await tab(context, address)];
  const given = await giver.page.evaluate(async (bytes) => {
    const swarm = await window.opened;
    const file = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(file.subarray(at, at + 65_536));
    const { link } = await swarm.content.add(file, { name: "story.bin" });
    const digest = await crypto.subtle.digest("SHA-256", file);
    return { link, digest: [...new Uint8Array(digest)] };
  }, FILE_BYTES);
  const taken = await taker.page.evaluate(async (link) => {
    const swarm = await window.opened;
    const blob = await swarm.content.get(link);
    const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
    return { bytes: blob.size, digest: [...new Uint8Array(digest)] };
  }, given.link);
  expect(taken).toEqual({ bytes: FILE_BYTES, digest: given.digest });
  expect([...giver.complaints, ...taker.complaints]).toEqual([]);
  await Promise.all([giver.page.close(), taker.page.close()]);
}

/** A tab in which the swarm is open, and whatever it complained about. */
async function tab(context: BrowserContext, address: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("response", (response) => {
    const isIcon = response.url().endsWith("/favicon.ico");
    if (response.status() >= 400 && !isIcon) complaints.push(`${response.status()} for ${response.url()}`);
  });
  await page.goto(address);
  await page.evaluate(() => window.opened.then(() => undefined));
  return { page, complaints };
}

/** A port that was free a moment ago; Vite does not take 0. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
