import { css } from "lit";

/** The title of a page. Needs `tokens`. */
export const pageTitle = css`
  h1 {
    margin: 0;
    font-size: 20px;
    font-weight: 650;
    letter-spacing: -0.01em;
    line-height: 32px;
  }
`;

/** A row of filters, one of which is pressed, with their counts. Needs `tokens` and `controls`. */
export const filterRow = css`
  .filters {
    display: flex;
    gap: 2px;
    padding: 2px;
    border-radius: 10px;
    background: var(--sunken);
  }
  .filter {
    min-height: 28px;
    padding: 0 10px;
    border: 0;
    border-radius: var(--radius);
    background: transparent;
    color: var(--soft);
    font-size: 13px;
    font-weight: 500;
    white-space: nowrap;
    cursor: pointer;
  }
  .filter:hover {
    color: var(--text);
  }
  .filter[aria-pressed="true"] {
    background: var(--surface);
    color: var(--text);
    box-shadow: 0 1px 2px light-dark(#1d1c1a1a, #00000066);
  }
  .count {
    color: var(--soft);
    font-weight: 400;
  }
`;

/** The box that stands where there is nothing to list. Needs `tokens`. */
export const nothingHere = css`
  .nothing {
    margin: 0;
    padding: var(--space-6) var(--space-4);
    border: 1px dashed var(--line);
    border-radius: var(--radius-large);
    color: var(--soft);
    text-align: center;
  }
`;

/** A log: what stands above it, its rows, which scroll, and what stands below. Needs `tokens`. */
export const logList = css`
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
  .count {
    flex: 1;
    color: var(--soft);
    font-size: 13px;
    white-space: nowrap;
  }
  .list {
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
  }
  .foot {
    margin: var(--space-2) 0 0;
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
  }
`;

/** A table with a peer in each row. Needs `tokens`. */
export const peerRows = css`
  :host {
    display: block;
  }
  h2 {
    margin: 0;
    font-size: 16px;
    font-weight: 600;
    line-height: 24px;
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 13px;
    line-height: 18px;
  }
  th,
  td {
    padding: 6px var(--space-3);
    text-align: start;
  }
  thead th {
    color: var(--soft);
    font-size: 12px;
    font-weight: 500;
  }
  tbody tr {
    border-block-start: 1px solid var(--line);
  }
  tbody th {
    width: 1%;
    font-weight: 400;
  }
  .number {
    text-align: end;
    white-space: nowrap;
  }
  .peer {
    display: inline-flex;
    align-items: center;
    gap: var(--space-2);
    font: 500 13px/20px var(--mono);
  }
  .state {
    color: inherit;
    font-size: inherit;
    line-height: inherit;
  }
  .why {
    display: block;
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
  }
`;
