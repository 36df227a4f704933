import { LitElement, html } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type { PeerInfo, Role } from "../../sdk/index.ts";
import { controls } from "../../ui/controls.ts";
import { define } from "../../ui/define.ts";
import { formatCount, formatRtt, shortId } from "../../ui/format.ts";
import { icon } from "../../ui/icons.ts";
import { stateWords } from "../../ui/peer-words.ts";
import { tokens } from "../../ui/tokens.ts";
import { graphStyles } from "./graph-styles.ts";
import { Layout } from "./layout.ts";
import { legend } from "./legend.ts";
import { graphOf, sameLooks } from "./model.ts";
import type { Between, Graph } from "./model.ts";
import { Painter } from "./paint.ts";
import type { Palette } from "./paint.ts";
import { fit, nodeAt, nodeTowards, pan, reveal, zoom } from "./viewport.ts";
import type { Direction, Placed, Point, Size, Viewport } from "./viewport.ts";

/** How much of a frame the layout may take; the rest is for drawing and for the page. */
const LAYOUT_MS = 6;

/** How much a press of + or −, or a notch of the wheel, changes. */
const ZOOM_STEP = 1.25;

/** So far a press may wander and still be a click, in pixels. */
const CLICK_PX = 5;

/** How far the view goes towards its aim in each frame. */
const GLIDE_SHARE = 0.25;

const DIRECTIONS: Readonly<Record<string, Direction>> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

/** What a pointer does: only looks, or drags the view. */
type Drag = { readonly state: "none" } | { readonly state: "pressed" | "panning"; readonly from: Point; readonly last: Point };

/**
 * A swarm as one peer sees it, drawn on a canvas.
 *
 * Set `own` (this peer's id), `peers`, and if there is one, `selected` (an id). Gives `peerloom-select` with `detail.peer`, an
 * id or null. However often `peers` is set, it draws at most once a frame, and not at all while nothing changed.
 */
export class PeerloomNetworkGraph extends LitElement {
  static override properties = {
    own: { type: String },
    ownRoles: { attribute: false },
    peers: { attribute: false },
    between: { attribute: false },
    selected: { type: String },
    spoken: { state: true },
  };
  declare own: string;
  /** What this peer is to others. */
  declare ownRoles: readonly Role[];
  declare peers: readonly PeerInfo[];
  /** Connections of others with others, where they are known. */
  declare between: readonly Between[];
  declare selected: string | null;
  declare protected spoken: string;

  static override styles = [tokens, controls, graphStyles];

  readonly #layout = new Layout();
  readonly #painter = new Painter();
  #graph: Graph = { nodes: [], edges: [] };
  #palette: Palette | null = null;
  #size: Size = { width: 0, height: 0 };
  #view: Viewport = { x: 0, y: 0, scale: 1 };
  /** Where the view glides to; null when a person has taken hold of it. */
  #aim: "fit" | null = "fit";
  #shown = false;
  #dirty = false;
  #hovered: string | null = null;
  #drag: Drag = { state: "none" };
  #frame: number | null = null;
  #listening: AbortController | null = null;
  #resizing: ResizeObserver | null = null;

  constructor() {
    super();
    this.own = "";
    this.ownRoles = [];
    this.peers = [];
    this.between = [];
    this.selected = null;
    this.spoken = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.#recolour(), { signal });
    }
    this.#resizing = new ResizeObserver(() => this.#resized());
    if (this.hasUpdated) this.#watchSize();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#listening?.abort();
    this.#resizing?.disconnect();
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.#layout.hold(false);
  }

  override firstUpdated(): void {
    this.#watchSize();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!(["own", "ownRoles", "peers", "between"] as const).some((name) => changed.has(name))) return;
    const graph = graphOf(this.own, this.peers, this.between, this.ownRoles);
    this.#dirty ||= !sameLooks(this.#graph, graph);
    this.#graph = graph;
    this.#layout.update(graph);
  }

  override updated(changed: PropertyValues<this>): void {
    // Most of what comes in are numbers, which are not in the picture.
    if (this.#dirty || changed.has("selected") || !this.#layout.settled) this.#draw();
  }

  override render(): TemplateResult {
    const connected = this.peers.filter(({ state }) => state === "connected").length;
    return html`
      <div class="stage">
        <canvas
          tabindex="0"
          role="application"
          aria-roledescription="graph"
          aria-label="The swarm as a graph: ${connected} of ${formatCount(this.peers.length, "peer")} connected. Arrow keys go from peer to peer."
          @keydown=${this.#key}
          @pointerdown=${this.#press}
          @pointermove=${this.#move}
          @pointerup=${this.#release}
          @pointercancel=${this.#cancel}
          @pointerenter=${() => this.#layout.hold(this.#shown)}
          @pointerleave=${this.#leave}
          @wheel=${{ handleEvent: this.#wheel, passive: false }}
        ></canvas>
      </div>
      <div class="foot">
        ${legend()}
        <div class="tools">
          ${this.#tool("Zoom out", "less", () => this.#zoom(1 / ZOOM_STEP))}${this.#tool("Zoom in", "add", () => this.#zoom(ZOOM_STEP))}
          ${this.#tool("Show all", "whole", () => this.#fitAll())}
        </div>
      </div>
      <span class="only-heard" role="status">${this.spoken}</span>
      <span class="probe" aria-hidden="true" hidden></span>
    `;
  }

  #tool(name: string, symbol: "add" | "less" | "whole", act: () => void): TemplateResult {
    return html`<button type="button" class="button icon quiet" aria-label=${name} title=${name} @click=${act}>${icon(symbol)}</button>`;
  }

  /** Where each node is, in the units of the picture. */
  get places(): readonly Placed[] {
    return this.#layout.places;
  }

  get #canvas(): HTMLCanvasElement | null {
    return this.renderRoot.querySelector("canvas");
  }

  #watchSize(): void {
    const stage = this.renderRoot.querySelector(".stage");
    if (stage !== null) this.#resizing?.observe(stage);
  }

  #resized(): void {
    const canvas = this.#canvas;
    if (canvas === null) return;
    const size = { width: canvas.clientWidth, height: canvas.clientHeight };
    const density = window.devicePixelRatio;
    canvas.width = Math.round(size.width * density);
    canvas.height = Math.round(size.height * density);
    if (this.#aim === null) this.#view = pan(this.#view, (size.width - this.#size.width) / 2, (size.height - this.#size.height) / 2);
    this.#size = size;
    if (this.#aim === "fit") this.#view = fit(this.#layout.places, size);
    // A canvas that changes its size is empty: waiting for the next frame would flicker.
    this.#paint();
    this.#draw();
  }

  #recolour(): void {
    this.#palette = null;
    this.#draw();
  }

  /** Asks for one frame; many calls make one. */
  #draw(): void {
    if (this.#frame === null && this.isConnected) this.#frame = requestAnimationFrame(this.#next);
  }

  readonly #next = (): void => {
    this.#frame = null;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const moved = this.#layout.step(performance.now() + LAYOUT_MS);
    const settled = this.#layout.settled;
    // At first, and where motion is unwelcome, only the end of it is shown.
    const quiet = still || !this.#shown;
    if (settled && !this.#shown && this.#graph.nodes.length > 0) {
      this.#shown = true;
      this.#layout.hold(this.#canvas?.matches(":hover") === true);
    }
    const gliding = this.#glide(quiet && settled);
    if (!quiet || settled) this.#paint();
    if (moved || gliding || !settled) this.#draw();
  };

  /** Moves the view towards its aim; returns whether it is still under way. */
  #glide(atOnce: boolean): boolean {
    // What is under the pointer stays there.
    if (this.#aim === null || (this.#shown && this.#canvas?.matches(":hover") === true)) return false;
    const aim = fit(this.#layout.places, this.#size);
    const far = Math.abs(aim.scale / this.#view.scale - 1) + (Math.abs(aim.x - this.#view.x) + Math.abs(aim.y - this.#view.y)) / 1000;
    if (atOnce || far < 0.002) {
      this.#view = aim;
      return false;
    }
    const towards = (from: number, to: number): number => from + (to - from) * GLIDE_SHARE;
    this.#view = { x: towards(this.#view.x, aim.x), y: towards(this.#view.y, aim.y), scale: towards(this.#view.scale, aim.scale) };
    return true;
  }

  #paint(): void {
    this.#dirty = false;
    const context = this.#canvas?.getContext("2d") ?? null;
    if (context === null || this.#size.width === 0) return;
    this.#palette ??= this.#readPalette();
    this.#painter.paint(context, {
      graph: this.#graph,
      place: (id) => this.#layout.place(id),
      view: this.#view,
      size: this.#size,
      density: window.devicePixelRatio,
      palette: this.#palette,
      selected: this.selected,
      hovered: this.#hovered,
    });
  }

  /** A custom property with `light-dark()` reads as it was written; only as the colour of something it is resolved. */
  #readPalette(): Palette {
    const probe = this.renderRoot.querySelector<HTMLElement>(".probe");
    const colour = (name: string): string => {
      if (probe === null) return "";
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    const font = getComputedStyle(this).fontFamily;
    return {
      page: colour("page"), surface: colour("surface"), text: colour("text"), soft: colour("soft"), edge: colour("edge"),
      accent: colour("accent"), warn: colour("warn"), danger: colour("danger"), font,
    };
  }

  #zoom(factor: number, about: Point = { x: this.#size.width / 2, y: this.#size.height / 2 }): void {
    this.#aim = null;
    this.#view = zoom(this.#view, factor, about);
    this.#draw();
  }

  #fitAll(): void {
    this.#aim = "fit";
    this.#view = fit(this.#layout.places, this.#size);
    this.#draw();
  }

  #select(peer: string | null): void {
    this.dispatchEvent(new CustomEvent("peerloom-select", { detail: { peer }, bubbles: true, composed: true }));
  }

  readonly #key = (event: KeyboardEvent): void => {
    const direction = DIRECTIONS[event.key];
    if (direction !== undefined) this.#step(direction);
    else if (event.key === "Escape" && this.selected !== null) this.#select(null);
    else if (event.key === "+" || event.key === "=") this.#zoom(ZOOM_STEP);
    else if (event.key === "-") this.#zoom(1 / ZOOM_STEP);
    else if (event.key === "0") this.#fitAll();
    else return;
    event.preventDefault();
  };

  #step(direction: Direction): void {
    const from = this.#layout.place(this.selected ?? this.own) ?? this.#layout.place(this.own);
    if (from === null) return;
    const next = nodeTowards(this.#layout.places, from, direction);
    if (next === null) return;
    this.#view = reveal(this.#view, next, this.#size);
    this.spoken = this.#describe(next.id);
    this.#select(next.id === this.own ? null : next.id);
    this.#draw();
  }

  #describe(id: string): string {
    if (id === this.own) return "You";
    const peer = this.peers.find((one) => one.id === id);
    if (peer === undefined) return "";
    const rtt = peer.state === "connected" ? `, ${formatRtt(peer.rttMs)} round trip` : "";
    const roles = peer.roles.filter((role) => role !== "leaf").map((role) => `, ${role}`).join("");
    return `${shortId(id)}, ${stateWords(peer.state).word}${rtt}${roles}`;
  }

  readonly #press = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const at = { x: event.offsetX, y: event.offsetY };
    this.#drag = { state: "pressed", from: at, last: at };
  };

  readonly #move = (event: PointerEvent): void => {
    const at = { x: event.offsetX, y: event.offsetY };
    if (this.#drag.state === "none") return this.#hover(at);
    const { from, last } = this.#drag;
    if (this.#drag.state === "pressed" && Math.hypot(at.x - from.x, at.y - from.y) < CLICK_PX) return;
    if (this.#drag.state === "pressed") this.#canvas?.setPointerCapture(event.pointerId);
    this.#drag = { state: "panning", from, last: at };
    this.#aim = null;
    this.#view = pan(this.#view, at.x - last.x, at.y - last.y);
    this.#draw();
  };

  readonly #release = (event: PointerEvent): void => {
    const clicked = this.#drag.state === "pressed";
    this.#drag = { state: "none" };
    if (!clicked) return;
    const node = nodeAt(this.#layout.places, this.#view, { x: event.offsetX, y: event.offsetY });
    this.#select(node === null || node.id === this.own ? null : node.id);
  };

  readonly #cancel = (): void => {
    this.#drag = { state: "none" };
  };

  readonly #leave = (): void => {
    this.#hovered = null;
    this.#layout.hold(false);
    this.#draw();
  };

  #hover(at: Point): void {
    const hovered = nodeAt(this.#layout.places, this.#view, at)?.id ?? null;
    if (hovered === this.#hovered) return;
    this.#hovered = hovered;
    const canvas = this.#canvas;
    if (canvas !== null) {
      canvas.style.cursor = hovered === null || hovered === this.own ? "" : "pointer";
      canvas.title = hovered === null ? "" : this.#describe(hovered);
    }
    this.#draw();
  }

  /** With Ctrl, as pinching on a touchpad gives it: without it the page scrolls. */
  readonly #wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#zoom(Math.exp(-event.deltaY / 200), { x: event.offsetX, y: event.offsetY });
  };
}

define("peerloom-network-graph", PeerloomNetworkGraph);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-network-graph": PeerloomNetworkGraph;
  }
}
