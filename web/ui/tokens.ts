import { css } from "lit";

/**
 * The design tokens: every colour, distance and font of the components and of the app, light and dark alike.
 *
 * They are set on `:host`, so a component works alone in a foreign page and leaves that page as it was. `light-dark()`
 * follows the `color-scheme` that the element inherits: in a page that knows no dark mode the components stay light,
 * whatever the system prefers. A page sets its own accent with `--peerloom-accent` and `--peerloom-on-accent`.
 *
 * Contrast, measured against `surface` and `page`: text at least 12:1, soft text 5.7:1, accent, warn and danger 4.6:1;
 * lines around controls (`edge`) 3:1.
 */
export const tokens = css`
  :host {
    --page: light-dark(#faf9f7, #141517);
    --surface: light-dark(#ffffff, #1b1d20);
    --raised: light-dark(#ffffff, #222529);
    --sunken: light-dark(#f3f1ee, #25282c);
    --line: light-dark(#e6e3de, #2d3035);
    --edge: light-dark(#8f8a82, #767c85);
    --text: light-dark(#1d1c1a, #eceae6);
    --soft: light-dark(#625e58, #a5a39e);
    --accent: var(--peerloom-accent, light-dark(#0f766e, #4fd1c0));
    --accent-hover: color-mix(in oklab, var(--accent), light-dark(#000, #fff) 14%);
    --accent-soft: color-mix(in oklab, var(--accent) 11%, var(--surface));
    --on-accent: var(--peerloom-on-accent, light-dark(#ffffff, #06201d));
    --warn: light-dark(#8a5800, #f0b455);
    --warn-soft: light-dark(#fcf3e1, #2f2716);
    --danger: light-dark(#b42318, #ff9086);
    --danger-soft: light-dark(#fdefed, #351f1d);
    --shadow: 0 1px 2px light-dark(#1d1c1a0f, #0000004d), 0 12px 32px light-dark(#1d1c1a1f, #00000080);

    --space-1: 4px;
    --space-2: 8px;
    --space-3: 12px;
    --space-4: 16px;
    --space-5: 20px;
    --space-6: 24px;
    --space-8: 32px;
    --radius: 8px;
    --radius-large: 12px;
    --target: 32px;

    --font: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Roboto Mono", "DejaVu Sans Mono", monospace;
    --quick: 120ms ease-out;
  }
  /* A page's rule for its own elements, like "* { font: … }", beats :host; it does not reach a wrapper inside. */
  :host,
  .typeset {
    color: var(--text);
    font: 400 14px/20px var(--font);
    font-variant-numeric: tabular-nums;
    text-align: start;
    letter-spacing: normal;
    text-transform: none;
  }
  .typeset {
    display: contents;
  }
  @media (prefers-reduced-motion: reduce) {
    :host {
      --quick: 0ms;
    }
  }
  * {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  .only-heard {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;
