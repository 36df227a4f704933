import { css } from "lit";

export const connectionLogStyles = css`
  :host {
    display: block;
    container-type: inline-size;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2);
    margin-block-end: var(--space-3);
  }
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
  .count {
    flex: 1;
    color: var(--soft);
    font-size: 13px;
    white-space: nowrap;
  }
  .list {
    height: 320px;
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
    grid-template-columns: 96px 72px 104px minmax(0, 1fr);
    gap: var(--space-2);
    padding: 3px var(--space-3);
    content-visibility: auto;
    contain-intrinsic-size: auto 24px;
  }
  .row:hover {
    background: var(--sunken);
  }
  time,
  .since,
  .who {
    color: var(--soft);
  }
  .since {
    text-align: end;
  }
  .kind {
    font-weight: 600;
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
  .nothing {
    margin: 0;
    padding: var(--space-6) var(--space-4);
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
