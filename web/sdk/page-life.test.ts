import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { watchPage } from "./page-life.ts";
import type { PageState } from "./wasm.ts";

class Page extends EventTarget {
  visibilityState = "visible";
}

let [window, document, connection] = [new EventTarget(), new Page(), new EventTarget()];

beforeEach(() => {
  [window, document, connection] = [new EventTarget(), new Page(), new EventTarget()];
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("document", document);
  vi.stubGlobal("navigator", { connection });
});

afterEach(() => void vi.unstubAllGlobals());

function watched(): { readonly states: PageState[]; readonly over: AbortController } {
  const states: PageState[] = [];
  const over = new AbortController();
  const none = (): void => {};
  watchPage({ onState: (state) => void states.push(state), onLeave: none, onReturn: none }, over.signal);
  return { states, over };
}

test("whatever may mean another network or a long sleep has the peers asked whether they are there", () => {
  const { states, over } = watched();
  window.dispatchEvent(new Event("online"));
  document.dispatchEvent(new Event("freeze"));
  document.dispatchEvent(new Event("resume"));
  connection.dispatchEvent(new Event("change"));
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(states).toEqual(["resumed", "frozen", "resumed", "visible", "hidden"]);
  over.abort();
  connection.dispatchEvent(new Event("change"));
  window.dispatchEvent(new Event("online"));
  expect(states.length).toBe(5);
});

test("browsers that say nothing about the network are listened to as well", () => {
  vi.stubGlobal("navigator", {});
  const { states } = watched();
  window.dispatchEvent(new Event("online"));
  expect(states).toEqual(["resumed"]);
});
