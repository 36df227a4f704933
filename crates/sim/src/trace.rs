//! Traces: all inputs of all nodes with their times, in a hash always and in a file on demand. A
//! node is a function of its inputs, so a trace replays without the world around it.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use peerloom_core::{Input, Now, Output};
use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::schedule::Seat;
use crate::tab;

/// One line of a trace file, as JSON.
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
    /// The file can't be read.
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
    file: Option<BufWriter<File>>,
    /// The first thing that went wrong with the file.
    error: Option<io::Error>,
    pub(crate) inputs: u64,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { hasher: DefaultHasher::new(), file: None, error: None, inputs: 0 }
    }

    pub(crate) fn into_file(path: &Path, options: &Options) -> io::Result<Self> {
        let file = Some(BufWriter::new(File::create(path)?));
        let mut trace = Self { file, ..Self::new() };
        trace.write(&Line::Options(options.clone()));
        Ok(trace)
    }

    /// Equal for two runs if every node got the same inputs at the same times and said the same.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) fn opened(&mut self, seat: Seat, unix_ms: u64) {
        self.hasher.write_u64(unix_ms);
        self.write(&Line::Opened { tab: seat.tab, session: seat.session, unix_ms });
    }

    pub(crate) fn handled(&mut self, seat: Seat, now: Now, input: Option<Input>, outputs: u64) {
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
        write_debug(&mut self.hasher, input);
    }

    pub(crate) const fn is_to_file(&self) -> bool {
        self.file.is_some()
    }

    /// Ends the file.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.flush()?;
        }
        self.error.take().map_or(Ok(()), Err)
    }

    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        let written = serde_json::to_writer(&mut *file, line).map_err(io::Error::from);
        let written = written.and_then(|()| file.write_all(b"\n"));
        if let (Err(error), None) = (written, &self.error) {
            self.error = Some(error);
        }
    }
}

/// Returns the hash of what a node said to one input. Traces are compared within one release of
/// Rust: `DefaultHasher` promises no more.
pub(crate) fn hash_outputs(outputs: &[Output]) -> u64 {
    let mut hasher = DefaultHasher::new();
    outputs.iter().for_each(|output| write_debug(&mut hasher, output));
    hasher.finish()
}

/// Feeds a trace to fresh nodes and compares what they say.
///
/// # Errors
/// [`ReplayError`], see there; `Differs` at the first difference.
pub fn replay(path: &Path) -> Result<Replayed, ReplayError> {
    let mut options = None;
    let mut nodes = std::collections::BTreeMap::new();
    let mut replayed = Replayed { sessions: 0, inputs: 0 };
    for (index, text) in BufReader::new(File::open(path)?).lines().enumerate() {
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
                if hash_outputs(&said) != outputs {
                    return Err(ReplayError::Differs { line, tab, input: text });
                }
                replayed.inputs += 1;
            }
        }
    }
    Ok(replayed)
}

/// Hashes the debug form without building it.
fn write_debug(hasher: &mut DefaultHasher, value: &impl fmt::Debug) {
    struct Sink<'a>(&'a mut DefaultHasher);
    impl fmt::Write for Sink<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    // The sink never fails.
    let _ = write!(Sink(hasher), "{value:?}");
}
