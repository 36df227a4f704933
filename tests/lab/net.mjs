// Two homes, each in a network namespace of its own, so that what happens to networks can be done to them. Takes root,
// `iproute2`, `nftables` and `coturn`.
//
//   home a  10.1.0.2 ── router a  203.0.113.21 ── port-a ┐
//                                                        ├─ switch  203.0.113.10: a STUN server
//   home b  10.2.0.2 ── router b  203.0.113.22 ── port-b ┘
//
// A home without address translation has no router, and the router's address.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

import { rulesOf } from "./nat.mjs";

const SWITCH = "peerloom-switch";
const SWITCH_ADDRESS = "203.0.113.10";
const STUN_PORT = 3478;

const HOMES = {
  a: { name: "peerloom-a", router: "peerloom-router-a", lan: "10.1.0", last: 21 },
  b: { name: "peerloom-b", router: "peerloom-router-b", lan: "10.2.0", last: 22 },
};

export const STUN_URL = `stun:${SWITCH_ADDRESS}:${STUN_PORT}`;

const publicAddress = (last) => `203.0.113.${last}/24`;

function ip(...words) {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
}

/** `nats`: the kind of address translation of home a and of home b, `none` for none. What is left of an earlier run goes first. */
export function up(nats) {
  down();
  ip("netns", "add", SWITCH);
  ip("-n", SWITCH, "link", "set", "lo", "up");
  ip("-n", SWITCH, "link", "add", "bridge", "type", "bridge");
  ip("-n", SWITCH, "address", "add", `${SWITCH_ADDRESS}/24`, "dev", "bridge");
  ip("-n", SWITCH, "link", "set", "bridge", "up");
  for (const [side, home] of Object.entries(HOMES)) {
    ip("netns", "add", home.name);
    ip("-n", home.name, "link", "set", "lo", "up");
    const port = `port-${side}`;
    if (nats[side] === "none") {
      wire(SWITCH, port, home.name, "eth0", publicAddress(home.last));
      ip("-n", home.name, "route", "add", "default", "dev", "eth0");
    } else {
      ip("netns", "add", home.router);
      wire(SWITCH, port, home.router, "wan", publicAddress(home.last));
      wire(home.router, "lan", home.name, "eth0", `${home.lan}.2/24`);
      ip("-n", home.router, "address", "add", `${home.lan}.1/24`, "dev", "lan");
      ip("-n", home.name, "route", "add", "default", "via", `${home.lan}.1`);
      within(home.router, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
      within(home.router, ["nft", "-f", "-"], rulesOf(nats[side], `${home.lan}.2`));
    }
    ip("-n", SWITCH, "link", "set", port, "master", "bridge");
  }
}

export function down() {
  for (const name of [SWITCH, ...Object.values(HOMES).flatMap(({ name: home, router }) => [home, router])]) {
    try {
      ip("netns", "delete", name);
    } catch {
      // There is none.
    }
  }
}

/** Connects two namespaces; the far end gets the address. */
function wire(here, port, there, interface_, address) {
  ip("-n", here, "link", "add", port, "type", "veth", "peer", "name", interface_, "netns", there);
  ip("-n", here, "link", "set", port, "up");
  ip("-n", there, "address", "add", address, "dev", interface_);
  ip("-n", there, "link", "set", interface_, "up");
}

function within(name, words, input) {
  execFileSync("ip", ["netns", "exec", name, ...words], { input, stdio: ["pipe", "ignore", "pipe"] });
}

/** The command line that runs something in a home. */
export const inHome = (side) => ["ip", "netns", "exec", HOMES[side].name];

/** Serves STUN at [`STUN_URL`]. Returns what ends it. */
export async function serveStun() {
  const words = ["--stun-only", `--listening-ip=${SWITCH_ADDRESS}`, `--listening-port=${STUN_PORT}`];
  const quiet = ["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-rfc5780", "--log-file=stdout", "--pidfile=/dev/null"];
  const server = spawn("ip", ["netns", "exec", SWITCH, "turnserver", ...words, ...quiet], { stdio: "ignore" });
  const exited = once(server, "exit");
  while (!listens(STUN_PORT)) {
    if (server.exitCode !== null) throw new Error(`the STUN server ended with ${server.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return async () => {
    server.kill();
    await exited;
  };
}

/** Says whether somebody in the switch's namespace has the UDP port, which the kernel's table names in hexadecimal. */
function listens(port) {
  const sockets = execFileSync("ip", ["netns", "exec", SWITCH, "cat", "/proc/net/udp"], { encoding: "utf8" });
  return sockets.includes(`:${port.toString(16).toUpperCase().padStart(4, "0")} `);
}

/** The switch hands nothing on any more: neither home is told. Returns what ends it. */
export function silence() {
  ip("-n", SWITCH, "link", "set", "port-a", "nomaster");
  return () => ip("-n", SWITCH, "link", "set", "port-a", "master", "bridge");
}

/** The cable of home a is drawn: without a router its machine knows at once. Returns what ends it. */
export function unplug() {
  ip("-n", SWITCH, "link", "set", "port-a", "down");
  return () => ip("-n", SWITCH, "link", "set", "port-a", "up");
}

/** Home a gets another public address of its own, as when Wi-Fi turns into mobile. */
export function move(last) {
  const { name } = HOMES.a;
  ip("-n", name, "address", "flush", "dev", "eth0");
  ip("-n", name, "address", "add", publicAddress(last), "dev", "eth0");
  ip("-n", name, "route", "replace", "default", "dev", "eth0");
}

/** Home a gets another address behind its router. */
export function moveBehindRouter(last) {
  const { name, lan } = HOMES.a;
  ip("-n", name, "address", "flush", "dev", "eth0");
  ip("-n", name, "address", "add", `${lan}.${last}/24`, "dev", "eth0");
  ip("-n", name, "route", "replace", "default", "via", `${lan}.1`);
}

/** The router of home a gets another public address: its machine is told nothing, and all mappings are gone. */
export function renumber(last) {
  const { router } = HOMES.a;
  ip("-n", router, "address", "flush", "dev", "wan");
  ip("-n", router, "address", "add", publicAddress(last), "dev", "wan");
}
