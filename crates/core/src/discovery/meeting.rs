//! Two peers whom a server introduces to each other: one of them dials.

use alloc::vec::Vec;
use core::time::Duration;

use peerloom_wire::PeerId;

use super::known::Contact;
use super::{Discovery, Effect};
use crate::time::Now;

/// So long one of two whom a server introduces leaves the dialling to the other: over the slowest path
/// an offer takes less. If the other has no room, or is gone, it is dialled then.
const INTRODUCED_WAIT: Duration = Duration::from_secs(2);

impl Discovery {
    /// A server introduces a peer, which is told of us too. Who is connected to nobody dials, and of
    /// two to whom that applies, or not, the lower id. In a crowd some are chosen.
    #[inline(never)]
    pub(super) fn on_meeting(
        &mut self,
        now: Now,
        peer: PeerId,
        is_alone: bool,
        out: &mut Vec<Effect>,
    ) {
        let are_we_alone = !self.known.values().any(|known| known.contact == Contact::Connected);
        let is_ours = if are_we_alone == is_alone { self.config.own < peer } else { are_we_alone };
        let has_room = self.has_room() && !self.is_crowd();
        let is_sought = self.seeks.iter().any(|seek| seek.peer == peer);
        let Some(known) = self.known.get_mut(&peer) else { return };
        if known.contact != Contact::Idle {
            return;
        }
        if has_room && is_ours || is_sought {
            known.contact = Contact::Dialling;
            out.push(Effect::Dial { peer });
        } else if has_room {
            known.contact = Contact::backoff(now, INTRODUCED_WAIT);
        }
    }
}
