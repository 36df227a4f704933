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
