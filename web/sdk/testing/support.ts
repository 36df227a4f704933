/** For the tests of this folder only. */

import { EVENT_NAMES } from "../event-names.ts";
import { toHex } from "../hex.ts";
import type { Swarm } from "../swarm.ts";
import type { SimNetwork } from "./network.ts";

/** Opens so many swarms of one app, and waits until all are connected to all. */
export async function mesh(network: SimNetwork, count: number): Promise<Swarm[]> {
  const swarms = await Promise.all(Array.from({ length: count }, () => network.open({ app: "notes" })));
  await network.until(() => swarms.every(({ status }) => status.peersConnected === count - 1));
  return swarms;
}

/** Bytes that don't repeat, so that a chunk in the wrong place shows. */
export function matter(bytes: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    data[at] = state >>> 24;
  }
  return data;
}

/** Tells bytes apart; comparing megabytes one by one takes a test framework seconds. */
export async function digestOf(data: Blob | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = data instanceof Blob ? await data.arrayBuffer() : data;
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Everything that these swarms tell from now on, with the virtual times. */
export function record(network: SimNetwork, swarms: readonly Swarm[]): string[] {
  const log: string[] = [];
  swarms.forEach((swarm, index) => {
    for (const kind of EVENT_NAMES) {
      swarm.addEventListener(kind, (event: CustomEvent<unknown>) => {
        log.push(`${network.nowMs} ${index} ${kind} ${JSON.stringify(event.detail ?? null)}`);
      });
    }
  });
  return log;
}
