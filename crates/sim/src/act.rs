//! What the script says, done to a world.

use core::time::Duration;

use peerloom_core::event::{DownloadState, LocalState};
use peerloom_core::io::{Command, Lifecycle};
use peerloom_core::{Input, Instant};
use peerloom_wire::ContentId;

use crate::options::SignallingOptions;
use crate::schedule::{Happening, Seat};
use crate::script::Action;
use crate::store::Health;
use crate::tab::{Asked, Life};
use crate::world::{Faults, World};

impl World {
    /// Does one action; one that makes no sense now is skipped.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Open { tab } => self.open(tab),
            Action::StopServer { server, ms, is_told } => self.stop_server(server, ms, is_told),
            Action::Add { content } => self.add(content),
            Action::Get { tab, content } => self.get(tab, content),
            Action::Kill { tab, for_good } => {
                let life = if for_good { Life::Gone } else { Life::Closed };
                self.close_tab(tab, life, false);
            }
            Action::Reload { tab, ms, politely } => {
                if self.tabs[tab].is_open() {
                    self.close_tab(tab, Life::Closed, politely);
                    self.schedule.after(Duration::from_millis(ms), Happening::Open { tab });
                }
            }
            Action::Freeze { tab, ms } => self.freeze(tab, ms),
            Action::Hide { tab, ms } => self.hide(tab, ms),
            Action::Partition { tabs, ms } => self.partition(&tabs, ms),
            Action::Sever { tab, nth } => self.sever(tab, nth),
            Action::Roam { tab } => self.roam(tab),
            Action::Jump { tab, ahead_ms } => self.tabs[tab].options.clock_ahead_ms += ahead_ms,
            Action::Visit { tab, to, hops, ms } => self.visit(tab, to, hops, ms),
            Action::Send { tab, to, bytes } => self.send_letter(tab, to, bytes),
            Action::StoreFull { tab, ms } => self.break_store(tab, Health::Full, ms),
            Action::StoreGone { tab, ms } => self.break_store(tab, Health::Gone, ms),
            Action::Join { tab, room, is_shown } => self.join(tab, room, is_shown),
            Action::Leave { tab, room } => self.leave_room(tab, room),
            Action::Say { tab, room, bytes, phase } => self.say(tab, room, bytes, phase),
            action => self.act_as_application(action),
        }
    }

    /// Ends faults; from here on everything has to come to a good end, as far as hostile tabs let it.
    pub(crate) fn end_faults(&mut self, left: Faults) {
        self.faults = left;
        if left == Faults::None {
            self.count("worlds healed");
            self.calm_channels();
        }
        self.fabric.options.description_fails_per_mille = 0;
        self.fabric.options.stillborn_per_mille = 0;
        self.options.store.fail_per_mille = 0;
        self.fabric.rejoin_all(&mut self.schedule);
        self.mend_servers();
        for index in 0..self.tabs.len() {
            self.heal_tab(index);
        }
    }

    fn calm_channels(&mut self) {
        let delay = self.bus.options.delay;
        self.bus.options = SignallingOptions { delay, ..SignallingOptions::default() };
    }

    fn heal_tab(&mut self, index: usize) {
        let tab = &mut self.tabs[index];
        tab.broken_until = None;
        tab.store.lift_limit();
        let seat = tab.seat;
        if tab.frozen_until.is_some() {
            self.unfreeze(seat);
        }
        if let Some(until) = self.tabs[index].hidden_until {
            self.show(seat, until);
        }
        self.tabs[index].stopped_until = None;
        self.open(index);
        self.insist_at(index);
    }

    /// Does what applications and their people do: what failed is asked for again.
    pub(crate) fn insist(&mut self) {
        for index in 0..self.tabs.len() {
            self.insist_at(index);
        }
    }

    fn insist_at(&mut self, index: usize) {
        let tab = &self.tabs[index];
        // A download that was asked for while the node was stopped waits for this.
        let turns = |asked: &Asked| matches!(asked, Asked::Start | Asked::Stop);
        let is_turning = tab.commands.values().any(turns);
        if tab.life == Life::Idle && !is_turning && tab.stopped_until.is_none() {
            self.command(index, Command::Start, Asked::Start);
        }
        if self.faults == Faults::All || !self.tabs[index].is_running() {
            return;
        }
        for peer in core::mem::take(&mut self.tabs[index].parted) {
            self.command(index, Command::Connect { peer }, Asked::Other);
        }
        let mut concerned = self.tabs[index].wants.clone();
        concerned.extend(self.truth.contents_of(index));
        for content in concerned {
            if self.truth.contents[content].author == index {
                self.insist_on_adding(index, content);
            } else {
                self.insist_on_fetching(index, content);
            }
        }
    }

    fn insist_on_adding(&mut self, index: usize, content: usize) {
        let is_asked = self.is_asked(index, |asked| *asked == Asked::Add { content });
        let is_here = self.truth.contents[content].id.is_some_and(|id| self.is_complete(index, id));
        if !is_asked && !is_here {
            self.add(content);
        }
    }

    fn insist_on_fetching(&mut self, index: usize, content: usize) {
        let Some(id) = self.truth.contents[content].id else { return };
        if self.is_complete(index, id) {
            return;
        }
        let known = self.tabs[index].node.as_ref().and_then(|node| node.content(id));
        if known.is_some_and(|info| info.download == Some(DownloadState::Paused)) {
            self.command(index, Command::Resume { content: id }, Asked::Other);
        }
        if !self
            .is_asked(index, |asked| matches!(asked, Asked::Get { id: other, .. } if *other == id))
        {
            self.get(index, content);
        }
    }

    /// Whether a node says that a content is here.
    pub(crate) fn is_complete(&self, index: usize, id: ContentId) -> bool {
        let info = self.tabs[index].node.as_ref().and_then(|node| node.content(id));
        info.is_some_and(|info| info.local == LocalState::Complete)
    }

    fn is_asked(&self, index: usize, is: impl Fn(&Asked) -> bool) -> bool {
        self.tabs[index].commands.values().any(is)
    }

    /// Puts the chunks into the store and adds the content, as the SDK does.
    fn add(&mut self, content: usize) {
        let Some(truth) = self.truth.contents.get(content) else { return };
        let (index, draft) = (truth.author, truth.draft.clone());
        if !self.tabs[index].is_running() || self.tabs[index].frozen_until.is_some() {
            return;
        }
        let sized =
            draft.chunks.iter().filter_map(|chunk| Some((*chunk, self.truth.chunk_bytes(chunk)?)));
        let sized: Vec<_> = sized.collect();
        if self.tabs[index].store.put_chunks(&sized).is_err() {
            self.count("adds that the store refused");
            return;
        }
        self.command(index, Command::Add { draft }, Asked::Add { content });
    }

    fn get(&mut self, index: usize, content: usize) {
        let Some(truth) = self.truth.contents.get(content) else { return };
        let tab = &mut self.tabs[index];
        if tab.options.app != truth.app {
            return;
        }
        tab.wants.insert(content);
        let (Some(id), true) = (truth.id, tab.is_running()) else { return };
        // Some come by a share link and bring the key, others trust the announcement.
        let key = truth.draft.key.filter(|_| self.dice.chance(300));
        self.command(index, Command::Get { content: id, key }, Asked::Get { id });
    }

    fn act_as_application(&mut self, action: Action) {
        let (index, command) = match action {
            Action::Pause { tab, content } => {
                (tab, self.content(content).map(|content| Command::Pause { content }))
            }
            Action::Resume { tab, content } => {
                (tab, self.content(content).map(|content| Command::Resume { content }))
            }
            Action::Cancel { tab, content } => {
                (tab, self.content(content).map(|content| Command::Cancel { content }))
            }
            Action::Seek { tab, content, chunk } => {
                (tab, self.content(content).map(|content| Command::Seek { content, chunk }))
            }
            Action::Remove { tab, content } => {
                self.tabs[tab].wants.remove(&content);
                let Some(id) = self.content(content).filter(|_| self.tabs[tab].is_open()) else {
                    return;
                };
                // From here on it may be gone, whether or not the answer still comes.
                self.tabs[tab].durable.remove(&id);
                return self.command(tab, Command::Remove { content: id }, Asked::Remove { id });
            }
            Action::Connect { tab, to } => {
                (tab, Some(Command::Connect { peer: self.tabs[to].peer }))
            }
            Action::Disconnect { tab, peer } => {
                let is_other = tab != peer;
                let peer = self.tabs[peer].peer;
                if is_other && self.tabs[tab].is_open() {
                    self.tabs[tab].parted.insert(peer);
                }
                (tab, Some(Command::Disconnect { peer }))
            }
            Action::Ban { tab, peer } => {
                let peer = self.tabs[peer].peer;
                if self.tabs[tab].is_open() {
                    let until = self.schedule.now() + peerloom_core::trust::UNWANTED_TIME;
                    self.tabs[tab].banned.insert(peer, until);
                }
                (tab, Some(Command::Ban { peer }))
            }
            Action::Restart { tab, ms } => return self.restart(tab, ms),
            _ => return,
        };
        if let Some(command) = command {
            self.command(index, command, Asked::Other);
        }
    }

    fn content(&self, content: usize) -> Option<ContentId> {
        self.truth.contents.get(content)?.id
    }

    fn restart(&mut self, index: usize, ms: u64) {
        if !self.tabs[index].is_running() {
            return;
        }
        let until = self.schedule.now() + Duration::from_millis(ms);
        self.tabs[index].stopped_until = Some(until);
        let seat = self.tabs[index].seat;
        self.command(index, Command::Stop, Asked::Stop);
        self.schedule.at(until, Happening::Restart { seat, until });
    }

    fn close_tab(&mut self, index: usize, life: Life, politely: bool) {
        let seat = self.tabs[index].seat;
        if !self.tabs[index].is_open() {
            return;
        }
        if politely && self.tabs[index].frozen_until.is_none() {
            self.feed(seat, Input::Lifecycle(Lifecycle::Leaving));
        }
        self.close(index, life);
    }

    fn freeze(&mut self, index: usize, ms: u64) {
        let tab = &self.tabs[index];
        if !tab.is_open() || tab.frozen_until.is_some() {
            return;
        }
        let seat = tab.seat;
        // A page is told before it is frozen; a machine that sleeps tells nobody.
        let is_told = self.dice.chance(600);
        if is_told {
            self.feed(seat, Input::Lifecycle(Lifecycle::Frozen));
        }
        let now = self.schedule.now();
        let until = now + Duration::from_millis(ms);
        let tab = &mut self.tabs[index];
        if is_told {
            tab.froze_at = Some(now);
        }
        tab.frozen_until = Some(until);
        if !is_told {
            tab.asleep_until = Some(until);
        }
        self.schedule.at(until, Happening::Thaw { seat, until });
    }

    fn hide(&mut self, index: usize, ms: u64) {
        let tab = &self.tabs[index];
        if !tab.is_open() || tab.frozen_until.is_some() {
            return;
        }
        let seat = tab.seat;
        let until = self.schedule.now() + Duration::from_millis(ms);
        self.tabs[index].hidden_until = Some(until);
        self.feed(seat, Input::Lifecycle(Lifecycle::Hidden));
        self.schedule.at(until, Happening::Show { seat, until });
    }

    pub(crate) fn thaw(&mut self, seat: Seat, until: Instant) {
        let tab = &mut self.tabs[seat.tab];
        if tab.seat == seat && tab.frozen_until == Some(until) {
            self.unfreeze(seat);
        }
    }

    /// The page runs again: it is told (or not, after a machine's sleep), then hears what waited.
    pub(crate) fn unfreeze(&mut self, seat: Seat) {
        let tab = &mut self.tabs[seat.tab];
        tab.frozen_until = None;
        tab.wake = None;
        let held = core::mem::take(&mut tab.held);
        if self.dice.chance(700) {
            self.feed(seat, Input::Lifecycle(Lifecycle::Resumed));
        }
        for input in held {
            self.feed(seat, input);
        }
        self.plan_wake(seat);
    }

    pub(crate) fn show(&mut self, seat: Seat, until: Instant) {
        let tab = &mut self.tabs[seat.tab];
        if tab.seat == seat && tab.hidden_until == Some(until) {
            tab.hidden_until = None;
            tab.wake = None;
            self.feed(seat, Input::Lifecycle(Lifecycle::Visible));
            self.plan_wake(seat);
        }
    }

    fn partition(&mut self, tabs: &[usize], ms: u64) {
        let cut = self.fabric.cut(&mut self.schedule, tabs.iter().copied().collect());
        self.schedule.after(Duration::from_millis(ms), Happening::Rejoin { cut });
    }

    fn sever(&mut self, tab: usize, nth: usize) {
        let ends = self.fabric.open_ends(self.tabs[tab].seat);
        if let Some((_, other)) = ends.get(nth % ends.len().max(1)) {
            self.fabric.sever(&mut self.schedule, tab, *other);
        }
    }

    fn roam(&mut self, index: usize) {
        let seat = self.tabs[index].seat;
        for (_, other) in self.fabric.open_ends(seat) {
            self.fabric.sever(&mut self.schedule, index, other);
        }
        self.feed(seat, Input::Lifecycle(Lifecycle::Resumed));
    }

    fn visit(&mut self, index: usize, to: usize, hops: u32, ms: u64) {
        let (own, peer) = (&self.tabs[index], self.tabs[to].peer);
        let since = self.schedule.now();
        if !own.is_running() || own.frozen_until.is_some() || !self.tabs[to].is_running() {
            return;
        }
        let seat = own.seat;
        self.command(index, Command::Connect { peer }, Asked::Visit { since, hops });
        self.schedule.after(Duration::from_millis(ms), Happening::Part { seat, peer });
    }

    fn break_store(&mut self, index: usize, health: Health, ms: u64) {
        let until = self.schedule.now() + Duration::from_millis(ms);
        let tab = &mut self.tabs[index];
        tab.store.health = health;
        tab.broken_until = Some(until);
        self.schedule.at(until, Happening::StoreMended { tab: index, until });
    }
}
