//! What happens when: tabs open, applications ask, and everything breaks that can.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::options::Options;
use crate::posts::{NAME_BYTES, Phase, ROOMS};

/// One line of the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, in virtual milliseconds.
    pub at_ms: u64,
    /// What.
    pub action: Action,
}

/// Something that a person, an application, a browser or a network does.
///
/// An action that makes no sense when its time comes (a command in a closed tab) is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A tab is opened and starts its node.
    Open {
        /// Which tab.
        tab: usize,
    },
    /// A server goes down for a while, and with it all that it knew.
    StopServer {
        /// Which server.
        server: usize,
        /// For how long.
        ms: u64,
        /// Whether it sends everybody away before, or is just gone.
        is_told: bool,
    },
    /// A content goes into the author's store and is added.
    Add {
        /// Which content.
        content: usize,
    },
    /// A tab fetches a content, if anybody added it.
    Get {
        /// Which tab.
        tab: usize,
        /// Which content.
        content: usize,
    },
    /// A tab pauses a content.
    Pause {
        /// Which tab.
        tab: usize,
        /// Which content.
        content: usize,
    },
    /// A tab goes on with a content.
    Resume {
        /// Which tab.
        tab: usize,
        /// Which content.
        content: usize,
    },
    /// A tab gives up a content.
    Cancel {
        /// Which tab.
        tab: usize,
        /// Which content.
        content: usize,
    },
    /// A tab reads a content from a chunk on.
    Seek {
        /// Which tab.
        tab: usize,
        /// Which content.
        content: usize,
        /// The chunk's index; there may be no such chunk.
        chunk: u32,
    },
    /// A tab deletes a content. Authors don't, in drawn scripts.
    Remove {
        /// Which tab.
        tab: usize,
        /// Which content.
        content: usize,
    },
    /// A tab asks for a connection.
    Connect {
        /// Which tab.
        tab: usize,
        /// To which tab; perhaps of the other application, perhaps itself.
        to: usize,
    },
    /// A tab ends its connection to another, and asks for it again when the world is healed.
    Disconnect {
        /// Which tab.
        tab: usize,
        /// From whom; perhaps itself, or somebody it never met.
        peer: usize,
    },
    /// A tab bans another.
    Ban {
        /// Which tab.
        tab: usize,
        /// Whom.
        peer: usize,
    },
    /// A tab stops its node and starts it again after a while, in the same session.
    Restart {
        /// Which tab.
        tab: usize,
        /// How long it is stopped.
        ms: u64,
    },
    /// A tab's application joins a room.
    Join {
        /// Which tab.
        tab: usize,
        /// Which room.
        room: usize,
        /// Whether others are told.
        is_shown: bool,
    },
    /// A tab's application leaves a room.
    Leave {
        /// Which tab.
        tab: usize,
        /// Which room.
        room: usize,
    },
    /// A tab's application says something in a room, if it is there.
    Say {
        /// Which tab.
        tab: usize,
        /// Which room.
        room: usize,
        /// How much.
        bytes: usize,
        /// Of what it is said, if figures are wanted.
        phase: Option<Phase>,
    },
    /// A tab is gone without a word.
    Kill {
        /// Which tab.
        tab: usize,
        /// Whether it stays away when the world heals.
        for_good: bool,
    },
    /// A tab is reloaded.
    Reload {
        /// Which tab.
        tab: usize,
        /// How long it takes.
        ms: u64,
        /// Whether the page is told beforehand and says goodbye.
        politely: bool,
    },
    /// A page runs no code for a while; what arrives waits.
    Freeze {
        /// Which tab.
        tab: usize,
        /// For how long.
        ms: u64,
    },
    /// A page is hidden: its timers fire once a second.
    Hide {
        /// Which tab.
        tab: usize,
        /// For how long.
        ms: u64,
    },
    /// These tabs and the others can't reach one another for a while. Envelopes still travel.
    Partition {
        /// One side of it.
        tabs: Vec<usize>,
        /// For how long.
        ms: u64,
    },
    /// One of a tab's connections dies without an event, until an ICE restart.
    Sever {
        /// Which tab.
        tab: usize,
        /// Which connection, counted modulo those that it has.
        nth: usize,
    },
    /// A tab's device gets another network: its connections carry nothing until an ICE restart, and
    /// the tab is told. Not drawn.
    Roam {
        /// Which tab.
        tab: usize,
    },
    /// A tab's wall clock jumps ahead, as after a sleep.
    Jump {
        /// Which tab.
        tab: usize,
        /// By how much.
        ahead_ms: u64,
    },
    /// A tab asks for another that it does not hear, and parts from it after a while.
    Visit {
        /// Which tab.
        tab: usize,
        /// For whom.
        to: usize,
        /// How many steps of hearing away that is, for the figures.
        hops: u32,
        /// How long it stays.
        ms: u64,
    },
    /// A tab's application sends a message to another's.
    Send {
        /// Which tab.
        tab: usize,
        /// To which tab; perhaps of the other application, perhaps itself.
        to: usize,
        /// How long it is; perhaps too long.
        bytes: usize,
    },
    /// A store is full for a while.
    StoreFull {
        /// Which tab.
        tab: usize,
        /// For how long.
        ms: u64,
    },
    /// A store fails every operation for a while.
    StoreGone {
        /// Which tab.
        tab: usize,
        /// For how long.
        ms: u64,
    },
}

/// Draws the script: who opens when, who adds and fetches what, and the faults until healing.
pub(crate) fn draw(dice: &mut Dice, options: &Options) -> Vec<Step> {
    let end = options.heal_at_ms;
    let mut steps = Vec::new();
    for tab in 0..options.tabs.len() {
        let at_ms = if dice.chance(600) { dice.below(300) } else { dice.below(end / 2) };
        steps.push(Step { at_ms, action: Action::Open { tab } });
    }
    for content in 0..options.contents.len() {
        steps.push(Step { at_ms: dice.between(500, end / 3), action: Action::Add { content } });
    }
    draw_fetches(dice, options, &mut steps);
    draw_commands(dice, options, &mut steps);
    draw_faults(dice, options, &mut steps);
    draw_hostile_fetches(options, &mut steps);
    draw_disconnects(options, &mut steps);
    draw_meetings(options, &mut steps);
    draw_messages(options, &mut steps);
    draw_talk(options, &mut steps);
    draw_server_stops(options, &mut steps);
    steps.sort_by_key(|step| step.at_ms);
    steps
}

fn draw_fetches(dice: &mut Dice, options: &Options, steps: &mut Vec<Step>) {
    for content in 0..options.contents.len() {
        for tab in 0..options.tabs.len() {
            if dice.chance(600) {
                let at_ms = dice.between(options.heal_at_ms / 4, options.heal_at_ms);
                steps.push(Step { at_ms, action: Action::Get { tab, content } });
            }
        }
    }
}

/// Who serves wrong bytes has to have the right ones first: hostile tabs fetch everything, early and
/// again, and honest ones of their application ask for it later on.
fn draw_hostile_fetches(options: &Options, steps: &mut Vec<Step>) {
    let mut dice = Dice::new(options.seed, "hostile fetches");
    for (tab, own) in options.tabs.iter().enumerate().filter(|(_, own)| own.hostility.is_some()) {
        for content in 0..options.contents.len() {
            for part in [3, 2] {
                let at_ms = options.heal_at_ms / part + dice.below(1_000);
                steps.push(Step { at_ms, action: Action::Get { tab, content } });
            }
            let victims = options.tabs_of(own.app);
            if let Some(victim) = dice.pick(&victims).copied() {
                let at_ms = dice.between(options.heal_at_ms / 2, options.heal_at_ms);
                steps.push(Step { at_ms, action: Action::Get { tab: victim, content } });
            }
        }
    }
}

/// Each server goes down a few times, for up to half a minute.
fn draw_server_stops(options: &Options, steps: &mut Vec<Step>) {
    let mut dice = Dice::new(options.seed, "server stops");
    for server in 0..options.servers.len() {
        for _ in 0..dice.below(4) {
            let at_ms = dice.below(options.heal_at_ms);
            let (ms, is_told) = (dice.between(100, 30_000), dice.chance(500));
            steps.push(Step { at_ms, action: Action::StopServer { server, ms, is_told } });
        }
    }
}

/// A stream of its own, so that the rest of each seed's script stays what it was.
fn draw_disconnects(options: &Options, steps: &mut Vec<Step>) {
    let mut dice = Dice::new(options.seed, "disconnects");
    if !dice.chance(500) {
        return;
    }
    for _ in 0..dice.below(8) {
        let at_ms = dice.below(options.heal_at_ms);
        let (tab, peer) = (dice.index(options.tabs.len()), dice.index(options.tabs.len()));
        steps.push(Step { at_ms, action: Action::Disconnect { tab, peer } });
    }
}

/// Tabs with no channel in common ask for each other, more than once: at first nobody may carry.
fn draw_meetings(options: &Options, steps: &mut Vec<Step>) {
    let mut dice = Dice::new(options.seed, "meetings");
    for (tab, own) in options.tabs.iter().enumerate() {
        for (to, other) in options.tabs.iter().enumerate() {
            let is_apart = !own.shares_channel(other);
            for _ in 0..2 {
                let at_ms = dice.between(options.heal_at_ms / 4, options.heal_at_ms);
                if dice.chance(300) && is_apart && own.app == other.app {
                    steps.push(Step { at_ms, action: Action::Connect { tab, to } });
                }
            }
        }
    }
}

/// Mostly a few, to anybody; in some seeds so many at once that limits are met.
fn draw_messages(options: &Options, steps: &mut Vec<Step>) {
    let mut dice = Dice::new(options.seed, "messages");
    let count = if dice.chance(100) { 200 } else { dice.below(20) };
    for _ in 0..count {
        let at_ms = dice.below(options.heal_at_ms);
        let (tab, to) = (dice.index(options.tabs.len()), dice.index(options.tabs.len()));
        let bytes_max = if dice.chance(200) { 17_000 } else { 400 };
        let bytes = usize::try_from(dice.below(bytes_max)).unwrap_or(0);
        steps.push(Step { at_ms, action: Action::Send { tab, to, bytes } });
    }
}

/// In half of the seeds most tabs join rooms, some leave again, and many things are said.
fn draw_talk(options: &Options, steps: &mut Vec<Step>) {
    let mut dice = Dice::new(options.seed, "talk");
    if !dice.chance(500) {
        return;
    }
    let end_ms = options.heal_at_ms;
    for tab in 0..options.tabs.len() {
        for room in 0..ROOMS.len() {
            let is_shown = dice.chance(500);
            // Again and again: a tab that was reloaded is in no room.
            for _ in 0..3 {
                let at_ms = dice.below(end_ms);
                if dice.chance(700) {
                    steps.push(Step { at_ms, action: Action::Join { tab, room, is_shown } });
                }
            }
            if dice.chance(100) {
                let at_ms = dice.below(end_ms);
                steps.push(Step { at_ms, action: Action::Leave { tab, room } });
            }
        }
    }
    for _ in 0..dice.below(60) {
        let at_ms = dice.below(end_ms);
        let (tab, room) = (dice.index(options.tabs.len()), dice.index(ROOMS.len()));
        let most = if dice.chance(100) { 32 << 10 } else { 300 };
        let bytes = NAME_BYTES + dice.index(most - NAME_BYTES + 1);
        // Some say much at once.
        for _ in 0..if dice.chance(100) { 30 } else { 1 } {
            steps.push(Step { at_ms, action: Action::Say { tab, room, bytes, phase: None } });
        }
    }
}

fn draw_commands(dice: &mut Dice, options: &Options, steps: &mut Vec<Step>) {
    for _ in 0..dice.below(25) {
        let at_ms = dice.below(options.heal_at_ms);
        let tab = dice.index(options.tabs.len());
        let other = dice.index(options.tabs.len());
        let content = dice.index(options.contents.len());
        let is_author = options.contents.iter().any(|c| c.author == tab);
        let action = match dice.below(20) {
            0..4 => Action::Pause { tab, content },
            4..7 => Action::Resume { tab, content },
            7..9 => Action::Cancel { tab, content },
            9..12 => {
                Action::Seek { tab, content, chunk: u32::try_from(dice.below(40)).unwrap_or(0) }
            }
            12..14 if !is_author => Action::Remove { tab, content },
            14..18 => Action::Connect { tab, to: other },
            18 => Action::Restart { tab, ms: dice.between(10, 8_000) },
            19 if dice.chance(200) && tab != other => Action::Ban { tab, peer: other },
            _ => continue,
        };
        steps.push(Step { at_ms, action });
    }
}

fn draw_faults(dice: &mut Dice, options: &Options, steps: &mut Vec<Step>) {
    // Each kind is switched on or off for the whole run: a fault that always happens hides others.
    let kinds: Vec<u64> = (0..8).filter(|_| dice.chance(400)).collect();
    if kinds.is_empty() {
        return;
    }
    for _ in 0..dice.below(30) {
        let at_ms = dice.below(options.heal_at_ms);
        let tab = dice.index(options.tabs.len());
        let other = dice.index(options.tabs.len());
        let Some(kind) = dice.pick(&kinds).copied() else { continue };
        let ms = dice.between(100, options.heal_at_ms / 2);
        // The last tab that adds something stays: without an author nothing could converge.
        let is_author = options.contents.iter().any(|c| c.author == tab);
        let action = match kind {
            0 => Action::Kill { tab, for_good: !is_author && dice.chance(200) },
            1 => Action::Reload { tab, ms: ms.min(3_000), politely: dice.chance(700) },
            2 => Action::Freeze { tab, ms },
            3 => Action::Hide { tab, ms },
            4 => {
                let tabs = (0..options.tabs.len()).filter(|_| dice.chance(400)).collect();
                Action::Partition { tabs, ms }
            }
            5 => Action::Sever { tab, nth: other },
            6 => Action::StoreFull { tab, ms },
            7 => Action::StoreGone { tab, ms },
            _ => continue,
        };
        steps.push(Step { at_ms, action });
    }
}
