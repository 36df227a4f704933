/** Which part of the picture is seen: pure arithmetic between the units of the graph and the pixels of the canvas. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A point `p` of the graph is at `p * scale + (x, y)` on the canvas. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A node, as far as finding and framing it goes. */
export interface Placed extends Point {
  readonly id: string;
  readonly radius: number;
}

const SCALE_MIN = 0.1;
const SCALE_MAX = 4;

/** Two peers at full size and not larger, however much room there is. */
const FIT_SCALE_MAX = 1.4;

/** Around all nodes, for their labels. In pixels. */
const FIT_MARGIN_PX = 32;

/** The least distance at which a pointer hits a node, in pixels: half of the 24 px of WCAG 2.5.8. */
const REACH_PX = 12;

/** Off the direction of an arrow key a node counts as so much farther. */
const SIDEWAYS_WEIGHT = 2.5;

export function toScreen(view: Viewport, point: Point): Point {
  return { x: point.x * view.scale + view.x, y: point.y * view.scale + view.y };
}

export function toGraph(view: Viewport, point: Point): Point {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

/** Returns the viewport that shows all nodes, with the graph's middle in the middle of the canvas. */
export function fit(nodes: readonly Placed[], size: Size): Viewport {
  // The middle stays in the middle: it is what all distances are read from.
  const reach = { x: 1, y: 1 };
  for (const { x, y, radius } of nodes) {
    reach.x = Math.max(reach.x, Math.abs(x) + radius);
    reach.y = Math.max(reach.y, Math.abs(y) + radius);
  }
  const across = (size.width / 2 - FIT_MARGIN_PX) / reach.x;
  const down = (size.height / 2 - FIT_MARGIN_PX) / reach.y;
  return { x: size.width / 2, y: size.height / 2, scale: clamp(Math.min(across, down), SCALE_MIN, FIT_SCALE_MAX) };
}

/** Returns the viewport zoomed by `factor` about a point of the canvas, which stays where it is. */
export function zoom(view: Viewport, factor: number, about: Point): Viewport {
  const scale = clamp(view.scale * factor, SCALE_MIN, SCALE_MAX);
  const fixed = toGraph(view, about);
  return { scale, x: about.x - fixed.x * scale, y: about.y - fixed.y * scale };
}

export function pan(view: Viewport, dx: number, dy: number): Viewport {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

/** Moves the viewport by as little as shows a point of the graph, away from the edges. */
export function reveal(view: Viewport, point: Point, size: Size): Viewport {
  const { x, y } = toScreen(view, point);
  const into = (at: number, end: number): number => clamp(at, FIT_MARGIN_PX, Math.max(FIT_MARGIN_PX, end - FIT_MARGIN_PX)) - at;
  return pan(view, into(x, size.width), into(y, size.height));
}

/** Returns the node at a point of the canvas, the nearest if there are several. */
export function nodeAt<N extends Placed>(nodes: readonly N[], view: Viewport, at: Point): N | null {
  let best: N | null = null;
  let bestPx = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const { x, y } = toScreen(view, node);
    const px = Math.hypot(x - at.x, y - at.y);
    if (px <= Math.max(REACH_PX, node.radius * view.scale) && px < bestPx) [best, bestPx] = [node, px];
  }
  return best;
}

export type Direction = "up" | "down" | "left" | "right";

/** Returns the node that an arrow key leads to: near and in that direction. */
export function nodeTowards<N extends Placed>(nodes: readonly N[], from: Placed, direction: Direction): N | null {
  let best: N | null = null;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    if (node.id === from.id) continue;
    const [dx, dy] = [node.x - from.x, node.y - from.y];
    const [ahead, aside] = { up: [-dy, dx], down: [dy, dx], left: [-dx, dy], right: [dx, dy] }[direction] as [number, number];
    // Within 60 degrees to either side, so that four keys lead everywhere.
    if (ahead <= 0 || Math.abs(aside) > ahead * 1.74) continue;
    const cost = ahead + Math.abs(aside) * SIDEWAYS_WEIGHT;
    if (cost < bestCost) [best, bestCost] = [node, cost];
  }
  return best;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
