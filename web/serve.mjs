// Serves the app for `cargo xtask start`, until standard input ends.
//
//   node web/serve.mjs <port>
//
// Vite's own command does not notice when the program that started it is gone; a pipe that closes is noticed however it
// went, so that no server is left behind on its port.

import { createServer } from "vite";

const port = Number(process.argv[2]);
const server = await createServer({ logLevel: "warn", server: { port, strictPort: true } });
await server.listen();

process.stdin.on("end", () => process.exit()).resume();
