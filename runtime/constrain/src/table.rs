//! An automaton's masks: which tokens may come next in each state, made ahead of time.
//!
//! States that allow the same functions of tokens share a mask. Where functions or masks would grow too large, masks are
//! made state by state on demand and remembered, with the same meaning; `need` is exact either way.

pub(crate) mod image;
mod machine;

use crate::allowed::Allowed;
use crate::automaton::{Automaton, StateId};
use crate::error::ConstrainError;
use crate::functions::Functions;
use crate::image::Image;
use crate::limits::{FUNCTION_ENTRIES_MAX, MASK_BYTES_MAX, MASKS_REMEMBERED_MAX, WALK_NODES_MAX};
use crate::need::{NEVER, Reach, below};
use crate::vocabulary::Vocabulary;
use machine::Machine;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// An automaton over a vocabulary.
#[derive(Debug)]
pub(crate) struct Table {
    machine: Machine,
    vocabulary: Arc<Vocabulary>,
    rows: Rows,
    /// Fewest tokens from each state to acceptance.
    need: Vec<u32>,
    /// The tokens left from which each state's mask is whole.
    whole_from: Vec<u32>,
}

#[derive(Debug)]
enum Rows {
    /// Distinct masks, and the one of each state.
    Ahead { masks: Vec<Box<[u64]>>, of_state: Vec<u32> },
    /// The same in an image, each decoded when it is asked for first.
    Image { image: Image, decoded: Vec<OnceLock<Box<[u64]>>>, of_state: Vec<u32> },
    /// Made on first use; forgotten all at once when they are too many.
    OnDemand(Mutex<FxHashMap<u32, Arc<[u64]>>>),
}

/// What may be spent ahead of time; tests make it small.
struct Budget {
    function_entries: usize,
    mask_bytes: usize,
}

impl Table {
    /// Masks of an automaton over a vocabulary. An automaton of no text, or one that no sequence of tokens completes, is an
    /// error.
    pub(crate) fn new(automaton: &Automaton, vocabulary: &Arc<Vocabulary>) -> Result<Self, ConstrainError> {
        let budget = Budget { function_entries: FUNCTION_ENTRIES_MAX, mask_bytes: MASK_BYTES_MAX };
        Self::within(automaton, vocabulary, &budget)
    }

    fn within(automaton: &Automaton, vocabulary: &Arc<Vocabulary>, budget: &Budget) -> Result<Self, ConstrainError> {
        if automaton.is_empty() {
            return Err(ConstrainError::Empty);
        }
        let functions = Functions::walk(automaton, vocabulary, budget.function_entries);
        let reach = match &functions {
            Some(functions) => {
                let mut reach = Reach::new();
                let mut targets = Vec::new();
                functions.for_each_state(automaton.state_count(), |_, allowed| {
                    targets.clear();
                    targets.extend(allowed.iter().map(|(_, to)| *to));
                    reach.push(&mut targets);
                });
                reach
            }
            None => Reach::walk(automaton, vocabulary, WALK_NODES_MAX)
                .ok_or(ConstrainError::TooLarge { what: "steps of making masks", limit: WALK_NODES_MAX })?,
        };
        let need = reach.need(automaton);
        if need[automaton.start_index()] == NEVER {
            return Err(ConstrainError::Empty);
        }
        let whole_from = reach.whole_from(&need);
        let rows = functions
            .and_then(|functions| ahead(&functions, vocabulary, &need, budget.mask_bytes))
            .unwrap_or_else(|| Rows::OnDemand(Mutex::default()));
        let machine = Machine::Made(automaton.clone());
        Ok(Self { machine, vocabulary: vocabulary.clone(), rows, need, whole_from })
    }

    /// The automaton.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Where every text begins.
    pub(crate) fn start(&self) -> StateId {
        self.machine.start()
    }

    /// Whether all masks were made ahead.
    pub(crate) fn is_ahead(&self) -> bool {
        !matches!(self.rows, Rows::OnDemand(_))
    }

    /// Whether a text may end here.
    pub(crate) fn is_accepting(&self, state: StateId) -> bool {
        self.machine.is_accepting(state)
    }

    /// Whether a text may end here and nothing can follow.
    pub(crate) fn is_final(&self, state: StateId) -> bool {
        self.is_accepting(state) && self.whole_from[state.0 as usize] == 0
    }

    /// Fewest tokens from here to a state where the text may end; `u32::MAX` where no tokens lead to one.
    pub(crate) fn need(&self, state: StateId) -> u32 {
        self.need[state.0 as usize]
    }

    /// Tokens that may come next such that the text can still end within `tokens_left` tokens, this one included. Not
    /// empty while `tokens_left >= need(state) > 0`.
    pub(crate) fn allowed(&self, state: StateId, tokens_left: u32) -> Allowed<'_> {
        if tokens_left < self.whole_from[state.0 as usize] {
            return Allowed::on_demand(self.walk_state(state, tokens_left));
        }
        match &self.rows {
            Rows::Ahead { masks, of_state } => Allowed::ahead(&masks[of_state[state.0 as usize] as usize]),
            Rows::Image { image, decoded, of_state } => {
                let mask = of_state[state.0 as usize];
                // What is damaged is made again.
                let decode = || {
                    image::mask(image, mask, self.vocabulary.len())
                        .unwrap_or_else(|| self.walk_state(state, NEVER).as_ref().into())
                };
                Allowed::ahead(decoded[mask as usize].get_or_init(decode))
            }
            Rows::OnDemand(made) => Allowed::on_demand(self.remembered(made, state)),
        }
    }

    /// How many different masks were made ahead, or are remembered.
    pub(crate) fn mask_count(&self) -> usize {
        match &self.rows {
            Rows::Ahead { masks, .. } => masks.len(),
            Rows::Image { decoded, .. } => decoded.len(),
            Rows::OnDemand(made) => made.lock().unwrap_or_else(PoisonError::into_inner).len(),
        }
    }

    /// Rough memory of masks and tables.
    pub(crate) fn bytes(&self) -> usize {
        let words = self.vocabulary.len().div_ceil(64) * 8;
        let masks = match &self.rows {
            Rows::Image { decoded, .. } => decoded.iter().filter(|mask| mask.get().is_some()).count(),
            _ => self.mask_count(),
        };
        masks * words + self.machine.bytes() + self.machine.state_count() * 12
    }

    fn remembered(&self, made: &Mutex<FxHashMap<u32, Arc<[u64]>>>, state: StateId) -> Arc<[u64]> {
        if let Some(row) = made.lock().unwrap_or_else(PoisonError::into_inner).get(&state.0) {
            return row.clone();
        }
        // Walked outside the lock, so that one sequence does not wait for another.
        let row = self.walk_state(state, NEVER);
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= MASKS_REMEMBERED_MAX {
            made.clear();
        }
        made.insert(state.0, row.clone());
        row
    }

    /// One state's mask by a walk of the trie: the plain form.
    fn walk_state(&self, state: StateId, tokens_left: u32) -> Arc<[u64]> {
        let mut words = vec![0u64; self.vocabulary.len().div_ceil(64)];
        let all = 0..self.vocabulary.nodes().len();
        below(
            |state, byte| self.machine.step(state, byte),
            &self.vocabulary,
            all,
            state.0,
            |token, to| {
                if self.need[to as usize] < tokens_left {
                    words[token as usize / 64] |= 1 << (token % 64);
                }
            },
        );
        with_twins(&self.vocabulary, &mut words);
        words.into()
    }
}

/// Gives each token the bit of the token with the same bytes that has the node.
pub(crate) fn with_twins(vocabulary: &Vocabulary, words: &mut [u64]) {
    for (twin, first) in vocabulary.twins() {
        let bit = words[*first as usize / 64] >> (first % 64) & 1;
        words[*twin as usize / 64] |= bit << (twin % 64);
    }
}

/// The masks of all states; `None` if the distinct ones would take more than `bytes_max`.
fn ahead(functions: &Functions, vocabulary: &Vocabulary, need: &[u32], bytes_max: usize) -> Option<Rows> {
    let words = vocabulary.len().div_ceil(64);
    let masks_max = bytes_max / (words * 8).max(1);
    let mut by_signature: FxHashMap<Box<[u32]>, u32> = FxHashMap::default();
    let mut masks: Vec<Box<[u64]>> = Vec::new();
    let mut of_state = Vec::with_capacity(need.len());
    let mut signature: Vec<u32> = Vec::new();
    functions.for_each_state(need.len(), |_, allowed| {
        if masks.len() > masks_max {
            return;
        }
        // A token may lead where no further tokens lead on; it is never allowed.
        let live = allowed.iter().filter(|(_, to)| need[*to as usize] != NEVER);
        signature.clear();
        signature.extend(live.map(|(function, _)| *function));
        if let Some(row) = by_signature.get(&signature[..]) {
            of_state.push(*row);
            return;
        }
        let row = u32::try_from(masks.len()).expect("fewer masks than states");
        by_signature.insert(signature.as_slice().into(), row);
        of_state.push(row);
        let mut mask = vec![0u64; words];
        for function in &signature {
            functions.tokens[*function as usize]
                .iter()
                .for_each(|token| mask[*token as usize / 64] |= 1 << (token % 64));
        }
        with_twins(vocabulary, &mut mask);
        masks.push(mask.into_boxed_slice());
    });
    (masks.len() <= masks_max).then_some(Rows::Ahead { masks, of_state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Arc<Vocabulary> {
        let singles = (0..=255u8).map(|byte| Some(vec![byte].into_boxed_slice()));
        let words = ["ab", "abc", "ba", "12", "é", "ab"].map(|word| Some(word.as_bytes().into()));
        Arc::new(Vocabulary::new(singles.chain(words).chain([None, Some([].into())]).collect()))
    }

    #[test]
    fn masks_on_demand_equal_those_made_ahead() {
        let vocabulary = vocabulary();
        let small = [(0, MASK_BYTES_MAX), (FUNCTION_ENTRIES_MAX, 64)];
        for pattern in ["[ab]{1,9}c?", "(ab|12)*é", "[^\\n]{0,5}", "a|ab"] {
            let automaton = Automaton::of_regex(pattern).unwrap();
            let full = Table::new(&automaton, &vocabulary).unwrap();
            assert!(matches!(full.rows, Rows::Ahead { .. }));
            for (function_entries, mask_bytes) in small {
                let budget = Budget { function_entries, mask_bytes };
                let lazy = Table::within(&automaton, &vocabulary, &budget).unwrap();
                assert!(matches!(lazy.rows, Rows::OnDemand(_)));
                assert_eq!((&full.need, &full.whole_from), (&lazy.need, &lazy.whole_from), "{pattern}");
                for state in (0u32..).take(automaton.state_count()).map(StateId) {
                    for left in [0, 1, 2, 3, 9, u32::MAX] {
                        assert_eq!(full.allowed(state, left).words(), lazy.allowed(state, left).words());
                    }
                }
            }
        }
    }

    #[test]
    fn tokens_with_the_same_bytes_are_allowed_alike_and_empty_ones_never() {
        let masks = Table::new(&Automaton::of_regex("ab").unwrap(), &vocabulary()).unwrap();
        let allowed: Vec<u32> = masks.allowed(masks.start(), 9).iter().collect();
        assert_eq!(allowed, [u32::from(b'a'), 256, 261]);
    }

    #[test]
    fn tokens_into_a_dead_end_are_not_allowed() {
        let tokens = ["a", "b", "c", "cd"].map(|word| Some(word.as_bytes().into()));
        let vocabulary = Arc::new(Vocabulary::new(tokens.to_vec()));
        let masks = Table::new(&Automaton::of_regex("a|be|cd").unwrap(), &vocabulary).unwrap();
        let allowed: Vec<u32> = masks.allowed(masks.start(), u32::MAX).iter().collect();
        assert_eq!(allowed, [0, 3]);
    }

    #[test]
    fn masks_on_demand_are_remembered_up_to_a_limit() {
        let automaton = Automaton::of_regex(&format!("a{{{}}}", MASKS_REMEMBERED_MAX + 9)).unwrap();
        let budget = Budget { function_entries: 0, mask_bytes: 0 };
        let masks = Table::within(&automaton, &vocabulary(), &budget).unwrap();
        for state in (0u32..).take(automaton.state_count()).map(StateId) {
            masks.allowed(state, u32::MAX);
        }
        assert!((1..=MASKS_REMEMBERED_MAX).contains(&masks.mask_count()));
    }
}
