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

/** The bench's pages at the root and the package below `peerloom/`, as `{ body, type }` by path. */
export function packageFiles(packageFolder) {
  return new Map([...filesOf(PAGES, "/"), ...filesOf(packageFolder, "/peerloom/")]);
}

/** Returns `{ url, close }`; the pages are at the root, the package below `peerloom/`. */
export async function serve(packageFolder) {
  const files = packageFiles(packageFolder);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const file = files.get(path);
    if (file === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": file.type, "cache-control": "max-age=3600" }).end(file.body);
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
    .map((name) => [prefix + name, { body: readFileSync(join(folder, name)), type: MIME[extname(name)] }]);
}
