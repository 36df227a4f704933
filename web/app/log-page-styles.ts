import { css } from "lit";

export const logPageStyles = css`
  :host {
    display: block;
    container-type: inline-size;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2);
    margin-block-end: var(--space-4);
  }
  h1 {
    margin-inline-end: var(--space-2);
  }
  .text {
    flex: 1 1 160px;
    max-width: 280px;
  }
  .count {
    flex: 1;
    color: var(--soft);
    font-size: 13px;
    white-space: nowrap;
  }
  .list {
    height: calc(100dvh - 232px);
    min-height: 240px;
    overflow: auto;
    overscroll-behavior: contain;
    border: 1px solid var(--line);
    border-radius: var(--radius-large);
    background: var(--surface);
    font: 12px/18px var(--mono);
    /* The list follows its end by itself; the browser's anchoring would work against that. */
    overflow-anchor: none;
  }
  .row {
    display: grid;
    grid-template-columns: 96px 160px minmax(0, 1fr);
    gap: var(--space-3);
    padding: 3px var(--space-3);
    content-visibility: auto;
    contain-intrinsic-size: auto 24px;
  }
  .row:hover {
    background: var(--sunken);
  }
  time {
    color: var(--soft);
  }
  .kind {
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  [data-level="debug"] .kind {
    color: var(--soft);
    font-weight: 400;
  }
  [data-level="warn"] .kind {
    color: var(--warn);
  }
  [data-level="error"] .kind {
    color: var(--danger);
  }
  .fields {
    color: var(--text);
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
  .field-name {
    color: var(--soft);
  }
  .nothing {
    margin: 0;
    padding: 48px var(--space-4);
    border: 1px dashed var(--line);
    border-radius: var(--radius-large);
    color: var(--soft);
    text-align: center;
  }
  .foot {
    margin: var(--space-2) 0 0;
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
  }
  code {
    font-family: var(--mono);
  }
  @container (max-width: 560px) {
    .row {
      grid-template-columns: 96px minmax(0, 1fr);
      row-gap: 0;
    }
    .fields {
      grid-column: 1 / -1;
    }
    .text {
      flex-basis: 100%;
      max-width: none;
      order: 1;
    }
  }
`;
