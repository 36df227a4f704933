/** The sub-path `peerloom/ui`: importing it registers `<peerloom-status>`. */
export { PeerloomStatus } from "./status.ts";
export type { WatchedSwarm } from "./swarm-watch.ts";
