/** Draws a graph on a canvas. Knows nothing of peers, events or time: the same scene gives the same picture. */

import { shortId } from "../../ui/format.ts";
import { THREADS, weave } from "../../ui/weave.ts";
import type { Graph, GraphEdge, GraphNode, Pace } from "./model.ts";
import { toScreen } from "./viewport.ts";
import type { Placed, Point, Size, Viewport } from "./viewport.ts";

/** The colours, as the canvas takes them; from the tokens of the component. */
export interface Palette {
  readonly page: string;
  readonly surface: string;
  readonly text: string;
  readonly soft: string;
  readonly edge: string;
  readonly accent: string;
  readonly warn: string;
  readonly danger: string;
  readonly font: string;
}

export interface Scene {
  readonly graph: Graph;
  readonly place: (id: string) => Placed | null;
  readonly view: Viewport;
  readonly size: Size;
  /** Device pixels for each pixel of the page. */
  readonly density: number;
  readonly palette: Palette;
  readonly selected: string | null;
  readonly hovered: string | null;
}

/** With so many nodes all have room for their id beside them. */
const LABELS_MAX = 30;

/** A node that is drawn so large has room for its id among any number. In pixels. */
const LABEL_RADIUS_PX = 15;

/** Most avatars kept as pictures; the oldest go first. 1,000 × 16 KiB on a dense screen. */
const PICTURES_MAX = 1000;

/** The side of a kept picture in device pixels: twice the largest node on a dense screen. */
const PICTURE_PX = 64;

const FULL_TURN = 2 * Math.PI;

/** Line patterns, so that a path and an attempt are told apart without colour. */
const RELAYED_DASH = [7, 5];
const ATTEMPT_DASH = [2, 4];

export const PACE_WIDTHS: Record<Pace, number> = { fast: 3, fair: 2, slow: 1.5, unmeasured: 1.5 };

/** Returns the colour of a pace. */
export function paceColour(palette: Palette, pace: Pace): string {
  return { fast: palette.accent, fair: palette.warn, slow: palette.danger, unmeasured: palette.edge }[pace];
}

export class Painter {
  readonly #pictures = new Map<string, HTMLCanvasElement>();

  paint(context: CanvasRenderingContext2D, scene: Scene): void {
    const { size, density } = scene;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    context.lineCap = "round";
    for (const edge of scene.graph.edges) paintEdge(context, scene, edge);
    context.setLineDash([]);
    for (const node of scene.graph.nodes) this.#paintNode(context, scene, node);
    const labelled = scene.graph.nodes.length <= LABELS_MAX;
    for (const node of scene.graph.nodes) paintLabel(context, scene, node, labelled);
  }

  #paintNode(context: CanvasRenderingContext2D, scene: Scene, node: GraphNode): void {
    const placed = scene.place(node.id);
    if (placed === null) return;
    const at = toScreen(scene.view, placed);
    const half = Math.max(3, node.radius * scene.view.scale);
    if (isOutside(at, half + 4, scene.size)) return;
    const { palette } = scene;
    // Whoever is only heard of is paler than who is connected.
    context.globalAlpha = node.kind === "discovered" || node.kind === "backoff" ? 0.6 : 1;
    context.drawImage(this.#picture(node.id), at.x - half, at.y - half, half * 2, half * 2);
    context.globalAlpha = 1;
    paintFrame(context, palette, node, at, half);
    if (node.id === scene.hovered) outline(context, at, half + 4, palette.soft, 1.5);
    if (node.id === scene.selected) outline(context, at, half + 5, palette.text, 2.5);
    if (node.role !== null) paintRole(context, palette, node.role, at, half);
    if (node.troubled && node.kind !== "connected") paintTrouble(context, palette, at, half);
  }

  /** A picture is woven once: sixteen rectangles for each of 500 nodes in each frame would be felt. */
  #picture(id: string): HTMLCanvasElement {
    const kept = this.#pictures.get(id);
    if (kept !== undefined) return kept;
    const picture = document.createElement("canvas");
    picture.width = PICTURE_PX;
    picture.height = PICTURE_PX;
    const context = picture.getContext("2d");
    if (context !== null) paintCloth(context, id);
    this.#pictures.set(id, picture);
    const oldest = this.#pictures.keys().next();
    if (this.#pictures.size > PICTURES_MAX && oldest.done !== true) this.#pictures.delete(oldest.value);
    return picture;
  }
}

function paintCloth(context: CanvasRenderingContext2D, id: string): void {
  const cloth = weave(id);
  const cell = PICTURE_PX / THREADS;
  const gap = cell / 10;
  context.beginPath();
  context.roundRect(0, 0, PICTURE_PX, PICTURE_PX, PICTURE_PX / 4);
  context.clip();
  context.fillStyle = cloth.ground;
  context.fillRect(0, 0, PICTURE_PX, PICTURE_PX);
  for (const [index, upright] of cloth.upright.entries()) {
    const x = (index % THREADS) * cell;
    const y = Math.floor(index / THREADS) * cell;
    context.fillStyle = upright ? cloth.warp : cloth.weft;
    if (upright) context.fillRect(x + gap, y, cell - 2 * gap, cell);
    else context.fillRect(x, y + gap, cell, cell - 2 * gap);
  }
}

function paintEdge(context: CanvasRenderingContext2D, scene: Scene, edge: GraphEdge): void {
  const [from, to] = [scene.place(edge.from), scene.place(edge.to)];
  if (from === null || to === null) return;
  const [start, end] = [toScreen(scene.view, from), toScreen(scene.view, to)];
  context.setLineDash(edge.state === "attempt" ? ATTEMPT_DASH : edge.path === "direct" || edge.path === null ? [] : RELAYED_DASH);
  const touched = [edge.from, edge.to].some((id) => id === scene.selected || id === scene.hovered);
  context.lineWidth = (PACE_WIDTHS[edge.pace] + (touched ? 1 : 0)) * Math.max(0.6, Math.min(1, scene.view.scale));
  context.strokeStyle = paceColour(scene.palette, edge.pace);
  context.beginPath();
  context.moveTo(start.x, start.y);
  context.lineTo(end.x, end.y);
  context.stroke();
}

/** The frame tells the state: closed and strong, dashed, or thin. */
function paintFrame(context: CanvasRenderingContext2D, palette: Palette, node: GraphNode, at: Point, half: number): void {
  switch (node.kind) {
    case "self":
      return outline(context, at, half + 2, palette.text, 2);
    case "connected":
      return outline(context, at, half + 1, palette.accent, 2);
    case "connecting":
      context.setLineDash(ATTEMPT_DASH);
      outline(context, at, half + 1.5, palette.text, 1.5);
      return context.setLineDash([]);
    case "backoff":
      return outline(context, at, half + 1, palette.warn, 1.5);
    case "discovered":
      return outline(context, at, half + 0.5, palette.edge, 1);
  }
}

function outline(context: CanvasRenderingContext2D, at: Point, half: number, colour: string, width: number): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.roundRect(at.x - half, at.y - half, half * 2, half * 2, half / 2);
  context.stroke();
}

/** How many corners the mark of a role has: a round one, a diamond, a triangle. */
export const ROLE_CORNERS: Record<NonNullable<GraphNode["role"]>, number> = { seed: 32, relay: 4, supernode: 3 };

/** A mark at the lower corner, told apart by its shape. */
function paintRole(context: CanvasRenderingContext2D, palette: Palette, role: NonNullable<GraphNode["role"]>, at: Point, half: number): void {
  const radius = Math.max(4, Math.min(8, half * 0.55));
  const corners = ROLE_CORNERS[role];
  context.beginPath();
  for (let corner = 0; corner < corners; corner += 1) {
    const angle = (corner / corners) * FULL_TURN - FULL_TURN / 4;
    context.lineTo(at.x + half + radius * Math.cos(angle), at.y + half + radius * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = palette.accent;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = palette.surface;
  context.stroke();
}

/** An exclamation mark at the corner. */
function paintTrouble(context: CanvasRenderingContext2D, palette: Palette, at: Point, half: number): void {
  const radius = Math.max(4, Math.min(8, half * 0.55));
  const [x, y] = [at.x + half, at.y - half];
  context.fillStyle = palette.warn;
  context.beginPath();
  context.arc(x, y, radius, 0, FULL_TURN);
  context.fill();
  context.fillStyle = palette.surface;
  context.fillRect(x - radius * 0.14, y - radius * 0.6, radius * 0.28, radius * 0.7);
  context.fillRect(x - radius * 0.14, y + radius * 0.3, radius * 0.28, radius * 0.28);
}

function paintLabel(context: CanvasRenderingContext2D, scene: Scene, node: GraphNode, labelled: boolean): void {
  const placed = scene.place(node.id);
  const half = node.radius * scene.view.scale;
  const marked = node.id === scene.selected || node.id === scene.hovered;
  if (placed === null || !(labelled || marked || node.kind === "self" || half >= LABEL_RADIUS_PX)) return;
  const at = toScreen(scene.view, placed);
  if (isOutside(at, 60, scene.size)) return;
  const text = node.kind === "self" ? "You" : shortId(node.id);
  context.font = `${marked || node.kind === "self" ? 600 : 400} 12px ${scene.palette.font}`;
  context.textAlign = "center";
  context.textBaseline = "top";
  const y = at.y + half + (node.id === scene.selected ? 10 : 6);
  // A halo of the ground, so that lines do not run through the letters.
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeStyle = scene.palette.surface;
  context.strokeText(text, at.x, y);
  context.fillStyle = marked || node.kind === "self" ? scene.palette.text : scene.palette.soft;
  context.fillText(text, at.x, y);
}

function isOutside({ x, y }: Point, reach: number, { width, height }: Size): boolean {
  return x < -reach || y < -reach || x > width + reach || y > height + reach;
}
