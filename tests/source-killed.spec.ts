import { expect, test } from "@playwright/test";

import { serveAll, serveSome } from "./support/serving.ts";
import { add, crash, fetched, idOf, openMesh, statsOf, until } from "./support/tabs.ts";

const BYTES = 24_000_000;

test("a source that dies in mid-transfer is replaced by another", async ({ context }) => {
  const [one, two, three] = await openMesh(context, 3);
  if (one === undefined || two === undefined || three === undefined) {
    throw new Error("three were opened");
  }
  const { id } = await add(one, { seed: 21, bytes: BYTES });
  await until(two, "content:available", { id });
  await fetched(two, id, 21);
  await until(three, "content:update", { id, providers: 2 });

  // It dies while it serves: neither of the two has sent half of it by then.
  await serveSome(one);
  await serveSome(two);
  await three.evaluate((content) => window.lab.begin(content), id);
  await until(one, "content:upload", { id, peer: await idOf(three) });
  await crash(one);
  await serveAll(two);

  const got = await three.evaluate(() => window.lab.finish(21));
  expect(got).toMatchObject({ bytes: BYTES, wrongAt: null, progress: { fromPeers: BYTES, fromDisk: 0 } });
  expect((await statsOf(two))["content.bytes_served"]).toBeGreaterThan(0);
  // Nobody is punished for dying.
  expect(await three.evaluate(() => window.lab.all("security"))).toEqual([]);
  // The one who is left is still there; the dead one is given half a minute to come back.
  expect(await three.evaluate(() => window.lab.all("peer:disconnect").map(({ detail }) => (detail as { id: string }).id))).not.toContain(await idOf(two));
});
