import { expect, test, type Page } from "@playwright/test";

import { openTab } from "./support/tabs.ts";

const SWARMS = 200;
/** Each pair of swarms has two connections, one at each end. */
const MESH = 6;
const CONNECTIONS = 200;

/** What the core and the page hold. */
async function held(page: Page): Promise<Readonly<Record<string, number>>> {
  const counts = await page.evaluate(async () => {
    const { held: locks = [] } = await navigator.locks.query();
    return { ...(await window.lab.liveCounts()), locks: locks.length };
  });
  return { ...counts, workers: page.workers().length };
}

const NOTHING = { nodes: 0, connections: 0, closures: 0, locks: 0, workers: 0 };

test(`${SWARMS} swarms that were opened and closed leave nothing behind`, async ({ context }) => {
  const page = await openTab(context, { open: "no" });
  const begun = Date.now();
  const ids = await page.evaluate(async (count) => {
    const seen = new Set<string>();
    for (let n = 0; n < count; n++) {
      seen.add(await window.lab.open());
      await window.lab.swarm.close();
    }
    return seen.size;
  }, SWARMS);
  console.log(`a swarm opened and closed in ${((Date.now() - begun) / SWARMS).toFixed(0)} ms`);
  // Always the same profile: it was free again each time.
  expect(ids).toBe(1);
  await expect.poll(() => held(page)).toEqual(NOTHING);
});

test(`${CONNECTIONS} connections that were opened and closed leave nothing behind`, async ({ context }) => {
  const page = await openTab(context, { open: "no", store: "memory", identity: "ephemeral" });
  const perRound = MESH * (MESH - 1);
  const most = await page.evaluate(
    async ([mesh, rounds]) => {
      let connections = 0;
      for (let round = 0; round < rounds; round++) {
        const swarms = await Promise.all(Array.from({ length: mesh }, () => window.lab.another()));
        await Promise.all(swarms.map((swarm) => swarm.ready({ peers: mesh - 1 })));
        connections += (await window.lab.liveCounts()).connections;
        await Promise.all(swarms.map((swarm) => swarm.close()));
      }
      return connections;
    },
    [MESH, Math.ceil(CONNECTIONS / perRound)] as const,
  );
  expect(most).toBeGreaterThanOrEqual(CONNECTIONS);
  await expect.poll(() => held(page)).toEqual(NOTHING);
});

test("a swarm that stops and starts holds no more than one that runs", async ({ context }) => {
  const page = await openTab(context);
  const other = await openTab(context);
  await page.evaluate(() => window.lab.swarm.ready());
  // Of two attempts that met in a glare one is given up.
  await expect.poll(() => held(page)).toMatchObject({ nodes: 1, connections: 1 });
  const before = await held(page);
  await page.evaluate(async () => {
    for (let n = 0; n < 10; n++) {
      await window.lab.swarm.stop();
      await window.lab.swarm.start();
      await window.lab.swarm.ready();
    }
  });
  await expect.poll(() => held(page)).toEqual(before);
  await other.close();
});
