use std::collections::BTreeMap;

use peerloom_core::event::{CommandError, DisconnectCause, PeerState, Reply};
use peerloom_core::io::{ContentDraft, StoreReply};
use peerloom_wire::ContentId;

use super::*;

const CALM: Conditions =
    Conditions { latency: Span::new(10, 30), loss_ppm: 0, bytes_per_second: 5_000_000 };

const CHUNK_BYTES: usize = peerloom_wire::CHUNK_BYTES as usize;

/// A stage, and what is outside: a store for each tab, and what applications heard.
struct Theatre {
    stage: Stage,
    seats: Vec<Seat>,
    stores: Vec<BTreeMap<ChunkId, Bytes>>,
    heard: Vec<(u64, usize, Event)>,
    commands: u64,
}

impl Theatre {
    fn new(seed: u64, conditions: Conditions, tabs: usize) -> Self {
        let mut theatre = Self {
            stage: Stage::new(seed, conditions),
            seats: Vec::new(),
            stores: Vec::new(),
            heard: Vec::new(),
            commands: 0,
        };
        for _ in 0..tabs {
            theatre.open("notes");
        }
        theatre
    }

    fn open(&mut self, app: &str) -> usize {
        let tab = self.seats.len();
        self.stores.push(BTreeMap::new());
        let seat = self.stage.open(tab, setup(app)).unwrap();
        self.seats.push(seat);
        self.start(tab);
        tab
    }

    fn reopen(&mut self, tab: usize) {
        self.seats[tab] = self.stage.open(tab, setup("notes")).unwrap();
        self.start(tab);
    }

    fn start(&mut self, tab: usize) {
        self.stage.join(self.seats[tab]);
        self.command(tab, Command::Start);
    }

    fn command(&mut self, tab: usize, command: Command) -> CommandId {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.stage.command(self.seats[tab], id, command);
        id
    }

    fn run_ms(&mut self, ms: u64) {
        let end = self.stage.now() + Duration::from_millis(ms);
        while !self.stage.run(end) {
            while let Some(notice) = self.stage.poll_notice() {
                self.take(notice);
            }
        }
        assert_eq!(self.stage.breach(), None);
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Event { seat, event } => {
                self.heard.push((self.stage.now().as_micros(), seat.tab, *event));
            }
            Notice::Store { seat, id, op, body } => {
                let store = &mut self.stores[seat.tab];
                let reply = match op {
                    StoreOp::Load => StoreReply::Records(Vec::new()),
                    StoreOp::KeepBody { chunk, .. } => {
                        store.insert(chunk, body.unwrap());
                        StoreReply::Done
                    }
                    StoreOp::HasChunks { chunks } => StoreReply::Present(
                        chunks.iter().map(|chunk| store.contains_key(chunk)).collect(),
                    ),
                    _ => StoreReply::Done,
                };
                self.stage.stored(seat, id, Ok(reply));
            }
            Notice::Read { seat, ticket, chunk } => {
                let bytes = self.stores[seat.tab].get(&chunk).cloned();
                self.stage.chunk_read(ticket, bytes);
            }
        }
    }

    fn connected(&self, tab: usize) -> Vec<PeerId> {
        let Some(node) = self.stage.node(self.seats[tab]) else { return Vec::new() };
        let peers = node.peers().into_iter();
        peers.filter(|peer| peer.state == PeerState::Connected).map(|peer| peer.id).collect()
    }

    fn answer(&self, id: CommandId) -> Option<&Result<Reply, CommandError>> {
        self.heard.iter().find_map(|(_, _, event)| match event {
            Event::Done { id: own, result } if *own == id => Some(result),
            _ => None,
        })
    }

    /// Stores and offers a content of so many whole chunks.
    fn add(&mut self, tab: usize, chunks: usize) -> ContentId {
        let bodies: Vec<Bytes> =
            (0..chunks).map(|n| vec![u8::try_from(n).unwrap(); CHUNK_BYTES].into()).collect();
        let ids: Vec<ChunkId> =
            bodies.iter().map(|body| ChunkId(peerloom_crypto::sha256(body))).collect();
        let draft = ContentDraft {
            name: "story".to_owned(),
            mime: "text/plain".to_owned(),
            bytes: (chunks * CHUNK_BYTES) as u64,
            chunks: ids.clone(),
            key: None,
        };
        self.stores[tab].extend(ids.into_iter().zip(bodies));
        let id = self.command(tab, Command::Add { draft });
        self.run_ms(100);
        let Some(Ok(Reply::Content(content))) = self.answer(id) else { panic!("not added") };
        *content
    }
}

fn setup(app: &str) -> TabSetup {
    TabSetup { app: app.to_owned(), channels: vec![app.to_owned()], connections_max: 8 }
}

#[test]
fn tabs_find_each_other_and_those_of_another_application_do_not() {
    let mut theatre = Theatre::new(1, CALM, 3);
    let stranger = theatre.open("chat");
    theatre.run_ms(5_000);
    for tab in 0..3 {
        assert_eq!(theatre.connected(tab).len(), 2, "at tab {tab}");
    }
    assert_eq!(theatre.connected(stranger), []);
}

#[test]
fn bytes_arrive_as_they_were() {
    let mut theatre = Theatre::new(2, CALM, 2);
    let content = theatre.add(0, 12);
    let get = theatre.command(1, Command::Get { content, key: None });
    theatre.run_ms(10_000);
    assert_eq!(theatre.answer(get), Some(&Ok(Reply::Content(content))));
    assert_eq!(theatre.stores[0], theatre.stores[1]);
}

#[test]
fn a_chunk_that_the_store_has_lost_is_not_served() {
    let mut theatre = Theatre::new(2, CALM, 2);
    let content = theatre.add(0, 2);
    theatre.stores[0].clear();
    let get = theatre.command(1, Command::Get { content, key: None });
    theatre.run_ms(10_000);
    assert_eq!(theatre.answer(get), None);
    assert_eq!(theatre.connected(1).len(), 1, "and nobody is struck for it");
}

#[test]
fn loss_makes_a_transfer_slower_and_not_wrong() {
    let arrival = |loss_ppm| {
        let mut theatre = Theatre::new(3, Conditions { loss_ppm, ..CALM }, 2);
        theatre.run_ms(30_000);
        let content = theatre.add(0, 8);
        theatre.run_ms(5_000);
        let begun = theatre.stage.now();
        let get = theatre.command(1, Command::Get { content, key: None });
        while theatre.answer(get).is_none() {
            theatre.run_ms(100);
        }
        assert_eq!(theatre.stores[0], theatre.stores[1]);
        theatre.stage.now().since(begun)
    };
    let [calm, lossy] = [0, 20_000].map(arrival);
    assert!(lossy > calm * 4, "{calm:?} and {lossy:?}");
}

#[test]
fn islands_lose_sight_of_each_other_and_meet_again() {
    let mut theatre = Theatre::new(4, CALM, 3);
    theatre.run_ms(5_000);
    theatre.stage.partition(vec![vec![0, 1]]);
    theatre.run_ms(120_000);
    let late = theatre.open("notes");
    theatre.run_ms(5_000);
    assert_eq!(theatre.connected(0), [theatre.stage.peer_id(1)]);
    assert_eq!(theatre.connected(2), [theatre.stage.peer_id(late)], "the rest are together");

    theatre.stage.partition(Vec::new());
    theatre.run_ms(120_000);
    for tab in 0..4 {
        assert_eq!(theatre.connected(tab).len(), 3, "at tab {tab}");
    }
}

#[test]
fn a_closed_page_is_missed_and_its_identity_comes_back() {
    let mut theatre = Theatre::new(5, CALM, 2);
    theatre.run_ms(5_000);
    theatre.stage.close(theatre.seats[1]);
    theatre.run_ms(60_000);
    assert_eq!(theatre.connected(0), []);
    let gone = |event: &Event| matches!(event, Event::PeerDisconnected { cause, .. } if *cause != DisconnectCause::Goodbye);
    assert!(theatre.heard.iter().any(|(_, tab, event)| *tab == 0 && gone(event)));

    theatre.reopen(1);
    theatre.run_ms(60_000);
    assert_eq!(theatre.connected(0), [theatre.stage.peer_id(1)]);
}

#[test]
fn a_page_that_leaves_says_goodbye() {
    let mut theatre = Theatre::new(6, CALM, 2);
    theatre.run_ms(5_000);
    theatre.stage.leave(theatre.seats[1]);
    theatre.stage.close(theatre.seats[1]);
    theatre.run_ms(200);
    assert_eq!(theatre.connected(0), []);
}

#[test]
fn a_frozen_page_does_nothing_until_it_runs_again() {
    let mut theatre = Theatre::new(7, CALM, 2);
    theatre.run_ms(5_000);
    theatre.stage.freeze(theatre.seats[1]);
    let heard = theatre.heard.len();
    theatre.run_ms(8_000);
    assert!(!theatre.heard[heard..].iter().any(|(_, tab, _)| *tab == 1));
    let asked = theatre.command(1, Command::Disconnect { peer: theatre.stage.peer_id(0) });
    theatre.run_ms(1_000);
    assert_eq!(theatre.answer(asked), None, "also what its application asks waits");
    theatre.stage.thaw(theatre.seats[1]);
    theatre.run_ms(10);
    assert_eq!(theatre.answer(asked), Some(&Ok(Reply::Done)));
}

#[test]
fn a_machine_that_sleeps_is_missed_and_comes_back() {
    let mut theatre = Theatre::new(7, CALM, 2);
    theatre.run_ms(5_000);
    theatre.stage.sleep(theatre.seats[1]);
    theatre.run_ms(60_000);
    assert_eq!(theatre.connected(0), []);
    theatre.stage.thaw(theatre.seats[1]);
    theatre.run_ms(60_000);
    assert_eq!(theatre.connected(0), [theatre.stage.peer_id(1)]);
}

#[test]
fn a_hidden_page_stays_connected() {
    let mut theatre = Theatre::new(8, CALM, 2);
    theatre.run_ms(5_000);
    theatre.stage.show(theatre.seats[1], false);
    theatre.run_ms(120_000);
    assert_eq!(theatre.connected(0).len(), 1);
    theatre.stage.show(theatre.seats[1], true);
    theatre.run_ms(10_000);
    assert_eq!(theatre.connected(0).len(), 1);
}

#[test]
fn what_one_pair_has_between_it_is_its_own() {
    let mut theatre = Theatre::new(9, CALM, 3);
    theatre.stage.shape(Conditions { latency: Span::new(300, 300), ..CALM }, Some((0, 2)));
    theatre.run_ms(60_000);
    let rtt = |a: usize, b: usize| {
        let peers = theatre.stage.node(theatre.seats[a]).unwrap().peers();
        let other = theatre.stage.peer_id(b);
        peers.iter().find(|peer| peer.id == other).unwrap().rtt_micros.unwrap() / 1000
    };
    assert!((600..620).contains(&rtt(0, 2)), "{}", rtt(0, 2));
    assert!(rtt(0, 1) < 100, "{}", rtt(0, 1));
}

#[test]
fn equal_seeds_give_equal_runs_and_others_do_not() {
    let run = |seed| {
        let mut theatre = Theatre::new(seed, Conditions { loss_ppm: 10_000, ..CALM }, 4);
        theatre.run_ms(3_000);
        let content = theatre.add(0, 3);
        for tab in 1..4 {
            theatre.command(tab, Command::Get { content, key: None });
        }
        theatre.run_ms(20_000);
        theatre.heard
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
