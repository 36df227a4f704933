import { css } from "lit";

/** Comes after `peerRows` and `nothingHere`. */
export const swarmPanelStyles = css`
  h2 {
    margin-block-end: var(--space-2);
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
  .nothing p {
    margin: 0 0 var(--space-3);
  }
  th,
  td {
    padding-inline-start: 0;
    vertical-align: top;
  }
  .number {
    padding-inline-end: 0;
  }
  .peer peerloom-avatar {
    --avatar-size: 20px;
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
