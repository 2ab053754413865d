//! Beginnings that several decoding sequences share: attended to once for all of them.

use sgl_kernels::cuda::EXTEND_TILE_ROWS;

/// Most parts of a shared beginning.
pub(super) const PREFIX_PARTS: usize = 16;
/// Most rows of a pass that has shared beginnings: more would take too much memory for their parts.
pub(super) const CASCADE_ROWS_MAX: usize = 256;
/// Sequences for which it pays.
const MEMBERS_MIN: usize = 4;
/// Groups of a pass: a graph has room for the tiles of so many, used or not.
const GROUPS_MAX: usize = 4;
/// Tokens for which it pays.
const TOKENS_MIN: usize = 256;
/// Beginnings end at multiples of this: the step of the kernel.
const STEP: usize = 64;

/// Sequences with a common beginning.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Tokens of the beginning; a multiple of 64, and less than any member has.
    pub(super) tokens: usize,
    /// Which sequences, in order.
    pub(super) members: Vec<usize>,
}

/// The groups among sequences with these contexts: those whose contexts begin with the same slots.
pub(super) fn groups(contexts: &[&[u32]]) -> Vec<Group> {
    if contexts.len() < MEMBERS_MIN || contexts.len() > CASCADE_ROWS_MAX {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..contexts.len()).collect();
    order.sort_by_key(|index| (contexts[*index].first(), *index));
    let mut groups = Vec::new();
    for members in order.chunk_by(|a, b| contexts[*a].first() == contexts[*b].first()) {
        if members.len() < MEMBERS_MIN {
            continue;
        }
        let first = contexts[members[0]];
        let shared = members.iter().map(|member| common(first, contexts[*member])).min().unwrap_or(0);
        let tokens = shared / STEP * STEP;
        if tokens >= TOKENS_MIN {
            groups.push(Group { tokens, members: members.to_vec() });
        }
    }
    // Those that save most.
    groups.sort_by_key(|group| std::cmp::Reverse(group.tokens * (group.members.len() - 1)));
    groups.truncate(GROUPS_MAX);
    groups
}

/// Tiles of attention that the groups of `rows` sequences take at most.
pub(super) fn tiles_max(rows: usize, group: usize) -> usize {
    (rows * group).div_ceil(EXTEND_TILE_ROWS) + GROUPS_MAX.min(rows / MEMBERS_MIN)
}

/// How many slots two contexts have in common at the beginning, the last of each not counted.
fn common(a: &[u32], b: &[u32]) -> usize {
    const PIECE: usize = 256;
    let end = a.len().min(b.len()).saturating_sub(1);
    let (a, b) = (&a[..end], &b[..end]);
    let whole = a.chunks(PIECE).zip(b.chunks(PIECE)).take_while(|(a, b)| a == b).count() * PIECE;
    let from = whole.min(end);
    from + a[from..].iter().zip(&b[from..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(shared: u32, from: u32, own: u32) -> Vec<u32> {
        (0..shared).chain(from..from + own).collect()
    }

    #[test]
    fn what_all_begin_with_is_found_and_ends_at_a_step() {
        let mut all: Vec<Vec<u32>> = (0..5).map(|i| context(1_000, 10_000 + i * 100, 3)).collect();
        all.push((50_000..50_400).collect());
        let contexts: Vec<&[u32]> = all.iter().map(Vec::as_slice).collect();
        assert_eq!(groups(&contexts), [Group { tokens: 960, members: vec![0, 1, 2, 3, 4] }]);
    }

    #[test]
    fn a_new_token_is_never_shared() {
        let one = context(320, 900, 0);
        assert_eq!(common(&one, &one), 319);
        let contexts = [one.as_slice(); 4];
        assert_eq!(groups(&contexts), [Group { tokens: 256, members: vec![0, 1, 2, 3] }]);
    }

    #[test]
    fn few_sequences_and_short_beginnings_are_left_alone() {
        let one = context(2_000, 5_000, 2);
        assert!(groups(&[one.as_slice(); 3]).is_empty());
        let short = context(200, 5_000, 2);
        assert!(groups(&[short.as_slice(); 8]).is_empty());
        assert!(groups(&[]).is_empty());
    }
}
