import { LitElement, html } from "lit";
import type { TemplateResult } from "lit";
import { controls } from "../ui/controls.ts";
import "../ui/copy-button.ts";
import { define } from "../ui/define.ts";
import { icon } from "../ui/icons.ts";
import { tokens } from "../ui/tokens.ts";
import { pageFor } from "./params.ts";
import { inRoom, newRoom, roomIn } from "./place.ts";

/**
 * Makes a room, copies its link and goes there; in a room it copies the link. Gives `peerloom-copy-failed` (`detail.text`) as the
 * copy button does.
 */
export class PeerloomRoomButton extends LitElement {
  static override properties = { kind: { type: String } };
  /** Further classes of the button. */
  declare kind: string;

  static override styles = [tokens, controls];

  constructor() {
    super();
    this.kind = "";
  }

  override render(): TemplateResult {
    if (roomIn(location.hash) !== null) {
      return html`<peerloom-copy-button symbol="link" .make=${roomLink} label="Copy the link of this room" caption="Copy room link"></peerloom-copy-button>`;
    }
    return html`<button type="button" class="button ${this.kind}" title="A room of its own: whoever has its link meets the others there" @click=${this.#make}>
      ${icon("link")}Make a room
    </button>`;
  }

  readonly #make = async (): Promise<void> => {
    const url = pageFor(new URL(location.href));
    url.hash = inRoom(newRoom(), "");
    try {
      await navigator.clipboard.writeText(url.href);
    } catch {
      // The room has a button for it too.
    }
    location.href = url.href;
  };
}

/** The address that brings somebody else into this room. */
const roomLink = (): string => pageFor(new URL(location.href)).href;

define("peerloom-room-button", PeerloomRoomButton);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-room-button": PeerloomRoomButton;
  }
}
