//! An order in which neighbours share: longest cached beginning first, then depth first by weight.
//!
//! The sequences of a round are a tree of tokens. It is walked depth first, so that those that share a beginning follow one
//! another and the first computes it for all; at each fork the branch comes first of which most is cached, then the one with
//! most sequences (SGLang's `lpm` and `dfs-weight` in one), then the one that came first.

use crate::arena::SequenceId;
use crate::radix::common;

/// One of a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting<'a> {
    pub(crate) name: SequenceId,
    pub(crate) tokens: &'a [u32],
    /// How many of its tokens are in the cache.
    pub(crate) cached: usize,
}

/// The names in their order.
pub(crate) fn ordered(mut all: Vec<Waiting<'_>>) -> Vec<SequenceId> {
    all.sort_by(|a, b| a.tokens.cmp(b.tokens).then(a.name.cmp(&b.name)));
    let mut names = Vec::with_capacity(all.len());
    // Runs that are to be walked, the next last; each with how much its members share at least.
    let mut runs = vec![(0..all.len(), 0)];
    while let Some((run, depth)) = runs.pop() {
        let (Some(first), Some(last)) = (all[run.clone()].first(), all[run.clone()].last()) else { continue };
        // Sorted, so that what the outermost share all share.
        let shared = depth + common(&first.tokens[depth..], &last.tokens[depth..]);
        if run.len() == 1 || first.tokens.len() == last.tokens.len() && shared == first.tokens.len() {
            names.extend(all[run].iter().map(|waiting| waiting.name));
            continue;
        }
        let mut branches = Vec::new();
        let mut from = run.start;
        for part in all[run].chunk_by(|a, b| a.tokens.get(shared) == b.tokens.get(shared)) {
            let cached = part.iter().map(|waiting| waiting.cached).max().unwrap_or(0);
            let came = part.iter().map(|waiting| waiting.name).min();
            branches.push((cached, part.len(), std::cmp::Reverse(came), from..from + part.len()));
            from += part.len();
        }
        branches.sort_by_key(|(cached, count, came, _)| (*cached, *count, *came));
        runs.extend(branches.into_iter().map(|(.., part)| (part, shared)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::sequence::{Part, Sequence};
    use sgl_protocol::RequestId;

    #[test]
    fn those_that_share_follow_one_another_cached_and_heavy_ones_first() {
        let texts: [&[u32]; 7] = [&[9, 9], &[1, 2, 3], &[7, 7, 7], &[1, 2, 4], &[5, 5], &[1, 2, 3], &[7, 7, 8]];
        let cached = [0, 0, 0, 0, 2, 0, 0];
        let mut arena = Arena::default();
        let all: Vec<Waiting<'_>> = texts
            .iter()
            .zip(cached)
            .map(|(tokens, cached)| {
                let name = arena.insert(Sequence::new(RequestId(0), Part::Hole, tokens.to_vec(), 0));
                Waiting { name, tokens, cached }
            })
            .collect();
        let place = |name: SequenceId| all.iter().position(|waiting| waiting.name == name).unwrap();
        let order: Vec<usize> = ordered(all.clone()).into_iter().map(place).collect();
        assert_eq!(order, [4, 1, 5, 3, 2, 6, 0]);
    }

    #[test]
    fn a_text_that_another_goes_on_from_comes_with_it() {
        let texts: [&[u32]; 4] = [&[1, 2, 3], &[4], &[1, 2], &[4, 4]];
        let mut arena = Arena::default();
        let all: Vec<Waiting<'_>> = texts
            .iter()
            .map(|tokens| {
                let name = arena.insert(Sequence::new(RequestId(0), Part::Hole, tokens.to_vec(), 0));
                Waiting { name, tokens, cached: 0 }
            })
            .collect();
        let place = |name: SequenceId| all.iter().position(|waiting| waiting.name == name).unwrap();
        let order: Vec<usize> = ordered(all.clone()).into_iter().map(place).collect();
        assert_eq!(order, [0, 2, 1, 3]);
    }
}
