import { expect, test } from "@playwright/test";

import { joinChannel } from "./support/channels.ts";
import { add, fetched, idOf, openTab, ready, statsOf, until } from "./support/tabs.ts";

test("two tabs with no channel in common meet over a third, and stay together without it", async ({ browser, context }) => {
  const elsewhere = await browser.newContext();
  await joinChannel("b", [context, elsewhere]);
  const one = await openTab(context, { channels: "a" });
  const bridge = await openTab(context, { channels: "a,b" });
  const three = await openTab(elsewhere, { channels: "b" });
  await ready(bridge, 2);
  const [id, other, between] = await Promise.all([idOf(one), idOf(three), idOf(bridge)]);

  await one.evaluate((peer) => window.lab.swarm.connect(peer), other);
  await until(three, "peer:connect", { id });
  for (const page of [one, three]) {
    expect(await statsOf(page)).toMatchObject({ "connect.by_peers": 1, "connect.by_broadcast": 1 });
  }
  expect((await statsOf(bridge))["routing.carried"]).toBeGreaterThan(0);

  await bridge.close();
  await Promise.all([one, three].map((page) => until(page, "peer:disconnect", { id: between })));
  const { id: content } = await add(one, { seed: 70, bytes: 3_000_000 });
  await until(three, "content:available", { id: content });
  expect(await fetched(three, content, 70)).toMatchObject({ bytes: 3_000_000, wrongAt: null });
  await elsewhere.close();
});

test("a peer that no connected one knows a way to is unreachable for that reason", async ({ context }) => {
  const one = await openTab(context, { channels: "a" });
  const two = await openTab(context, { channels: "a" });
  await Promise.all([one, two].map((page) => ready(page)));
  const failure = await one.evaluate(async () => {
    const refusal = await window.lab.refusal(() => window.lab.swarm.connect("0".repeat(64) as never));
    return refusal?.failure;
  });
  expect(failure).toMatchObject({ stage: "signalling" });
  expect(failure?.reason).toContain("no connected peer knows a way to it");
});
