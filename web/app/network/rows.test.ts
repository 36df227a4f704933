import { expect, test } from "vitest";

import { peer, peers } from "../../ui/synthetic.ts";
import { Rows, belongs } from "./rows.ts";

const failed = (n: number) => peer(n, { state: "backoff", lastFailure: { peer: peer(n).id, stage: "ice", reason: "", at: 0 } });
const ids = (rows: readonly { readonly id: string }[]): readonly string[] => rows.map(({ id }) => id);

test("connected and discovered are different lists, and each peer is in one of them", () => {
  for (const one of peers(100)) expect(belongs(one, "connected")).not.toBe(belongs(one, "discovered"));
  expect(belongs(failed(1), "trouble")).toBe(true);
  expect(belongs(peer(1), "trouble")).toBe(false);
});

test("a filter and a part of an id narrow the rows", () => {
  const rows = new Rows();
  const all = peers(60);
  expect(rows.arrange(all, "connected", "", false).every(({ peer: one }) => one?.state === "connected")).toBe(true);
  const [some] = all;
  expect(ids(rows.arrange(all, "all", ` ${some?.id.slice(0, 10).toUpperCase() ?? ""} `, false))).toEqual([some?.id]);
});

test("while the table is held nothing moves: who is gone stays, who is new comes last", () => {
  const rows = new Rows();
  const [a, b] = [peer(1, { state: "connected" }), peer(2, { state: "connected" })];
  const first = ids(rows.arrange([a, b], "all", "", false));
  const newcomer = peer(3, { state: "connected" });
  const held = rows.arrange([{ ...a, state: "discovered" }, newcomer], "all", "", true);
  expect(ids(held)).toEqual([...first, newcomer.id]);
  expect(held.find(({ id }) => id === b.id)?.peer).toBeNull();
  expect(ids(rows.arrange([{ ...a, state: "discovered" }, newcomer], "all", "", false))).toEqual([newcomer.id, a.id]);
});

test("another filter is a person's wish and does not wait", () => {
  const rows = new Rows();
  rows.arrange(peers(20), "all", "", false);
  expect(rows.arrange(peers(20), "connected", "", true).every(({ peer: one }) => one?.state === "connected")).toBe(true);
});
