import { css } from "lit";

export const networkPageStyles = css`
  :host {
    display: block;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 var(--space-4);
    margin-block-end: var(--space-4);
  }
  .sum {
    margin: 0;
    color: var(--soft);
  }
  /* The panel is always there: choosing a peer changes what is in it and moves nothing. */
  .main {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 320px;
    gap: var(--space-4);
  }
  .picture {
    display: grid;
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
    height: clamp(480px, calc(100dvh - 200px), 680px);
  }
  aside {
    height: clamp(480px, calc(100dvh - 200px), 680px);
    padding: var(--space-4);
    border: 1px solid var(--line);
    border-radius: var(--radius-large);
    background: var(--surface);
    overflow-y: auto;
    overscroll-behavior: contain;
  }
  aside:focus {
    outline: none;
  }
  peerloom-peer-table {
    grid-column: 1 / -1;
    margin-block-start: var(--space-2);
  }
  aside h2 {
    margin: 0 0 var(--space-3);
    font-size: 15px;
    font-weight: 600;
    line-height: 20px;
  }
  dl {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: var(--space-2);
    margin: 0 0 var(--space-4);
  }
  .charts {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-4);
  }
  aside h3 {
    margin: var(--space-4) 0 var(--space-1);
    font-size: 13px;
    font-weight: 600;
    line-height: 20px;
  }
  .bans {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .bans li {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    min-height: 32px;
    font-size: 13px;
  }
  .bans button {
    margin-inline-start: auto;
  }
  .hint {
    margin: var(--space-4) 0 0;
    color: var(--soft);
    font-size: 13px;
    line-height: 18px;
  }
  .picture > peerloom-network-graph {
    grid-row: 2;
  }
  .empty {
    max-width: 440px;
    margin: var(--space-2) auto var(--space-5);
    text-align: center;
  }
  .empty h2 {
    margin: 0;
    font-size: 16px;
    font-weight: 600;
    line-height: 24px;
  }
  .empty p {
    margin: var(--space-1) 0 var(--space-3);
    color: var(--soft);
    text-wrap: pretty;
  }
  @media (max-width: 840px) {
    .main {
      grid-template-columns: minmax(0, 1fr);
    }
    .picture {
      grid-template-rows: auto minmax(clamp(360px, 60dvh, 480px), auto);
      height: auto;
    }
    aside {
      height: auto;
    }
  }
`;
