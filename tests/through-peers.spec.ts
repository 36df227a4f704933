import { expect, test, type BrowserContext } from "@playwright/test";

import { add, addressOf, fetched, idOf, openTab, ready, statsOf, until } from "./support/tabs.ts";

/** A channel that reaches over the border between contexts, which `BroadcastChannel` never does. */
async function joinChannel(name: string, contexts: readonly BrowserContext[]): Promise<void> {
  const posts = await Promise.all(contexts.map((context) => context.newPage()));
  for (const post of posts) {
    const others = posts.filter((other) => other !== post);
    await post.exposeFunction("carry", async (envelope: number[]) => {
      await Promise.all(others.map((other) => other.evaluate((bytes) => window.spread(bytes), envelope)));
    });
    await post.goto(addressOf({ open: "no" }));
    await post.evaluate((channelName) => {
      const channel = new BroadcastChannel(channelName);
      channel.onmessage = ({ data }) => void window.carry([...(data as Uint8Array)]);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A BroadcastChannel's takes none.
      window.spread = (bytes) => channel.postMessage(new Uint8Array(bytes));
    }, name);
  }
}

declare global {
  interface Window {
    carry(envelope: number[]): Promise<void>;
    spread(envelope: number[]): void;
  }
}

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
