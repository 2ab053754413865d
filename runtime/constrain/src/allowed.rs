//! Sets of tokens, as bits.

use std::sync::Arc;

/// A set of tokens.
#[derive(Clone, Debug)]
pub struct Allowed<'a> {
    words: Words<'a>,
}

#[derive(Clone, Debug)]
enum Words<'a> {
    Ahead(&'a [u64]),
    OnDemand(Arc<[u64]>),
}

impl<'a> Allowed<'a> {
    pub(crate) fn ahead(words: &'a [u64]) -> Self {
        Self { words: Words::Ahead(words) }
    }

    pub(crate) fn on_demand(words: Arc<[u64]>) -> Self {
        Self { words: Words::OnDemand(words) }
    }

    /// Whether a token is in the set.
    pub fn contains(&self, token: u32) -> bool {
        self.words().get(token as usize / 64).is_some_and(|word| word >> (token % 64) & 1 == 1)
    }

    /// The tokens, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(self.words().iter()).flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros();
                    left &= left - 1;
                    index * 64 + bit
                })
            })
        })
    }

    /// How many tokens.
    pub fn len(&self) -> usize {
        self.words().iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words().iter().all(|word| *word == 0)
    }

    /// The only token, if there is exactly one.
    pub fn only(&self) -> Option<u32> {
        let mut all = self.iter();
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// The set as bits: token `t` is bit `t % 64` of word `t / 64`.
    pub fn words(&self) -> &[u64] {
        match &self.words {
            Words::Ahead(words) => words,
            Words::OnDemand(words) => words,
        }
    }
}
