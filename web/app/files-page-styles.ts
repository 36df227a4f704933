import { css } from "lit";

export const filesPageStyles = css`
  :host {
    display: block;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-4);
    margin-block-end: var(--space-4);
  }
  .filter {
    transition: background var(--quick), color var(--quick);
  }
  .search {
    flex: 0 1 180px;
  }
  .add {
    margin-inline-start: auto;
  }
  .next {
    display: flex;
    align-items: center;
    gap: var(--space-3);
    margin-block-start: var(--space-4);
    padding: var(--space-2) var(--space-2) var(--space-2) var(--space-4);
    border: 1px solid var(--line);
    border-radius: var(--radius-large);
    background: var(--warn-soft);
  }
  /* In sight above a long list too. */
  .next {
    position: sticky;
    inset-block-end: var(--space-4);
    z-index: 4;
    box-shadow: var(--shadow);
  }
  .next > svg {
    color: var(--warn);
  }
  .next > span {
    flex: 1;
    min-width: 0;
  }
  /* Lies over the list, because nothing may move under the pointer that caused it. */
  .new {
    position: sticky;
    inset-block-start: calc(var(--header-height, 56px) + 8px);
    z-index: 5;
    height: 0;
    text-align: center;
  }
  .new .button {
    translate: 0 -16px;
    border-radius: 16px;
    background: var(--raised);
    box-shadow: var(--shadow);
  }
  ul {
    margin: 0;
    padding: 0;
    border: 1px solid var(--line);
    border-radius: var(--radius-large);
    background: var(--surface);
    list-style: none;
    overflow: clip;
  }
  ul:focus {
    outline: none;
  }
  li + li {
    border-block-start: 1px solid var(--line);
  }
  .nothing {
    margin: 0;
    padding: 48px var(--space-4);
    border: 1px dashed var(--line);
    border-radius: var(--radius-large);
    color: var(--soft);
    text-align: center;
  }
  @media (max-width: 600px) {
    .top {
      gap: var(--space-3);
    }
    .filters {
      order: 3;
      flex: 1 1 100%;
    }
    .filter {
      flex: 1 1 auto;
      padding: 0 6px;
    }
    .search {
      order: 4;
      flex: 1 1 100%;
    }
    .next {
      flex-wrap: wrap;
      padding: var(--space-3);
    }
    .next > span {
      flex-basis: calc(100% - 40px);
    }
  }
`;
