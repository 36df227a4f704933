import { css } from "lit";

export const peerDetailsStyles = css`
  :host {
    display: block;
  }
  .top {
    display: flex;
    align-items: center;
    gap: var(--space-1);
  }
  .top peerloom-avatar {
    --avatar-size: 40px;
    margin-inline-end: var(--space-2);
  }
  .who {
    flex: 1;
    min-width: 0;
  }
  h2 {
    margin: 0;
    font: 600 15px/20px var(--mono);
  }
  .note {
    margin-block-start: var(--space-3);
    font-size: 13px;
    line-height: 18px;
  }
  .next {
    display: block;
    margin-block-start: var(--space-1);
    font-weight: 500;
  }
  .soft {
    margin: var(--space-3) 0 0;
    color: var(--soft);
    font-size: 13px;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
    margin-block: var(--space-3);
  }
  [aria-disabled="true"] {
    opacity: 0.55;
    cursor: progress;
  }
  dl {
    display: grid;
    gap: 6px;
    margin: 0;
    font-size: 13px;
    line-height: 18px;
  }
  dl > div {
    display: flex;
    justify-content: space-between;
    gap: var(--space-3);
  }
  dt {
    flex: none;
    color: var(--soft);
  }
  dd {
    margin: 0;
    text-align: end;
  }
  .total {
    display: block;
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
  }
  .charts {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-3);
    margin-block-start: var(--space-4);
  }
`;
