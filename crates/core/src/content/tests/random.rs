//! Any interleaving of inputs: no panic, every bound holds, every command has one answer.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::messages::any_message;
use super::*;

/// What happens next. Numbers choose among what is possible then.
#[derive(Clone, Debug)]
enum Happens {
    Start,
    Stop,
    Up(u8),
    Down(u8),
    /// A message of anything.
    Says(u8, Message),
    /// A peer announces one of the contents that exist.
    Has(u8, usize),
    /// A peer asks for a body of a content that exists.
    Wants(u8, u32, usize, u32),
    /// A body that was expected arrives, right or wrong.
    Arrives(usize, bool),
    Progress(usize, u32),
    Served(u8, u32),
    Unavailable(u8, u32),
    /// A storage operation ends, well or badly.
    Stored(usize, u8),
    /// A signature is made or found true, or not.
    Proved(usize, bool),
    Command(u8, usize),
    Wait(u16),
    /// The tab did not run.
    Sleep(u16),
}

fn happens() -> impl Strategy<Value = Happens> {
    let peer = || 0u8..4;
    prop_oneof![
        1 => Just(Happens::Start),
        1 => Just(Happens::Stop),
        6 => peer().prop_map(Happens::Up),
        3 => peer().prop_map(Happens::Down),
        6 => (peer(), any_message()).prop_map(|(peer, message)| Happens::Says(peer, message)),
        10 => (peer(), 0usize..4).prop_map(|(peer, content)| Happens::Has(peer, content)),
        4 => (peer(), 0u32..9, 0usize..4, 0u32..9)
            .prop_map(|(peer, request, content, index)| Happens::Wants(peer, request, content, index)),
        25 => (any::<usize>(), prop::bool::weighted(0.9))
            .prop_map(|(which, right)| Happens::Arrives(which, right)),
        4 => (any::<usize>(), any::<u32>()).prop_map(|(which, bytes)| Happens::Progress(which, bytes)),
        2 => (peer(), 0u32..9).prop_map(|(peer, request)| Happens::Served(peer, request)),
        1 => (peer(), 0u32..9).prop_map(|(peer, request)| Happens::Unavailable(peer, request)),
        25 => (any::<usize>(), 0u8..40).prop_map(|(which, how)| Happens::Stored(which, how)),
        10 => (any::<usize>(), prop::bool::weighted(0.9))
            .prop_map(|(which, well)| Happens::Proved(which, well)),
        12 => (0u8..12, 0usize..4).prop_map(|(command, content)| Happens::Command(command, content)),
        4 => (0u16..3000).prop_map(Happens::Wait),
        1 => any::<u16>().prop_map(Happens::Sleep),
    ]
}

/// The world around one [`Content`], and what must hold of it.
struct World {
    content: Content,
    now_ms: u64,
    manifests: Vec<(Manifest, Option<ContentKey>)>,
    up: BTreeSet<PeerId>,
    expected: BTreeMap<(ConnId, RequestId), (u32, bool)>,
    wanted: BTreeMap<(ConnId, RequestId), Wanted>,
    operations: BTreeMap<OpId, StoreOp>,
    /// What is to be signed; none for a claim, which is true.
    proofs: BTreeMap<ProofId, Option<Bytes>>,
    stored: BTreeSet<ChunkId>,
    records: BTreeMap<String, Bytes>,
    commands: u64,
    unanswered: BTreeSet<CommandId>,
}

impl World {
    fn new() -> Self {
        let manifests = vec![
            (manifest("short", 100, None).1, None),
            (manifest("long", 16_384 * 90, None).1, None),
            (manifest("secret", 50_000, Some(KEY)).1, Some(KEY)),
            (manifest("empty", 0, None).1, None),
        ];
        Self {
            content: Content::new(config()),
            now_ms: 0,
            manifests,
            up: BTreeSet::new(),
            expected: BTreeMap::new(),
            wanted: BTreeMap::new(),
            operations: BTreeMap::new(),
            proofs: BTreeMap::new(),
            stored: BTreeSet::new(),
            records: BTreeMap::new(),
            commands: 0,
            unanswered: BTreeSet::new(),
        }
    }

    fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        match &input {
            Input::PeerUp { peer, .. } => {
                self.forget(*peer);
                self.up.insert(*peer);
            }
            Input::PeerDown { peer } => self.forget(*peer),
            Input::Stop => {
                self.up.clear();
                self.expected.clear();
                self.wanted.clear();
            }
            _ => {}
        }
        self.content.handle(at(self.now_ms), input, &mut out);
        self.follow(out);
    }

    fn forget(&mut self, peer: PeerId) {
        self.up.remove(&peer);
        self.expected.retain(|(of, _), _| *of != conn(peer));
        self.wanted.retain(|(of, _), _| *of != conn(peer));
    }

    fn wait(&mut self, ms: u64, in_time: bool) {
        self.now_ms += ms;
        let mut out = Vec::new();
        if in_time {
            advance(&mut self.content, self.now_ms, &mut out);
        } else {
            self.content.handle_timeout(at(self.now_ms), &mut out);
        }
        self.follow(out);
    }

    fn follow(&mut self, out: Vec<Effect>) {
        for effect in out {
            match effect {
                Effect::Send { to, message } => {
                    assert!(self.up.contains(&to), "{message:?} to one who is not up");
                    let Message::Want { wants } = message else { continue };
                    for Want { request, what } in wants {
                        let is_expected = self.expected.contains_key(&(conn(to), request));
                        assert!(is_expected, "a body is asked for before there is room for it");
                        self.wanted.insert((conn(to), request), what);
                    }
                }
                Effect::Link { conn: on, command } => self.on_link(on, command),
                Effect::Store { op, operation } => {
                    if let StoreOp::KeepBody { conn, request, .. } = &operation {
                        // The buffer goes to the store.
                        assert!(self.expected.remove(&(*conn, *request)).is_some());
                    }
                    if let StoreOp::RetainChunks { chunks } = &operation {
                        self.stored.retain(|it| chunks.contains(it));
                    }
                    assert!(self.operations.insert(op, operation).is_none());
                }
                Effect::Done { id, .. } => {
                    assert!(self.unanswered.remove(&id), "{id:?} is answered twice");
                }
                Effect::Sign { proof, payload } => {
                    assert!(self.proofs.insert(proof, Some(payload)).is_none());
                }
                Effect::Verify { proof, .. } => {
                    assert!(self.proofs.insert(proof, None).is_none());
                }
                Effect::OffersChanged { peer } => assert!(self.up.contains(&peer)),
                // Its signature may be found false after it left.
                Effect::Strike { .. } | Effect::Loaded(_) | Effect::Event(_) => {}
            }
        }
        self.check_bounds();
    }

    fn on_link(&mut self, on: ConnId, command: LinkCommand) {
        assert!(self.up.iter().any(|peer| conn(*peer) == on), "{command:?} on one who is not up");
        match command {
            LinkCommand::ExpectBody { request, bytes, inline } => {
                let fresh = self.expected.insert((on, request), (bytes, inline)).is_none();
                assert!(fresh, "{request:?} is used twice");
            }
            LinkCommand::ForgetBody { request } => {
                self.expected.remove(&(on, request));
                self.wanted.remove(&(on, request));
            }
            LinkCommand::ServeBody { .. } | LinkCommand::StopServing { .. } => {}
            other => panic!("not for this protocol: {other:?}"),
        }
    }

    fn check_bounds(&self) {
        let stats = self.content.stats();
        let chunks = self.expected.values().filter(|(_, inline)| !inline).count();
        let keeps = usize::try_from(stats["content.open_keeps"]).unwrap();
        assert!(chunks + keeps <= 64);
        assert!(self.expected.len() - chunks <= 4);
        let waiting = stats["content.open_requests"] + stats["content.open_early"];
        assert_eq!(waiting, self.expected.len() as u64);
        for peer in &self.up {
            let of_peer = self.wanted.keys().filter(|(of, _)| *of == conn(*peer)).count();
            assert!(of_peer <= 32);
        }
        let open = self.operations.len() + self.proofs.len();
        assert_eq!(stats["content.open_operations"], open as u64);
        for info in self.content.contents() {
            assert_eq!(self.content.content(info.id).as_ref(), Some(&info));
        }
    }

    fn arrives(&mut self, which: usize, right: bool) {
        let wanted = self.wanted.iter().nth(which % self.wanted.len().max(1));
        let Some((&(on, request), &what)) = wanted else { return };
        self.wanted.remove(&(on, request));
        let manifest = self.manifests.iter().find(|(it, _)| it.id() == what.content());
        let Some((manifest, _)) = manifest else { return };
        let (mut sha256, inline) = match what {
            Wanted::Manifest(content) => {
                self.expected.remove(&(on, request));
                (content.0, Some(manifest.encode().into()))
            }
            Wanted::Chunk { index, .. } => (manifest.description().chunk(index).unwrap().0, None),
        };
        if !right {
            sha256[0] ^= 1;
        }
        self.input(Input::Body { conn: on, event: BodyEvent::Arrived { request, sha256, inline } });
    }

    fn stored(&mut self, which: usize, how: u8) {
        let operation = self.operations.iter().nth(which % self.operations.len().max(1));
        let Some((&op, operation)) = operation else { return };
        let operation = operation.clone();
        self.operations.remove(&op);
        let result = match how {
            0 => Err(StoreError::QuotaExceeded),
            1 => Err(StoreError::Io("busy".into())),
            // Not an answer to this question.
            2 if matches!(operation, StoreOp::HasChunks { .. }) => Ok(StoreReply::Done),
            _ => Ok(self.execute(operation)),
        };
        self.input(Input::Stored { op, result });
    }

    fn proved(&mut self, which: usize, well: bool) {
        let proof = self.proofs.keys().nth(which % self.proofs.len().max(1)).copied();
        let Some((proof, payload)) = proof.and_then(|it| self.proofs.remove_entry(&it)) else {
            return;
        };
        self.input(match payload {
            Some(payload) => {
                let signature = well.then(|| author().sign(&payload));
                Input::Signed { proof, signature }
            }
            None => Input::Verified { proof, holds: well },
        });
    }

    fn execute(&mut self, operation: StoreOp) -> StoreReply {
        match operation {
            StoreOp::Load => {
                let records = self.records.iter();
                let records =
                    records.map(|(key, value)| Record { key: key.clone(), value: value.clone() });
                return StoreReply::Records(records.collect());
            }
            StoreOp::Apply { puts, deletes } => {
                self.records.extend(puts.into_iter().map(|it| (it.key, it.value)));
                deletes.iter().for_each(|key| drop(self.records.remove(key)));
            }
            StoreOp::KeepBody { chunk, .. } => {
                self.stored.insert(chunk);
            }
            StoreOp::HasChunks { chunks } => {
                let present = chunks.iter().map(|chunk| self.stored.contains(chunk));
                return StoreReply::Present(present.collect());
            }
            StoreOp::DeleteChunks { chunks } => {
                self.stored.retain(|it| !chunks.contains(it));
            }
            // Done when it was given.
            StoreOp::RetainChunks { .. } => {}
        }
        StoreReply::Done
    }

    fn command(&mut self, number: u8, content: usize) {
        let (manifest, key) = &self.manifests[content];
        let content = manifest.id();
        let description = manifest.description();
        let command = match number {
            0..=3 => Command::Get { content, key: None },
            4 => Command::Get { content, key: *key },
            5 => Command::Pause { content },
            6 => Command::Resume { content },
            7 => Command::Cancel { content },
            8 => Command::Seek { content, chunk: 50 },
            9 => Command::Remove { content },
            _ => {
                let chunks = description.chunks.iter().take(1).copied().collect::<Vec<_>>();
                self.stored.extend(&chunks);
                let bytes = chunks.len() as u64;
                let (name, mime) = (description.name.clone(), String::new());
                Command::Add { draft: ContentDraft { name, mime, bytes, chunks, key: *key } }
            }
        };
        self.commands += 1;
        let id = CommandId(self.commands);
        self.unanswered.insert(id);
        self.input(Input::Command { id, command });
    }

    fn happen(&mut self, happens: Happens) {
        let peer = |n: u8| PeerId([n + 1; 32]);
        let event = |n: u8, event| Input::Body { conn: conn(peer(n)), event };
        match happens {
            Happens::Start => self.input(Input::Start),
            Happens::Stop => self.input(Input::Stop),
            Happens::Up(n) => self.input(up(peer(n))),
            Happens::Down(n) => self.input(Input::PeerDown { peer: peer(n) }),
            Happens::Says(n, message) => {
                if let Message::Refused { request, .. } = &message {
                    self.wanted.remove(&(conn(peer(n)), *request));
                }
                self.input(says(peer(n), message));
            }
            Happens::Has(n, content) => {
                let (manifest, key) = &self.manifests[content];
                let told = if n % 2 == 0 { entry(manifest, *key) } else { brief(manifest, *key) };
                self.input(offers(peer(n), told));
            }
            Happens::Wants(n, request, content, index) => {
                let content = self.manifests[content].0.id();
                let what = Wanted::Chunk { content, index };
                self.input(says(peer(n), wants(&[(request, what)])));
            }
            Happens::Arrives(which, right) => self.arrives(which, right),
            Happens::Progress(which, bytes) => {
                let wanted = self.wanted.keys().nth(which % self.wanted.len().max(1)).copied();
                if let Some((conn, request)) = wanted {
                    let event = BodyEvent::Progress { request, bytes };
                    self.input(Input::Body { conn, event });
                }
            }
            Happens::Served(n, request) => {
                let request = RequestId(request);
                self.input(event(n, BodyEvent::Served { request, bytes: 9 }));
            }
            Happens::Unavailable(n, request) => {
                self.input(event(n, BodyEvent::Unavailable { request: RequestId(request) }));
            }
            Happens::Stored(which, how) => self.stored(which, how),
            Happens::Proved(which, well) => self.proved(which, well),
            Happens::Command(number, content) => self.command(number, content),
            Happens::Wait(ms) => self.wait(ms.into(), true),
            Happens::Sleep(ms) => self.wait(ms.into(), false),
        }
    }

    /// Everything ends well from here on: what is open comes to its end.
    fn settle(&mut self) {
        self.input(Input::Start);
        loop {
            if !self.operations.is_empty() {
                self.stored(0, 9);
            } else if !self.proofs.is_empty() {
                self.proved(0, true);
            } else if !self.wanted.is_empty() {
                self.arrives(0, true);
            } else if let Some(due) = self.content.poll_timeout() {
                let ms = due.since(at(self.now_ms).mono).as_micros().div_ceil(1000);
                self.wait(u64::try_from(ms).unwrap(), true);
            } else {
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_interleaving_keeps_the_bounds_and_answers_every_command_once(
        happens in prop::collection::vec(happens(), 0..300),
    ) {
        let mut world = World::new();
        world.input(Input::Start);
        for it in happens {
            world.happen(it);
        }
        world.settle();
        // What nobody has is waited for, until it is given up.
        for content in 0..4 {
            world.command(7, content);
        }
        world.input(Input::Stop);
        world.settle();
        prop_assert_eq!(&world.unanswered, &BTreeSet::new());
        let stats = world.content.stats();
        prop_assert_eq!(stats["content.open_requests"], 0);
        prop_assert_eq!(stats["content.open_operations"], 0);
    }

    #[test]
    fn with_one_honest_source_every_get_is_answered_with_the_content(
        happens in prop::collection::vec(happens(), 0..200),
        content in 0usize..4,
    ) {
        let mut world = World::new();
        world.input(Input::Start);
        for it in happens {
            world.happen(it);
        }
        world.settle();
        let honest = PeerId([99; 32]);
        world.input(up(honest));
        let (manifest, key) = world.manifests[content].clone();
        world.input(has(honest, &manifest, key));
        world.settle();
        world.command(4, content);
        world.settle();
        prop_assert!(world.content.is_complete(manifest.id()));
        let stored = manifest.description().chunks.iter();
        prop_assert!(stored.clone().all(|chunk| world.stored.contains(chunk)));
    }

    #[test]
    fn equal_inputs_have_equal_effects(happens in prop::collection::vec(happens(), 0..100)) {
        let run = || {
            let mut world = World::new();
            for it in &happens {
                world.happen(it.clone());
            }
            (world.content.stats(), world.content.contents(), world.operations)
        };
        prop_assert_eq!(run(), run());
    }
}
