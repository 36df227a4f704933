// Serves the bench's pages and the built package, from memory.
//
// The package is read once at the start, so that a build that replaces it during a run changes nothing of that run, and no
// figure waits for a disk.

import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PAGES = fileURLToPath(new URL("pages", import.meta.url));

const MIME = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/** Returns `{ url, close }`; the pages are at the root, the package below `peerloom/`. */
export async function serve(packageFolder) {
  const files = new Map([...filesOf(PAGES, "/"), ...filesOf(packageFolder, "/peerloom/")]);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const body = files.get(path);
    if (body === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": MIME[extname(path)], "cache-control": "max-age=3600" }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

function filesOf(folder, prefix) {
  return readdirSync(folder)
    .filter((name) => extname(name) in MIME)
    .map((name) => [prefix + name, readFileSync(join(folder, name))]);
}
