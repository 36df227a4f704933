import { css } from "lit";

/** Comes after `logList` and `nothingHere`. */
export const connectionLogStyles = css`
  h2 {
    margin: 0;
    margin-inline-end: var(--space-2);
    font-size: 16px;
    font-weight: 600;
    line-height: 24px;
  }
  .text {
    flex: 1 1 140px;
    max-width: 240px;
  }
  .list {
    height: 320px;
  }
  .row {
    grid-template-columns: 96px 72px 104px minmax(0, 1fr);
    gap: var(--space-2);
  }
  .since,
  .who {
    color: var(--soft);
  }
  .since {
    text-align: end;
  }
  .stage .kind,
  .connecting .kind,
  .discovered .kind {
    font-weight: 400;
  }
  .connected .kind {
    color: var(--accent);
  }
  .waiting .kind,
  .security .kind {
    color: var(--warn);
  }
  .failed .kind {
    color: var(--danger);
  }
  .what {
    overflow-wrap: anywhere;
  }
  .link {
    padding: 0;
    border: 0;
    background: none;
    color: var(--accent);
    text-decoration: underline;
    cursor: pointer;
  }
  @container (max-width: 560px) {
    .row {
      grid-template-columns: 96px 64px minmax(0, 1fr);
      row-gap: 0;
    }
    .what {
      grid-column: 1 / -1;
    }
    .text,
    select {
      order: 1;
    }
    .text {
      max-width: none;
    }
  }
`;
