/** Notices whether the tab was hidden while something was measured: browsers slow such tabs down, and figures with them. */
export class HiddenWatch {
  #hidden = document.visibilityState === "hidden";

  /** Watches until `signal` fires or {@link remarks} is asked for. */
  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", this.#end);
    document.addEventListener("visibilitychange", this.#look, { signal });
  }

  /** Returns what to say with the figures, and watches no longer. */
  remarks(): readonly string[] {
    this.#end();
    return this.#hidden ? ["This tab was hidden for a while. Browsers slow down hidden tabs, so the figures are worse than they would be in front."] : [];
  }

  readonly #look = (): void => {
    this.#hidden ||= document.visibilityState === "hidden";
  };

  readonly #end = (): void => document.removeEventListener("visibilitychange", this.#look);
}
