import { html, svg } from "lit";
import type { SVGTemplateResult, TemplateResult } from "lit";

/** Drawn on a grid of 16, stroked with the colour of the text beside them. They decorate words and are never read out. */
const ICONS = {
  connected: svg`<circle cx="3.5" cy="8" r="2"/><circle cx="12.5" cy="3.5" r="2"/><circle cx="12.5" cy="12.5" r="2"/><path d="M5.3 7.1 10.7 4.4M5.3 8.9l5.4 2.7"/>`,
  relayed: svg`<circle cx="2.8" cy="8" r="1.8"/><circle cx="13.2" cy="8" r="1.8"/><path d="M4.6 8h1.9M9.5 8h1.9M6.5 5.5h3v5h-3z"/>`,
  waiting: svg`<circle cx="8" cy="8" r="1.5"/><path d="M4.8 11.2a4.5 4.5 0 0 1 0-6.4M11.2 4.8a4.5 4.5 0 0 1 0 6.4M2.7 13.3a7.5 7.5 0 0 1 0-10.6M13.3 2.7a7.5 7.5 0 0 1 0 10.6"/>`,
  off: svg`<path d="M8 2v5.5M4.4 4.2a5.2 5.2 0 1 0 7.2 0"/>`,
  copy: svg`<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M3.5 10.5h-1v-7a1 1 0 0 1 1-1h7v1"/>`,
  check: svg`<path d="m3 8.5 3.2 3.2L13 4.8"/>`,
  close: svg`<path d="m4 4 8 8M12 4l-8 8"/>`,
  warning: svg`<path d="M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.2v.1"/>`,
  fetch: svg`<path d="M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11"/>`,
  send: svg`<path d="M8 10.5V3M4.8 6 8 2.8 11.2 6M2.5 13.5h11"/>`,
  save: svg`<path d="M3 2.5h8l2.5 2.5v8.5h-11v-11zM5 2.5v3.7h5V2.5M5 13.5V9.3h6v4.2"/>`,
  pause: svg`<path d="M5.5 3.5v9M10.5 3.5v9"/>`,
  resume: svg`<path d="M5 3.2v9.6l7.5-4.8z"/>`,
  remove: svg`<path d="M2.8 4.5h10.4M6 4.3V2.7h4v1.6M4.2 4.5l.6 9h6.4l.6-9M6.7 7v4M9.3 7v4"/>`,
  preview: svg`<path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="1.9"/>`,
  link: svg`<path d="M6.7 9.3a2.6 2.6 0 0 0 3.7 0l2.4-2.4a2.6 2.6 0 0 0-3.7-3.7L8.4 4M9.3 6.7a2.6 2.6 0 0 0-3.7 0L3.2 9.1a2.6 2.6 0 0 0 3.7 3.7L7.6 12"/>`,
  lock: svg`<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>`,
  add: svg`<path d="M8 3v10M3 8h10"/>`,
  less: svg`<path d="M3 8h10"/>`,
  whole: svg`<path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10"/>`,
  ban: svg`<circle cx="8" cy="8" r="5.6"/><path d="m4.1 4.1 7.8 7.8"/>`,
  tab: svg`<path d="M6.5 3h-3A1.5 1.5 0 0 0 2 4.5v8A1.5 1.5 0 0 0 3.5 14h8a1.5 1.5 0 0 0 1.5-1.5v-3M9.5 2H14v4.5M14 2 7.5 8.5"/>`,
  file: svg`<path d="M4 1.8h5l3.2 3.2v9.2H4zM9 1.8V5h3.2"/>`,
  image: svg`<rect x="2" y="2.8" width="12" height="10.4" rx="1.5"/><circle cx="5.6" cy="6.2" r="1.1"/><path d="m2.4 12 3.8-3.6 2.5 2.3 2-1.8 3 2.8"/>`,
  audio: svg`<path d="M6 12V3.5l7-1.3v8.6"/><circle cx="4.2" cy="12" r="1.8"/><circle cx="11.2" cy="10.8" r="1.8"/>`,
  video: svg`<rect x="1.8" y="3.5" width="9" height="9" rx="1.5"/><path d="m10.8 7 3.4-2v6l-3.4-2z"/>`,
  text: svg`<path d="M4 1.8h5l3.2 3.2v9.2H4zM9 1.8V5h3.2M6 8h4.2M6 10.8h4.2"/>`,
  archive: svg`<path d="M2 3h12v3H2zM3 6v7.2h10V6M6.5 8.7h3"/>`,
} as const satisfies Record<string, SVGTemplateResult>;

export type IconName = keyof typeof ICONS;

/** Returns an icon as a template; `size` in CSS pixels. */
export function icon(name: IconName, size = 16): TemplateResult {
  return html`<svg
    width=${size}
    height=${size}
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.4"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    ${ICONS[name]}
  </svg>`;
}
