//! What the cache has done, beside what it could have done.

use rustc_hash::{FxHashSet, FxHasher};
use serde::Serialize;
use std::hash::{Hash, Hasher};

/// Beginnings that are remembered to know what could be hit: 8 MB of hashes.
const REMEMBERED_MAX: usize = 1 << 20;

/// Counts since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheMetrics {
    /// Sequences that were started.
    pub sequences: u64,
    /// Tokens that they began with.
    pub prompt_tokens: u64,
    /// Of these, how many were in the cache.
    pub cached_tokens: u64,
    /// Of these, how many any sequence before had begun with, so that a cache without an end would have had them: all but the edges
    /// of the tree of all beginnings. Nothing if there were too many to remember.
    pub reusable_tokens: Option<u64>,
    /// Tokens that came from the store, in host memory or on disk.
    pub restored_tokens: u64,
    /// Files of the store that were not what they said, and were dropped.
    pub dropped_files: u64,
    /// Slots that were evicted to make room, last used longest ago.
    pub evicted_old: u64,
    /// Slots that were evicted to make room, after the program had said that it is done with them.
    pub evicted_done: u64,
    /// Slots that were evicted because the device had failed.
    pub evicted_fault: u64,
    /// Sequences that were stopped for want of slots.
    pub preempted: u64,
    /// Trunks of branches that were let go for want of slots, rather than to fail a request.
    pub unpinned: u64,
}

impl CacheMetrics {
    /// Share of the tokens that were in the cache.
    pub fn hit_rate(&self) -> f64 {
        self.cached_tokens as f64 / self.prompt_tokens.max(1) as f64
    }

    /// Share of the tokens that could have been, if that is known.
    pub fn optimal_hit_rate(&self) -> Option<f64> {
        self.reusable_tokens.map(|tokens| tokens as f64 / self.prompt_tokens.max(1) as f64)
    }
}

/// The counts, and the beginnings that came.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) counts: CacheMetrics,
    /// Hashes of all beginnings of all prompts; nothing if there were too many.
    beginnings: Option<FxHashSet<u64>>,
}

impl Default for Counting {
    fn default() -> Self {
        let counts = CacheMetrics { reusable_tokens: Some(0), ..CacheMetrics::default() };
        Self { counts, beginnings: Some(FxHashSet::default()) }
    }
}

impl Counting {
    /// A sequence is started, with so many of its tokens in the cache.
    pub(crate) fn started(&mut self, tokens: &[u32], cached: usize) {
        self.counts.sequences += 1;
        self.counts.prompt_tokens += tokens.len() as u64;
        self.counts.cached_tokens += cached as u64;
        let Some(beginnings) = &mut self.beginnings else { return };
        let mut hash = 0u64;
        let mut known = 0;
        for (index, token) in tokens.iter().enumerate() {
            let mut hasher = FxHasher::default();
            (hash, *token, index).hash(&mut hasher);
            hash = hasher.finish();
            known += u64::from(!beginnings.insert(hash));
        }
        let too_many = beginnings.len() > REMEMBERED_MAX;
        match &mut self.counts.reusable_tokens {
            Some(_) if too_many => {
                self.beginnings = None;
                self.counts.reusable_tokens = None;
            }
            Some(reusable) => *reusable += known,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_hit_is_all_but_the_edges_of_the_tree() {
        let mut counting = Counting::default();
        for (tokens, cached) in [(&[1, 2, 3][..], 0), (&[1, 2, 4], 1), (&[2, 3], 0), (&[1, 2, 3], 2)] {
            counting.started(tokens, cached);
        }
        let counts = counting.counts;
        // Edges: 1 2 3, 4, 2 3: six of eleven.
        assert_eq!((counts.prompt_tokens, counts.reusable_tokens, counts.cached_tokens), (11, Some(5), 3));
        assert!((counts.optimal_hit_rate().unwrap() - 5.0 / 11.0).abs() < 1e-9);
        assert!((counts.hit_rate() - 3.0 / 11.0).abs() < 1e-9);
    }
}
