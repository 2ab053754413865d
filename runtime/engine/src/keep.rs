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
        for (index, key) in store.keys(space, &sequence.tokens[..sequence.computed()]).enumerate() {
            if store.claim(key) {
                let slots = &sequence.slots[index * BLOCK..(index + 1) * BLOCK];
                self.forward.save(slots.to_vec(), Box::new(store.saver(key)));
            }
        }
    }

    /// Brings into the cache what the store has of a sequence and the cache has not.
    pub(crate) fn bring(&mut self, sequence: &Sequence) {
        let Some(bytes) = self.forward.slot_bytes() else { return };
        let Some(store) = &mut self.store else { return };
        let Some(space) = self.spaces.name(sequence.namespace) else { return };
        let known = self.cache.match_len(sequence);
        let tokens = &sequence.tokens[..sequence.reusable()];
        let first = known / BLOCK;
        let mut blocks = Vec::new();
        for key in store.keys(space, tokens).skip(first) {
            let Some(block) = store.load(key, bytes * BLOCK) else { break };
            blocks.push(block);
        }
        if blocks.is_empty() {
            return;
        }
        let end = (first + blocks.len()) * BLOCK;
        // One more token, because the last of a sequence is never taken from the cache.
        let carried = sequence.tokens[..=end].to_vec();
        let mut carrier = Sequence::new(sequence.request, sequence.part, carried, end + 1);
        carrier.namespace = sequence.namespace;
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
