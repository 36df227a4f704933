/// <reference types="vite/client" />
import { LitElement, css, html, unsafeCSS } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type uPlot from "uplot";
import uPlotStyles from "uplot/dist/uPlot.min.css?inline";
import { define } from "../../ui/define.ts";
import { tokens } from "../../ui/tokens.ts";
import { SAMPLES_MAX } from "./history.ts";

const HEIGHT_PX = 104;

/** Room for `12.4 MB/s` beside the vertical axis. */
const AXIS_PX = 62;

/** Above the highest value, so that the line does not touch the edge. */
const HEADROOM = 1.15;

export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** The token that gives the colour. */
  readonly colour: "accent" | "text";
  readonly dashed?: boolean;
}

/**
 * A small chart of the last five minutes.
 *
 * Set `heading`, `at` (seconds since the Unix epoch), `lines`, `format` (a value as text) and `least` (the highest value that
 * the axis has at least). The numbers beside the heading are the newest, or those under the pointer.
 */
export class PeerloomTimeChart extends LitElement {
  static override properties = {
    heading: { type: String },
    at: { attribute: false },
    lines: { attribute: false },
    format: { attribute: false },
    least: { type: Number },
    pointed: { state: true },
  };
  declare heading: string;
  declare at: readonly number[];
  declare lines: readonly Line[];
  declare format: (value: number | null) => string;
  declare least: number;
  /** The index under the pointer. */
  declare protected pointed: number | null;

  static override styles = [
    tokens,
    unsafeCSS(uPlotStyles),
    css`
      :host {
        display: block;
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--space-3);
        margin-block-end: var(--space-1);
        font-size: 12px;
        line-height: 16px;
      }
      h3 {
        flex: 1;
        margin: 0;
        color: var(--soft);
        font: inherit;
        white-space: nowrap;
      }
      .value {
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
        white-space: nowrap;
      }
      .chart {
        height: ${HEIGHT_PX}px;
        overflow: hidden;
      }
      .uplot {
        font-family: var(--font);
      }
    `,
  ];

  #plot: uPlot | null = null;
  #making = false;
  #listening: AbortController | null = null;
  #resizing: ResizeObserver | null = null;

  constructor() {
    super();
    this.heading = "";
    this.at = [];
    this.lines = [];
    this.format = (value) => (value === null ? "–" : String(value));
    this.least = 1;
    this.pointed = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listening = new AbortController();
    // The colours are drawn, so another scheme needs another plot.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#renew(), { signal: this.#listening.signal });
    this.#resizing = new ResizeObserver(() => this.#plot?.setSize({ width: this.#width, height: HEIGHT_PX }));
    this.#resizing.observe(this);
    if (this.hasUpdated) void this.#make();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#listening?.abort();
    this.#resizing?.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  override firstUpdated(): void {
    void this.#make();
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("at")) this.#plot?.setData(this.#data());
  }

  override render(): TemplateResult {
    const index = this.pointed ?? this.at.length - 1;
    const values = this.lines.map((line) => ({ line, text: this.format(line.values[index] ?? null) }));
    const spoken = values.map(({ line, text }) => `${line.name} ${text}`).join(", ");
    return html`
      <div class="head">
        <h3>${this.heading}</h3>
        ${values.map(({ line, text }) => html`<span class="value">${mark(line)}${line.name} ${text}</span>`)}
      </div>
      <div class="chart" role="img" aria-label="${this.heading} over the last five minutes; now ${spoken}"></div>
    `;
  }

  get #width(): number {
    return Math.max(120, this.clientWidth);
  }

  #data(): uPlot.AlignedData {
    return [[...this.at], ...this.lines.map(({ values }) => [...values])];
  }

  #renew(): void {
    this.#plot?.destroy();
    this.#plot = null;
    void this.#make();
  }

  /** The library comes with the first chart that is shown. */
  async #make(): Promise<void> {
    if (this.#making || this.#plot !== null) return;
    this.#making = true;
    try {
      const { default: Plot } = await import("uplot");
      const target = this.renderRoot.querySelector<HTMLElement>(".chart");
      if (target !== null && this.isConnected) this.#plot = new Plot(this.#options(target), this.#data(), target);
    } finally {
      this.#making = false;
    }
  }

  #options(target: HTMLElement): uPlot.Options {
    const colour = (name: string): string => {
      target.style.color = `var(--${name})`;
      return getComputedStyle(target).color;
    };
    const [soft, grid] = [colour("soft"), colour("line")];
    const font = `11px ${getComputedStyle(this).fontFamily}`;
    const axis = { stroke: soft, font, ticks: { show: false }, grid: { stroke: grid, width: 1 } } as const;
    return {
      width: this.#width,
      height: HEIGHT_PX,
      padding: [6, 14, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
      hooks: { setCursor: [(plot) => (this.pointed = plot.cursor.idx ?? null)] },
      scales: {
        x: { time: false, range: (plot) => lastMinutes(plot) },
        y: { range: (_plot, _min, max) => [0, Math.max(this.least, (max || 0) * HEADROOM)] },
      },
      axes: [
        { ...axis, size: 20, gap: 2, splits: (plot) => minutes(plot), values: (plot, splits) => splits.map((at) => agoWords(lastMinutes(plot)[1] - at)) },
        { ...axis, size: AXIS_PX, gap: 4, space: 28, values: (_plot, splits) => splits.map((value) => this.format(value)) },
      ],
      series: [
        {},
        ...this.lines.map((line) => ({ stroke: colour(line.colour), width: 1.5, points: { show: false }, ...(line.dashed === true ? { dash: [4, 3] } : {}) })),
      ],
    };
  }
}

/** The axis ends with the newest sample and has its full length from the first one on: a line that grows, not a scale that slides. */
function lastMinutes(plot: uPlot): [number, number] {
  const end = plot.data[0].at(-1) ?? SAMPLES_MAX;
  return [end - SAMPLES_MAX, end];
}

function minutes(plot: uPlot): number[] {
  const [, end] = lastMinutes(plot);
  return [240, 120, 0].map((ago) => end - ago);
}

function agoWords(seconds: number): string {
  return seconds < 30 ? "now" : `−${Math.round(seconds / 60)} min`;
}

function mark({ colour, dashed }: Line): TemplateResult {
  return html`<svg width="14" height="4" aria-hidden="true"><path d="M0 2h14" stroke="var(--${colour})" stroke-width="2" stroke-dasharray=${dashed === true ? "4 3" : "none"} /></svg>`;
}

define("peerloom-time-chart", PeerloomTimeChart);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-time-chart": PeerloomTimeChart;
  }
}
