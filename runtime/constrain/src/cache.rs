//! Constraints by shape, so that each is made once.

use crate::error::ConstrainError;
use crate::limits::CACHE_ENTRIES_MAX;
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
        if self.entries.len() >= CACHE_ENTRIES_MAX {
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used).map(|(shape, _)| shape.clone());
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(shape.clone(), (masks.clone(), self.clock));
        Ok(masks)
    }
}
