import { LitElement, css, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import type { Swarm } from "../sdk/index.ts";
import { controls } from "../ui/controls.ts";
import { define } from "../ui/define.ts";
import "../ui/index.ts";
import { tokens } from "../ui/tokens.ts";
import { Following } from "./changes.ts";
import "./drop-zone.ts";
import "./files-page.ts";
import type { Diagnostics } from "./diagnostics/diagnostics.ts";
import { logo } from "./logo.ts";
import "./log-page.ts";
import type { Recorder } from "./network/recorder.ts";
import "./notice-list.ts";
import { here, withoutRoom } from "./place.ts";
import { RTC } from "./session.ts";
import type { Session } from "./session.ts";

type Page = "files" | "network" | "diagnostics" | "log";

const PAGES: readonly Page[] = ["files", "network", "diagnostics", "log"];

/** A part of the app that is loaded when somebody first looks at it, with what it keeps while others are looked at. */
type Part<T> = { readonly state: "absent" | "loading" | "failed" } | { readonly state: "loaded"; readonly kept: T };

/** The frame of the app: name, pages, status, and what is told on top of them. */
export class PeerloomApp extends LitElement {
  static override properties = { session: { attribute: false }, page: { state: true }, network: { state: true }, diagnostics: { state: true } };
  declare session: Session | null;
  declare protected page: Page;
  declare protected network: Part<Recorder>;
  declare protected diagnostics: Part<Diagnostics>;

  static override styles = [
    tokens,
    controls,
    css`
      :host {
        --header-height: 56px;
        display: block;
        min-height: 100dvh;
        background: var(--page);
      }
      header {
        position: sticky;
        inset-block-start: 0;
        z-index: 10;
        border-block-end: 1px solid var(--line);
        background: var(--page);
      }
      .inner,
      main {
        max-width: 960px;
        margin-inline: auto;
        padding-inline: var(--space-4);
      }
      /* As wide as the widest page, so that going from page to page moves none of the links. */
      .inner {
        max-width: 1280px;
      }
      .inner {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        min-height: var(--header-height);
      }
      .name {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        color: var(--text);
        font-size: 16px;
        font-weight: 650;
        letter-spacing: -0.01em;
        text-decoration: none;
      }
      .name svg {
        color: var(--accent);
      }
      nav {
        display: flex;
        flex: 1;
        gap: var(--space-1);
        margin-inline-start: var(--space-3);
      }
      nav a {
        padding: 6px 10px;
        border-radius: var(--radius);
        color: var(--soft);
        font-weight: 500;
        text-decoration: none;
        transition: background var(--quick), color var(--quick);
      }
      nav a:hover {
        color: var(--text);
        background: var(--sunken);
      }
      nav a[aria-current="page"] {
        color: var(--text);
        background: var(--sunken);
      }
      .skip {
        position: absolute;
        inset-block-start: -64px;
      }
      .skip:focus {
        inset-block-start: 12px;
      }
      main {
        padding-block: var(--space-6) 96px;
      }
      main:focus {
        outline: none;
      }
      /* A picture is better large; lines of text are not. */
      main.network {
        max-width: 1280px;
      }
      .message {
        max-width: 480px;
        margin: 15vh auto 0;
        text-align: center;
      }
      .message h1 {
        margin: 0 0 var(--space-2);
        font-size: 20px;
        line-height: 28px;
      }
      .message p {
        margin: 0 0 var(--space-5);
        color: var(--soft);
      }
      @media (max-width: 480px) {
        /* The pages get a line of their own. */
        :host {
          --header-height: 92px;
        }
        .inner {
          flex-wrap: wrap;
          justify-content: space-between;
          gap: 0 var(--space-2);
          padding-block: var(--space-2) var(--space-1);
        }
        nav {
          order: 1;
          flex-basis: 100%;
          margin-inline: -10px;
        }
        main {
          padding-block-start: var(--space-4);
        }
      }
    `,
  ];

  readonly #session = new Following(this);
  readonly #notices = new Following(this);
  #recording = new AbortController();
  #listening: AbortController | null = null;

  constructor() {
    super();
    this.session = null;
    this.page = pageIn(location.hash);
    this.network = { state: "absent" };
    this.diagnostics = { state: "absent" };
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listening = new AbortController();
    addEventListener("hashchange", () => (this.page = pageIn(location.hash)), { signal: this.#listening.signal });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#listening?.abort();
    this.#recording.abort();
    this.#recording = new AbortController();
    this.network = { state: "absent" };
    this.diagnostics = { state: "absent" };
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("session")) return;
    this.#session.follow(this.session?.changes ?? null);
    this.#notices.follow(this.session?.notices.changes ?? null);
  }

  override updated(): void {
    const now = this.session?.now;
    if (this.page === "network" && this.network.state === "absent" && now?.state === "open") void this.#loadNetwork(now.swarm);
    if (this.page === "diagnostics" && this.diagnostics.state === "absent") void this.#loadDiagnostics();
    if (this.diagnostics.state === "loaded" && now?.state === "open" && this.session !== null) {
      this.diagnostics.kept.follow(now.swarm, this.session.journal, this.#recording.signal);
    }
  }

  override render(): TemplateResult {
    const now = this.session?.now;
    const swarm = now?.state === "open" ? now.swarm : null;
    return html`
      <header>
        <button type="button" class="button skip" @click=${this.#skip}>Skip to the content</button>
        <div class="inner">
          <a class="name" href=${here("#/files")} aria-label="Peerloom, files">${logo(24)}<span class="word">Peerloom</span></a>
          <nav aria-label="Pages">${this.#link("files", "Files")}${this.#link("network", "Network")}${this.#link("diagnostics", "Diagnostics")}${this.#link("log", "Log")}</nav>
          <peerloom-status
            .swarm=${swarm}
            @peerloom-toggle=${(event: CustomEvent<{ enabled: boolean }>) => this.session?.remember(event.detail.enabled)}
          ></peerloom-status>
        </div>
      </header>
      <main id="main" class=${this.page} tabindex="-1">${this.#main()}</main>
      <peerloom-drop-zone @peerloom-files=${this.#dropped} @peerloom-notice=${this.#notice}></peerloom-drop-zone>
      <peerloom-notice-list .notices=${this.session?.notices ?? null}></peerloom-notice-list>
      <span class="only-heard" role="status">${this.session?.notices.spoken ?? ""}</span>
    `;
  }

  #main(): TemplateResult | typeof nothing {
    const session = this.session;
    if (session === null) return nothing;
    const { now } = session;
    if (this.page === "log") return html`<peerloom-log-page .journal=${session.journal}></peerloom-log-page>`;
    // Of most use where the swarm can't be opened.
    if (this.page === "diagnostics") return this.#diagnostics(session);
    switch (now.state) {
      case "opening":
        return html`<div class="message" role="status"><p>Opening your files…</p></div>`;
      case "failed":
        return html`<div class="message" role="alert">
          <h1>Peerloom can’t start here</h1>
          <p>${now.text}</p>
          <button type="button" class="button" @click=${() => location.reload()}>Reload the page</button>
        </div>`;
      case "open":
        if (this.page === "network") return this.#network(session, now.swarm);
        return html`<peerloom-files-page
          .files=${now.files}
          .swarm=${now.swarm}
          @peerloom-enable=${() => session.enable()}
          @peerloom-notice=${this.#notice}
          @peerloom-copy-failed=${(event: CustomEvent<{ text: string }>) => this.#notCopied(session, event.detail.text)}
        ></peerloom-files-page>`;
    }
  }

  /** The graph and its libraries are loaded by whoever looks at them; what is loaded is recorded from then on. */
  #network(session: Session, swarm: Swarm): TemplateResult {
    const { network } = this;
    if (network.state !== "loaded") return notLoaded(network.state);
    return html`<peerloom-network-page
      .swarm=${swarm}
      .recorder=${network.kept}
      @peerloom-enable=${() => session.enable()}
      @peerloom-copy-failed=${(event: CustomEvent<{ text: string }>) => this.#notCopied(session, event.detail.text)}
    ></peerloom-network-page>`;
  }

  #diagnostics(session: Session): TemplateResult {
    const { diagnostics } = this;
    if (diagnostics.state !== "loaded") return notLoaded(diagnostics.state);
    return html`<peerloom-diagnostics-page .diagnostics=${diagnostics.kept} @peerloom-enable=${() => session.enable()}></peerloom-diagnostics-page>`;
  }

  async #loadNetwork(swarm: Swarm): Promise<void> {
    this.network = { state: "loading" };
    try {
      const [{ Recorder }] = await Promise.all([import("./network/recorder.ts"), import("./network/network-page.ts")]);
      this.network = { state: "loaded", kept: new Recorder(swarm, this.#recording.signal) };
    } catch {
      this.network = { state: "failed" };
    }
  }

  async #loadDiagnostics(): Promise<void> {
    this.diagnostics = { state: "loading" };
    try {
      const [{ Diagnostics }] = await Promise.all([import("./diagnostics/diagnostics.ts"), import("./diagnostics/diagnostics-page.ts")]);
      this.diagnostics = { state: "loaded", kept: new Diagnostics(RTC) };
    } catch {
      this.diagnostics = { state: "failed" };
    }
  }

  /** On every page, because a file dropped where nobody takes it makes the browser leave for that file. */
  readonly #dropped = (event: CustomEvent<{ files: readonly File[] }>): void => {
    const now = this.session?.now;
    if (now?.state === "open") {
      now.files.add(event.detail.files);
      if (this.page !== "files") location.hash = here("#/files");
    } else {
      this.session?.notices.show("info", "Not ready for files yet", "Drop them again when the page has opened.");
    }
  };

  readonly #notice = (event: CustomEvent<{ title: string; text: string }>): void => {
    this.session?.notices.show("danger", event.detail.title, event.detail.text);
  };

  #notCopied(session: Session, text: string): void {
    if (text === "") session.notices.show("danger", "There is no link to copy", "The key of this file is not known here.");
    else session.notices.show("info", "The browser did not allow copying. Copy it from here", text);
  }

  #link(page: Page, name: string): TemplateResult {
    return html`<a href=${here(`#/${page}`)} aria-current=${this.page === page ? "page" : nothing}>${name}</a>`;
  }

  /** A button and no link: the fragment of the address belongs to the pages. */
  readonly #skip = (): void => {
    this.renderRoot.querySelector("main")?.focus();
  };
}

function notLoaded(state: "absent" | "loading" | "failed"): TemplateResult {
  if (state !== "failed") return html`<div class="message" role="status"><p>Opening the page…</p></div>`;
  return html`<div class="message" role="alert">
    <h1>This page did not load</h1>
    <p>The files of the app changed, or there is no network. Your files and connections are as they were.</p>
    <button type="button" class="button" @click=${() => location.reload()}>Reload the page</button>
  </div>`;
}

function pageIn(hash: string): Page {
  const place = withoutRoom(hash);
  return PAGES.find((page) => place === `#/${page}`) ?? "files";
}

define("peerloom-app", PeerloomApp);

declare global {
  interface HTMLElementTagNameMap {
    "peerloom-app": PeerloomApp;
  }
}
