//! Starting, which reads the store, and stopping, which forgets the peers.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use peerloom_wire::ContentId;

use super::library::Library;
use super::{COMMANDS_WAITING_MAX, Command, Content, Effect, Op};
use crate::event::{CommandError, Subject};
use crate::io::{CommandId, StoreError, StoreOp, StoreReply};

/// The most chunks asked about at once while starting: 512 KiB of hashes, so that the store's
/// worker is never asked for seconds of work in one piece.
const CHECK_CHUNKS_MAX: usize = 16_384;

/// Whether the library is that of the store.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nobody said to load it.
    New,
    /// The store is being read.
    Loading {
        /// What the application wanted meanwhile. At most [`COMMANDS_WAITING_MAX`].
        waiting: VecDeque<(CommandId, Command)>,
        /// Contents whose chunks were not asked about yet.
        unchecked: VecDeque<ContentId>,
        /// Whether chunks may be deleted that nothing refers to.
        sweep: Sweep,
    },
    /// As it should be.
    Running,
    /// The store could not be read. Whatever was written now could hide what is there.
    Failed(StoreError),
}

/// Whether chunks that no record refers to are leftovers of a tab that died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sweep {
    /// They are.
    Allowed,
    /// A record could not be read, and may refer to them; or this is not the first attempt, and an
    /// `Add` that is being prepared may.
    Forbidden,
}

impl Content {
    #[inline(never)]
    pub(super) fn on_start(&mut self, out: &mut Vec<Effect>) {
        match self.phase {
            Phase::Running => out.push(Effect::Loaded(Ok(()))),
            // The answer of the first start is that of the second.
            Phase::Loading { .. } => {}
            Phase::New | Phase::Failed(_) => {
                let is_first = matches!(self.phase, Phase::New);
                let sweep = if is_first { Sweep::Allowed } else { Sweep::Forbidden };
                let (waiting, unchecked) = (VecDeque::new(), VecDeque::new());
                self.phase = Phase::Loading { waiting, unchecked, sweep };
                self.store(Op::Load, StoreOp::Load, out);
            }
        }
    }

    /// Nobody is there any more. Downloads wait for whoever comes after the next start, as those do that are begun until
    /// then. Chunks on their way to the store still get there, and adding and removing go on: they need no peer.
    pub(super) fn on_stop(&mut self) {
        let peers: Vec<_> = self.peers.keys().copied().collect();
        for peer in peers {
            self.on_peer_down(peer);
        }
    }

    /// Returns whether a command is to be carried out now; if not, it waits or has its answer.
    pub(super) fn admit(&mut self, id: CommandId, command: &Command) -> bool {
        let error = match &mut self.phase {
            Phase::Running => return true,
            Phase::Loading { waiting, .. } if waiting.len() < COMMANDS_WAITING_MAX => {
                waiting.push_back((id, command.clone()));
                return false;
            }
            Phase::Loading { .. } => too_many_commands(),
            Phase::Failed(error) => CommandError::Store(error.clone()),
            Phase::New => CommandError::Closed,
        };
        self.answer(id, Err(error));
        false
    }

    #[inline(never)]
    pub(super) fn on_records(
        &mut self,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        let records = match result {
            Ok(StoreReply::Records(records)) => records,
            Ok(_) => return self.fail_loading(StoreError::Io("no records".into()), out),
            Err(error) => return self.fail_loading(error, out),
        };
        let (library, skipped) = Library::read(records);
        self.count_more("content.records_skipped", skipped);
        self.changed.extend(self.library.ids().chain(library.ids()));
        self.library = library;
        if let Phase::Loading { unchecked, sweep, .. } = &mut self.phase {
            *unchecked = self.library.ids().collect();
            if skipped > 0 {
                *sweep = Sweep::Forbidden;
            }
        }
        self.check_next(out);
    }

    #[inline(never)]
    pub(super) fn on_loaded_checked(
        &mut self,
        contents: Vec<ContentId>,
        result: Result<StoreReply, StoreError>,
        out: &mut Vec<Effect>,
    ) {
        let present = match result {
            Ok(StoreReply::Present(present)) => present,
            Ok(_) => return self.fail_loading(StoreError::Io("no answer".into()), out),
            Err(error) => return self.fail_loading(error, out),
        };
        let mut rest = &present[..];
        for id in contents {
            let Some(item) = self.library.item_mut(id) else { continue };
            let count = item.manifest.description().chunks.len().min(rest.len());
            let (own, others) = rest.split_at(count);
            item.set_present(own);
            rest = others;
        }
        self.check_next(out);
    }

    /// Asks for the chunks of the next contents, or ends loading.
    fn check_next(&mut self, out: &mut Vec<Effect>) {
        let Phase::Loading { unchecked, .. } = &mut self.phase else { return };
        let mut contents = Vec::new();
        let mut chunks = Vec::new();
        while let Some(id) = unchecked.pop_front() {
            let item = self.library.item(id);
            let own = item.map_or(&[][..], |item| &item.manifest.description().chunks);
            if !chunks.is_empty() && chunks.len() + own.len() > CHECK_CHUNKS_MAX {
                unchecked.push_front(id);
                break;
            }
            chunks.extend_from_slice(own);
            contents.push(id);
        }
        if chunks.is_empty() {
            return self.end_loading(out);
        }
        self.store(Op::CheckLoaded(contents), StoreOp::HasChunks { chunks }, out);
    }

    #[inline(never)]
    fn end_loading(&mut self, out: &mut Vec<Effect>) {
        let Phase::Loading { waiting, sweep, .. } =
            core::mem::replace(&mut self.phase, Phase::Running)
        else {
            return;
        };
        if sweep == Sweep::Allowed {
            let items = self.library.items();
            let chunks = items.flat_map(|item| &item.manifest.description().chunks).copied();
            let chunks = chunks.collect();
            self.store(Op::Sweep, StoreOp::RetainChunks { chunks }, out);
        }
        let peers: Vec<_> = self.peers.keys().copied().collect();
        for peer in peers {
            self.send_inventory(peer, out);
        }
        out.push(Effect::Loaded(Ok(())));
        for (id, command) in waiting {
            self.on_command(id, command, out);
        }
    }

    /// Peers stay up and their offers known: the next start may go well.
    fn fail_loading(&mut self, error: StoreError, out: &mut Vec<Effect>) {
        if let Phase::Loading { waiting, .. } =
            core::mem::replace(&mut self.phase, Phase::Failed(error.clone()))
        {
            let ids = waiting.into_iter().map(|(id, _)| id).collect();
            self.answer_all(ids, &Err(CommandError::Store(error.clone())));
        }
        out.push(Effect::Loaded(Err(error)));
    }
}

/// The answer to one command too many.
pub(super) fn too_many_commands() -> CommandError {
    let max = u64::try_from(COMMANDS_WAITING_MAX).unwrap_or(u64::MAX);
    CommandError::TooLarge { what: Subject::Commands, size: max + 1, max }
}
