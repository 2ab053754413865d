//! Masks: which tokens may come next in each state, all made ahead of time by one walk of the trie.
//!
//! The walk carries functions from states to states: that of a token is the composition of those of its bytes. Functions are
//! interned, and few differ; states that allow the same functions share a mask. Where the table of functions would grow
//! too large, masks are made state by state on demand, with the same meaning.

use crate::automaton::{Automaton, DEAD, StateId};
use crate::error::ConstrainError;
use crate::limits::FUNCTION_CELLS_MAX;
use crate::vocabulary::{NO_TOKEN, Vocabulary};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// A set of tokens.
#[derive(Clone, Debug)]
pub struct Allowed<'a> {
    words: Cow<'a, [u64]>,
}

impl Allowed<'_> {
    pub(crate) fn new(words: Cow<'_, [u64]>) -> Allowed<'_> {
        Allowed { words }
    }

    /// Whether a token is in the set.
    pub fn contains(&self, token: u32) -> bool {
        self.words.get(token as usize / 64).is_some_and(|word| word >> (token % 64) & 1 == 1)
    }

    /// The tokens, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(self.words.iter()).flat_map(|(index, word)| {
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
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The only token, if there is exactly one.
    pub fn only(&self) -> Option<u32> {
        let mut all = self.iter();
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// The set as bits: token `t` is bit `t % 64` of word `t / 64`.
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}

/// An automaton over a vocabulary.
#[derive(Debug)]
pub struct TokenMasks {
    automaton: Automaton,
    vocabulary: Arc<Vocabulary>,
    rows: Rows,
    /// Fewest tokens from each state to acceptance (in lazy mode: fewest bytes, an upper bound).
    need: Vec<u32>,
    /// Greatest `need` after one allowed token of each state.
    need_after: Vec<u32>,
}

#[derive(Debug)]
enum Rows {
    /// Distinct masks, and the one of each state.
    Ahead { masks: Vec<Box<[u64]>>, of_state: Vec<u32> },
    /// Made on first use.
    Lazy(Vec<OnceLock<Box<[u64]>>>),
}

impl TokenMasks {
    /// Masks of an automaton over a vocabulary. An automaton of no text, or one that no sequence of tokens completes, is an
    /// error.
    pub fn new(
        automaton: &Automaton,
        vocabulary: &Arc<Vocabulary>,
    ) -> Result<Self, ConstrainError> {
        if automaton.is_empty() {
            return Err(ConstrainError::Empty);
        }
        let made = match Functions::walk(automaton, vocabulary) {
            Some(functions) => ahead(automaton, vocabulary, &functions),
            None => lazy(automaton, vocabulary),
        };
        if made.need[automaton.start_index()] == u32::MAX {
            return Err(ConstrainError::Empty);
        }
        Ok(made)
    }

    /// The automaton.
    pub fn automaton(&self) -> &Automaton {
        &self.automaton
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// Where every text begins.
    pub fn start(&self) -> StateId {
        self.automaton.start()
    }

    /// Where a token leads, if it is allowed.
    pub fn advance(&self, state: StateId, token: u32) -> Option<StateId> {
        let bytes = self.vocabulary.bytes(token)?;
        bytes.iter().try_fold(state, |state, byte| self.automaton.step(state, *byte))
    }

    /// Whether a text may end here.
    pub fn is_accepting(&self, state: StateId) -> bool {
        self.automaton.is_accepting(state)
    }

    /// Whether a text may end here and nothing can follow.
    pub fn is_final(&self, state: StateId) -> bool {
        self.automaton.is_final(state)
    }

    /// Fewest tokens from here to a state where the text may end; an upper bound for very large constraints.
    pub fn need(&self, state: StateId) -> u32 {
        self.need[state.0 as usize]
    }

    /// Tokens that may come next such that the text can still end within `tokens_left` tokens, this one included.
    pub fn allowed(&self, state: StateId, tokens_left: u32) -> Allowed<'_> {
        let row = self.row(state);
        if self.need_after[state.0 as usize] < tokens_left {
            return Allowed::new(Cow::Borrowed(row));
        }
        let mut words = row.to_vec();
        for token in Allowed::new(Cow::Borrowed(row)).iter() {
            let closes = self.advance(state, token).is_some_and(|to| self.need(to) < tokens_left);
            if !closes {
                words[token as usize / 64] &= !(1 << (token % 64));
            }
        }
        Allowed::new(Cow::Owned(words))
    }

    /// The only token that may come next, in a state where the text may not end.
    pub fn forced(&self, state: StateId, tokens_left: u32) -> Option<u32> {
        if self.is_accepting(state) { None } else { self.allowed(state, tokens_left).only() }
    }

    /// How many different masks there are, where they are made ahead of time.
    pub fn mask_count(&self) -> usize {
        match &self.rows {
            Rows::Ahead { masks, .. } => masks.len(),
            Rows::Lazy(rows) => rows.iter().filter(|row| row.get().is_some()).count(),
        }
    }

    fn row(&self, state: StateId) -> &[u64] {
        match &self.rows {
            Rows::Ahead { masks, of_state } => &masks[of_state[state.0 as usize] as usize],
            Rows::Lazy(rows) => rows[state.0 as usize]
                .get_or_init(|| walk_state(&self.automaton, &self.vocabulary, state)),
        }
    }
}

/// One state's mask by a walk of the trie: the plain form, and that of large constraints.
pub(crate) fn walk_state(
    automaton: &Automaton,
    vocabulary: &Vocabulary,
    state: StateId,
) -> Box<[u64]> {
    let mut words = vec![0u64; vocabulary.len().div_ceil(64)];
    let nodes = vocabulary.nodes();
    let mut stack = vec![state];
    let mut at = 0;
    while at < nodes.len() {
        let node = nodes[at];
        stack.truncate(node.depth as usize);
        match automaton.step(stack[stack.len() - 1], node.byte) {
            Some(next) => {
                stack.push(next);
                if node.token != NO_TOKEN {
                    words[node.token as usize / 64] |= 1 << (node.token % 64);
                }
                at += 1;
            }
            None => at = node.after as usize,
        }
    }
    with_twins(vocabulary, &mut words);
    words.into_boxed_slice()
}

fn with_twins(vocabulary: &Vocabulary, words: &mut [u64]) {
    for (twin, first) in vocabulary.twins() {
        let bit = words[*first as usize / 64] >> (first % 64) & 1;
        words[*twin as usize / 64] |= bit << (twin % 64);
    }
}

/// The functions of all tokens.
struct Functions {
    /// `table[function * states + state]`
    table: Vec<u32>,
    states: usize,
    /// The function of each token that some state allows, and the token.
    tokens: Vec<(u32, u32)>,
    count: usize,
}

impl Functions {
    /// `None` if the table would grow too large.
    fn walk(automaton: &Automaton, vocabulary: &Vocabulary) -> Option<Self> {
        let inner = automaton.table();
        let states = automaton.state_count();
        let identity: Vec<u32> = (0u32..).take(states).collect();
        let mut interned: FxHashMap<Box<[u32]>, u32> = FxHashMap::default();
        interned.insert(identity.clone().into_boxed_slice(), 0);
        let mut all = Self { table: identity, states, tokens: Vec::new(), count: 1 };
        // (function, byte class) -> function, or DEAD for the one that allows nothing.
        let mut composed: FxHashMap<(u32, u8), u32> = FxHashMap::default();
        let nodes = vocabulary.nodes();
        let mut stack = vec![0u32];
        let mut at = 0;
        while at < nodes.len() {
            let node = nodes[at];
            stack.truncate(node.depth as usize);
            let from = stack[stack.len() - 1];
            let class = inner.classes[usize::from(node.byte)];
            let next = match composed.get(&(from, class)) {
                Some(next) => *next,
                None => {
                    let row = &all.table[from as usize * states..(from as usize + 1) * states];
                    let image: Box<[u32]> = row
                        .iter()
                        .map(|s| if *s == DEAD { DEAD } else { inner.step(*s, node.byte) })
                        .collect();
                    let next = if image.iter().all(|s| *s == DEAD) {
                        DEAD
                    } else if let Some(known) = interned.get(&image) {
                        *known
                    } else {
                        if all.table.len() + states > FUNCTION_CELLS_MAX {
                            return None;
                        }
                        let id = u32::try_from(all.count).expect("under the limit");
                        all.table.extend_from_slice(&image);
                        all.count += 1;
                        interned.insert(image, id);
                        id
                    };
                    composed.insert((from, class), next);
                    next
                }
            };
            if next == DEAD {
                at = node.after as usize;
                continue;
            }
            stack.push(next);
            if node.token != NO_TOKEN {
                all.tokens.push((next, node.token));
            }
            at += 1;
        }
        Some(all)
    }

    fn apply(&self, function: usize, state: usize) -> u32 {
        self.table[function * self.states + state]
    }
}

fn ahead(automaton: &Automaton, vocabulary: &Arc<Vocabulary>, functions: &Functions) -> TokenMasks {
    // Functions that some token has, numbered densely.
    let mut used: Vec<u32> = functions.tokens.iter().map(|(function, _)| *function).collect();
    used.sort_unstable();
    used.dedup();
    let mut tokens_of: Vec<Vec<u32>> = vec![Vec::new(); used.len()];
    for (function, token) in &functions.tokens {
        let index = used.binary_search(function).expect("collected above");
        tokens_of[index].push(*token);
    }
    let words = vocabulary.len().div_ceil(64);
    let mut by_signature: FxHashMap<Box<[u64]>, u32> = FxHashMap::default();
    let mut masks: Vec<Box<[u64]>> = Vec::new();
    let mut of_state = Vec::with_capacity(functions.states);
    for state in 0..functions.states {
        let mut signature = vec![0u64; used.len().div_ceil(64)];
        for (index, function) in used.iter().enumerate() {
            if functions.apply(*function as usize, state) != DEAD {
                signature[index / 64] |= 1 << (index % 64);
            }
        }
        let next = u32::try_from(masks.len()).expect("fewer masks than states");
        let row = *by_signature.entry(signature.clone().into_boxed_slice()).or_insert(next);
        if row == next {
            let mut mask = vec![0u64; words];
            for (index, tokens) in tokens_of.iter().enumerate() {
                if signature[index / 64] >> (index % 64) & 1 == 1 {
                    tokens.iter().for_each(|token| mask[*token as usize / 64] |= 1 << (token % 64));
                }
            }
            with_twins(vocabulary, &mut mask);
            masks.push(mask.into_boxed_slice());
        }
        of_state.push(row);
    }
    let need = need_exact(automaton, functions, &used);
    let after = |state: usize| {
        let reached =
            used.iter().map(|f| functions.apply(*f as usize, state)).filter(|to| *to != DEAD);
        reached.map(|to| need[to as usize]).max().unwrap_or(0)
    };
    let need_after = (0..functions.states).map(after).collect();
    let rows = Rows::Ahead { masks, of_state };
    TokenMasks {
        automaton: automaton.clone(),
        vocabulary: vocabulary.clone(),
        rows,
        need,
        need_after,
    }
}

/// Breadth-first from the accepting states, backwards over tokens.
fn need_exact(automaton: &Automaton, functions: &Functions, used: &[u32]) -> Vec<u32> {
    let states = functions.states;
    let mut back: Vec<Vec<u32>> = vec![Vec::new(); states];
    for state in 0..states {
        let mut targets: Vec<u32> = used
            .iter()
            .map(|f| functions.apply(*f as usize, state))
            .filter(|t| *t != DEAD)
            .collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            back[target as usize].push(u32::try_from(state).expect("a state"));
        }
    }
    distances(automaton, &back)
}

fn distances(automaton: &Automaton, back: &[Vec<u32>]) -> Vec<u32> {
    let mut need = vec![u32::MAX; back.len()];
    let mut queue: VecDeque<usize> =
        (0..back.len()).filter(|state| automaton.accepts_at(*state)).collect();
    queue.iter().for_each(|state| need[*state] = 0);
    while let Some(state) = queue.pop_front() {
        for from in &back[state] {
            if need[*from as usize] == u32::MAX {
                need[*from as usize] = need[state] + 1;
                queue.push_back(*from as usize);
            }
        }
    }
    need
}

/// Without the table of functions: distances in bytes, of which each is at most a token.
fn lazy(automaton: &Automaton, vocabulary: &Arc<Vocabulary>) -> TokenMasks {
    let mut single = [false; 256];
    for node in vocabulary.nodes().iter().filter(|node| node.depth == 1 && node.token != NO_TOKEN) {
        single[usize::from(node.byte)] = true;
    }
    let states = automaton.state_count();
    let mut back: Vec<Vec<u32>> = vec![Vec::new(); states];
    for state in 0..states {
        for (low, high, target) in automaton.ranges(state) {
            if (low..=high).any(|byte| single[usize::from(byte)]) {
                back[target].push(u32::try_from(state).expect("a state"));
            }
        }
    }
    let need = distances(automaton, &back);
    let rows = Rows::Lazy((0..states).map(|_| OnceLock::new()).collect());
    // What one token may lead to is not known ahead, so every mask is filtered.
    let need_after = vec![u32::MAX; states];
    TokenMasks {
        automaton: automaton.clone(),
        vocabulary: vocabulary.clone(),
        rows,
        need,
        need_after,
    }
}
