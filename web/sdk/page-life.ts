/** What the browser does to the page, told in the core's words. */

import type { PageState } from "./wasm.ts";

export interface PageLife {
  onState(state: PageState): void;
  /** The page goes, perhaps to come back. Nothing asynchronous will run any more. */
  onLeave(): void;
  /** The page was kept for going back, and is shown again. */
  onReturn(): void;
}

/** Listens until `signal` fires. */
export function watchPage(life: PageLife, signal: AbortSignal): void {
  const options = { signal };
  addEventListener("pagehide", () => life.onLeave(), options);
  addEventListener("pageshow", (event) => void (event.persisted && life.onReturn()), options);
  addEventListener("online", () => life.onState("resumed"), options);
  document.addEventListener("freeze", () => life.onState("frozen"), options);
  document.addEventListener("resume", () => life.onState("resumed"), options);
  document.addEventListener(
    "visibilitychange",
    () => life.onState(document.visibilityState === "visible" ? "visible" : "hidden"),
    options,
  );
}
