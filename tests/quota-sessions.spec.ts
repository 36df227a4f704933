import { expect, test } from "@playwright/test";

import { limitQuota, onDisk } from "./support/disk.ts";
import { add, fetched, idOf, openTab, ready, until } from "./support/tabs.ts";

const BYTES = 24_000_000;
/** Room for the sender's copy, and for a part of the receiver's. */
const QUOTA_BYTES = 40_000_000;
/** Firefox keeps the preference in the profile: no limit has to be said, too. */
const PLENTY_BYTES = 1_000_000_000;

test("a download that found no room goes on in the next session @firefox", async ({ browserName }) => {
  let content = "";
  let ids: readonly string[] = [];
  await onDisk(async (context) => {
    const sender = await openTab(context);
    const receiver = await openTab(context);
    ids = await Promise.all([idOf(sender), idOf(receiver)]);
    await ready(receiver);
    content = (await add(sender, { seed: 141, bytes: BYTES })).id;
    if (browserName === "chromium") {
      await limitQuota(receiver, QUOTA_BYTES);
    }
    await until(receiver, "content:available", { id: content });
    const refusal = await receiver.evaluate((id) => window.lab.refusal(() => window.lab.fetch(id as never, 141)), content);
    expect(refusal).toMatchObject({ isSwarmError: true, code: "QUOTA" });
    // A whole Blob would need a file of its own; a stream needs no room.
    const read = await sender.evaluate((id) => window.lab.compare(window.lab.swarm.content.get(id as never).stream(), 141), content);
    expect(read).toEqual({ bytes: BYTES, wrongAt: null });
  }, QUOTA_BYTES);

  await onDisk(async (context) => {
    const sender = await openTab(context);
    const receiver = await openTab(context);
    expect(await Promise.all([idOf(sender), idOf(receiver)])).toEqual(ids);
    await until(receiver, "content:available", { id: content });
    expect(await receiver.evaluate((id) => window.lab.swarm.content.info(id as never), content)).toMatchObject({ local: "partial" });
    const got = await fetched(receiver, content as never, 141);
    expect(got).toMatchObject({ bytes: BYTES, wrongAt: null });
    expect(got.progress.fromDisk).toBeGreaterThan(0);
    expect(got.progress.fromDisk + got.progress.fromPeers).toBe(BYTES);
  }, PLENTY_BYTES);
});
