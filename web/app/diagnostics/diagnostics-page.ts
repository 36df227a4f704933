import { LitElement, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { controls } from "../../ui/controls.ts";
import "../../ui/copy-button.ts";
import { define } from "../../ui/define.ts";
import { formatCount } from "../../ui/format.ts";
import { icon } from "../../ui/icons.ts";
import { tokens } from "../../ui/tokens.ts";
import { Following } from "../changes.ts";
import { pageTitle } from "../page-styles.ts";
import "./connection-log-view.ts";
import { diagnosticsPageStyles } from "./diagnostics-page-styles.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { TEST_NAMES } from "./findings.ts";
import type { TestName } from "./findings.ts";
import { reportJson, reportMarkdown } from "./report.ts";
import type { Settings } from "./settings.ts";
import "./swarm-panel.ts";
import "./test-card.ts";
import { spokenState } from "./words.ts";

/** How often the person's swarm is looked at while the page is open. */
const LOOK_MS = 1000;

/**
 * The page of diagnostics: tests with peers of their own, the person's swarm, what happened while connecting, and a report.
 *
 * Set `diagnostics`. Leaving the page stops the test that runs. Gives `peerloom-enable`.
 */
export class PeerloomDiagnosticsPage extends LitElement {
  static override properties = { diagnostics: { attribute: false }, uncopied: { state: true }, spoken: { state: true }, looks: { state: true } };
  declare diagnostics: Diagnostics | null;
  /** The report that the browser did not let us copy. */
  declare protected uncopied: string;
  declare protected spoken: string;
  /** Counts up with each look at the swarm. */
  declare protected looks: number;

  static override styles = [tokens, controls, pageTitle, diagnosticsPageStyles];

  readonly #bench = new Following(this);
  readonly #lab = new Following(this);
  readonly #told = new Map<TestName, string>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #leaving = new AbortController();

  constructor() {
    super();
    this.diagnostics = null;
    this.uncopied = "";
    this.spoken = "";
    this.looks = 0;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#leaving = new AbortController();
    // What is left may never come back, and browsers freeze it in the middle of whatever it does.
    addEventListener("pagehide", () => void this.diagnostics?.bench.stop(), { signal: this.#leaving.signal });
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    void this.#look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leaving.abort();
    clearInterval(this.#timer);
    void this.diagnostics?.bench.stop();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("diagnostics")) {
      this.#bench.follow(this.diagnostics?.bench.changes ?? null);
      this.#lab.follow(this.diagnostics?.lab.changes ?? null);
      void this.#look();
    }
    this.#speak();
  }

  override render(): TemplateResult | typeof nothing {
    const { diagnostics } = this;
    if (diagnostics === null) return nothing;
    const { bench, lab } = diagnostics;
    const { isRunning } = bench;
    return html`
      <div class="top">
        <h1>Diagnostics</h1>
        <p class="live">${formatCount(lab.live, "test peer")} open</p>
        <div class="acts">
          <peerloom-copy-button .make=${() => reportMarkdown(diagnostics.report())} label="Copy the report as text" caption="Copy report"></peerloom-copy-button>
          <peerloom-copy-button .make=${() => reportJson(diagnostics.report())} label="Copy the report as JSON" caption="Copy as JSON"></peerloom-copy-button>
          <button type="button" class="button ${isRunning ? "" : "primary"}" @click=${this.#runAll}>
            ${icon(isRunning ? "close" : "resume")}${isRunning ? "Stop" : "Run all"}
          </button>
        </div>
      </div>
      <p class="intro">
        Something does not connect, or you want to know what this browser can do? Each test uses peers of its own in this page. They never meet
        your swarm, need no P2P, keep nothing, and are closed when the test ends or you leave the page.
      </p>
      ${this.uncopied === "" ? nothing : this.#byHand()}
      <div class="tests" @peerloom-test-run=${this.#run} @peerloom-test-set=${this.#set}>
        ${TEST_NAMES.map((name) => html`<peerloom-test-card .name=${name} .state=${bench.state(name)} .settings=${diagnostics.settings} .busy=${isRunning}></peerloom-test-card>`)}
      </div>
      <peerloom-swarm-panel .swarm=${diagnostics.swarm} .stats=${diagnostics.stats} .looks=${this.looks}></peerloom-swarm-panel>
      <peerloom-connection-log .log=${diagnostics.log}></peerloom-connection-log>
      <span class="only-heard" role="status">${this.spoken}</span>
    `;
  }

  #byHand(): TemplateResult {
    return html`<div class="by-hand">
      <label for="uncopied">The browser did not allow copying. Copy the report from here:</label>
      <textarea id="uncopied" class="field" readonly rows="8" .value=${this.uncopied}></textarea>
      <button type="button" class="button" @click=${() => (this.uncopied = "")}>Close</button>
    </div>`;
  }

  override firstUpdated(): void {
    this.renderRoot.addEventListener("peerloom-copy-failed", (event) => {
      // The app would show it as a notice, for which it is too long.
      event.stopPropagation();
      this.uncopied = (event as CustomEvent<{ text: string }>).detail.text;
    });
  }

  async #look(): Promise<void> {
    await this.diagnostics?.refresh();
    this.looks += 1;
  }

  /** Says of each test when it begins and how it ended; not each of its steps. */
  #speak(): void {
    for (const name of TEST_NAMES) {
      const state = this.diagnostics?.bench.state(name);
      const spoken = state === undefined ? "" : spokenState(name, state);
      const before = this.#told.get(name) ?? "";
      this.#told.set(name, spoken);
      if (spoken !== before && spoken !== "") this.spoken = spoken;
    }
  }

  readonly #runAll = (): void => {
    const { diagnostics } = this;
    if (diagnostics === null) return;
    if (diagnostics.bench.isRunning) void diagnostics.bench.stop();
    else void diagnostics.bench.runAll(diagnostics.settings);
  };

  readonly #run = (event: CustomEvent<{ name: TestName; run: boolean }>): void => {
    const { diagnostics } = this;
    if (diagnostics === null) return;
    if (event.detail.run) void diagnostics.bench.run(event.detail.name, diagnostics.settings);
    else void diagnostics.bench.stop();
  };

  readonly #set = (event: CustomEvent<Partial<Settings>>): void => {
    if (this.diagnostics === null) return;
    this.diagnostics.settings = { ...this.diagnostics.settings, ...event.detail };
    this.requestUpdate();
  };
}

define("peerloom-diagnostics-page", PeerloomDiagnosticsPage);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-diagnostics-page": PeerloomDiagnosticsPage;
  }
}
