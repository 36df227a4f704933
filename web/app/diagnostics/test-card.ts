import { LitElement, html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { controls, figures } from "../../ui/controls.ts";
import { define } from "../../ui/define.ts";
import { formatDuration, formatPercent, formatRate, formatRtt } from "../../ui/format.ts";
import { icon } from "../../ui/icons.ts";
import { tokens } from "../../ui/tokens.ts";
import "../time-chart.ts";
import type { Period } from "../time-chart.ts";
import type { TestState } from "./bench.ts";
import type { Check, Figure, Findings, RateSeries, StageRow, TestName } from "./findings.ts";
import { CHOICES, DEFAULTS } from "./settings.ts";
import type { Choice, Settings } from "./settings.ts";
import { testCardStyles } from "./test-card-styles.ts";
import { ABOUT, TITLES, VERDICTS, stateIcon, stateTitle } from "./words.ts";

const PERIOD: Period = { kind: "whole", words: "from the request to the last byte" };

/** The axis is no finer than 1 MB/s while nothing goes on. */
const RATE_LEAST = 1_000_000;

const rate = (value: number | null): string => (value === null ? "–" : formatRate(value));

/**
 * One test: what it does, what a person may choose, how it stands, and what it found.
 *
 * Set `name`, `state`, `settings`, and `busy` while any test runs. Gives `peerloom-test-run` with `detail.name` and
 * `detail.run` (false to stop), and `peerloom-test-set` with the settings that change.
 */
export class PeerloomTestCard extends LitElement {
  static override properties = {
    name: { type: String },
    state: { attribute: false },
    settings: { attribute: false },
    busy: { type: Boolean },
  };
  declare name: TestName;
  declare state: TestState;
  declare settings: Settings;
  declare busy: boolean;

  static override styles = [tokens, controls, figures, testCardStyles];

  constructor() {
    super();
    this.name = "environment";
    this.state = { state: "idle", note: "" };
    this.settings = DEFAULTS;
    this.busy = false;
  }

  override render(): TemplateResult {
    const { name, state } = this;
    return html`<section aria-labelledby="title">
      <div class="head">
        <h2 id="title">${TITLES[name]}</h2>
        <span class="state ${state.state}">${icon(stateIcon(state), 14)}${stateTitle(state)}</span>
        <span class="took">${"tookMs" in state ? `in ${formatDuration(state.tookMs)}` : ""}</span>
        ${CHOICES[name].map((choice) => this.#choice(choice))} ${this.#button()}
      </div>
      <p class="said ${state.state}">${this.#said()}</p>
      ${state.state === "running" ? this.#progress(state.doing.done) : nothing} ${this.#found()}
    </section>`;
  }

  #said(): string {
    const { state } = this;
    switch (state.state) {
      case "idle":
        return state.note === "" ? ABOUT[this.name] : state.note;
      case "waiting":
        return ABOUT[this.name];
      case "running":
        return `${state.doing.text}.`;
      case "passed":
      case "failed":
      case "stopped":
        return state.sentence;
    }
  }

  #choice({ key, label, options }: Choice): TemplateResult {
    return html`<select
      class="field"
      aria-label=${label}
      ?disabled=${this.busy}
      @change=${(event: Event) => this.#give("peerloom-test-set", { [key]: Number((event.target as HTMLSelectElement).value) })}
    >
      ${options.map(({ value, text }) => html`<option value=${value} ?selected=${value === this.settings[key]}>${text}</option>`)}
    </select>`;
  }

  /** One button that changes its word, so that the focus stays where it is. */
  #button(): TemplateResult {
    const runs = this.state.state === "running";
    return html`<button
      type="button"
      class="button"
      aria-label=${`${runs ? "Stop" : "Run"} ${TITLES[this.name]}`}
      ?disabled=${this.busy && !runs}
      @click=${() => this.#give("peerloom-test-run", { name: this.name, run: !runs })}
    >
      ${icon(runs ? "close" : "resume")}${runs ? "Stop" : "Run"}
    </button>`;
  }

  #progress(done: number | null): TemplateResult {
    const label = `${TITLES[this.name]}, done`;
    if (done === null) return html`<div class="bar busy" role="progressbar" aria-label=${label}><span></span></div>`;
    return html`<div class="bar" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.floor(done * 100)} aria-valuetext=${formatPercent(done, 1)}>
      <span style="transform: scaleX(${done})"></span>
    </div>`;
  }

  #found(): TemplateResult | typeof nothing {
    const { state } = this;
    const findings: Findings | undefined = state.state === "running" ? state.doing.findings : "findings" in state ? state.findings : undefined;
    if (findings === undefined) return nothing;
    const { checks, figures: measured, stages, rates, remarks } = findings;
    return html`
      ${checks.length === 0 ? nothing : html`<ul class="checks" aria-label="Looked at">${checks.map(check)}</ul>`}
      ${measured.length === 0 ? nothing : html`<dl>${measured.map(figure)}</dl>`}
      ${stages.length === 0 ? nothing : stageTable(stages)} ${rates === null || rates.at.length === 0 ? nothing : chart(rates)}
      ${remarks.length === 0 ? nothing : html`<ul class="remarks">${remarks.map((remark) => html`<li>${remark}</li>`)}</ul>`}
    `;
  }

  #give(type: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

function check({ name, verdict, text }: Check): TemplateResult {
  const { word, icon: symbol } = VERDICTS[verdict];
  return html`<li class=${verdict}>
    <span class="verdict">${icon(symbol, 14)}${word}</span>
    <span><strong>${name}</strong> ${text}</span>
  </li>`;
}

function figure({ name, text }: Figure): TemplateResult {
  return html`<div><dt>${name}</dt><dd>${text}</dd></div>`;
}

/** The stages one after the other: each bar begins where the one before ends. */
function stageTable(stages: readonly StageRow[]): TemplateResult {
  const whole = stages.reduce((sum, { median }) => sum + median, 0);
  let before = 0;
  const rows = stages.map((row) => {
    const begin = before;
    before += row.median;
    return stageRow(row, begin / whole, row.median / whole);
  });
  return html`<table>
    <caption class="only-heard">Time of each stage</caption>
    <thead>
      <tr><th scope="col">Stage</th><th scope="col" class="number">Median</th><th scope="col" class="number range">Range</th><td class="chart"></td></tr>
    </thead>
    <tbody>${rows}</tbody>
  </table>`;
}

function stageRow({ name, median, min, max }: StageRow, begin: number, share: number): TemplateResult {
  return html`<tr>
    <th scope="row">${name}</th>
    <td class="number">${formatRtt(median)}</td>
    <td class="number range">${rangeWords(formatRtt(min), formatRtt(max))}</td>
    <td class="chart"><span class="stage-bar" style="margin-inline-start: ${begin * 100}%; width: ${share * 100}%"></span></td>
  </tr>`;
}

function rangeWords(min: string, max: string): string {
  return min === max ? min : `${min} – ${max}`;
}

function chart({ at, bytesPerSecond }: RateSeries): TemplateResult {
  return html`<peerloom-time-chart
    .heading=${"Rate over time"}
    .at=${at}
    .lines=${[{ name: "", values: bytesPerSecond, colour: "accent" }]}
    .format=${rate}
    .least=${RATE_LEAST}
    .period=${PERIOD}
  ></peerloom-time-chart>`;
}

define("peerloom-test-card", PeerloomTestCard);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-test-card": PeerloomTestCard;
  }
}
