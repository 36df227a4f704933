/**
 * What is drawn of a swarm: its peers as nodes, the connections between them as edges. Pure: the same peers give the same
 * graph, in the same order, whatever came before.
 *
 * Lengths are in the units of the picture, which are pixels until somebody zooms.
 */

import type { PeerInfo, Role } from "../../sdk/index.ts";

/** `self` is this peer; the others are as far as their connection is. */
export type NodeKind = "self" | PeerInfo["state"];

/** How long a round trip takes, as people feel it. `unmeasured` until the first answer. */
export type Pace = "fast" | "fair" | "slow" | "unmeasured";

export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  /** The most that it says that it is; null for a leaf, and while nothing is known. */
  readonly role: Exclude<Role, "leaf"> | null;
  /** Whether its last attempt failed and nothing succeeded since. */
  readonly troubled: boolean;
  /** How far from the middle it belongs. */
  readonly distance: number;
  /** Where around the middle it belongs, in radians: by its id, so that it is in the same place on every visit. */
  readonly angle: number;
  /** Half of its side. */
  readonly radius: number;
  /** How much room it has around its middle. */
  readonly elbow: number;
}

export interface GraphEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** `open` carries frames; `attempt` is being made. */
  readonly state: "open" | "attempt";
  /** How frames go; null while they don't. */
  readonly path: PeerInfo["path"];
  readonly pace: Pace;
  readonly length: number;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** A connection between two others, as a peer told of it. */
export interface Between {
  readonly from: string;
  readonly to: string;
}

/** A round trip that nobody notices, and one that is felt in a conversation: ITU-T G.114 has 150 ms one way as the limit. */
const FAST_MS = 50;
const FAIR_MS = 150;

/** The shortest edge, and how much longer each doubling of the round trip makes it, beginning with `RTT_FLOOR_MS`. */
const LENGTH_MIN = 84;
const LENGTH_PER_DOUBLING = 14;
const RTT_FLOOR_MS = 2;

/** The longest: a round trip of 2 s. */
const LENGTH_MAX = LENGTH_MIN + LENGTH_PER_DOUBLING * 10;

/** An edge whose round trip is not measured. */
const LENGTH_UNMEASURED = LENGTH_MIN + LENGTH_PER_DOUBLING * 4;

/** Between the longest edge that there is and the peers without one. */
const OUTSIDE_GAP = 56;

/** So many peers have room around the middle at full size; with more of them all are smaller. */
const ROOMY_PEERS = 24;
const RADIUS_SELF = 22;
const RADIUS_MAX = 15;
const RADIUS_MIN = 8;

/** What all nodes depend on goes by steps, or each measurement would move all of them. */
const STRETCH_STEP = 0.25;
const OUTSIDE_STEP = 40;

/** How much of its surroundings a node needs, of its own radius; with few nodes, enough for the labels of both. */
const ELBOW_ROOM = 1.45;
const ELBOW_LABELLED = 34;

/** Returns the pace of a round trip. */
export function paceOf(rttMs: number | null): Pace {
  if (rttMs === null || !Number.isFinite(rttMs)) return "unmeasured";
  if (rttMs < FAST_MS) return "fast";
  return rttMs < FAIR_MS ? "fair" : "slow";
}

/** Returns the length of an edge: by the logarithm, since 5 ms and 50 ms differ as 50 ms and 500 ms do. */
export function lengthOf(rttMs: number | null): number {
  if (rttMs === null || !Number.isFinite(rttMs)) return LENGTH_UNMEASURED;
  const doublings = Math.log2(Math.max(rttMs, RTT_FLOOR_MS) / RTT_FLOOR_MS);
  return Math.min(LENGTH_MAX, LENGTH_MIN + LENGTH_PER_DOUBLING * doublings);
}

/** Returns an angle in radians that belongs to an id: its first 32 bits, as a part of the circle. */
export function angleOf(id: string): number {
  const bits = Number.parseInt(id.slice(0, 8), 16);
  return Number.isNaN(bits) ? 0 : (bits / 2 ** 32) * 2 * Math.PI;
}

/**
 * Returns the graph of a swarm as one peer sees it.
 *
 * `between` are connections of others with others. Whoever is named in them and not among `peers` is left out: what is not
 * known cannot be shown, and one peer's gossip must not fill the picture.
 */
export function graphOf(own: string, peers: readonly PeerInfo[], between: readonly Between[] = [], ownRoles: readonly Role[] = []): Graph {
  const others = [...new Map(peers.filter(({ id }) => id !== own).map((peer) => [peer.id, peer])).values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const radius = radiusFor(others.length);
  const linked = others.filter(isLinked);
  // Around the middle there is room for so many; with more, all edges are longer.
  const crowding = Math.sqrt((linked.length * (radius * 2 * ELBOW_ROOM) ** 2) / (Math.PI * LENGTH_UNMEASURED ** 2));
  const stretch = Math.max(1, roundUp(crowding, STRETCH_STEP));
  const edges = linked.map((peer) => edgeTo(own, peer, stretch));
  const outside = roundUp(edges.reduce((longest, { length }) => Math.max(longest, length), LENGTH_UNMEASURED), OUTSIDE_STEP) + OUTSIDE_GAP;
  const lengths = new Map(edges.map(({ to, length }) => [to, length]));
  const elbow = others.length <= ROOMY_PEERS ? ELBOW_LABELLED : radius * ELBOW_ROOM;
  const nodes = others.map((peer) => nodeOf(peer, lengths.get(peer.id) ?? outside, radius, elbow));
  const known = new Set<string>(others.map(({ id }) => id));
  return {
    nodes: [{ id: own, kind: "self", role: roleOf(ownRoles), troubled: false, distance: 0, angle: 0, radius: RADIUS_SELF, elbow: RADIUS_SELF * ELBOW_ROOM }, ...nodes],
    edges: [...edges, ...betweenOthers(between, known)],
  };
}

/** The parts of a graph that decide where its nodes are: equal shapes need no new layout. */
export function sameShape(a: Graph, b: Graph): boolean {
  return (
    a.nodes.length === b.nodes.length &&
    a.edges.length === b.edges.length &&
    a.nodes.every((node, index) => {
      const other = b.nodes[index];
      return node.id === other?.id && node.radius === other.radius && Math.abs(node.distance - other.distance) < DISTANCE_STEP;
    }) &&
    a.edges.every((edge, index) => edge.id === b.edges[index]?.id)
  );
}

/** Whether two graphs of the same shape are drawn alike. */
export function sameLooks(a: Graph, b: Graph): boolean {
  return (
    sameShape(a, b) &&
    a.nodes.every((node, index) => node.kind === b.nodes[index]?.kind && node.role === b.nodes[index].role && node.troubled === b.nodes[index].troubled) &&
    a.edges.every(({ state, path, pace }, index) => state === b.edges[index]?.state && path === b.edges[index].path && pace === b.edges[index].pace)
  );
}

/** A round trip wavers; a node moves when its distance changed by so much. A quarter more or less. */
export const DISTANCE_STEP = 8;

function nodeOf(peer: PeerInfo, distance: number, radius: number, elbow: number): GraphNode {
  return { id: peer.id, kind: peer.state, role: roleOf(peer.roles), troubled: peer.lastFailure !== null, distance, angle: angleOf(peer.id), radius, elbow };
}

/** A supernode is a relay too, and may be a seed. */
function roleOf(roles: readonly Role[]): GraphNode["role"] {
  const order = ["supernode", "relay", "seed"] as const;
  return order.find((role) => roles.includes(role)) ?? null;
}

function edgeTo(own: string, peer: PeerInfo, stretch: number): GraphEdge {
  const open = peer.state === "connected";
  return {
    id: edgeId(own, peer.id),
    from: own,
    to: peer.id,
    state: open ? "open" : "attempt",
    path: peer.path,
    pace: open ? paceOf(peer.rttMs) : "unmeasured",
    length: lengthOf(open ? peer.rttMs : null) * stretch,
  };
}

function betweenOthers(between: readonly Between[], known: ReadonlySet<string>): readonly GraphEdge[] {
  const edges = new Map<string, GraphEdge>();
  for (const { from, to } of between) {
    if (from === to || !known.has(from) || !known.has(to)) continue;
    const id = edgeId(from, to);
    edges.set(id, { id, from, to, state: "open", path: null, pace: "unmeasured", length: LENGTH_UNMEASURED });
  }
  return [...edges.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A connection is the same from both of its ends. */
function edgeId(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function isLinked({ state }: PeerInfo): boolean {
  return state === "connected" || state === "connecting";
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** By steps, so that one peer more does not change the size of all. */
function radiusFor(peers: number): number {
  if (peers <= ROOMY_PEERS) return RADIUS_MAX;
  const halvings = Math.ceil(Math.log2(peers / ROOMY_PEERS));
  return Math.max(RADIUS_MIN, RADIUS_MAX - 2 * halvings);
}
