//! From a scenario, a size and a seed to the options of a world: who is where, and the script.

use super::{Event, Network, Scenario, terrain};
use crate::dice::Dice;
use crate::directory::Directory;
use crate::options::{APPS, ContentOptions, LinkOptions, Options, ServerLies};
use crate::posts::Phase;
use crate::script::{Action, Step};

/// A world to be.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) options: Options,
    /// Who joins later.
    pub(super) newcomers: Vec<usize>,
}

pub(super) fn draw(scenario: &Scenario, nodes: usize, seed: u64) -> Plan {
    let mut options = Options::calm(seed, nodes);
    options.contents.clear();
    options.max_connections = scenario.swarm.connections_max;
    options.has_rendezvous = scenario.swarm.rendezvous;
    if scenario.swarm.rendezvous {
        options.servers.push(ServerLies::default());
    }
    let Network { latency, signalling, stillborn_per_mille, outage_is_told, heals_by_itself } =
        scenario.network;
    options.signalling = signalling;
    let links = options.links;
    options.links =
        LinkOptions { latency, stillborn_per_mille, outage_is_told, heals_by_itself, ..links };
    options.heal_at_ms = scenario.measure.heal_s * 1000;
    options.converge_ms = scenario.measure.deadline_s * 1000;
    terrain::lay_out(&mut options, &scenario.swarm, nodes);

    let mut drawing = Drawing { options, steps: Vec::new(), newcomers: Vec::new() };
    // Who joins later is not opened before.
    let is_join = |event: &&Event| matches!(event, Event::Join { .. });
    let (joins, others): (Vec<&Event>, Vec<&Event>) = scenario.events.iter().partition(is_join);
    for (index, event) in joins.into_iter().chain(others).enumerate() {
        let mut dice = Dice::new(seed, &format!("event {index}"));
        drawing.draw(&mut dice, *event);
    }
    let Drawing { mut options, mut steps, newcomers } = drawing;
    steps.sort_by_key(|step| step.at_ms);
    options.script = steps;
    Plan { options, newcomers }
}

struct Drawing {
    options: Options,
    steps: Vec<Step>,
    newcomers: Vec<usize>,
}

impl Drawing {
    fn draw(&mut self, dice: &mut Dice, event: Event) {
        match event {
            Event::Open { at_s, over_s } => {
                for tab in 0..self.options.tabs.len() {
                    if self.newcomers.binary_search(&tab).is_err() {
                        self.add(at_s * 1000 + dice.below(over_s * 1000), Action::Open { tab });
                    }
                }
            }
            Event::Join { at_s, over_s, per_mille } => {
                for tab in self.some(dice, per_mille) {
                    self.add(at_s * 1000 + dice.below(over_s * 1000), Action::Open { tab });
                    self.newcomers.push(tab);
                }
            }
            Event::Churn { at_s, for_s, per_mille_per_minute, away, politely_per_mille } => {
                self.often(dice, (at_s, for_s, per_mille_per_minute), |_, dice, tab| {
                    let ms = dice.between(away.min_ms, away.max_ms);
                    let politely = dice.chance(politely_per_mille);
                    Some(Action::Reload { tab, ms, politely })
                });
            }
            Event::Leave { at_s, per_mille } => {
                for tab in self.some(dice, per_mille) {
                    self.add(at_s * 1000, Action::Kill { tab, for_good: true });
                }
            }
            Event::Partition { at_s, for_s, per_mille } => {
                let tabs = self.some(dice, per_mille);
                self.add(at_s * 1000, Action::Partition { tabs, ms: for_s * 1000 });
            }
            Event::NoServer { at_s, for_s } => {
                let (ms, is_told) = (for_s * 1000, false);
                self.add(at_s * 1000, Action::StopServer { server: 0, ms, is_told });
            }
            Event::Sleep { at_s, for_s, frozen_per_mille, hidden_per_mille, clock_jump_s_max } => {
                for tab in 0..self.options.tabs.len() {
                    let draw = dice.below(1000);
                    let ms = for_s * 1000;
                    if draw < u64::from(frozen_per_mille) {
                        self.add(at_s * 1000, Action::Freeze { tab, ms });
                        let ahead_ms = dice.below(clock_jump_s_max * 1000 + 1);
                        self.add((at_s + for_s) * 1000, Action::Jump { tab, ahead_ms });
                    } else if draw < u64::from(frozen_per_mille + hidden_per_mille) {
                        self.add(at_s * 1000, Action::Hide { tab, ms });
                    }
                }
            }
            Event::Visits { at_s, for_s, per_mille_per_minute, hops_max, stay_s } => {
                let who = Directory::new(&self.options);
                self.often(dice, (at_s, for_s, per_mille_per_minute), |options, dice, tab| {
                    if options.has_rendezvous {
                        let to = dice.index(options.tabs.len());
                        let is_other = to != tab && is_mate(options, tab, to);
                        let ms = stay_s * 1000;
                        return is_other.then_some(Action::Visit { tab, to, hops: 0, ms });
                    }
                    let hops = u32::try_from(dice.between(2, u64::from(hops_max))).unwrap_or(2);
                    let away = who.away(tab, hops, |other| is_mate(options, tab, other));
                    let to = *dice.pick(&away)?;
                    Some(Action::Visit { tab, to, hops, ms: stay_s * 1000 })
                });
            }
            Event::Messages { at_s, for_s, per_mille_per_minute, bytes } => {
                let mates: Vec<Vec<usize>> =
                    (0..APPS.len()).map(|app| self.options.tabs_of(app)).collect();
                self.often(dice, (at_s, for_s, per_mille_per_minute), |options, dice, tab| {
                    let to = *dice.pick(mates.get(options.tabs.get(tab)?.app)?)?;
                    (is_mate(options, tab, to) && is_mate(options, tab, tab) && to != tab)
                        .then_some(Action::Send { tab, to, bytes })
                });
            }
            Event::Talk { at_s, for_s, every_ms, bytes, senders, warm_up } => {
                self.talk(dice, (at_s * 1000, for_s * 1000, every_ms), bytes, senders, warm_up);
            }
            Event::Contents { at_s, per_mille, chunks } => {
                self.add_contents(dice, at_s * 1000, per_mille, chunks);
            }
        }
    }

    fn talk(
        &mut self,
        dice: &mut Dice,
        (at_ms, for_ms, every_ms): (u64, u64, u64),
        bytes: usize,
        senders: Phase,
        warm_up: usize,
    ) {
        let rooms = [0, 1].map(|room| {
            let tabs = self.options.tabs.iter().enumerate();
            let there = tabs.filter(|(_, tab)| {
                tab.app == 0 && tab.hostility.is_none() && tab.rooms.contains(&room)
            });
            there.map(|(tab, _)| tab).collect::<Vec<usize>>()
        });
        let [first, second] = &rooms;
        let in_both: Vec<usize> =
            first.iter().copied().filter(|tab| second.contains(tab)).collect();
        let one = dice.pick(&in_both).copied();
        let count = usize::try_from(for_ms / every_ms.max(1)).unwrap_or(0);
        for (nth, at_ms) in
            (at_ms..).step_by(usize::try_from(every_ms).unwrap_or(1)).take(count).enumerate()
        {
            let room = nth % 2;
            let tab = match senders {
                Phase::One => one,
                Phase::Changing => rooms.get(room).and_then(|tabs| dice.pick(tabs)).copied(),
            };
            let phase = (nth >= warm_up).then_some(senders);
            let Some(tab) = tab else { continue };
            self.add(at_ms, Action::Say { tab, room, bytes, phase });
        }
    }

    fn add_contents(&mut self, dice: &mut Dice, at_ms: u64, per_mille: u32, chunks: u32) {
        let who = Directory::new(&self.options);
        for author in self.some(dice, per_mille) {
            if !is_mate(&self.options, author, author) {
                continue;
            }
            let content = self.options.contents.len();
            let (last_chunk_bytes, encrypted) = (70_000, dice.chance(500));
            let options =
                ContentOptions { author, chunks, last_chunk_bytes, encrypted, shared: false };
            self.options.contents.push(options);
            self.add(at_ms, Action::Add { content });
            for tab in who.hearers(author) {
                if is_mate(&self.options, author, tab) {
                    let at_ms = at_ms + 5_000 + dice.below(5_000);
                    self.add(at_ms, Action::Get { tab, content });
                }
            }
        }
    }

    fn add(&mut self, at_ms: u64, action: Action) {
        self.steps.push(Step { at_ms, action });
    }

    /// Each tab with the same chance.
    fn some(&self, dice: &mut Dice, per_mille: u32) -> Vec<usize> {
        (0..self.options.tabs.len()).filter(|_| dice.chance(per_mille)).collect()
    }

    /// Each tab in each second with the same chance: a Poisson process, near enough.
    fn often(
        &mut self,
        dice: &mut Dice,
        (at_s, for_s, per_mille_per_minute): (u64, u64, u32),
        mut action: impl FnMut(&Options, &mut Dice, usize) -> Option<Action>,
    ) {
        for second in at_s..at_s + for_s {
            for tab in 0..self.options.tabs.len() {
                if dice.below(60_000) < u64::from(per_mille_per_minute) {
                    let at_ms = second * 1000 + dice.below(1000);
                    let action = action(&self.options, dice, tab);
                    self.steps.extend(action.map(|action| Step { at_ms, action }));
                }
            }
        }
    }
}

/// Whether both have the same application open and `other` is honest.
fn is_mate(options: &Options, tab: usize, other: usize) -> bool {
    let own = |tab: usize| options.tabs.get(tab);
    own(tab).zip(own(other)).is_some_and(|(a, b)| a.app == b.app && b.hostility.is_none())
}
