import { expect, test } from "@playwright/test";

import { onDisk } from "./support/disk.ts";
import { openPair, statsOf } from "./support/tabs.ts";

const BYTES = 100_000_000;

test("100 MB go through, added from a stream and read as a stream", async () => {
  await onDisk(async (context) => {
    const [one, two] = await openPair(context);
    const added = await one.evaluate(async (bytes) => {
      const begun = performance.now();
      const { id } = await window.lab.add({ seed: 100, bytes });
      return { id, seconds: (performance.now() - begun) / 1_000 };
    }, BYTES);
    const got = await two.evaluate(async (content) => {
      const begun = performance.now();
      const download = window.lab.swarm.content.get(content);
      const compared = await window.lab.compare(download.stream(), 100);
      await download.done;
      return { ...compared, progress: download.progress, seconds: (performance.now() - begun) / 1_000 };
    }, added.id);
    expect(got).toMatchObject({ bytes: BYTES, wrongAt: null, progress: { fromPeers: BYTES, fromDisk: 0 } });
    expect(await statsOf(two)).toMatchObject({ "content.downloads_completed": 1, "node.bugs": 0 });
    const perSecond = (seconds: number): string => (BYTES / 1e6 / seconds).toFixed(1);
    console.log(`added at ${perSecond(added.seconds)} MB/s; fetched, verified, stored, decrypted and compared at ${perSecond(got.seconds)} MB/s`);
  });
});
