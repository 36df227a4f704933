import { css } from "lit";

/** A row keeps its height in every state but two: a failure is told in full, and a preview was asked for. */
export const fileRowStyles = css`
  :host {
    display: block;
    container-type: inline-size;
    content-visibility: auto;
    contain-intrinsic-size: auto 68px;
  }
  .row {
    display: grid;
    grid-template-columns: 40px minmax(0, 1fr) auto;
    column-gap: var(--space-3);
    align-items: center;
    min-height: 68px;
    padding: var(--space-2) var(--space-3) var(--space-2) var(--space-4);
  }
  .kind {
    display: grid;
    width: 40px;
    height: 40px;
    place-items: center;
    border-radius: 10px;
    background: var(--sunken);
    color: var(--soft);
  }
  .kind.here {
    background: var(--accent-soft);
    color: var(--accent);
  }
  .text {
    position: relative;
    min-width: 0;
  }
  .name {
    overflow: hidden;
    font-weight: 500;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .meta {
    display: flex;
    align-items: center;
    gap: var(--space-1);
    min-height: 20px;
    color: var(--soft);
    font-size: 13px;
    line-height: 18px;
  }
  .meta > span {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  [data-state="complete"] .meta svg {
    color: var(--accent);
  }
  [data-state="failed"] .meta {
    align-items: flex-start;
    color: var(--danger);
  }
  [data-state="failed"] .meta svg {
    margin-block-start: 2px;
  }
  [data-state="failed"] .meta > span,
  [data-state="looking"] .meta > span {
    white-space: normal;
    overflow-wrap: anywhere;
  }
  [data-state="gone"] {
    opacity: 0.7;
  }
  .bar {
    position: absolute;
    inset-inline: 0;
    inset-block-end: -8px;
  }
  [data-state="failed"] .bar {
    position: static;
    margin-block-start: var(--space-1);
  }
  /* As wide as it ever gets, so that all bars have one length and the names one edge. */
  .actions {
    display: flex;
    align-items: center;
    justify-content: flex-end;
    gap: var(--space-1);
    min-width: 216px;
  }
  .actions .button:not(.icon) {
    min-width: 104px;
  }
  peerloom-preview {
    margin: 0 var(--space-4) var(--space-4) calc(var(--space-4) + 52px);
  }
  @container (max-width: 520px) {
    .row {
      grid-template-columns: 32px minmax(0, 1fr);
      row-gap: var(--space-4);
      min-height: 112px;
      padding: var(--space-3);
    }
    .kind {
      align-self: start;
      width: 32px;
      height: 32px;
      border-radius: var(--radius);
    }
    .actions {
      grid-column: 1 / -1;
      min-width: 0;
    }
    .meta {
      font-size: 12px;
    }
    peerloom-preview {
      margin: 0 var(--space-3) var(--space-3);
    }
  }
`;
