import { css } from "lit";

export const testCardStyles = css`
  :host {
    display: block;
    container-type: inline-size;
  }
  section {
    padding: var(--space-4);
    border: 1px solid var(--line);
    border-radius: var(--radius-large);
    background: var(--surface);
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2);
  }
  h2 {
    margin: 0;
    font-size: 16px;
    font-weight: 600;
    line-height: 24px;
  }
  .state {
    display: inline-flex;
    align-items: center;
    gap: var(--space-1);
    margin-inline-start: var(--space-1);
    color: var(--soft);
    font-size: 13px;
    font-weight: 500;
    white-space: nowrap;
  }
  .state.passed,
  .state.running {
    color: var(--accent);
  }
  .state.failed {
    color: var(--danger);
  }
  .state.stopped {
    color: var(--warn);
  }
  .took {
    flex: 1;
    color: var(--soft);
    font-size: 12px;
    white-space: nowrap;
  }
  .head .button {
    min-width: 76px;
  }
  .said {
    max-width: 80ch;
    margin: var(--space-2) 0 0;
    text-wrap: pretty;
    overflow-wrap: anywhere;
  }
  .said.idle,
  .said.waiting,
  .said.running {
    color: var(--soft);
  }
  .bar {
    margin-block-start: var(--space-3);
  }
  .bar > span {
    transition: transform var(--quick);
  }
  .bar.busy > span {
    width: 30%;
    animation: to-and-fro 1.6s ease-in-out infinite alternate;
  }
  @keyframes to-and-fro {
    to {
      transform: translateX(233%);
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .bar.busy > span {
      width: 100%;
      animation: none;
      opacity: 0.5;
    }
  }
  dl {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(150px, 1fr));
    gap: var(--space-3) var(--space-4);
    margin: var(--space-4) 0 0;
  }
  .checks,
  .remarks {
    display: grid;
    gap: var(--space-2);
    margin: var(--space-4) 0 0;
    padding: 0;
    list-style: none;
    font-size: 13px;
    line-height: 18px;
  }
  .checks li {
    display: grid;
    grid-template-columns: 84px minmax(0, 1fr);
    gap: var(--space-2);
    overflow-wrap: anywhere;
  }
  .checks strong {
    font-weight: 600;
  }
  .checks strong::after {
    content: ".";
  }
  .verdict {
    display: inline-flex;
    align-items: center;
    align-self: start;
    gap: var(--space-1);
    font-weight: 500;
    white-space: nowrap;
  }
  .good .verdict {
    color: var(--accent);
  }
  .remark .verdict {
    color: var(--warn);
  }
  .bad .verdict {
    color: var(--danger);
  }
  .remarks {
    color: var(--soft);
  }
  table {
    width: 100%;
    margin-block-start: var(--space-4);
    border-collapse: collapse;
    font-size: 13px;
    line-height: 18px;
  }
  th,
  td {
    padding: 4px var(--space-3) 4px 0;
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
    font-weight: 400;
  }
  .number {
    text-align: end;
    white-space: nowrap;
  }
  .range {
    color: var(--soft);
  }
  .chart {
    width: 45%;
    padding-inline-end: 0;
  }
  .stage-bar {
    display: block;
    min-width: 2px;
    height: 8px;
    border-radius: 2px;
    background: var(--accent);
  }
  peerloom-time-chart {
    margin-block-start: var(--space-4);
  }
  @container (max-width: 560px) {
    .took {
      flex-basis: 20%;
    }
    .range {
      display: none;
    }
    .chart {
      width: 34%;
    }
    dl {
      grid-template-columns: repeat(auto-fill, minmax(120px, 1fr));
    }
    .checks li {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
  }
  @media (forced-colors: active) {
    .stage-bar {
      background: CanvasText;
      forced-color-adjust: none;
    }
  }
`;
