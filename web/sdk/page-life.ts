/** What the browser does to the page, told in the core's words. */

import { watchEconomy } from "./economy.ts";
import type { PageState } from "./wasm.ts";

export interface PageLife {
  onState(state: PageState): void;
  /** The page goes, perhaps to come back. Nothing asynchronous will run any more. */
  onLeave(): void;
  /** The page was kept for going back, and is shown again. */
  onReturn(): void;
}

/** What Chromium tells of the network; not in TypeScript's library, since no other engine does. */
type NavigatorWithConnection = Navigator & { readonly connection?: EventTarget };

/** Listens until `signal` fires. */
export function watchPage(life: PageLife, signal: AbortSignal): void {
  const options = { signal };
  addEventListener("pagehide", () => life.onLeave(), options);
  addEventListener("pageshow", (event) => void (event.persisted && life.onReturn()), options);
  addEventListener("online", () => life.onState("resumed"), options);
  // Perhaps Wi-Fi turned into mobile without an `online`; mostly it is a new estimate of what the network carries. Like
  // being shown again it comes to one ping to each peer.
  (navigator as NavigatorWithConnection).connection?.addEventListener("change", () => life.onState("visible"), options);
  document.addEventListener("freeze", () => life.onState("frozen"), options);
  document.addEventListener("resume", () => life.onState("resumed"), options);
  document.addEventListener(
    "visibilitychange",
    () => life.onState(document.visibilityState === "visible" ? "visible" : "hidden"),
    options,
  );
  watchEconomy((isSaving) => life.onState(isSaving ? "saving" : "spending"), signal);
}
