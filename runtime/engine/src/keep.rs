//! Beginnings that were computed go to the store; beginnings that the store has come back.

use crate::arena::SequenceId;
use crate::engine::Engine;
use crate::error::LoadError;
use crate::sequence::Sequence;
use crate::store::{BLOCK, Store, StoreOptions, fingerprint};
use std::path::Path;

impl Engine {
    /// From now on keeps what is computed in memory, and on disk if there is a folder; a process that is started again finds it
    /// there. `model` is what the engine was loaded from.
    ///
    /// # Errors
    /// The device's cache can't be read, or the folder can't be used.
    pub fn open_store(&mut self, model: &Path, options: StoreOptions) -> Result<(), LoadError> {
        let Some(bytes) = self.forward.slot_bytes().filter(|_| self.cache.shares) else {
            return Err(LoadError::Store("the cache of this device can't be kept".into()));
        };
        let refused = |error: std::io::Error| LoadError::Store(error.to_string());
        let key = fingerprint(model, &format!("{bytes} bytes a token")).map_err(refused)?;
        self.store = Some(Store::open(key, options).map_err(refused)?);
        Ok(())
    }

    /// Saves the whole blocks that a sequence has computed and nobody has saved.
    pub(crate) fn save(&mut self, name: SequenceId) {
        let (Some(store), Some(sequence)) = (&mut self.store, self.sequences.get(name)) else { return };
        let Some(space) = self.spaces.name(sequence.namespace) else { return };
        for (index, key) in store.keys(space, &sequence.tokens[..sequence.sound.min(sequence.tokens.len())]).enumerate()
        {
            if store.claim(key) {
                let slots = &sequence.slots[index * BLOCK..(index + 1) * BLOCK];
                self.forward.save(slots.to_vec(), Box::new(store.saver(key)));
            }
        }
    }

    /// Begins to read from disk what the cache has not of a beginning; gives the number by which it is asked whether that is done, if there
    /// is a store.
    pub(crate) fn read_ahead(&mut self, sequence: &Sequence) -> Option<u64> {
        let bytes = self.forward.slot_bytes()?;
        let store = self.store.as_mut()?;
        let space = self.spaces.name(sequence.namespace)?;
        let first = self.cache.match_len(sequence) / BLOCK;
        let keys = store.keys(space, &sequence.tokens[..sequence.reusable()]).skip(first);
        Some(store.read_ahead(keys, bytes * BLOCK))
    }

    /// Brings into the cache what the store has of a sequence that is to be started and the cache has not. Gives whether it may be started:
    /// not while something is read for it and others run.
    pub(crate) fn bring(&mut self, name: SequenceId, others_run: bool) -> bool {
        let (Some(store), Some(sequence)) = (&mut self.store, self.sequences.get_mut(name)) else { return true };
        let Some(ticket) = sequence.ticket else { return true };
        if !store.is_read(ticket) {
            if others_run {
                return false;
            }
            self.counting.counts.awaited_reads += 1;
            store.await_read(ticket);
        }
        sequence.ticket = None;
        let beginning = Sequence::beginning(sequence, sequence.reusable());
        self.restore(&beginning);
        true
    }

    fn restore(&mut self, beginning: &Sequence) {
        let Some(bytes) = self.forward.slot_bytes() else { return };
        let Some(store) = &mut self.store else { return };
        let Some(space) = self.spaces.name(beginning.namespace) else { return };
        let known = self.cache.match_len(beginning);
        let first = known / BLOCK;
        let mut blocks = Vec::new();
        for key in store.keys(space, &beginning.tokens[..beginning.reusable()]).skip(first) {
            let Some(block) = store.load(key, bytes * BLOCK) else { break };
            blocks.push(block);
        }
        if blocks.is_empty() {
            return;
        }
        let end = (first + blocks.len()) * BLOCK;
        let mut carrier = Sequence::beginning(beginning, end);
        let from = self.cache.attach(&mut carrier);
        let room = self.cache.pool.free().len() + self.cache.tree.evictable_slots();
        if end > from && end - from <= room / 2 && self.cache.extend(&mut carrier, end - from) {
            let skipped = (from - first * BLOCK) * bytes;
            let mut rows = Vec::with_capacity(blocks.len() * BLOCK * bytes);
            blocks.iter().for_each(|block| rows.extend_from_slice(block));
            rows.drain(..skipped);
            self.forward.restore(carrier.slots[from..].to_vec(), rows);
            self.counting.counts.restored_tokens += (end - from) as u64;
        }
        self.cache.detach(&mut carrier);
    }
}
