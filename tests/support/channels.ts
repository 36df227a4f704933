/** Signalling between browser contexts, which have no channel in common. */

import type { BrowserContext } from "@playwright/test";

import { addressOf } from "./tabs.ts";

/** A channel that reaches over the border between contexts, which `BroadcastChannel` never does. */
export async function joinChannel(name: string, contexts: readonly BrowserContext[]): Promise<void> {
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
