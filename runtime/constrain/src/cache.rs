//! Constraints by shape, so that each is made once.

use crate::error::ConstrainError;
use crate::limits::{CACHE_BYTES_MAX, CACHE_ENTRIES_MAX};
use crate::masks::TokenMasks;
use crate::vocabulary::Vocabulary;
use rustc_hash::FxHashMap;
use sgl_protocol::Shape;
use std::sync::Arc;

/// Masks of the shapes that were asked for, over one vocabulary. Keeps a bounded number, the latest.
#[derive(Debug)]
pub struct ConstraintCache {
    vocabulary: Arc<Vocabulary>,
    entries: FxHashMap<Shape, (Arc<TokenMasks>, u64)>,
    clock: u64,
}

impl ConstraintCache {
    /// An empty cache over a vocabulary.
    pub fn new(vocabulary: Arc<Vocabulary>) -> Self {
        Self { vocabulary, entries: FxHashMap::default(), clock: 0 }
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// The masks of a shape.
    pub fn masks(&mut self, shape: &Shape) -> Result<Arc<TokenMasks>, ConstrainError> {
        self.clock += 1;
        if let Some((masks, used)) = self.entries.get_mut(shape) {
            *used = self.clock;
            if let Some(renewed) = masks.renewed() {
                *masks = Arc::new(renewed);
            }
            return Ok(masks.clone());
        }
        let masks = Arc::new(TokenMasks::of_shape(shape, &self.vocabulary)?);
        self.entries.insert(shape.clone(), (masks.clone(), self.clock));
        self.let_go();
        Ok(masks)
    }

    /// Lets the constraints go that were not asked for longest, while there are too many or they are too large; the last
    /// one stays.
    fn let_go(&mut self) {
        let mut bytes: usize = self.entries.values().map(|(masks, _)| masks.bytes()).sum();
        while self.entries.len() > 1 && (self.entries.len() > CACHE_ENTRIES_MAX || bytes > CACHE_BYTES_MAX) {
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used).map(|(shape, _)| shape.clone());
            let Some((gone, _)) = oldest.and_then(|oldest| self.entries.remove(&oldest)) else { return };
            bytes = bytes.saturating_sub(gone.bytes());
        }
    }
}
