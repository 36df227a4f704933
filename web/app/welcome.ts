import { LitElement, css, html } from "lit";
import type { TemplateResult } from "lit";
import { controls } from "../ui/controls.ts";
import { define } from "../ui/define.ts";
import { formatCount } from "../ui/format.ts";
import { icon } from "../ui/icons.ts";
import { tokens } from "../ui/tokens.ts";
import { pageFor } from "./params.ts";
import { roomIn } from "./place.ts";
import "./room-button.ts";

/**
 * What to do while there is no file: three steps, of which those that are done say so.
 *
 * Gives `peerloom-enable` and `peerloom-choose`.
 */
export class PeerloomWelcome extends LitElement {
  static override properties = { on: { type: Boolean }, peers: { type: Number } };
  declare on: boolean;
  declare peers: number;

  static override styles = [
    tokens,
    controls,
    css`
      :host {
        display: block;
        max-width: 560px;
        margin: clamp(8px, 6vh, 64px) auto 0;
      }
      h1 {
        margin: 0;
        font-size: 28px;
        font-weight: 650;
        letter-spacing: -0.02em;
        line-height: 36px;
        text-wrap: balance;
      }
      .lead {
        margin: var(--space-2) 0 var(--space-6);
        color: var(--soft);
        font-size: 16px;
        line-height: 24px;
        text-wrap: pretty;
      }
      ol {
        margin: 0;
        padding: 0;
        border: 1px solid var(--line);
        border-radius: 16px;
        background: var(--surface);
        list-style: none;
        overflow: hidden;
      }
      li {
        display: grid;
        grid-template-columns: 32px minmax(0, 1fr) auto;
        gap: var(--space-1) var(--space-4);
        align-items: center;
        padding: var(--space-4) var(--space-5);
      }
      li + li {
        border-block-start: 1px solid var(--line);
      }
      .number {
        display: grid;
        width: 32px;
        height: 32px;
        place-items: center;
        border: 1px solid var(--edge);
        border-radius: 50%;
        color: var(--soft);
        font-weight: 600;
      }
      .next .number {
        border-color: var(--accent);
        color: var(--accent);
      }
      .done .number {
        border-color: transparent;
        background: var(--accent-soft);
        color: var(--accent);
      }
      h2 {
        margin: 0;
        font-size: 15px;
        font-weight: 600;
        line-height: 20px;
      }
      li p {
        margin: 2px 0 0;
        color: var(--soft);
        font-size: 13px;
        line-height: 18px;
      }
      .button {
        min-width: 124px;
      }
      .ways {
        display: flex;
        flex-direction: column;
        align-items: stretch;
        gap: var(--space-2);
      }
      @media (max-width: 520px) {
        h1 {
          font-size: 24px;
          line-height: 32px;
        }
        li {
          grid-template-columns: 32px minmax(0, 1fr);
          padding: var(--space-4);
        }
        .ways {
          grid-column: 2;
          flex-flow: row wrap;
        }
        .button {
          grid-column: 2;
          justify-self: start;
          margin-block-start: var(--space-2);
        }
      }
    `,
  ];

  constructor() {
    super();
    this.on = false;
    this.peers = 0;
  }

  override render(): TemplateResult {
    const met = this.peers > 0;
    const next = !this.on ? 1 : met ? 3 : 2;
    const room = roomIn(location.hash) !== null;
    return html`
      <h1>Share files from browser to browser</h1>
      <p class="lead">They go straight to the other side, encrypted, and are kept in your browser. There is no server in between.</p>
      ${room ? html`<p class="lead">This is a room: only those who have its link meet here. A server tells them of each other, and sees nothing of what they share.</p>` : ""}
      <ol>
        <li class=${stepClass(1, next, this.on)}>
          ${this.#number(1, this.on)}
          <div>
            <h2>${this.on ? "P2P is on" : "Turn on P2P"}</h2>
            <p>${this.on ? "Other pages of this app can see this one." : "Until then this page talks to nobody."}</p>
          </div>
          ${this.on
            ? ""
            : html`<button type="button" class="button primary large" @click=${() => this.#give("peerloom-enable")}>${icon("off")}Turn on P2P</button>`}
        </li>
        <li class=${stepClass(2, next, met)}>
          ${this.#number(2, met)}
          <div>
            <h2>${met ? `${formatCount(this.peers, "peer")} connected` : room ? "Give the link of this room to somebody" : "Open this page in a second tab"}</h2>
            <p>${met ? "What you add, they see at once." : room ? "On any device: whoever opens it is here." : "Turn on P2P there too, and the two find each other. Or make a room for somebody elsewhere."}</p>
          </div>
          ${met
            ? ""
            : html`<div class="ways">
                <a class="button ${next === 2 && !room ? "primary" : ""} large" href=${pageFor(new URL(location.href)).href} target="_blank" rel="noopener">
                  ${icon("tab")}Open a tab
                </a>
                <peerloom-room-button kind="large"></peerloom-room-button>
              </div>`}
        </li>
        <li class=${stepClass(3, next, false)}>
          ${this.#number(3, false)}
          <div>
            <h2>Drop a file anywhere here</h2>
            <p>Or choose one. The other tab shows it, and one click fetches it.</p>
          </div>
          <button type="button" class="button ${next === 3 ? "primary" : ""} large" @click=${() => this.#give("peerloom-choose")}>
            ${icon("add")}Choose files
          </button>
        </li>
      </ol>
    `;
  }

  #number(number: number, done: boolean): TemplateResult {
    return html`<span class="number">${done ? icon("check") : number}</span>`;
  }

  #give(type: "peerloom-enable" | "peerloom-choose"): void {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true }));
  }
}

function stepClass(step: number, next: number, done: boolean): string {
  if (done) return "done";
  return step === next ? "next" : "";
}

define("peerloom-welcome", PeerloomWelcome);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-welcome": PeerloomWelcome;
  }
}
