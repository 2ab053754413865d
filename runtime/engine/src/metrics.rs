//! What the cache has done, beside what it could have done.

use crate::radix::Namespace;
use rustc_hash::{FxHashSet, FxHasher};
use serde::Serialize;
use std::hash::{Hash, Hasher};

/// Beginnings that are remembered to know what could be hit: 4 MB of hashes.
const REMEMBERED_MAX: usize = 1 << 18;

/// Counts since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheMetrics {
    /// Sequences that were started.
    pub sequences: u64,
    /// Tokens that they began with.
    pub prompt_tokens: u64,
    /// Of these, how many were in the cache.
    pub cached_tokens: u64,
    /// Of these, how many had been computed before in the same order, as part of a prompt or of what was generated, so that a cache
    /// without an end would have had them: all but the edges of the tree of all sequences. Nothing if there were too many to
    /// remember.
    pub reusable_tokens: Option<u64>,
    /// Tokens that came from the store, in host memory or on disk.
    pub restored_tokens: u64,
    /// How often nothing could be computed until something was read from disk.
    pub awaited_reads: u64,
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
    /// Hashes of all beginnings of all sequences; nothing if there were too many.
    beginnings: Option<FxHashSet<u64>>,
    /// Whether what other namespaces have computed could be had: where they only keep branches apart for comparison.
    across: bool,
}

impl Counting {
    /// Nothing has come yet. `across` counts what another namespace has computed as something that could have been had.
    pub(crate) fn new(across: bool) -> Self {
        let counts = CacheMetrics { reusable_tokens: Some(0), ..CacheMetrics::default() };
        Self { counts, beginnings: Some(FxHashSet::default()), across }
    }

    /// A sequence is started, with so many of its tokens in the cache.
    pub(crate) fn started(&mut self, space: Namespace, tokens: &[u32], cached: usize) {
        self.counts.sequences += 1;
        self.counts.prompt_tokens += tokens.len() as u64;
        self.counts.cached_tokens += cached as u64;
        let known = self.remember(space, tokens);
        if let Some(reusable) = &mut self.counts.reusable_tokens {
            *reusable += known;
        }
    }

    /// All of these have been computed.
    pub(crate) fn computed(&mut self, space: Namespace, tokens: &[u32]) {
        self.remember(space, tokens);
    }

    /// Remembers all beginnings of a sequence. Gives how many were known.
    fn remember(&mut self, space: Namespace, tokens: &[u32]) -> u64 {
        let Some(beginnings) = &mut self.beginnings else { return 0 };
        let mut hash = if self.across { 0 } else { u64::from(space.0) };
        let mut known = 0;
        for (index, token) in tokens.iter().enumerate() {
            let mut hasher = FxHasher::default();
            (hash, *token, index).hash(&mut hasher);
            hash = hasher.finish();
            known += u64::from(!beginnings.insert(hash));
        }
        if beginnings.len() > REMEMBERED_MAX {
            self.beginnings = None;
            self.counts.reusable_tokens = None;
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_hit_is_all_but_the_edges_of_the_tree() {
        let mut counting = Counting::new(false);
        for (tokens, cached) in [(&[1, 2, 3][..], 0), (&[1, 2, 4], 1), (&[2, 3], 0), (&[1, 2, 3], 2)] {
            counting.started(Namespace::default(), tokens, cached);
        }
        let counts = counting.counts;
        // Edges: 1 2 3, 4, 2 3: six of eleven.
        assert_eq!((counts.prompt_tokens, counts.reusable_tokens, counts.cached_tokens), (11, Some(5), 3));
        assert!((counts.optimal_hit_rate().unwrap() - 5.0 / 11.0).abs() < 1e-9);
        assert!((counts.hit_rate() - 3.0 / 11.0).abs() < 1e-9);
    }
    #[test]
    fn what_was_generated_can_be_hit_and_no_other_namespace() {
        let mut counting = Counting::new(false);
        let (a, b) = (Namespace(1), Namespace(2));
        counting.started(a, &[1, 2], 0);
        counting.computed(a, &[1, 2, 3, 4]);
        counting.started(a, &[1, 2, 3, 4, 5], 4);
        assert_eq!(counting.counts.reusable_tokens, Some(4));
        counting.started(b, &[1, 2], 0);
        assert_eq!(counting.counts.reusable_tokens, Some(4));
    }
}
