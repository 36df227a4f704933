//! Traces: all inputs of all nodes with their times, in a hash always and written on demand. A
//! node is a function of its inputs, so a trace replays without the world around it.

use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, Write};

use peerloom_core::{Input, Now, Output};
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::schedule::Seat;
use crate::tab;

/// One line of a trace, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// The first line: what the run was.
    Options(Options),
    /// A tab starts a session.
    Opened { tab: usize, session: u32, unix_ms: u64 },
    /// A node took an input; `outputs` is the hash of what it said.
    Input { tab: usize, session: u32, now: Now, input: Input, outputs: u64 },
}

/// Why a trace can't be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The trace can't be read.
    #[error("the trace can't be read: {0}")]
    Io(#[from] io::Error),
    /// A line is not what a trace consists of.
    #[error("line {line} of the trace is malformed: {reason}")]
    Malformed {
        /// Its number, from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A node said something else than it did when the trace was taken.
    #[error("line {line}: tab {tab} answers {input} differently than it did")]
    Differs {
        /// Its number, from 1.
        line: usize,
        /// Which tab.
        tab: usize,
        /// What it was told.
        input: String,
    },
}

/// What a replay went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Sessions of tabs.
    pub sessions: u64,
    /// Inputs whose outputs were the same again.
    pub inputs: u64,
}

/// The record of a run.
pub(crate) struct Trace {
    hasher: DefaultHasher,
    writer: Option<Box<dyn Write>>,
    /// The first thing that went wrong with the writer.
    error: Option<io::Error>,
    /// What was encoded last: its memory is used again.
    scratch: Vec<u8>,
    pub(crate) inputs: u64,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self {
            hasher: DefaultHasher::new(),
            writer: None,
            error: None,
            scratch: Vec::new(),
            inputs: 0,
        }
    }

    pub(crate) fn into(writer: Box<dyn Write>, options: &Options) -> Self {
        let mut trace = Self { writer: Some(writer), ..Self::new() };
        trace.write(&Line::Options(options.clone()));
        trace
    }

    /// Equal for two runs if every node got the same inputs at the same times and said the same.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) fn opened(&mut self, seat: Seat, unix_ms: u64) {
        self.hasher.write_u64(unix_ms);
        self.write(&Line::Opened { tab: seat.tab, session: seat.session, unix_ms });
    }

    pub(crate) fn handled(
        &mut self,
        seat: Seat,
        now: Now,
        input: Option<Input>,
        outputs: &[Output],
    ) {
        let (outputs, scratch) = hash_outputs(outputs, core::mem::take(&mut self.scratch));
        self.scratch = scratch;
        self.hasher.write_usize(seat.tab);
        self.hasher.write_u64(now.mono.as_micros());
        self.hasher.write_u64(outputs);
        self.inputs += 1;
        if let Some(input) = input {
            let Seat { tab, session } = seat;
            self.write(&Line::Input { tab, session, now, input, outputs });
        }
    }

    /// Mixes an input into the hash, before the node takes it.
    pub(crate) fn hash_input(&mut self, input: &Input) {
        self.scratch = encode(input, core::mem::take(&mut self.scratch));
        self.hasher.write(&self.scratch);
    }

    pub(crate) const fn is_written(&self) -> bool {
        self.writer.is_some()
    }

    /// Ends what is written.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if let Some(mut writer) = self.writer.take() {
            writer.flush()?;
        }
        self.error.take().map_or(Ok(()), Err)
    }

    fn write(&mut self, line: &Line) {
        let Some(writer) = &mut self.writer else { return };
        let written = serde_json::to_writer(&mut *writer, line).map_err(io::Error::from);
        let written = written.and_then(|()| writer.write_all(b"\n"));
        if let (Err(error), None) = (written, &self.error) {
            self.error = Some(error);
        }
    }
}

/// Returns the hash of what a node said to one input. Traces are compared within one release of
/// Rust: `DefaultHasher` promises no more.
fn hash_outputs(outputs: &[Output], bytes: Vec<u8>) -> (u64, Vec<u8>) {
    let bytes = encode(&outputs, bytes);
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    (hasher.finish(), bytes)
}

/// Feeds a trace to fresh nodes and compares what they say.
///
/// # Errors
/// [`ReplayError`], see there; `Differs` at the first difference.
pub fn replay(trace: impl BufRead) -> Result<Replayed, ReplayError> {
    let mut options = None;
    let mut nodes = std::collections::BTreeMap::new();
    let mut replayed = Replayed { sessions: 0, inputs: 0 };
    for (index, text) in trace.lines().enumerate() {
        let line = index + 1;
        let malformed = |reason: String| ReplayError::Malformed { line, reason };
        match serde_json::from_str(&text?).map_err(|error| malformed(error.to_string()))? {
            Line::Options(read) => options = Some(read),
            Line::Opened { tab, session, unix_ms } => {
                let options = options.as_ref().ok_or_else(|| malformed("no options".to_owned()))?;
                let node = tab::new_node(options, Seat { tab, session }, unix_ms);
                nodes.insert(tab, node.ok_or_else(|| malformed("no such tab".to_owned()))?);
                replayed.sessions += 1;
            }
            Line::Input { tab, now, input, outputs, .. } => {
                let node =
                    nodes.get_mut(&tab).ok_or_else(|| malformed("no such tab".to_owned()))?;
                let text = format!("{input:?}");
                node.handle(now, input);
                let said: Vec<Output> = core::iter::from_fn(|| node.poll_output()).collect();
                if hash_outputs(&said, Vec::new()).0 != outputs {
                    return Err(ReplayError::Differs { line, tab, input: text });
                }
                replayed.inputs += 1;
            }
        }
    }
    Ok(replayed)
}

/// Writes a value into `bytes`, whose memory is used again. As postcard, since everything that crosses
/// a node's border has that form anyway; its debug form took most of a run's time.
fn encode(value: &impl Serialize, mut bytes: Vec<u8>) -> Vec<u8> {
    struct Sink(Vec<u8>);
    impl Flavor for Sink {
        type Output = Vec<u8>;
        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.0.push(byte);
            Ok(())
        }
        fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
        fn finalize(self) -> postcard::Result<Vec<u8>> {
            Ok(self.0)
        }
    }
    bytes.clear();
    // Writing to a vector fails for what has no length, and none of ours is without.
    postcard::serialize_with_flavor(value, Sink(bytes)).unwrap_or_default()
}
