import { css } from "lit";

export const swarmPanelStyles = css`
  :host {
    display: block;
  }
  h2 {
    margin: 0 0 var(--space-2);
    font-size: 16px;
    font-weight: 600;
    line-height: 24px;
  }
  h3 {
    margin: var(--space-5) 0 var(--space-2);
    font-size: 14px;
    font-weight: 600;
  }
  .sum,
  .soft,
  .more {
    margin: 0 0 var(--space-3);
    color: var(--soft);
  }
  .soft,
  .more {
    margin-block: var(--space-3) 0;
    font-size: 13px;
  }
  a {
    color: var(--accent);
  }
  .nothing {
    margin: 0;
    padding: var(--space-6) var(--space-4);
    border: 1px dashed var(--line);
    border-radius: var(--radius-large);
    color: var(--soft);
    text-align: center;
  }
  .nothing p {
    margin: 0 0 var(--space-3);
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 13px;
    line-height: 18px;
  }
  th,
  td {
    padding: 6px var(--space-3) 6px 0;
    text-align: start;
    vertical-align: top;
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
    padding-inline-end: 0;
    text-align: end;
    white-space: nowrap;
  }
  .peer {
    display: inline-flex;
    align-items: center;
    gap: var(--space-2);
    font: 500 13px/20px var(--mono);
  }
  .peer peerloom-avatar {
    --avatar-size: 20px;
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
  ul {
    display: grid;
    gap: var(--space-2);
    margin: 0;
    padding: 0;
    list-style: none;
    font-size: 13px;
    line-height: 18px;
  }
  li {
    display: grid;
    grid-template-columns: 84px minmax(0, 1fr);
    gap: var(--space-2);
  }
  .tone {
    display: inline-flex;
    align-items: center;
    align-self: start;
    gap: var(--space-1);
    color: var(--soft);
    font-weight: 500;
  }
  .trouble .tone {
    color: var(--danger);
  }
  .counter {
    color: var(--soft);
    font: 12px/18px var(--mono);
    overflow-wrap: anywhere;
  }
`;
