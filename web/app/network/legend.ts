import { html, svg } from "lit";
import type { SVGTemplateResult, TemplateResult } from "lit";

/** What lines and frames mean, beside their words. The same widths and patterns as on the canvas. */
const ENTRIES: readonly (readonly [SVGTemplateResult, string])[] = [
  [svg`<path d="M1 6h22" stroke="var(--accent)" stroke-width="3"/>`, "under 50 ms"],
  [svg`<path d="M1 6h22" stroke="var(--warn)" stroke-width="2"/>`, "50 to 150 ms"],
  [svg`<path d="M1 6h22" stroke="var(--danger)" stroke-width="1.5"/>`, "over 150 ms"],
  [svg`<path d="M1 6h22" stroke="var(--edge)" stroke-width="1.5" stroke-dasharray="2 4"/>`, "connecting"],
  [svg`<rect x="7" y="1" width="10" height="10" rx="2.5" stroke="var(--warn)" stroke-width="1.5"/>`, "waiting to try again"],
  [svg`<rect x="7" y="1" width="10" height="10" rx="2.5" stroke="var(--edge)"/>`, "discovered"],
  [svg`<circle cx="12" cy="6" r="5" fill="var(--accent)"/>`, "seed"],
  [svg`<path d="M12 0l6 6-6 6-6-6z" fill="var(--accent)"/>`, "relay"],
  [svg`<path d="M12 0l6 10H6z" fill="var(--accent)"/>`, "supernode"],
];

/** Returns the legend of the graph; a longer line is a longer round trip. */
export function legend(): TemplateResult {
  return html`<ul class="legend" aria-label="Legend: a longer line is a longer round trip">
    ${ENTRIES.map(([drawing, words]) => html`<li><svg width="24" height="12" fill="none" stroke-linecap="round" aria-hidden="true">${drawing}</svg>${words}</li>`)}
  </ul>`;
}
