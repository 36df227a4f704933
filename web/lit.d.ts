/**
 * The part of Lit that the element's declarations mention, for the npm package.
 *
 * Lit is bundled into `peerloom/ui`, so applications do not have it, nor its types. They see an `HTMLElement` that updates.
 * `web/build.mjs` copies this file and points the declarations to it; a name that is missing here fails the package's story.
 */

export declare class LitElement extends HTMLElement {
  readonly isUpdatePending: boolean;
  readonly updateComplete: Promise<boolean>;
  requestUpdate(): void;
  connectedCallback(): void;
  disconnectedCallback(): void;
  protected willUpdate(changed: PropertyValues): void;
  protected updated(changed: PropertyValues): void;
  protected firstUpdated(changed: PropertyValues): void;
  protected render(): unknown;
}

export type PropertyValues<T = unknown> = ReadonlyMap<keyof T | PropertyKey, unknown>;
export type TemplateResult<_Type = unknown> = object;
export type SVGTemplateResult = object;
export type CSSResult = object;

export interface ReactiveController {
  hostConnected?(): void;
  hostDisconnected?(): void;
  hostUpdate?(): void;
  hostUpdated?(): void;
}

export interface ReactiveControllerHost {
  addController(controller: ReactiveController): void;
  removeController(controller: ReactiveController): void;
  requestUpdate(): void;
  readonly updateComplete: Promise<boolean>;
}
