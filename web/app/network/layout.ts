/**
 * Where the nodes of a graph are: forces of d3-force, run until they are settled.
 *
 * Whoever looks at the picture must find everything where it was. So a node begins where its id and its round trip put it;
 * when a few peers change, only these move; and while the layout is held, nothing does.
 */

import { forceCollide, forceLink, forceManyBody, forceRadial, forceSimulation } from "d3-force";
import type { ForceLink, Simulation, SimulationLinkDatum, SimulationNodeDatum } from "d3-force";
import { DISTANCE_STEP, sameShape } from "./model.ts";
import type { Graph, GraphNode } from "./model.ts";
import type { Placed, Point } from "./viewport.ts";

/** How fast the forces cool: settled after some 80 steps. d3's own 300 are for graphs that nobody has placed before. */
const ALPHA_DECAY = 0.08;
const ALPHA_MIN = 0.002;

/** How warm the forces begin when few nodes changed. */
const ALPHA_FEW = 0.5;

/** When more than this share of the nodes is new or belongs elsewhere, all may move. */
const MANY_SHARE = 0.3;

/** How far apart connected peers push each other; beyond `REACH` not at all, so that the cost stays with the neighbours. */
const CHARGE = -60;
const REACH = 160;

/** Places around the wanted one that are tried for a newcomer, on a spiral, and how much farther the next is. */
const PLACES_TRIED = 400;
const SPIRAL_STEP = 3;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

interface Body extends SimulationNodeDatum, Placed {
  x: number;
  y: number;
  radius: number;
  elbow: number;
  distance: number;
  angle: number;
  linked: boolean;
  /** Not yet where it belongs. */
  moving: boolean;
}

interface Spring extends SimulationLinkDatum<Body> {
  length: number;
}

export class Layout {
  readonly #bodies = new Map<string, Body>();
  readonly #simulation: Simulation<Body, Spring>;
  readonly #springs: ForceLink<Body, Spring>;
  #graph: Graph = { nodes: [], edges: [] };
  #held = false;
  #waiting: Graph | null = null;

  constructor() {
    this.#springs = forceLink<Body, Spring>([]).id(({ id }) => id).distance(({ length }) => length).strength(0.9);
    this.#simulation = forceSimulation<Body>([])
      .alphaDecay(ALPHA_DECAY)
      .alphaMin(ALPHA_MIN)
      .velocityDecay(0.45)
      .force("springs", this.#springs)
      .force("rings", forceRadial<Body>(({ distance }) => distance).strength(({ linked }) => (linked ? 0.3 : 0.6)))
      .force("charge", forceManyBody<Body>().strength(({ linked }) => (linked ? CHARGE : 0)).distanceMax(REACH))
      .force("collide", forceCollide<Body>(({ elbow }) => elbow).iterations(2))
      // It is stepped by whoever draws, never by a timer of its own.
      .stop();
  }

  /** All nodes, where they are now. */
  get places(): readonly Placed[] {
    return this.#simulation.nodes();
  }

  place(id: string): Placed | null {
    return this.#bodies.get(id) ?? null;
  }

  get settled(): boolean {
    return this.#held || this.#simulation.alpha() < ALPHA_MIN;
  }

  /** While somebody points at the picture: who is new appears, who is gone goes, and nobody else moves. */
  hold(held: boolean): void {
    if (this.#held === held) return;
    this.#held = held;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (!held && waiting !== null) this.#settle(waiting);
  }

  /** Takes the graph as it is now. */
  update(graph: Graph): void {
    if (this.#waiting === null && sameShape(this.#graph, graph)) return;
    if (!this.#held) return this.#settle(graph);
    this.#waiting = graph;
    this.#place(graph, false, () => true);
  }

  /** Lays everything out anew. */
  arrange(): void {
    const graph = this.#waiting ?? this.#graph;
    this.#waiting = null;
    this.#bodies.clear();
    this.#graph = { nodes: [], edges: [] };
    this.#settle(graph);
  }

  /** Steps until settled or `untilMs` on the clock of `performance.now`; returns whether anything may have moved. */
  step(untilMs: number): boolean {
    if (this.settled) return false;
    do this.#simulation.tick();
    while (!this.settled && performance.now() < untilMs);
    if (this.settled) for (const body of this.#bodies.values()) body.moving = false;
    return true;
  }

  #settle(graph: Graph): void {
    this.#graph = graph;
    const moving = graph.nodes.filter((node) => node.kind !== "self" && isOutOfPlace(this.#bodies.get(node.id), node)).length;
    const many = moving > graph.nodes.length * MANY_SHARE;
    this.#place(graph, many, (node) => node.kind === "self" || (!many && !isOutOfPlace(this.#bodies.get(node.id), node)));
    if (moving > 0) this.#simulation.alpha(Math.max(many ? 1 : ALPHA_FEW, this.#simulation.alpha()));
  }

  /** Makes the bodies those of `graph`. The pinned stay where they are; `many`: the forces are to find a place for all. */
  #place(graph: Graph, many: boolean, pinned: (node: GraphNode) => boolean): void {
    const linked = new Set(graph.edges.flatMap(({ from, to }) => [from, to]));
    const ids = new Set(graph.nodes.map(({ id }) => id));
    for (const id of this.#bodies.keys()) if (!ids.has(id)) this.#bodies.delete(id);
    const bodies = graph.nodes.map((node) => this.#body(node, linked.has(node.id), many, pinned(node)));
    this.#simulation.nodes(bodies);
    this.#springs.links(graph.edges.map(({ from, to, length }) => ({ source: from, target: to, length })) as Spring[]);
  }

  /** Returns the free place that is nearest to where a node belongs. */
  #freePlace(node: GraphNode): Point {
    const others = [...this.#bodies.values()];
    for (let turn = 0; turn < PLACES_TRIED; turn += 1) {
      const at = spiral(node, turn);
      if (others.every(({ x, y, elbow }) => Math.hypot(x - at.x, y - at.y) >= elbow + node.elbow)) return at;
    }
    return spiral(node, 0);
  }

  #body(node: GraphNode, linked: boolean, many: boolean, pinned: boolean): Body {
    const { id, radius, elbow, distance, angle } = node;
    let body = this.#bodies.get(id);
    if (body === undefined) {
      // Among others that stay, a newcomer stays too where there is room for it.
      body = { id, radius, elbow, distance, angle, linked, moving: many, ...(many ? spiral(node, 0) : this.#freePlace(node)) };
      this.#bodies.set(id, body);
    } else if (!this.#held) {
      const moving = isOutOfPlace(body, node);
      Object.assign(body, { radius, elbow, distance, linked, moving, vx: 0, vy: 0 });
    }
    [body.fx, body.fy] = pinned || !body.moving ? [body.x, body.y] : [null, null];
    return body;
  }
}

/** Forces alone would leave a newcomer on top of others that may not move. */
function spiral(node: GraphNode, turn: number): Point {
  const away = SPIRAL_STEP * Math.sqrt(turn) * 2;
  return {
    x: Math.cos(node.angle) * node.distance + Math.cos(turn * GOLDEN_ANGLE) * away,
    y: Math.sin(node.angle) * node.distance + Math.sin(turn * GOLDEN_ANGLE) * away,
  };
}

function isOutOfPlace(body: Body | undefined, node: GraphNode): boolean {
  return body === undefined || body.moving || Math.abs(body.distance - node.distance) >= DISTANCE_STEP || body.radius !== node.radius;
}
