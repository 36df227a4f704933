import { expect, test } from "vitest";
import { ListOrder } from "./order.ts";

function listOf(...keys: string[]): ListOrder {
  const order = new ListOrder();
  for (const key of keys.reverse()) order.add(key, false);
  return order;
}

test("the newest is at the top", () => expect(listOf("b", "a").keys).toEqual(["b", "a"]));

test("a held list does not move, and letting go applies what waited", () => {
  const order = listOf("b", "a");
  order.hold(true);
  order.add("c", false);
  expect(order.remove("a", false)).toBe(false);
  expect(order.keys).toEqual(["b", "a"]);
  expect(order.waiting).toBe(1);
  expect(order.isGone("a")).toBe(true);
  expect(order.hold(false)).toBe(true);
  expect(order.keys).toEqual(["c", "b"]);
  expect(order.hold(false)).toBe(false);
});

test("what a person does shows at once", () => {
  const order = listOf("b", "a");
  order.hold(true);
  order.add("c", true);
  expect(order.remove("a", true)).toBe(true);
  expect(order.keys).toEqual(["c", "b"]);
});

test("what comes back while it is held keeps its place", () => {
  const order = listOf("b", "a");
  order.hold(true);
  order.remove("b", false);
  order.add("b", false);
  order.hold(false);
  expect(order.keys).toEqual(["b", "a"]);
});

test("what came and went while it was held was never there", () => {
  const order = listOf("a");
  order.hold(true);
  order.add("b", false);
  expect(order.remove("b", false)).toBe(true);
  order.hold(false);
  expect(order.keys).toEqual(["a"]);
});
