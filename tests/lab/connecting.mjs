// Between which kinds of address translation two homes connect, how long that takes, and what they are told when they can't.

import { distinct, secondsOf } from "../../benches/stats.mjs";
import { inHomes } from "./homes.mjs";

const pair = (a, b) => ({ a, b });

/** `connects`: what is expected, and asserted. */
export const CONNECTING = {
  "direct": { nats: pair("none", "none"), stun: false, connects: true },
  "cone-cone-alone": { nats: pair("cone", "cone"), stun: false, connects: false },
  "cone-cone": { nats: pair("cone", "cone"), stun: true, connects: true },
  "full-full": { nats: pair("full", "full"), stun: true, connects: true },
  "full-symmetric": { nats: pair("full", "symmetric"), stun: true, connects: true },
  "cone-symmetric": { nats: pair("cone", "symmetric"), stun: true, connects: false },
  "symmetric-symmetric": { nats: pair("symmetric", "symmetric"), stun: true, connects: false },
};

/** Fresh homes for each round. */
export function roundOfConnecting({ nats, stun, connects }) {
  return inHomes(nats, stun, async ({ a, b }) => {
    const pages = [a, b];
    const startedAt = Math.min(...(await Promise.all(pages.map((page) => page.evaluate(() => globalThis.tab.start())))));
    const outcomes = await Promise.all(pages.map((page) => page.evaluate(outcome)));
    const failure = outcomes.find(({ stage }) => stage !== undefined);
    if ((failure === undefined) !== connects) throw new Error(`it should ${connects ? "" : "not "}connect: ${JSON.stringify(outcomes)}`);
    const tookMs = Math.max(...outcomes.map(({ at }) => at)) - startedAt;
    return { tookMs, stage: failure?.stage ?? null, reason: failure?.reason ?? null };
  });
}

/** In the page: whichever comes first. */
async function outcome() {
  const connected = globalThis.tab.connected(1).then((at) => ({ at }));
  return await Promise.race([connected, globalThis.tab.failed()]);
}

/** `samples`: those of each case, by its name. */
export function tableOfConnecting(samples) {
  const rows = Object.entries(samples).map(([name, rounds]) => {
    const { nats, stun } = CONNECTING[name];
    const took = secondsOf(rounds, "tookMs");
    const told = rounds[0].stage === null ? "connected" : distinct(rounds.map(({ stage, reason }) => `\`${stage}\`: ${reason}`));
    return `| ${nats.a} | ${nats.b} | ${stun ? "yes" : "no"} | ${told} | ${took.median} | ${took.worst} |`;
  });
  return ["| home a | home b | STUN | outcome | after | at worst |", "|---|---|---|---|--:|--:|", ...rows].join("\n");
}
