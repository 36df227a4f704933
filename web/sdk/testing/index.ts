/** `peerloom/testing`: swarms on a simulated network in virtual time, in Node and in browsers. Importing it has no effect. */

export { SimNetwork } from "./network.ts";
export type { Conditions, SimNetworkOptions } from "./conditions.ts";
