/// <reference types="vite/client" />
import { LitElement, css, html, unsafeCSS } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type uPlot from "uplot";
import uPlotStyles from "uplot/dist/uPlot.min.css?inline";
import { define } from "../ui/define.ts";
import { tokens } from "../ui/tokens.ts";

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
 * What the horizontal axis shows: the last `seconds`, so that the newest is always at the end, or all from the beginning on.
 * `words` say it to who can't see it.
 */
export type Period = { readonly words: string } & ({ readonly kind: "last"; readonly seconds: number } | { readonly kind: "whole" });

const ALL: Period = { kind: "whole", words: "from the beginning" };

/** Least seconds of an axis that shows all: what is shorter would be read as if it had taken long. */
const WHOLE_SECONDS_LEAST = 1;

/**
 * A small chart of something over time.
 *
 * Set `heading`, `at` (seconds, counted from anywhere), `lines`, `format` (a value as text), `least` (the highest value that
 * the axis has at least) and `period`. The numbers beside the heading are the newest or the highest, or those under the pointer.
 */
export class PeerloomTimeChart extends LitElement {
  static override properties = {
    heading: { type: String },
    at: { attribute: false },
    lines: { attribute: false },
    format: { attribute: false },
    least: { type: Number },
    period: { attribute: false },
    pointed: { state: true },
  };
  declare heading: string;
  declare at: readonly number[];
  declare lines: readonly Line[];
  declare format: (value: number | null) => string;
  declare least: number;
  declare period: Period;
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
    this.period = ALL;
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
    const values = this.lines.map((line) => ({ line, text: this.#words(line) }));
    const spoken = values.map(({ line, text }) => `${line.name} ${text}`).join(", ");
    return html`
      <div class="head">
        <h3>${this.heading}</h3>
        ${values.map(({ line, text }) => html`<span class="value">${mark(line)}${line.name} ${text}</span>`)}
      </div>
      <div class="chart" role="img" aria-label="${this.heading} ${this.period.words}; ${spoken}"></div>
    `;
  }

  /** The value under the pointer; else the newest, or of what is over the highest: its end says nothing. */
  #words({ values }: Line): string {
    if (this.pointed !== null) return this.format(values[this.pointed] ?? null);
    switch (this.period.kind) {
      case "last":
        return this.format(values.at(-1) ?? null);
      case "whole":
        return `at most ${this.format(values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0))}`;
    }
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
        x: { time: false, range: (plot) => rangeOf(plot, this.period) },
        y: { range: (_plot, _min, max) => [0, Math.max(this.least, (max || 0) * HEADROOM)] },
      },
      axes: [
        { ...axis, size: 20, gap: 2, ...marksOf(this.period) },
        { ...axis, size: AXIS_PX, gap: 4, space: 28, values: (_plot, splits) => splits.map((value) => this.format(value)) },
      ],
      series: [
        {},
        ...this.lines.map((line) => ({ stroke: colour(line.colour), width: 1.5, points: { show: false }, ...(line.dashed === true ? { dash: [4, 3] } : {}) })),
      ],
    };
  }
}

function rangeOf(plot: uPlot, period: Period): [number, number] {
  const [begin, end] = [plot.data[0].at(0) ?? 0, plot.data[0].at(-1) ?? 0];
  switch (period.kind) {
    // Full length from the first sample on: a line that grows, not a scale that slides.
    case "last":
      return [end - period.seconds, end];
    case "whole":
      return [begin, Math.max(end, begin + WHOLE_SECONDS_LEAST)];
  }
}

/** Where the horizontal axis has its numbers, and how they read; what is left out, uPlot finds by itself. */
function marksOf(period: Period): Pick<uPlot.Axis, "splits" | "values"> {
  switch (period.kind) {
    case "last": {
      const { seconds } = period;
      const splits = (plot: uPlot): number[] => [0.8, 0.4, 0].map((share) => rangeOf(plot, period)[1] - share * seconds);
      return { splits, values: (plot, marks) => marks.map((at) => agoWords(rangeOf(plot, period)[1] - at)) };
    }
    case "whole":
      // None at the corner, where the other axis has its zero.
      return { values: (plot, marks) => marks.map((at) => (at === rangeOf(plot, period)[0] ? "" : `${Number((at - rangeOf(plot, period)[0]).toFixed(2))} s`)) };
  }
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
