import { css } from "lit";

export const diagnosticsPageStyles = css`
  :host {
    display: block;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-4);
  }
  .live {
    flex: 1;
    margin: 0;
    color: var(--soft);
    white-space: nowrap;
  }
  .acts {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
  }
  .intro {
    max-width: 72ch;
    margin: var(--space-3) 0 var(--space-5);
    color: var(--soft);
    text-wrap: pretty;
  }
  .tests {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--space-3);
  }
  .by-hand {
    display: grid;
    justify-items: start;
    gap: var(--space-2);
    margin-block-end: var(--space-5);
  }
  textarea {
    width: 100%;
    padding: var(--space-2);
    font: 12px/18px var(--mono);
  }
  peerloom-swarm-panel,
  peerloom-connection-log {
    margin-block-start: var(--space-8);
  }
  @media (max-width: 480px) {
    .acts {
      flex-basis: 100%;
    }
    .acts .primary {
      flex: 1;
    }
  }
`;
