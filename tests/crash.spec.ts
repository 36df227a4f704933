import { expect, test } from "@playwright/test";

import { onDisk } from "./support/disk.ts";
import { serveAll, serveSome } from "./support/serving.ts";
import { add, crash, fetched, idOf, openPair, openTab, ready, until } from "./support/tabs.ts";

const BYTES = 24_000_000;

test("a tab that crashes in mid-download loses nothing of what was counted, and its identity is there for the next", async () => {
  await onDisk(async (context) => {
    const [one, two] = await openPair(context);
    const id = await idOf(two);
    const { id: content } = await add(one, { seed: 130, bytes: BYTES });
    const { id: small } = await add(two, { seed: 131, bytes: 1_000_000 });
    await until(two, "content:available", { id: content });
    await serveSome(one, 6_000_000);
    await two.evaluate((what) => window.lab.begin(what), content);
    const before = await two.evaluate(() => window.lab.reached(4_000_000));
    await crash(two);
    await serveAll(one);

    // The first tab holds its own profile, so that the new one takes over the dead one's.
    const next = await openTab(context);
    expect(await idOf(next)).toBe(id);
    await ready(next);
    expect(await next.evaluate((what) => window.lab.swarm.content.info(what), small)).toMatchObject({ complete: true });
    expect(await fetched(next, small, 131)).toMatchObject({ bytes: 1_000_000, wrongAt: null });
    const got = await fetched(next, content, 130);
    expect(got).toMatchObject({ bytes: BYTES, wrongAt: null });
    expect(got.progress.fromDisk).toBeGreaterThanOrEqual(before.doneBytes);
    expect(got.progress.fromDisk + got.progress.fromPeers).toBe(BYTES);
    // The dead run was replaced by the new one, and is not held to be a second peer.
    expect(await one.evaluate(() => window.lab.swarm.peers())).toMatchObject([{ id, state: "connected" }]);
  });
});
