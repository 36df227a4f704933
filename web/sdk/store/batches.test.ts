import { describe, expect, it } from "vitest";

import { BATCH_MAX, Batches } from "./batches.ts";

/** Batches whose commits end when they are told to, or fail. */
function held() {
  const commits: { batch: readonly number[]; end: (failure?: Error) => void }[] = [];
  const batches = new Batches<number>(
    (batch) =>
      new Promise((resolve, reject) => {
        commits.push({ batch, end: (failure) => (failure === undefined ? resolve() : reject(failure)) });
      }),
  );
  return { commits, batches };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("Batches", () => {
  it("commits together what is added in one turn, and then what came in the meantime", async () => {
    const { commits, batches } = held();
    const added = [batches.add(1), batches.add(2)];
    await turn();
    added.push(batches.add(3));
    await turn();
    added.push(batches.add(4));
    expect(commits.map(({ batch }) => batch)).toEqual([[1, 2]]);
    commits[0]?.end();
    await turn();
    expect(commits.map(({ batch }) => batch)).toEqual([[1, 2], [3, 4]]);
    commits[1]?.end();
    await Promise.all(added);
  });

  it("puts no more than a full batch into one commit", async () => {
    const { commits, batches } = held();
    for (let i = 0; i < BATCH_MAX + 2; i++) {
      void batches.add(i);
    }
    await turn();
    commits[0]?.end();
    await turn();
    expect(commits.map(({ batch }) => batch.length)).toEqual([BATCH_MAX, 2]);
  });

  it("ends once all that was added is committed", async () => {
    const { commits, batches } = held();
    await batches.end();
    void batches.add(1);
    let isEnded = false;
    const ended = batches.end().then(() => (isEnded = true));
    await turn();
    expect(isEnded).toBe(false);
    commits[0]?.end();
    await ended;
  });

  it("rejects the items of a batch that failed, and goes on", async () => {
    const { commits, batches } = held();
    const failed = expect(batches.add(1)).rejects.toThrow("full");
    await turn();
    const next = batches.add(2);
    commits[0]?.end(new Error("full"));
    await failed;
    await turn();
    commits[1]?.end();
    await next;
  });
});
