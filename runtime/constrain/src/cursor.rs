//! A place in a hole: bytes of the prompt that are still to be repeated, then a state of the automaton.
//!
//! Token healing: the last token of a prompt may be held back, because with the hole's text it would have been another one.
//! The hole's first tokens must then repeat its bytes, and may go on into the hole within one token.

use crate::automaton::StateId;
use crate::masks::{Allowed, TokenMasks};
use std::borrow::Cow;
use std::sync::Arc;

/// A place in a hole. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    prefix: Arc<[u8]>,
    repeated: usize,
    state: StateId,
}

impl Cursor {
    /// The beginning of a hole after a prompt of which `prefix` was held back.
    pub fn new(prefix: &[u8], masks: &TokenMasks) -> Self {
        Self { prefix: prefix.into(), repeated: 0, state: masks.start() }
    }

    fn left(&self) -> &[u8] {
        &self.prefix[self.repeated..]
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

    /// Tokens that certainly suffice to end the hole: exact without held-back bytes.
    pub fn need(&self, masks: &TokenMasks) -> u32 {
        let repeat = u32::try_from(self.left().len()).unwrap_or(u32::MAX);
        masks.need(self.state).saturating_add(repeat)
    }

    /// Tokens that may come next such that the hole can still end within `tokens_left` tokens, this one included.
    pub fn allowed<'a>(&self, masks: &'a TokenMasks, tokens_left: u32) -> Allowed<'a> {
        if self.is_healed() {
            return masks.allowed(self.state, tokens_left);
        }
        let vocabulary = masks.vocabulary();
        let mut words = vec![0u64; vocabulary.len().div_ceil(64)];
        let mut fallback = words.clone();
        for id in (0u32..).take(vocabulary.len()) {
            let Some(next) = self.advance(masks, id) else { continue };
            fallback[id as usize / 64] |= 1 << (id % 64);
            if next.need(masks) < tokens_left {
                words[id as usize / 64] |= 1 << (id % 64);
            }
        }
        // With no budget for a partial token, any that repeats the bytes will do.
        let none = words.iter().all(|word| *word == 0);
        Allowed::new(Cow::Owned(if none { fallback } else { words }))
    }

    /// Where a token leads, if it is allowed.
    pub fn advance(&self, masks: &TokenMasks, token: u32) -> Option<Self> {
        let bytes = masks.vocabulary().bytes(token)?;
        let left = self.left();
        let shared = left.len().min(bytes.len());
        if shared == 0 && bytes.is_empty() || left[..shared] != bytes[..shared] {
            return None;
        }
        let rest = &bytes[shared..];
        let state =
            rest.iter().try_fold(self.state, |state, byte| masks.automaton().step(state, *byte))?;
        Some(Self { prefix: self.prefix.clone(), repeated: self.repeated + shared, state })
    }

    /// The only token that may come next, where the hole may not end.
    pub fn forced(&self, masks: &TokenMasks, tokens_left: u32) -> Option<u32> {
        if self.is_accepting(masks) { None } else { self.allowed(masks, tokens_left).only() }
    }
}
