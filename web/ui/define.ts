/**
 * Registers a custom element, once and only where there are custom elements.
 *
 * A page may load two copies of the package, and a server may import it while rendering: neither is an error.
 */
export function define(name: string, element: CustomElementConstructor): void {
  if (typeof customElements === "undefined" || customElements.get(name) !== undefined) return;
  customElements.define(name, element);
}
