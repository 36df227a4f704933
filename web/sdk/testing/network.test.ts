import { describe, expect, it } from "vitest";

import { SimNetwork } from "./index.ts";

describe("SimNetwork", () => {
  it("lets swarms find each other", async () => {
    const network = new SimNetwork({ seed: 7 });
    const [a, b] = [await network.open({ app: "notes" }), await network.open({ app: "notes" })];
    await network.until(() => a.peers().length === 1 && a.status.peersConnected === 1);
    expect(a.peers()[0]?.id).toBe(b.id);
    await network.close();
  });
});
