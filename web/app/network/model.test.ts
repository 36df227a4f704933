import { describe, expect, test } from "vitest";

import { DISTANCE_STEP, graphOf, lengthOf, paceOf, sameLooks, sameShape } from "./model.ts";
import type { PeerInfo } from "../../sdk/index.ts";
import { OWN, peer, peers } from "../../ui/synthetic.ts";

function waver(one: PeerInfo): PeerInfo {
  return { ...one, rttMs: one.rttMs === null ? null : one.rttMs * 1.1, bytesIn: one.bytesIn + 5 };
}

describe("a graph", () => {
  test("without peers is this peer alone", () => {
    const graph = graphOf(OWN, []);
    expect(graph.nodes).toMatchObject([{ id: OWN, kind: "self", distance: 0 }]);
    expect(graph.edges).toEqual([]);
  });

  test("has an edge for each connection and each attempt, and none for who is only known", () => {
    const [up, trying, waiting, seen] = [peer(1, { state: "connected", path: "direct", rttMs: 20 }), peer(2, { state: "connecting" }), peer(3, { state: "backoff" }), peer(4)];
    const graph = graphOf(OWN, [up, trying, waiting, seen]);
    expect(graph.nodes.map(({ kind }) => kind).sort()).toEqual(["backoff", "connected", "connecting", "discovered", "self"]);
    const edges = new Map(graph.edges.map((edge) => [edge.to, edge]));
    expect(edges.size).toBe(2);
    expect(edges.get(up.id)).toMatchObject({ from: OWN, state: "open", path: "direct", pace: "fast" });
    expect(edges.get(trying.id)).toMatchObject({ from: OWN, state: "attempt", path: null, pace: "unmeasured" });
  });

  test("is the same whatever order the peers come in, and counts nobody twice, ourselves never", () => {
    const all = peers(40);
    expect(graphOf(OWN, [...all].reverse())).toEqual(graphOf(OWN, all));
    expect(graphOf(OWN, [...all, ...all, peer(1, { id: OWN })])).toEqual(graphOf(OWN, all));
  });

  test("shows of each the most that it says it is, and of this peer what it is", () => {
    const roles = [[], ["leaf"], ["seed"], ["seed", "relay"], ["seed", "relay", "supernode"]] as const;
    const all = roles.map((some, n) => peer(n + 1, { roles: some }));
    const { nodes } = graphOf(OWN, all, [], ["relay"]);
    const shown = new Map(nodes.map(({ id, role }) => [id, role]));
    expect(all.map(({ id }) => shown.get(id))).toEqual([null, null, "seed", "relay", "supernode"]);
    expect(shown.get(OWN)).toBe("relay");
    const other = graphOf(OWN, all.map((one) => ({ ...one, roles: [] })));
    expect([sameShape(graphOf(OWN, all), other), sameLooks(graphOf(OWN, all), other)]).toEqual([true, false]);
  });

  test("shows who failed", () => {
    const failed = peer(1, { state: "connecting", lastFailure: { peer: peer(1).id, stage: "ice", reason: "no path", at: 0 } });
    expect(graphOf(OWN, [failed]).nodes[1]).toMatchObject({ kind: "connecting", troubled: true });
  });

  test("puts those without a connection outside of all that have one", () => {
    const all = peers(120);
    const { nodes } = graphOf(OWN, all);
    const linked = nodes.filter(({ kind }) => kind === "connected" || kind === "connecting").map(({ distance }) => distance);
    const others = nodes.filter(({ kind }) => kind === "discovered" || kind === "backoff").map(({ distance }) => distance);
    expect(Math.min(...others)).toBeGreaterThan(Math.max(...linked));
    expect(new Set(others).size).toBe(1);
  });

  test("takes connections between others, once each, between peers that are known", () => {
    const [a, b] = [peer(1), peer(2)];
    const stranger = peer(3);
    const { edges, nodes } = graphOf(OWN, [a, b], [{ from: a.id, to: b.id }, { from: b.id, to: a.id }, { from: a.id, to: stranger.id }, { from: a.id, to: a.id }]);
    expect(edges).toHaveLength(1);
    expect(edges[0]).toMatchObject({ state: "open", path: null, pace: "unmeasured" });
    expect(nodes).toHaveLength(3);
  });

  test("has smaller nodes when there are many", () => {
    const radius = (count: number): number => graphOf(OWN, peers(count)).nodes[1]?.radius ?? 0;
    expect(radius(2)).toBe(radius(20));
    expect(radius(500)).toBeLessThan(radius(20));
    expect(radius(5000)).toBeGreaterThanOrEqual(8);
  });
});

describe("a round trip", () => {
  test.each([[null, "unmeasured"], [Number.NaN, "unmeasured"], [0, "fast"], [49, "fast"], [50, "fair"], [149, "fair"], [150, "slow"], [5000, "slow"]] as const)(
    "of %s ms is %s",
    (ms, pace) => expect(paceOf(ms)).toBe(pace),
  );

  test("that is longer makes an edge that is longer, within bounds", () => {
    const lengths = [0, 1, 5, 20, 80, 320, 1280, 100_000].map(lengthOf);
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect(lengths.at(-1)).toBeLessThanOrEqual((lengths[0] ?? 0) * 3);
    expect(lengthOf(null)).toBeGreaterThan(lengths[0] ?? 0);
  });
});

test("a graph is drawn anew when a state, a path, a pace or a failure is another, not when a number wavers", () => {
  const one = peer(1, { state: "connected", path: "direct", rttMs: 20 });
  const looks = (as: Partial<typeof one>) => sameLooks(graphOf(OWN, [one]), graphOf(OWN, [{ ...one, ...as }]));
  expect(looks({ rttMs: 21, bytesIn: 9, contents: 3 })).toBe(true);
  expect(looks({ rttMs: 60 })).toBe(false);
  expect(looks({ path: null })).toBe(false);
  expect(looks({ state: "connecting" })).toBe(false);
  expect(looks({ lastFailure: { peer: one.id, stage: "ice", reason: "", at: 0 } })).toBe(false);
});

describe("the shape of a graph", () => {
  const graph = graphOf(OWN, peers(30));
  test("is the same while only numbers waver", () => {
    const wavering = peers(30).map(waver);
    expect(sameShape(graph, graphOf(OWN, wavering))).toBe(true);
  });
  test("is another when somebody comes, goes, connects, or is much slower", () => {
    const [first, ...rest] = peers(30);
    if (first === undefined) throw new Error("there are 30");
    expect(sameShape(graph, graphOf(OWN, rest))).toBe(false);
    expect(sameShape(graph, graphOf(OWN, [...peers(30), peer(99)]))).toBe(false);
    const connected = (rttMs: number) => graphOf(OWN, [peer(1, { state: "connected", rttMs })]);
    expect(sameShape(connected(10), connected(12))).toBe(true);
    expect(sameShape(connected(10), connected(200))).toBe(false);
    expect(lengthOf(200) - lengthOf(10)).toBeGreaterThan(DISTANCE_STEP);
  });
});
