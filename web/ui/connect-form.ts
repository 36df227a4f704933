import { LitElement, css, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type { PeerId } from "../sdk/index.ts";
import { controls } from "./controls.ts";
import { define } from "./define.ts";
import { shortId } from "./format.ts";
import { parsePeerId } from "./peer-id.ts";
import type { WatchedSwarm } from "./swarm-watch.ts";
import { tokens } from "./tokens.ts";
import { errorCode, errorWords } from "./words.ts";

/** How long one attempt may take before the person is told. Longer than all stages of the core together. Guess. */
const CONNECT_MS_MAX = 45_000;

type Attempt =
  | { readonly state: "idle" }
  | { readonly state: "connecting"; readonly peer: PeerId; readonly abort: AbortController }
  | { readonly state: "connected"; readonly peer: PeerId }
  | { readonly state: "failed"; readonly title: string; readonly text: string };

/** The field to connect to a peer by its id, with the attempt's progress and its end in plain words. */
export class PeerloomConnectForm extends LitElement {
  static override properties = {
    swarm: { attribute: false },
    running: { type: Boolean },
    attempt: { state: true },
  };
  declare swarm: WatchedSwarm | null;
  /** Whether P2P is on; nothing can be reached while it is off. */
  declare running: boolean;
  declare protected attempt: Attempt;

  static override styles = [
    tokens,
    controls,
    css`
      form {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: var(--space-2);
      }
      label {
        grid-column: 1 / -1;
        font-weight: 500;
      }
      .field {
        font-family: var(--mono);
        font-size: 13px;
      }
      .button {
        min-width: 88px;
      }
      .outcome {
        grid-column: 1 / -1;
        font-size: 13px;
      }
      .outcome:empty {
        display: none;
      }
    `,
  ];

  constructor() {
    super();
    this.swarm = null;
    this.running = false;
    this.attempt = { state: "idle" };
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.attempt.state === "connecting") this.attempt.abort.abort();
  }

  override updated(changed: PropertyValues): void {
    // The form is the last thing in the popover, and its outcome would be below the edge.
    if (changed.has("attempt") && this.attempt.state !== "idle") {
      this.renderRoot.querySelector("#outcome")?.scrollIntoView({ block: "nearest" });
    }
  }

  override render(): TemplateResult {
    const connecting = this.attempt.state === "connecting";
    const failed = this.attempt.state === "failed";
    return html`<form @submit=${this.#submit} novalidate>
      <label for="peer">Connect to a peer</label>
      <input
        id="peer"
        class="field"
        placeholder="Its id, 64 characters"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        aria-describedby="outcome"
        aria-invalid=${failed ? "true" : nothing}
        ?disabled=${connecting}
        @input=${this.#edited}
      />
      ${connecting
        ? html`<button type="button" class="button" @click=${this.#cancel}>Cancel</button>`
        : html`<button type="submit" class="button">Connect</button>`}
      <div id="outcome" class="outcome" role="status">${this.#outcome()}</div>
    </form>`;
  }

  #outcome(): TemplateResult | typeof nothing {
    switch (this.attempt.state) {
      case "idle":
        return nothing;
      case "connecting":
        return html`<p class="note">Connecting to ${shortId(this.attempt.peer)}: waiting for its answer…</p>`;
      case "connected":
        return html`<p class="note">Connected to ${shortId(this.attempt.peer)}.</p>`;
      case "failed":
        return html`<p class="note danger"><strong>${this.attempt.title}</strong>${this.attempt.text}</p>`;
    }
  }

  readonly #edited = (): void => {
    if (this.attempt.state !== "connecting") this.attempt = { state: "idle" };
  };

  readonly #cancel = (): void => {
    if (this.attempt.state === "connecting") this.attempt.abort.abort();
  };

  readonly #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const swarm = this.swarm;
    const field = this.renderRoot.querySelector("input");
    if (swarm === null || field === null || this.attempt.state === "connecting") return;
    if (!this.running) {
      this.attempt = { state: "failed", title: "P2P is off", text: "Turn it on with the switch above, then connect." };
      return;
    }
    const parsed = parsePeerId(field.value, swarm.id);
    if (!parsed.ok) {
      this.attempt = { state: "failed", title: "This is not the id of a peer", text: parsed.problem };
      field.focus();
      return;
    }
    this.attempt = await this.#connect(swarm, parsed.id);
    if (this.attempt.state === "connected") field.value = "";
  };

  async #connect(swarm: WatchedSwarm, peer: PeerId): Promise<Attempt> {
    const abort = new AbortController();
    this.attempt = { state: "connecting", peer, abort };
    try {
      await swarm.connect(peer, { signal: abort.signal, timeoutMs: CONNECT_MS_MAX });
      return { state: "connected", peer };
    } catch (error) {
      if (errorCode(error) === "ABORTED") return { state: "idle" };
      return { state: "failed", title: `No connection to ${shortId(peer)}`, text: errorWords(error) };
    }
  }
}

define("peerloom-connect-form", PeerloomConnectForm);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-connect-form": PeerloomConnectForm;
  }
}
