//! A place in a hole: bytes of the prompt that are still to be repeated, then a state of the automaton.
//!
//! Token healing: the last token of a prompt may be held back, because with the hole's text it would have been another one.
//! The hole's first tokens must then repeat its bytes, and may go on into the hole within one token. Budgets are exact here
//! too: where `tokens_left >= need`, some token is allowed, and every allowed one keeps it so.

use crate::allowed::Allowed;
use crate::automaton::StateId;
use crate::masks::TokenMasks;
use crate::need::NEVER;
use crate::table::with_twins;
use crate::vocabulary::NO_TOKEN;
use std::sync::Arc;

/// A place in a hole. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    held: Arc<Held>,
    repeated: usize,
    state: StateId,
}

#[derive(Debug, PartialEq, Eq)]
struct Held {
    bytes: Box<[u8]>,
    /// Fewest tokens from each count of repeated bytes to the end of the hole; the last is that of the hole alone.
    need: Box<[u32]>,
}

impl Cursor {
    /// The beginning of a hole after a prompt of which `prefix` was held back.
    pub fn new(prefix: &[u8], masks: &TokenMasks) -> Self {
        let mut need = vec![NEVER; prefix.len() + 1];
        need[prefix.len()] = masks.need(masks.start());
        for repeated in (0..prefix.len()).rev() {
            let mut least = NEVER;
            for_each_healing(masks, &prefix[repeated..], |_, place| {
                least = least.min(match place {
                    Place::Held(more) => need[repeated + more],
                    Place::Hole(state) => masks.need(state),
                });
            });
            need[repeated] = least.saturating_add(1);
        }
        let held = Held { bytes: prefix.into(), need: need.into() };
        Self { held: Arc::new(held), repeated: 0, state: masks.start() }
    }

    fn left(&self) -> &[u8] {
        &self.held.bytes[self.repeated..]
    }

    /// Whether the held-back bytes have been repeated.
    pub fn is_healed(&self) -> bool {
        self.left().is_empty()
    }

    /// The automaton's state.
    pub fn state(&self) -> StateId {
        self.state
    }

    /// Whether the hole may end here.
    pub fn is_accepting(&self, masks: &TokenMasks) -> bool {
        self.is_healed() && masks.is_accepting(self.state)
    }

    /// Whether the hole may end here and nothing can follow.
    pub fn is_final(&self, masks: &TokenMasks) -> bool {
        self.is_healed() && masks.is_final(self.state)
    }

    /// Fewest tokens that end the hole, those that repeat held-back bytes included; `u32::MAX` where none do.
    pub fn need(&self, masks: &TokenMasks) -> u32 {
        if self.is_healed() { masks.need(self.state) } else { self.held.need[self.repeated] }
    }

    /// Tokens that may come next such that the hole can still end within `tokens_left` tokens, this one included.
    pub fn allowed<'a>(&self, masks: &'a TokenMasks, tokens_left: u32) -> Allowed<'a> {
        if self.is_healed() {
            return masks.allowed(self.state, tokens_left);
        }
        let vocabulary = masks.vocabulary();
        let mut words = vec![0u64; vocabulary.len().div_ceil(64)];
        for_each_healing(masks, self.left(), |token, place| {
            let need = match place {
                Place::Held(more) => self.held.need[self.repeated + more],
                Place::Hole(state) => masks.need(state),
            };
            if need < tokens_left {
                words[token as usize / 64] |= 1 << (token % 64);
            }
        });
        with_twins(vocabulary, &mut words);
        Allowed::on_demand(words.into())
    }

    /// Where a token leads, if it is allowed.
    pub fn advance(&self, masks: &TokenMasks, token: u32) -> Option<Self> {
        let bytes = masks.vocabulary().bytes(token).filter(|bytes| !bytes.is_empty())?;
        let left = self.left();
        let shared = left.len().min(bytes.len());
        if left[..shared] != bytes[..shared] {
            return None;
        }
        let rest = &bytes[shared..];
        let state = masks.step(self.state, rest)?;
        Some(Self { held: self.held.clone(), repeated: self.repeated + shared, state })
    }

    /// The only token that may come next, where the hole may not end.
    pub fn forced(&self, masks: &TokenMasks, tokens_left: u32) -> Option<u32> {
        if self.is_accepting(masks) { None } else { self.allowed(masks, tokens_left).only() }
    }
}

/// Where a token leads that repeats held-back bytes.
enum Place {
    /// So many more of them are repeated.
    Held(usize),
    /// All are, and the token went on into the hole.
    Hole(StateId),
}

/// Visits the tokens that repeat the beginning of `left`, or all of it and go on into the hole; twins are left out.
fn for_each_healing(masks: &TokenMasks, left: &[u8], mut visit: impl FnMut(u32, Place)) {
    let nodes = masks.vocabulary().nodes();
    let (mut at, mut end) = (0, nodes.len());
    for (index, byte) in left.iter().enumerate() {
        while at < end && nodes[at].byte != *byte {
            at = nodes[at].after as usize;
        }
        if at >= end {
            return;
        }
        if nodes[at].token != NO_TOKEN {
            visit(nodes[at].token, Place::Held(index + 1));
        }
        end = nodes[at].after as usize;
        at += 1;
    }
    masks.below(at..end, masks.start(), |token, to| visit(token, Place::Hole(to)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Automaton, Vocabulary};

    /// Few single bytes, so that not each repetition has a way on.
    fn masks(pattern: &str) -> TokenMasks {
        let words = ["a", "b", "ab", "abc", "bc", "cd", " a", "the", " t", "he", " ", "x", "xy", "ab", "1", "e", "y1"];
        let vocabulary = Vocabulary::new(words.map(|word| Some(word.as_bytes().into())).to_vec());
        TokenMasks::new(&Automaton::of_regex(pattern).unwrap(), &Arc::new(vocabulary)).unwrap()
    }

    /// Fewest tokens to the end, forwards and by brute force over the vocabulary.
    fn need(cursor: &Cursor, masks: &TokenMasks) -> u32 {
        let mut seen = vec![cursor.clone()];
        let (mut layer, mut steps) = (seen.clone(), 0);
        while !layer.is_empty() {
            if layer.iter().any(|at| at.is_accepting(masks)) {
                return steps;
            }
            let mut next = Vec::new();
            for at in &layer {
                for to in (0..masks.vocabulary().len() as u32).filter_map(|token| at.advance(masks, token)) {
                    if !seen.contains(&to) {
                        seen.push(to.clone());
                        next.push(to);
                    }
                }
            }
            (layer, steps) = (next, steps + 1);
        }
        NEVER
    }

    #[test]
    fn need_and_masks_are_exact_while_bytes_are_held() {
        for pattern in ["[a-z]{0,3}1", "cd|d1", "(ab)+", "x?y1"] {
            let masks = masks(pattern);
            for prefix in ["", "a", "ab", " the", "x", "abab", "c", "zz", " a ab"] {
                let mut places = vec![Cursor::new(prefix.as_bytes(), &masks)];
                let mut at = 0;
                while at < places.len() && at < 40 {
                    let place = places[at].clone();
                    assert_eq!(place.need(&masks), need(&place, &masks), "{pattern} after {prefix:?}");
                    for left in [0, 1, 2, 3, 5, u32::MAX] {
                        let allowed = place.allowed(&masks, left);
                        for token in 0..masks.vocabulary().len() as u32 {
                            let next = place.advance(&masks, token);
                            let fits = next.is_some_and(|next| next.need(&masks) < left);
                            assert_eq!(allowed.contains(token), fits, "{pattern} after {prefix:?}: {token} of {left}");
                        }
                    }
                    for to in (0..masks.vocabulary().len() as u32).filter_map(|token| place.advance(&masks, token)) {
                        if !places.contains(&to) {
                            places.push(to);
                        }
                    }
                    at += 1;
                }
            }
        }
    }

    #[test]
    fn a_token_may_end_the_held_bytes_and_begin_the_hole() {
        let masks = masks("c?d?");
        let cursor = Cursor::new(b"ab", &masks);
        let healed = cursor.advance(&masks, 3).unwrap();
        assert!(healed.is_healed() && healed.is_accepting(&masks) && cursor.need(&masks) == 1);
    }
}
