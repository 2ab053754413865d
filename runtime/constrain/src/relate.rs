//! Questions about two languages.

use crate::automaton::{Automaton, DEAD};
use crate::error::ConstrainError;
use rustc_hash::FxHashSet;

/// Pairs of states that a question may visit.
const PAIRS_MAX: usize = 2_000_000;

impl Automaton {
    /// Whether every text of this language belongs to the other.
    pub fn is_subset_of(&self, other: &Self) -> Result<bool, ConstrainError> {
        self.never(other, |mine, theirs| mine && !theirs)
    }

    /// Whether no text belongs to both.
    pub fn is_disjoint_from(&self, other: &Self) -> Result<bool, ConstrainError> {
        self.never(other, |mine, theirs| mine && theirs)
    }

    /// Whether no text leads to a pair of states whose acceptance is `bad`.
    fn never(&self, other: &Self, bad: impl Fn(bool, bool) -> bool) -> Result<bool, ConstrainError> {
        let (a, b) = (self.table(), other.table());
        let mut seen: FxHashSet<(u32, u32)> = FxHashSet::default();
        let mut stack = vec![(a.start, b.start)];
        seen.insert(stack[0]);
        while let Some((mine, theirs)) = stack.pop() {
            let theirs_accepts = theirs != DEAD && b.accepting[theirs as usize];
            if bad(a.accepting[mine as usize], theirs_accepts) {
                return Ok(false);
            }
            if seen.len() > PAIRS_MAX {
                return Err(ConstrainError::TooLarge { what: "pairs of states", limit: PAIRS_MAX });
            }
            for byte in 0..=255u8 {
                let next = a.step(mine, byte);
                if next == DEAD {
                    continue;
                }
                let beside = if theirs == DEAD { DEAD } else { b.step(theirs, byte) };
                if seen.insert((next, beside)) {
                    stack.push((next, beside));
                }
            }
        }
        Ok(true)
    }
}
