import { css } from "lit";

/** Buttons, switches, fields and bars: the controls that all components share. Needs `tokens`. */
export const controls = css`
  button,
  input,
  select {
    font: inherit;
    font-variant-numeric: inherit;
    letter-spacing: inherit;
    color: inherit;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-height: var(--target);
    padding: 0 var(--space-3);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--text);
    font-weight: 500;
    text-decoration: none;
    white-space: nowrap;
    cursor: pointer;
    user-select: none;
    transition: background var(--quick), border-color var(--quick), color var(--quick);
  }
  .button:hover {
    background: var(--sunken);
  }
  .button.primary {
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
  }
  .button.primary:hover {
    background: var(--accent-hover);
  }
  .button.soft {
    border-color: transparent;
    background: var(--accent-soft);
    color: var(--accent);
  }
  .button.soft:hover {
    background: var(--accent);
    color: var(--on-accent);
  }
  .button.quiet {
    border-color: transparent;
    background: transparent;
  }
  .button.quiet:hover {
    background: var(--sunken);
  }
  .button.icon {
    width: var(--target);
    padding: 0;
    flex: none;
    color: var(--soft);
  }
  .button.icon:hover {
    color: var(--text);
  }
  .button.large {
    min-height: 40px;
    padding: 0 var(--space-5);
    font-size: 15px;
  }
  .button:disabled {
    opacity: 0.55;
    cursor: default;
  }
  .field {
    min-height: var(--target);
    min-width: 0;
    padding: 0 var(--space-2);
    border: 1px solid var(--edge);
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--text);
  }
  .field::placeholder {
    color: var(--soft);
    opacity: 1;
  }
  .field[aria-invalid="true"] {
    border-color: var(--danger);
  }
  .switch {
    position: relative;
    flex: none;
    width: 40px;
    height: 24px;
    padding: 0;
    border: 1px solid var(--edge);
    border-radius: 12px;
    background: var(--sunken);
    cursor: pointer;
    transition: background var(--quick), border-color var(--quick);
  }
  .switch::after {
    content: "";
    position: absolute;
    inset-block-start: 3px;
    inset-inline-start: 3px;
    width: 16px;
    height: 16px;
    border-radius: 50%;
    background: var(--edge);
    transition: translate var(--quick), background var(--quick);
  }
  .switch[aria-checked="true"] {
    border-color: var(--accent);
    background: var(--accent);
  }
  .switch[aria-checked="true"]::after {
    translate: 16px 0;
    background: var(--on-accent);
  }
  .switch:disabled {
    opacity: 0.6;
    cursor: progress;
  }
  .note {
    margin: 0;
    padding: var(--space-2) var(--space-3);
    border-radius: var(--radius);
    background: var(--sunken);
    color: var(--text);
    overflow-wrap: anywhere;
  }
  .note.danger {
    background: var(--danger-soft);
  }
  .note.danger > strong,
  .danger-text {
    color: var(--danger);
  }
  .note.warn {
    background: var(--warn-soft);
  }
  .note > strong {
    display: block;
    font-weight: 600;
  }
  .bar {
    display: block;
    height: 4px;
    border-radius: 2px;
    overflow: hidden;
    background: var(--sunken);
  }
  .bar > span {
    display: block;
    height: 100%;
    border-radius: 2px;
    background: var(--accent);
    transform-origin: 0 50%;
  }
  .bar > span.held {
    background: var(--edge);
  }
  svg {
    display: block;
    flex: none;
  }
  @media (forced-colors: active) {
    .bar {
      border: 1px solid CanvasText;
    }
    .bar > span,
    .switch::after {
      background: CanvasText;
      forced-color-adjust: none;
    }
  }
`;

/** How the state of a peer reads: its icon and its word. Needs `tokens`. */
export const peerStates = css`
  .state {
    display: inline-flex;
    align-items: center;
    gap: var(--space-1);
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
  }
  .state.connected {
    color: var(--accent);
  }
  .state.backoff {
    color: var(--warn);
  }
`;

/** Figures, each below its name, in a list of descriptions. Needs `tokens`. */
export const figures = css`
  dt {
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
  }
  dd {
    margin: 0;
    font-size: 16px;
    font-weight: 600;
    line-height: 24px;
  }
`;
