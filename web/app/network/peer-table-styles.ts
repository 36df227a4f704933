import { css } from "lit";

export const peerTableStyles = css`
  :host {
    display: block;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-4);
    margin-block-end: var(--space-3);
  }
  h2 {
    margin: 0;
    font-size: 16px;
    font-weight: 600;
    line-height: 24px;
  }
  .filters {
    flex-wrap: wrap;
  }
  .top .field {
    flex: 0 1 180px;
    margin-inline-start: auto;
  }
  .frame {
    border: 1px solid var(--line);
    border-radius: var(--radius-large);
    background: var(--surface);
    overflow: clip;
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
    vertical-align: middle;
  }
  thead th {
    color: var(--soft);
    font-size: 12px;
    font-weight: 500;
    white-space: nowrap;
  }
  tbody tr {
    border-block-start: 1px solid var(--line);
    cursor: pointer;
  }
  tbody tr:hover {
    background: var(--sunken);
  }
  tr.chosen,
  tr.chosen:hover {
    background: var(--accent-soft);
  }
  tr.gone {
    color: var(--soft);
  }
  .number {
    text-align: end;
    white-space: nowrap;
  }
  tbody th {
    width: 1%;
    font-weight: 400;
  }
  .peer {
    display: inline-flex;
    align-items: center;
    gap: var(--space-2);
    min-height: 28px;
    padding: 0;
    border: 0;
    border-radius: var(--radius);
    background: none;
    font: 500 13px/20px var(--mono);
    cursor: pointer;
  }
  .peer peerloom-avatar {
    --avatar-size: 24px;
  }
  .state {
    color: inherit;
    font-size: inherit;
    line-height: inherit;
    white-space: nowrap;
  }
  .chosen .state.connected {
    color: var(--text);
  }
  .why {
    display: block;
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
  }
  .nothing {
    margin: 0;
    padding: var(--space-6) var(--space-4);
    border: 1px dashed var(--line);
    border-radius: var(--radius-large);
    color: var(--soft);
    text-align: center;
  }
  .more {
    display: flex;
    align-items: center;
    justify-content: center;
    gap: var(--space-3);
    margin: var(--space-3) 0 0;
  }
  @media (max-width: 720px) {
    .wide {
      display: none;
    }
    .top .field {
      flex: 1 1 100%;
    }
    .filter {
      flex: 1 1 auto;
      padding: 0 var(--space-2);
    }
    th,
    td {
      padding-inline: var(--space-2);
    }
    thead .number,
    .state {
      white-space: normal;
    }
    .peer {
      gap: 6px;
    }
  }
`;
