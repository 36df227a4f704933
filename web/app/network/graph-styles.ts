import { css } from "lit";

export const graphStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    border: 1px solid var(--line);
    border-radius: var(--radius-large);
    background: var(--surface);
    overflow: clip;
  }
  .stage {
    position: relative;
    flex: 1;
    min-height: 240px;
  }
  canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    cursor: grab;
    touch-action: pan-y;
  }
  canvas:active {
    cursor: grabbing;
  }
  canvas:focus-visible {
    outline-offset: -3px;
    border-radius: var(--radius-large);
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: flex-end;
    gap: var(--space-2);
    padding: var(--space-1) var(--space-1) var(--space-1) var(--space-3);
    border-block-start: 1px solid var(--line);
  }
  .tools {
    display: flex;
    flex: none;
  }
  .legend {
    display: flex;
    flex: 1 1 260px;
    flex-wrap: wrap;
    gap: var(--space-1) var(--space-4);
    margin: 0;
    padding: var(--space-1) 0;
    color: var(--soft);
    font-size: 12px;
    line-height: 16px;
    list-style: none;
  }
  .legend li {
    display: flex;
    align-items: center;
    gap: 6px;
    white-space: nowrap;
  }
`;
