//! What `peerloom/testing` imports: nodes on a simulated network in virtual time, as the SDK sees them.
//!
//! The world is [`peerloom_sim::stage`]. Here it is given to JavaScript: each node behind the methods
//! of the driver's `NodeHandle`, so that the SDK runs over it unchanged, and each notice of the world
//! as a call to the SDK's host. Knows nothing about browsers, clocks or sockets.

mod node;
mod world;

pub use node::SimNode;
pub use world::SimWorld;
