import { LitElement, css, html } from "lit";
import type { TemplateResult } from "lit";
import { controls } from "../ui/controls.ts";
import { define } from "../ui/define.ts";
import { tokens } from "../ui/tokens.ts";

/** A question before something that can't be taken back. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
}

/** Asks one question at a time; Escape and Cancel both mean no. */
export class PeerloomConfirmDialog extends LitElement {
  static override properties = { question: { state: true } };
  declare protected question: Question;

  static override styles = [
    tokens,
    controls,
    css`
      dialog {
        width: 400px;
        max-width: calc(100vw - 32px);
        padding: var(--space-5);
        border: 1px solid var(--line);
        border-radius: var(--radius-large);
        background: var(--raised);
        color: var(--text);
        box-shadow: var(--shadow);
        overflow-wrap: anywhere;
      }
      dialog::backdrop {
        background: color-mix(in srgb, var(--page) 70%, transparent);
      }
      h2 {
        margin: 0 0 var(--space-2);
        font-size: 16px;
        line-height: 24px;
      }
      p {
        margin: 0 0 var(--space-5);
        color: var(--soft);
      }
      form {
        display: flex;
        justify-content: flex-end;
        gap: var(--space-2);
      }
      .danger {
        border-color: transparent;
        background: var(--danger);
        color: light-dark(#ffffff, #2a0d09);
      }
      .danger:hover {
        background: color-mix(in oklab, var(--danger), light-dark(#000, #fff) 14%);
      }
    `,
  ];

  #answer: ((yes: boolean) => void) | null = null;

  constructor() {
    super();
    this.question = { title: "", text: "", yes: "" };
  }

  async ask(question: Question): Promise<boolean> {
    this.question = question;
    await this.updateComplete;
    const dialog = this.renderRoot.querySelector("dialog");
    if (dialog === null || dialog.open) return false;
    dialog.returnValue = "";
    dialog.showModal();
    return await new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#answered(false);
  }

  override render(): TemplateResult {
    const { title, text, yes } = this.question;
    return html`<dialog
      aria-labelledby="title"
      aria-describedby="text"
      @close=${(event: Event) => this.#answered((event.target as HTMLDialogElement).returnValue === "yes")}
    >
      <h2 id="title">${title}</h2>
      <p id="text">${text}</p>
      <form method="dialog">
        <button class="button" value="no" autofocus>Cancel</button>
        <button class="button danger" value="yes">${yes}</button>
      </form>
    </dialog>`;
  }

  #answered(yes: boolean): void {
    this.#answer?.(yes);
    this.#answer = null;
  }
}

define("peerloom-confirm-dialog", PeerloomConfirmDialog);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-confirm-dialog": PeerloomConfirmDialog;
  }
}
