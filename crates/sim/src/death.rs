//! Whom nodes call dead: nobody may be who only slept or was slow, and it is held against nobody that
//! his own timers were late.

use core::time::Duration;

use peerloom_core::event::DisconnectCause;
use peerloom_wire::PeerId;

use crate::scenario::WRONGLY_DEAD;
use crate::schedule::Seat;
use crate::world::World;

/// For so long after a fault it may still be the reason why a peer is given up: an unanswered ping is
/// waited for 30 s, a lost transport is restarted for 28 s.
const AFTERMATH: Duration = Duration::from_secs(60);

/// The same after a peer said that its page froze: its silence is excused for 120 s before any of it is
/// counted.
const AFTERMATH_OF_FREEZE: Duration = Duration::from_secs(180);

/// How long a page that said so may be frozen before it may be taken for dead.
const FROZEN_MAX: Duration = Duration::from_secs(120);

impl World {
    /// A node lost a peer. If it was the node who gave it up, it has to have a reason.
    pub(crate) fn judge_death(&mut self, by: Seat, peer: PeerId, cause: DisconnectCause) {
        if !matches!(cause, DisconnectCause::Unresponsive | DisconnectCause::Transport) {
            return;
        }
        if self.has_reason(by, peer) {
            return self.count("peers given up");
        }
        self.count(WRONGLY_DEAD);
        let what = format!("gave up {peer:?} ({cause:?}), who was there");
        self.checkers.fail(self.now_ms(), by.tab, "nobody is called dead wrongly", what);
    }

    /// Whether a peer may be taken for dead: its session is over or new, its page was frozen without
    /// a word, one of both is hostile, or something was wrong with the network.
    fn has_reason(&self, by: Seat, peer: PeerId) -> bool {
        let now = self.schedule.now();
        let Some(entry) = self.truth.who.find(&peer) else { return true };
        let (us, them) = (&self.tabs[by.tab], &self.tabs[entry.tab]);
        let said_frozen = them.froze_at.filter(|at| now < *at + AFTERMATH_OF_FREEZE);
        let aftermath = if said_frozen.is_some() { AFTERMATH_OF_FREEZE } else { AFTERMATH };
        let is_recent = |at| now < at + aftermath;
        !them.is_running()
            || is_recent(them.opened_at)
            || them.asleep_until.is_some_and(is_recent)
            || !them.is_honest()
            || !us.is_honest()
            || them.frozen_until.is_some() && them.froze_at.is_some_and(|at| at + FROZEN_MAX < now)
            || self.fabric.disturbed_until().is_some_and(is_recent)
    }
}
