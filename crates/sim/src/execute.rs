//! What nodes ask of the outside, done to a world.

use peerloom_core::io::{BodySource, ConnId, LinkCommand, StoreId, StoreOp, StoreReply};
use peerloom_core::{Input, Output};
use peerloom_wire::AppId;

use crate::bus::Listener;
use crate::fabric::{Body, End};
use crate::options::APPS;
use crate::schedule::{Happening, Seat};
use crate::store::{Health, Kept};
use crate::world::World;
use crate::{hostile, keyring};

impl World {
    pub(crate) fn execute(&mut self, seat: Seat, output: Output) {
        match output {
            Output::Signal { bytes } => {
                let hearers = self.truth.who.hearers(seat.tab);
                let open = hearers.iter().map(|tab| &self.tabs[*tab]).filter(|tab| tab.is_open());
                let listeners: Vec<Listener> =
                    open.map(|tab| Listener { seat: tab.seat, app: tab.options.app }).collect();
                let app = self.tabs[seat.tab].options.app;
                self.count("envelopes");
                self.tabs[seat.tab].envelopes_sent += 1;
                self.bus.carry(&mut self.schedule, app, &bytes, &listeners);
                if let Some(hostility) = self.hostility(seat.tab) {
                    self.bus.abuse(&mut self.schedule, hostility, &bytes, &listeners);
                }
            }
            Output::Server { server, command } => self.execute_server(seat, server, command),
            Output::Link { conn, command } => self.execute_link(seat, conn, command),
            Output::Store { id, op } => self.execute_store(seat, id, op),
            Output::Sign { id, payload } => {
                let key = keyring::public_key(self.options.seed, seat.tab);
                let signature = Some(keyring::sign(&key, &payload));
                self.answer(seat, Input::Signed { id, signature });
            }
            Output::Verify { id, claim } => {
                let holds = keyring::holds(&claim);
                self.answer(seat, Input::Verified { id, holds });
            }
            Output::Event(event) => self.heard(seat, event),
        }
    }

    /// The browser's cryptography has an answer.
    pub(crate) fn answer(&mut self, seat: Seat, input: Input) {
        let latency = self.dice.span(keyring::LATENCY);
        self.schedule.after(latency, Happening::Input { seat, input });
    }

    fn execute_link(&mut self, seat: Seat, conn: ConnId, command: LinkCommand) {
        let end = End { seat, conn };
        let hostility = self.hostility(seat.tab);
        if let LinkCommand::Send { frame } = &command {
            self.tabs[seat.tab].frames_sent += 1;
            self.tabs[seat.tab].sends(frame);
            self.follow_message(seat, conn, frame);
            self.posts.sends(frame);
        }
        match (command, hostility) {
            (LinkCommand::ServeBody { request, body }, _) => {
                let read = self.dice.span(self.options.store.latency);
                let Some(body) = self.read_body(seat.tab, body) else {
                    self.count("bodies unavailable");
                    return self.fabric.body_unavailable(&mut self.schedule, end, request);
                };
                let Self { fabric, schedule, dice, .. } = self;
                match hostility {
                    Some(hostility) => {
                        hostile::serve(
                            hostility,
                            dice,
                            fabric,
                            schedule,
                            end,
                            (request, body),
                            read,
                        );
                    }
                    None => fabric.serve(schedule, end, (request, body, u32::MAX), read),
                }
            }
            (LinkCommand::Send { frame }, Some(hostility)) => {
                let now_ms = self.tabs[seat.tab].unix_ms(self.schedule.now());
                let app = AppId::from_name(APPS[self.tabs[seat.tab].options.app]);
                let Self { fabric, schedule, dice, .. } = self;
                hostile::send(hostility, dice, fabric, schedule, end, (&frame, app, now_ms));
            }
            (command, _) => self.fabric.execute(&mut self.schedule, end, command),
        }
    }

    fn execute_store(&mut self, seat: Seat, id: StoreId, op: StoreOp) {
        let mut body = None;
        if let StoreOp::KeepBody { conn, request, chunk } = &op {
            let arrived = self.fabric.take_arrived(End { seat, conn: *conn }, *request);
            body = arrived.map(|body| Kept { sha256: body.sha256, bytes: body.bytes });
            let at_ms = self.now_ms();
            self.checkers.kept(at_ms, seat.tab, *chunk, body.map(|body| body.sha256));
            self.count("chunks kept");
        }
        let latency = self.dice.span(self.options.store.latency);
        let tab = &mut self.tabs[seat.tab];
        let at = tab.store.begin(self.schedule.now(), (id, op, body), latency);
        self.schedule.at(at, Happening::Stored { seat, id });
    }

    pub(crate) fn stored(&mut self, seat: Seat, id: StoreId) {
        let tab = &mut self.tabs[seat.tab];
        if tab.seat != seat || !tab.is_open() {
            return;
        }
        let Some(result) = tab.store.finish(id, &self.options.store, &mut self.dice) else {
            return;
        };
        if let Ok(StoreReply::Records(records)) = &result
            && let Some(record) = records.iter().find(|record| record.key == "trust")
        {
            tab.read_bans(self.schedule.now(), &record.value);
        }
        if result.is_err() {
            self.count("storage operations failed");
        }
        self.feed(seat, Input::Stored { id, result });
    }

    fn read_body(&self, index: usize, source: BodySource) -> Option<Body> {
        match source {
            BodySource::Inline(bytes) => Some(Body {
                sha256: peerloom_crypto::sha256(&bytes),
                bytes: u32::try_from(bytes.len()).ok()?,
                inline: Some(bytes),
            }),
            BodySource::Chunk(chunk) => {
                let store = &self.tabs[index].store;
                let readable = store.health != Health::Gone && store.holds(&chunk);
                let bytes = self.truth.chunk_bytes(&chunk).filter(|_| readable)?;
                Some(Body { sha256: chunk.0, bytes, inline: None })
            }
        }
    }
}
