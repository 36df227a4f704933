import { css } from "lit";

/** Comes after `logList` and `nothingHere`. */
export const logPageStyles = css`
  .top {
    margin-block-end: var(--space-4);
  }
  h1 {
    margin-inline-end: var(--space-2);
  }
  .text {
    flex: 1 1 160px;
    max-width: 280px;
  }
  .list {
    height: calc(100dvh - 232px);
    min-height: 240px;
  }
  .row {
    grid-template-columns: 96px 160px minmax(0, 1fr);
    gap: var(--space-3);
  }
  .kind {
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
    padding-block: 48px;
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
