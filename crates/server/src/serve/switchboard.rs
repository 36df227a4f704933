//! The hub's task: inputs come in by one channel, outputs go out by one of each client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use peerloom_server::hub::{ConnId, Counters, Gauges, Reason};
use peerloom_server::{Hub, Input, Output};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout};

/// How many inputs may wait. Whoever has another one waits too, which slows its socket down.
const INBOX_MAX: usize = 4_096;

/// How many inputs are handled before outputs are handed out again.
const TURN_MAX: usize = 256;

/// How long the hub may take to say how it is.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How often it is said that clients dial an unknown host.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// What the hub's task is told.
enum Message {
    Enter { input: Input, conn: ConnId, line: Line },
    Input(Input),
    Report(oneshot::Sender<(Counters, Gauges)>),
}

/// The hub's end of a client's connection.
struct Line {
    /// Bounded by the hub, which counts what is not drained.
    queue: mpsc::UnboundedSender<Bytes>,
    closing: oneshot::Sender<Reason>,
}

/// A client's end of its connection to the hub.
pub(super) struct Seat {
    pub(super) conn: ConnId,
    pub(super) queue: mpsc::UnboundedReceiver<Bytes>,
    pub(super) closing: oneshot::Receiver<Reason>,
}

/// The way to the hub.
#[derive(Clone)]
pub(super) struct Switchboard {
    inbox: mpsc::Sender<Message>,
    entered: Arc<AtomicU64>,
}

impl Switchboard {
    pub(super) fn start(hub: Hub) -> Self {
        let (inbox, messages) = mpsc::channel(INBOX_MAX);
        let operator = Operator {
            hub,
            began: Instant::now(),
            lines: HashMap::new(),
            inbox: inbox.downgrade(),
            warned: None,
        };
        tokio::spawn(operator.run(messages));
        Self { inbox, entered: Arc::default() }
    }

    /// Takes a new connection to the hub.
    pub(super) async fn enter(
        &self,
        address: IpAddr,
        here: IpAddr,
        denied: Option<Reason>,
    ) -> Seat {
        let conn = ConnId(self.entered.fetch_add(1, Ordering::Relaxed));
        let (queue, queued) = mpsc::unbounded_channel();
        let (close, closing) = oneshot::channel();
        let input = Input::Connected { conn, address, here, denied };
        let line = Line { queue, closing: close };
        self.say(Message::Enter { input, conn, line }).await;
        Seat { conn, queue: queued, closing }
    }

    pub(super) async fn input(&self, input: Input) {
        self.say(Message::Input(input)).await;
    }

    pub(super) async fn shut_down(&self) {
        self.input(Input::Shutdown).await;
    }

    /// Returns what the hub counted; `None` if it does not answer.
    pub(super) async fn report(&self) -> Option<(Counters, Gauges)> {
        let (answer, answered) = oneshot::channel();
        let ask = async {
            self.say(Message::Report(answer)).await;
            answered.await.ok()
        };
        timeout(ANSWER_MAX, ask).await.ok().flatten()
    }

    async fn say(&self, message: Message) {
        // Nobody listens when the program ends, and then it does not matter.
        self.inbox.send(message).await.ok();
    }
}

/// Owns the hub.
struct Operator {
    hub: Hub,
    began: Instant,
    lines: HashMap<ConnId, Line>,
    inbox: mpsc::WeakSender<Message>,
    /// When it was last said that a host is unknown.
    warned: Option<Instant>,
}

impl Operator {
    async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        loop {
            let due = self.hub.poll_timeout().map(|due| self.began + due);
            tokio::select! {
                message = messages.recv() => {
                    let Some(message) = message else { return };
                    self.on_message(message);
                    for _ in 1..TURN_MAX {
                        let Ok(message) = messages.try_recv() else { break };
                        self.on_message(message);
                    }
                }
                () = sleep_until(due.unwrap_or(self.began).into()), if due.is_some() => {
                    self.hub.handle_timeout(self.began.elapsed());
                }
            }
            self.hand_out();
        }
    }

    fn on_message(&mut self, message: Message) {
        let now = self.began.elapsed();
        match message {
            Message::Enter { input, conn, line } => {
                self.lines.insert(conn, line);
                self.hub.handle(now, input);
            }
            Message::Input(input) => {
                if let Input::Closed { conn } = &input {
                    self.lines.remove(conn);
                }
                self.hub.handle(now, input);
            }
            Message::Report(answer) => {
                answer.send((*self.hub.counters(), self.hub.gauges())).ok();
            }
        }
    }

    fn hand_out(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { conn, bytes } => {
                    // A line is gone when its client is, and the hub hears of it next.
                    if let Some(line) = self.lines.get(&conn) {
                        line.queue.send(bytes).ok();
                    }
                }
                Output::Close { conn, reason } => self.close(conn, reason),
                Output::Verify { conn, claim } => {
                    let Some(inbox) = self.inbox.upgrade() else { return };
                    tokio::spawn(async move {
                        let checked = tokio::task::spawn_blocking(move || claim.holds()).await;
                        let holds = checked.unwrap_or(false);
                        let verified = Input::Verified { conn, holds };
                        inbox.send(Message::Input(verified)).await.ok();
                    });
                }
            }
        }
    }

    fn close(&mut self, conn: ConnId, reason: Reason) {
        tracing::debug!(conn = conn.0, reason = reason.name(), "closing");
        if reason == Reason::WrongHost
            && self.warned.is_none_or(|warned| warned.elapsed() >= WARN_INTERVAL)
        {
            self.warned = Some(Instant::now());
            tracing::warn!(
                "a client dialled a host that is no name of this server: see --public-host"
            );
        }
        if let Some(line) = self.lines.remove(&conn) {
            line.closing.send(reason).ok();
        }
    }
}
