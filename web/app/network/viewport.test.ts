import { expect, test } from "vitest";

import { fit, nodeAt, nodeTowards, pan, reveal, toGraph, toScreen, zoom } from "./viewport.ts";

const SIZE = { width: 600, height: 400 };
const node = (id: string, x: number, y: number, radius = 10) => ({ id, x, y, radius });

test("what fits is all within the canvas, the middle in its middle, and not enlarged without end", () => {
  const nodes = [node("a", 0, 0), node("b", 900, 10), node("c", -100, -700)];
  const view = fit(nodes, SIZE);
  expect(toScreen(view, { x: 0, y: 0 })).toEqual({ x: 300, y: 200 });
  for (const one of nodes) {
    const { x, y } = toScreen(view, one);
    expect(x).toBeGreaterThan(0);
    expect(x).toBeLessThan(600);
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(400);
  }
  expect(fit([node("a", 0, 0)], SIZE).scale).toBeLessThan(2);
  expect(fit(nodes, { width: 0, height: 0 }).scale).toBeGreaterThan(0);
});

test("zooming leaves the point under the pointer where it is, and has an end", () => {
  const view = fit([node("a", 300, 0)], SIZE);
  const about = { x: 120, y: 80 };
  const before = toGraph(view, about);
  const zoomed = zoom(view, 1.5, about);
  expect(toGraph(zoomed, about).x).toBeCloseTo(before.x);
  expect(toGraph(zoomed, about).y).toBeCloseTo(before.y);
  expect(zoom(view, 1e9, about).scale).toBeLessThanOrEqual(4);
  expect(zoom(view, 1e-9, about).scale).toBeGreaterThan(0);
});

test("a pointer finds the nearest node, small ones from a little beside them, and else none", () => {
  const view = { x: 0, y: 0, scale: 1 };
  const nodes = [node("a", 100, 100), node("b", 115, 100), node("tiny", 300, 300, 1)];
  expect(nodeAt(nodes, view, { x: 106, y: 100 })?.id).toBe("a");
  expect(nodeAt(nodes, view, { x: 110, y: 100 })?.id).toBe("b");
  expect(nodeAt(nodes, view, { x: 309, y: 300 })?.id).toBe("tiny");
  expect(nodeAt(nodes, view, { x: 200, y: 200 })).toBeNull();
});

test("arrow keys lead to the nearest node on their side, and from the edge nowhere", () => {
  const middle = node("m", 0, 0);
  const nodes = [middle, node("near", 50, 5), node("far", 200, 0), node("up", 10, -80), node("left", -60, 30)];
  expect(nodeTowards(nodes, middle, "right")?.id).toBe("near");
  expect(nodeTowards(nodes, middle, "up")?.id).toBe("up");
  expect(nodeTowards(nodes, middle, "left")?.id).toBe("left");
  expect(nodeTowards(nodes, node("far", 200, 0), "right")).toBeNull();
});

test("a node out of sight is brought into it by the shortest way, one in sight moves nothing", () => {
  const view = { x: 0, y: 0, scale: 1 };
  expect(reveal(view, { x: 300, y: 200 }, SIZE)).toEqual(view);
  const moved = reveal(view, { x: 900, y: 200 }, SIZE);
  expect(toScreen(moved, { x: 900, y: 200 }).x).toBeLessThan(600);
  expect(moved.y).toBe(0);
  expect(pan(view, 3, -4)).toEqual({ x: 3, y: -4, scale: 1 });
});
