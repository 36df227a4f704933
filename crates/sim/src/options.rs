//! The configuration of a run. The seed draws all of it; it is printed before anything happens and
//! written at the head of a trace, so that a run can be read, replayed, and cut down by hand.
//!
//! After TigerBeetle's `vopr.zig` (`options_swarm`): most seeds switch some faults off altogether,
//! because faults hide one another.

use serde::{Deserialize, Serialize};

use peerloom_wire::CHUNK_BYTES;

use crate::dice::{Dice, Span};
use crate::script::{self, Step};

/// The most tabs in a world: the issue asks for 2 to 12.
pub const TABS_MAX: usize = 12;

/// The applications' names. Tabs of different applications must never meet.
pub const APPS: [&str; 2] = ["sim-left", "sim-right"];

/// The configuration of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What everything was drawn from, and what the run goes on drawing from.
    pub seed: u64,
    /// The tabs.
    pub tabs: Vec<TabOptions>,
    /// The contents that somebody adds.
    pub contents: Vec<ContentOptions>,
    /// Connections that each node may have.
    pub max_connections: u16,
    /// Whether servers make first contacts, instead of channels.
    #[serde(default)]
    pub has_rendezvous: bool,
    /// The rendezvous servers that all tabs use.
    #[serde(default)]
    pub servers: Vec<ServerLies>,
    /// How envelopes travel.
    pub signalling: SignallingOptions,
    /// How connections come up and carry.
    pub links: LinkOptions,
    /// How stores answer.
    pub store: StoreOptions,
    /// What happens when: opening, commands, faults.
    pub script: Vec<Step>,
    /// When every fault ends. From here on the run has to converge.
    pub heal_at_ms: u64,
    /// How long it may take for that.
    pub converge_ms: u64,
}

/// One tab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabOptions {
    /// Which of [`APPS`] it has open.
    pub app: usize,
    /// The signalling channels that it joins. Tabs with none in common can only meet over others.
    pub channels: Vec<usize>,
    /// How far its wall clock is ahead.
    pub clock_ahead_ms: u64,
    /// What its store holds at most, in bytes.
    pub store_bytes_max: u64,
    /// What it does to others, until the world heals.
    pub hostility: Option<Hostility>,
    /// The rooms that its application joins whenever it is opened.
    #[serde(default)]
    pub rooms: Vec<usize>,
}

impl TabOptions {
    /// Returns whether envelopes of one can be heard by the other.
    pub(crate) fn shares_channel(&self, other: &Self) -> bool {
        self.channels.iter().any(|channel| other.channels.contains(channel))
    }
}

/// What a hostile tab does, each so many times in a thousand. Its node is an honest one: what it
/// says is changed on the way out, so it passes every check that identity and signature make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hostility {
    /// A served body has other bytes.
    pub wrong_body_per_mille: u32,
    /// A served body ends early or never comes.
    pub cut_body_per_mille: u32,
    /// A body that nobody asked for follows a served one, or a served one is too long.
    pub stray_body_per_mille: u32,
    /// A control frame has a byte changed.
    pub bent_frame_per_mille: u32,
    /// A control frame is followed by garbage: random, of unknown version, oversized.
    pub garbage_frame_per_mille: u32,
    /// An envelope that is to be carried goes nowhere.
    pub carried_dropped_per_mille: u32,
    /// An envelope is handed on twice.
    pub carried_doubled_per_mille: u32,
    /// An envelope is handed on to somebody else besides, perhaps to where it came from.
    pub carried_looped_per_mille: u32,
    /// An envelope that is handed on comes with a false one of its target to all neighbours: as if
    /// this tab were the way to it.
    pub carried_claimed_per_mille: u32,
    /// An envelope that can't be brought nearer goes back with no step left, so that nobody else is tried.
    pub carried_spent_per_mille: u32,
    /// An envelope of its own comes with a forged one on each channel.
    pub forged_envelope_per_mille: u32,
    /// And with old ones of others again.
    pub replayed_envelope_per_mille: u32,
    /// A control frame is followed by hundreds of made-up envelopes to be carried.
    pub flood_per_mille: u32,
    /// A control frame is followed by a list of peers that nobody may send: forged, oversized, or a
    /// flood of them.
    pub bad_list_per_mille: u32,
    /// A post of somebody else is not handed on.
    pub posts_dropped_per_mille: u32,
    /// A post is sent twice.
    pub posts_doubled_per_mille: u32,
    /// A word about posts is followed by announcements of posts that don't exist.
    pub made_up_posts_per_mille: u32,
    /// A control frame is followed by gossip that nobody may pass on: forged, with too many hops,
    /// oversized, or a flood of it.
    pub bad_gossip_per_mille: u32,
    /// A list of peers, or gossip, is followed by one of peers that nobody is, rightly signed, each of
    /// which claims every role.
    pub sybil_per_mille: u32,
}

/// What a server does to what it says, each so many times in a thousand, until the world heals. The
/// server is the real one: what it says is changed on the way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerLies {
    /// It is not said.
    pub dropped_per_mille: u32,
    /// A bit of it is another.
    pub bent_per_mille: u32,
    /// It is said twice.
    pub doubled_per_mille: u32,
    /// It is followed by the absence of somebody, and by what somebody said as if another had.
    pub misnamed_per_mille: u32,
    /// An introduction is followed by hundreds of made-up ones.
    pub flood_per_mille: u32,
}

/// A content that a tab adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentOptions {
    /// Who adds it.
    pub author: usize,
    /// Number of chunks.
    pub chunks: u32,
    /// Bytes of the last chunk, at least 1.
    pub last_chunk_bytes: u32,
    /// Whether it has a key.
    pub encrypted: bool,
    /// Whether some chunks are those of the content before it, or repeat.
    pub shared: bool,
}

/// How envelopes travel, per receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignallingOptions {
    /// Time on the way. A wide span reorders.
    pub delay: Span,
    /// Lost.
    pub loss_per_mille: u32,
    /// Comes twice.
    pub duplicate_per_mille: u32,
    /// Comes with one byte changed.
    pub tamper_per_mille: u32,
    /// An old envelope comes along.
    pub replay_per_mille: u32,
    /// Is copied to the other application's channel.
    pub stray_per_mille: u32,
}

impl Default for SignallingOptions {
    /// Quick, and without a fault.
    fn default() -> Self {
        Self {
            delay: Span::new(1, 3),
            loss_per_mille: 0,
            duplicate_per_mille: 0,
            tamper_per_mille: 0,
            replay_per_mille: 0,
            stray_per_mille: 0,
        }
    }
}

/// How connections come up and carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkOptions {
    /// Making a description or setting one.
    pub description: Span,
    /// Until a candidate is gathered.
    pub gathering: Span,
    /// Until ICE found a pair, once it could.
    pub ice: Span,
    /// Until the secure transport is up after that, and again until the channels are.
    pub dtls: Span,
    /// Drawn once per pair of tabs, one way.
    pub latency: Span,
    /// Packets lost on the way and sent again, of a million.
    #[serde(default)]
    pub loss_ppm: u32,
    /// Drawn once per pair of tabs; bytes in a second.
    pub bandwidth_min: u64,
    /// The upper end.
    pub bandwidth_max: u64,
    /// The control channel's buffer limit.
    pub control_budget_bytes: u32,
    /// Setting a remote description fails.
    pub description_fails_per_mille: u32,
    /// A connection just made dies within seconds, without an event.
    pub stillborn_per_mille: u32,
    /// Whether the browser says `disconnected` and `failed`, or nothing ever.
    pub outage_is_told: bool,
    /// Whether a stalled connection comes back with its path, or by an ICE restart only.
    pub heals_by_itself: bool,
}

/// How stores answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreOptions {
    /// Time for each operation; operations run one after the other.
    pub latency: Span,
    /// An operation fails though nothing is wrong.
    pub fail_per_mille: u32,
}

impl Options {
    /// Draws everything from `seed`; `tabs` overrides the number of tabs.
    #[must_use]
    pub fn draw(seed: u64, tabs: Option<usize>) -> Self {
        let mut dice = Dice::new(seed, "options");
        let drawn = usize::try_from(dice.between(2, TABS_MAX as u64)).unwrap_or(2);
        let count = tabs.unwrap_or(drawn).clamp(2, TABS_MAX);
        let chaos_ms = dice.between(10_000, 90_000);
        let mut options = Self::calm(seed, count);
        options.draw_tabs(&mut dice);
        options.draw_channels();
        options.draw_servers();
        options.draw_contents(&mut dice);
        options.signalling = draw_signalling(&mut dice);
        options.links = draw_links(&mut dice);
        options.store = draw_store(&mut dice);
        options.max_connections =
            if dice.chance(700) { 8 } else { u16::try_from(dice.between(2, 6)).unwrap_or(2) };
        options.heal_at_ms = chaos_ms;
        options.converge_ms = CONVERGE_MS + options.carrying_ms();
        options.script = script::draw(&mut dice, &options);
        options
    }

    /// A world without any fault and with an empty script: where scenario tests start from.
    /// The last tab has the other application open, and three contents are ready to be added.
    #[must_use]
    pub fn calm(seed: u64, tabs: usize) -> Self {
        let tab = |index| TabOptions {
            app: usize::from(index + 1 == tabs),
            channels: vec![0],
            clock_ahead_ms: 0,
            store_bytes_max: u64::MAX,
            hostility: None,
            rooms: Vec::new(),
        };
        let content = |author, chunks, encrypted| ContentOptions {
            author,
            chunks,
            last_chunk_bytes: 70_000,
            encrypted,
            shared: false,
        };
        Self {
            seed,
            tabs: (0..tabs).map(tab).collect(),
            contents: vec![
                content(0, 12, true),
                content(0, 3, false),
                content(tabs.saturating_sub(1), 2, true),
            ],
            max_connections: 8,
            has_rendezvous: false,
            servers: Vec::new(),
            signalling: SignallingOptions::default(),
            links: LinkOptions {
                description: Span::new(1, 5),
                gathering: Span::new(1, 10),
                ice: Span::new(2, 20),
                dtls: Span::new(2, 10),
                latency: Span::new(1, 5),
                loss_ppm: 0,
                bandwidth_min: 10_000_000,
                bandwidth_max: 40_000_000,
                control_budget_bytes: 1 << 20,
                description_fails_per_mille: 0,
                stillborn_per_mille: 0,
                outage_is_told: true,
                heals_by_itself: true,
            },
            store: StoreOptions { latency: Span::new(0, 3), fail_per_mille: 0 },
            script: Vec::new(),
            heal_at_ms: 30_000,
            converge_ms: CONVERGE_MS,
        }
    }

    /// The tabs of an application, by index.
    #[must_use]
    pub fn tabs_of(&self, app: usize) -> Vec<usize> {
        (0..self.tabs.len())
            .filter(|tab| self.tabs.get(*tab).is_some_and(|t| t.app == app))
            .collect()
    }

    /// How long the slowest connection takes to carry all contents once.
    pub(crate) fn carrying_ms(&self) -> u64 {
        let bytes = |content: &ContentOptions| {
            let before_last = u64::from(content.chunks.saturating_sub(1));
            before_last * u64::from(CHUNK_BYTES) + u64::from(content.last_chunk_bytes)
        };
        let bytes: u64 = self.contents.iter().map(bytes).sum();
        bytes * 1000 / self.links.bandwidth_min.max(1)
    }

    fn draw_tabs(&mut self, dice: &mut Dice) {
        let count = self.tabs.len();
        let hostile_seed = dice.chance(350);
        for (index, tab) in self.tabs.iter_mut().enumerate() {
            // The first two and the last are fixed, so that in each world somebody can meet and
            // somebody must not.
            if index > 1 && index + 1 < count {
                tab.app = usize::from(dice.chance(350));
            }
            tab.clock_ahead_ms = if dice.chance(200) { dice.below(3_600_000) } else { 0 };
            if dice.chance(120) {
                tab.store_bytes_max = dice.between(300_000, 4_000_000);
            }
            let may_be_hostile = hostile_seed && index > 0 && index + 1 < count;
            if may_be_hostile && dice.chance(400) {
                tab.hostility = Some(draw_hostility(dice));
            }
        }
    }

    /// In three seeds of ten there are two channels, and some tabs that join both: bridges. The
    /// hostile ones of half the seeds are bad carriers.
    fn draw_channels(&mut self) {
        let mut dice = Dice::new(self.seed, "channels");
        let is_split = dice.chance(300);
        for tab in &mut self.tabs {
            let channels = match dice.below(5) {
                0 | 1 => vec![0],
                2 | 3 => vec![1],
                _ => vec![0, 1],
            };
            if is_split {
                tab.channels = channels;
            }
        }
        let mut rate = || sometimes(&mut dice, 1000);
        for hostility in self.tabs.iter_mut().filter_map(|tab| tab.hostility.as_mut()) {
            hostility.carried_dropped_per_mille = rate();
            hostility.carried_doubled_per_mille = rate();
            hostility.carried_looped_per_mille = rate();
            hostility.carried_claimed_per_mille = rate();
            hostility.carried_spent_per_mille = rate();
        }
    }

    /// In three seeds of ten there are servers, half of which lie, and in some of these seeds a few tabs
    /// hear nobody.
    fn draw_servers(&mut self) {
        let mut dice = Dice::new(self.seed, "servers");
        if !dice.chance(300) {
            return;
        }
        for _ in 0..dice.between(1, 2) {
            let is_lying = dice.chance(500);
            let mut rate = |max| if is_lying { sometimes(&mut dice, max) } else { 0 };
            self.servers.push(ServerLies {
                dropped_per_mille: rate(300),
                bent_per_mille: rate(200),
                doubled_per_mille: rate(300),
                misnamed_per_mille: rate(500),
                flood_per_mille: rate(300),
            });
        }
        if dice.chance(500) {
            for tab in &mut self.tabs {
                if dice.chance(400) {
                    tab.channels.clear();
                }
            }
        }
    }

    fn draw_contents(&mut self, dice: &mut Dice) {
        let last = self.tabs.len() - 1;
        let second = if dice.chance(500) { 0 } else { *dice.pick(&self.tabs_of(0)).unwrap_or(&0) };
        self.contents = [0, second, last].map(|author| draw_content(dice, author)).to_vec();
    }
}

/// How long a healed world may take, beside the carrying of contents. Backoff doubles up to 30 s, a silent peer is given up after
/// about as long, and a chain of both has to fit. Guess; see docs/simulator.md for what was seen.
pub const CONVERGE_MS: u64 = 180_000;

fn draw_hostility(dice: &mut Dice) -> Hostility {
    let mut rate =
        |max| if dice.chance(500) { u32::try_from(dice.below(max)).unwrap_or(0) } else { 0 };
    Hostility {
        wrong_body_per_mille: rate(1000),
        cut_body_per_mille: rate(600),
        stray_body_per_mille: rate(300),
        bent_frame_per_mille: rate(300),
        garbage_frame_per_mille: rate(300),
        bad_list_per_mille: rate(300),
        bad_gossip_per_mille: rate(300),
        sybil_per_mille: rate(300),
        ..Hostility::default()
    }
}

fn draw_content(dice: &mut Dice, author: usize) -> ContentOptions {
    let chunks = match dice.below(10) {
        0 => 0,
        1 => 1,
        2 => dice.between(60, 160),
        _ => dice.between(2, 30),
    };
    ContentOptions {
        author,
        chunks: u32::try_from(chunks).unwrap_or(0),
        last_chunk_bytes: u32::try_from(dice.between(1, 262_000)).unwrap_or(1),
        encrypted: dice.chance(600),
        shared: dice.chance(200),
    }
}

/// Zero in half of the seeds, otherwise up to `max`.
fn sometimes(dice: &mut Dice, max: u64) -> u32 {
    if dice.chance(500) { u32::try_from(dice.below(max + 1)).unwrap_or(0) } else { 0 }
}

fn draw_signalling(dice: &mut Dice) -> SignallingOptions {
    let delay = match dice.below(3) {
        0 => Span::new(0, 2),
        1 => Span::new(5, 80),
        _ => Span::new(0, 1500),
    };
    SignallingOptions {
        delay,
        loss_per_mille: sometimes(dice, 300),
        duplicate_per_mille: sometimes(dice, 200),
        tamper_per_mille: sometimes(dice, 100),
        replay_per_mille: sometimes(dice, 100),
        stray_per_mille: sometimes(dice, 100),
    }
}

fn draw_links(dice: &mut Dice) -> LinkOptions {
    let latency = match dice.below(3) {
        0 => Span::new(0, 2),
        1 => Span::new(10, 60),
        _ => Span::new(20, 400),
    };
    let bandwidth_min = dice.between(100_000, 5_000_000);
    LinkOptions {
        description: Span::new(0, dice.between(1, 200)),
        gathering: Span::new(0, dice.between(1, 400)),
        ice: Span::new(1, dice.between(1, 1500)),
        dtls: Span::new(1, dice.between(1, 400)),
        latency,
        loss_ppm: 0,
        bandwidth_min,
        bandwidth_max: bandwidth_min * dice.between(1, 10),
        control_budget_bytes: u32::try_from(dice.between(1 << 18, 1 << 20)).unwrap_or(1 << 18),
        description_fails_per_mille: sometimes(dice, 60),
        stillborn_per_mille: sometimes(dice, 150),
        outage_is_told: dice.chance(600),
        heals_by_itself: dice.chance(600),
    }
}

fn draw_store(dice: &mut Dice) -> StoreOptions {
    let latency = match dice.below(3) {
        0 => Span::new(0, 1),
        1 => Span::new(1, 30),
        _ => Span::new(0, 300),
    };
    StoreOptions { latency, fail_per_mille: sometimes(dice, 30) }
}
