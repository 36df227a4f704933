// Serves the app for `cargo xtask start`, and the rendezvous server behind it, until standard input ends.
//
//   node web/serve.mjs <port>
//
// Vite's own command does not notice when the program that started it is gone; a pipe that closes is noticed however it
// went, so that no server is left behind on its port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { createServer } from "vite";

const rendezvous = spawn(process.env.PEERLOOM_SERVER, ["--listen", "127.0.0.1:0", "--log", "warn"], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => rendezvous.kill());
rendezvous.on("exit", (code) => {
  console.error(`the rendezvous server ended (${code})`);
  process.exit(1);
});
process.stdin.on("end", () => process.exit()).resume();

const [line] = await once(createInterface(rendezvous.stdout), "line");
// Read by Vite's configuration.
process.env.PEERLOOM_SERVER_URL = line.replace("listening on ", "");

const port = Number(process.argv[2]);
const server = await createServer({ logLevel: "warn", server: { port, strictPort: true } });
await server.listen();
