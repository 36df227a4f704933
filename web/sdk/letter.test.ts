import { describe, expect, it } from "vitest";

import { SwarmError } from "./errors.ts";
import { Turns } from "./letter.ts";
import { deferred, type Deferred } from "./wait.ts";

/** Begins so many sends to a peer; tells which have begun, and ends them by hand. */
function begin(turns: Turns, peer: string, count: number): { readonly begun: Deferred<string>[]; readonly sent: Promise<string>[] } {
  const begun: Deferred<string>[] = [];
  const send = (): Promise<string> => {
    const end = deferred<string>();
    begun.push(end);
    return end.promise;
  };
  const sent = Array.from({ length: count }, () => turns.take(peer, send));
  return { begun, sent };
}

/** Until all that can go on has done so. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("Turns", () => {
  it("lets 64 to a peer be under way, and the others follow in their order", async () => {
    const turns = new Turns();
    const { begun, sent } = begin(turns, "a", 100);
    expect(begun.length).toBe(64);
    begun[3]?.resolve("third");
    expect(await sent[3]).toBe("third");
    expect(begun.length).toBe(65);
    begun.forEach(({ resolve }) => resolve("sent"));
    await settled();
    expect(begun.length).toBe(100);
  });

  it("goes on when a send fails", async () => {
    const turns = new Turns();
    const { begun, sent } = begin(turns, "a", 65);
    begun[0]?.reject(new SwarmError("CLOSED", "gone"));
    await expect(sent[0]).rejects.toThrow("gone");
    expect(begun.length).toBe(65);
  });

  it("holds nobody up for another", async () => {
    const turns = new Turns();
    begin(turns, "a", 200);
    expect(begin(turns, "b", 64).begun.length).toBe(64);
  });

  it("begins anew when all have ended", async () => {
    const turns = new Turns();
    for (let n = 0; n < 2; n++) {
      const { begun } = begin(turns, "a", 64);
      expect(begun.length).toBe(64);
      begun.forEach(({ resolve }) => resolve("sent"));
      await settled();
    }
  });
});
