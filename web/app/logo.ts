import { html } from "lit";
import type { TemplateResult } from "lit";

/** The mark: two threads over and under two others, as on a loom. Drawn in the colour of its surroundings. */
export function logo(size: number): TemplateResult {
  return html`<svg width=${size} height=${size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.8" stroke-linecap="round" aria-hidden="true">
    <path d="M8 3v7M8 15.5V21M16 3v5.5M16 14v7" />
    <path d="M3 8h1.5M11.5 8H21M3 16h9.5M19.5 16H21" />
  </svg>`;
}
