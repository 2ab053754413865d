//! All beginnings of transcripts, as one tree.

use rustc_hash::FxHashMap;

/// A tree of tokens: a node per beginning that has come.
#[derive(Clone, Debug, Default)]
pub struct PrefixTree {
    /// Children by node and token; the root is 0.
    nodes: FxHashMap<(u32, u64), u32>,
}

impl PrefixTree {
    /// How many tokens of `tokens`, from the first on, have come before.
    pub fn longest(&self, tokens: &[u64]) -> usize {
        let mut node = 0;
        for (index, token) in tokens.iter().enumerate() {
            match self.nodes.get(&(node, *token)) {
                Some(next) => node = *next,
                None => return index,
            }
        }
        tokens.len()
    }

    /// These tokens come.
    pub fn insert(&mut self, tokens: &[u64]) {
        let mut node = 0;
        for token in tokens {
            let fresh = self.nodes.len() as u32 + 1;
            node = *self.nodes.entry((node, *token)).or_insert(fresh);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_found_to_the_token() {
        let mut tree = PrefixTree::default();
        tree.insert(&[1, 2, 3]);
        tree.insert(&[1, 2, 4, 5]);
        let found: Vec<usize> =
            [&[1, 2, 4][..], &[1, 2, 3, 9], &[2], &[]].iter().map(|tokens| tree.longest(tokens)).collect();
        assert_eq!(found, [3, 3, 0, 0]);
    }
}
