//! A server that makes first contacts, and nothing else: it tells a newcomer of one tab that was there before it, and
//! carries what these two say to each other. Whatever else gets connected in a world with such a server and without
//! channels needed no server.

use core::time::Duration;
use std::collections::BTreeMap;

use peerloom_core::Instant;
use peerloom_wire::PeerId;

use crate::dice::Dice;
use crate::schedule::Seat;
use crate::tab::Tab;
use crate::world::World;

/// A tab that has so few connections after [`SETTLED`] looks for a contact again: those around it may be apart from all
/// others.
const FEW: usize = 3;

/// How long walks over the first contact may take to find more.
const SETTLED: Duration = Duration::from_secs(10);

/// For so long it carries what two say to each other: three attempts.
const CARRYING: Duration = Duration::from_secs(30);

/// Who was introduced to whom last, and when.
#[derive(Debug)]
pub(crate) struct Rendezvous {
    dice: Dice,
    contacts: BTreeMap<usize, (usize, Instant)>,
}

impl Rendezvous {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed, "rendezvous"), contacts: BTreeMap::new() }
    }

    fn carries(&self, now: Instant, one: usize, other: usize) -> bool {
        [(one, other), (other, one)].into_iter().any(|(newcomer, to)| {
            let contact = self.contacts.get(&newcomer);
            contact.is_some_and(|(contact, at)| *contact == to && now < *at + CARRYING)
        })
    }
}

impl World {
    /// The tabs that the server hands an envelope to: one at most.
    pub(crate) fn introduced(&mut self, seat: Seat, envelope: &[u8]) -> Vec<usize> {
        let (own, now) = (seat.tab, self.schedule.now());
        match recipient(envelope) {
            Some(peer) => {
                let to = self.truth.who.find(&peer).map(|entry| entry.tab);
                to.into_iter().filter(|to| self.rendezvous.carries(now, own, *to)).collect()
            }
            None => {
                let contact = self.contact_for(seat);
                if let Some(contact) = contact {
                    self.rendezvous.contacts.insert(own, (contact, now));
                }
                contact.into_iter().collect()
            }
        }
    }

    /// Somebody for a tab that announces itself, if it needs somebody: by chance, of those who have found others, as
    /// those have who don't ask any more.
    fn contact_for(&mut self, seat: Seat) -> Option<usize> {
        let own = &self.tabs[seat.tab];
        let (opened_at, app) = (own.opened_at, own.options.app);
        let is_settled = self.schedule.now().since(opened_at) >= SETTLED;
        let connections = self.checkers.connections(seat);
        if connections >= FEW || connections > 0 && !is_settled {
            return None;
        }
        let others = || {
            let is_other =
                |tab: &&Tab| tab.options.app == app && tab.is_running() && tab.seat.tab != seat.tab;
            self.tabs.iter().filter(is_other)
        };
        let is_connected = |tab: &&Tab| self.checkers.connections(tab.seat) > 0;
        let mut there: Vec<usize> = others().filter(is_connected).map(|tab| tab.seat.tab).collect();
        if there.is_empty() {
            there = others().map(|tab| tab.seat.tab).collect();
        }
        self.rendezvous.dice.pick(&there).copied()
    }
}

/// To whom an envelope is: `None` for everyone. As `docs/protocol/signalling.md` has it.
fn recipient(envelope: &[u8]) -> Option<PeerId> {
    // Version, application and key; then the run, as a varint.
    let rest = envelope.get(1 + 8 + 65..)?;
    let run_bytes = rest.iter().position(|byte| *byte < 0x80)? + 1;
    let (kind, rest) = rest.get(run_bytes..)?.split_first()?;
    match kind {
        0 => None,
        _ => rest.first_chunk::<32>().map(|id| PeerId(*id)),
    }
}
