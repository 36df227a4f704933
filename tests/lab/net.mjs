// Two homes that reach each other through a switch: network namespaces, so that what happens to networks can be done to
// them. Only `iproute2` and root are needed.
//
//   home a: 10.77.0.2 ── port-a ┐
//                               ├─ switch
//   home b: 10.77.0.3 ── port-b ┘
//
// There is no address translation here: it takes nftables, and candidates that only a STUN server can give.

import { execFileSync } from "node:child_process";

const SWITCH = "peerloom-switch";
const HOMES = { a: { name: "peerloom-a", last: 2 }, b: { name: "peerloom-b", last: 3 } };
const addressOf = (last) => `10.77.0.${last}/24`;

function ip(...words) {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
}

/** What is left of an earlier run goes first. */
export function up() {
  down();
  ip("netns", "add", SWITCH);
  ip("-n", SWITCH, "link", "add", "bridge", "type", "bridge");
  ip("-n", SWITCH, "link", "set", "bridge", "up");
  for (const [side, { name, last }] of Object.entries(HOMES)) {
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", SWITCH, "link", "add", `port-${side}`, "type", "veth", "peer", "name", "eth0", "netns", name);
    ip("-n", SWITCH, "link", "set", `port-${side}`, "master", "bridge", "up");
    ip("-n", name, "address", "add", addressOf(last), "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
    ip("-n", name, "route", "add", "default", "dev", "eth0");
  }
}

export function down() {
  for (const name of [SWITCH, ...Object.values(HOMES).map(({ name: home }) => home)]) {
    try {
      ip("netns", "delete", name);
    } catch {
      // There is none.
    }
  }
}

/** The command line that runs something in a home. */
export const inHome = (side) => ["ip", "netns", "exec", HOMES[side].name];

/** The switch hands nothing on any more: neither home is told. Returns what ends it. */
export function silence() {
  ip("-n", SWITCH, "link", "set", "port-a", "nomaster");
  return () => ip("-n", SWITCH, "link", "set", "port-a", "master", "bridge");
}

/** The cable of home a is drawn: its machine knows at once. Returns what ends it. */
export function unplug() {
  ip("-n", SWITCH, "link", "set", "port-a", "down");
  return () => ip("-n", SWITCH, "link", "set", "port-a", "up");
}

/** Home a gets another address, as when Wi-Fi turns into mobile. */
export function move(last) {
  ip("-n", HOMES.a.name, "address", "flush", "dev", "eth0");
  ip("-n", HOMES.a.name, "address", "add", addressOf(last), "dev", "eth0");
  ip("-n", HOMES.a.name, "route", "replace", "default", "dev", "eth0");
}
