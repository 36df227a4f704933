import { css } from "lit";

/** Comes after `peerRows` and `nothingHere`. */
export const peerTableStyles = css`
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-4);
    margin-block-end: var(--space-3);
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
  th,
  td {
    vertical-align: middle;
  }
  thead th {
    white-space: nowrap;
  }
  tbody tr {
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
  .peer {
    min-height: 28px;
    padding: 0;
    border: 0;
    border-radius: var(--radius);
    background: none;
    cursor: pointer;
  }
  .peer peerloom-avatar {
    --avatar-size: 24px;
  }
  .state {
    white-space: nowrap;
  }
  .chosen .state.connected {
    color: var(--text);
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
