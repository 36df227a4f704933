/** The rendezvous server, as it is run in production, for stories in which it dies and comes back. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** `cargo xtask test e2e` builds it, and says where. */
const BINARY = process.env["PEERLOOM_SERVER"] ?? fileURLToPath(new URL("../../target/debug/peerloom-server", import.meta.url));

/** One server, on a port that it keeps while it is down. */
export class RendezvousServer {
  #child: ChildProcess | null = null;
  #port = 0;

  /** Runs the server for as long as `act` takes. */
  static async during(act: (server: RendezvousServer) => Promise<void>, args: readonly string[] = []): Promise<void> {
    const server = new RendezvousServer(args);
    await server.start();
    try {
      await act(server);
    } finally {
      await server.kill();
    }
  }

  readonly #args: readonly string[];

  private constructor(args: readonly string[]) {
    this.#args = args;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(BINARY, ["--listen", `127.0.0.1:${this.#port}`, "--log", "warn", ...this.#args], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    const failed = new Promise<never>((_, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the server ended (${code})`)));
    });
    failed.catch(() => undefined);
    const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), failed])) as [string];
    this.#port = Number(new URL(line.replace("listening on ", "")).port);
  }

  /** With its machine: no word to anybody. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
}
