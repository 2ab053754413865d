//! What tokens do to states: one walk of the trie for all states at once.
//!
//! The walk carries functions from states to states: that of a token is the composition of those of its bytes. A function
//! is kept as its pairs (state that it began in, state now) where it is defined, which are few: a token inside a string says
//! nothing of the states in a key. Functions are interned, and few differ.

use crate::automaton::{Automaton, DEAD};
use crate::limits::{FUNCTION_ENTRIES_MAX, FUNCTION_WORK_MAX};
use crate::vocabulary::{NO_TOKEN, Vocabulary};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::rc::Rc;

/// States that are gathered at a time when functions are read by state.
const CHUNK: usize = 4_096;

/// The functions of all tokens that some state allows.
pub(crate) struct Functions {
    /// Each function as its pairs, packed as `index of the first state << 32 | state now`, in order of the indices.
    pairs: Vec<Rc<[u64]>>,
    /// The tokens of each function, without twins.
    pub(crate) tokens: Vec<Vec<u32>>,
}

/// What a walk may spend.
pub(crate) struct Spending {
    /// Pairs of all functions together.
    pub(crate) entries: usize,
    /// Pairs that may be computed, kept or not.
    pub(crate) work: usize,
}

/// A function under way.
struct Interned {
    all: Vec<Rc<[u64]>>,
    ids: FxHashMap<Rc<[u64]>, u32>,
    entries: usize,
}

impl Interned {
    fn id(&mut self, pairs: &[u64]) -> u32 {
        if let Some(id) = self.ids.get(pairs) {
            return *id;
        }
        let id = u32::try_from(self.all.len()).expect("fewer functions than nodes of the trie");
        let pairs: Rc<[u64]> = pairs.into();
        self.entries += pairs.len();
        self.all.push(pairs.clone());
        self.ids.insert(pairs, id);
        id
    }
}

impl Functions {
    /// Of all states of an automaton. `None` if they would take more than `entries_max` pairs, or too long.
    pub(crate) fn walk(automaton: &Automaton, vocabulary: &Vocabulary, entries_max: usize) -> Option<Self> {
        let table = automaton.table();
        let states: Vec<u32> = (0u32..).take(automaton.state_count()).collect();
        let most = Spending { entries: entries_max.min(FUNCTION_ENTRIES_MAX), work: FUNCTION_WORK_MAX };
        Self::from(&states, &table.classes, vocabulary, &most, |_, state, byte| table.step(state, byte))
    }

    /// Of these states, of a machine whose steps are given: from the index of the state that it began in, the state now and a
    /// byte, the next state or [`DEAD`]. Each such step is asked for once or twice.
    pub(crate) fn from(
        states: &[u32],
        classes: &[u8; 256],
        vocabulary: &Vocabulary,
        most: &Spending,
        mut step: impl FnMut(u32, u32, u8) -> u32,
    ) -> Option<Self> {
        let mut interned = Interned { all: Vec::new(), ids: FxHashMap::default(), entries: 0 };
        let identity: Vec<u64> = (0u64..).zip(states).map(|(index, state)| index << 32 | u64::from(*state)).collect();
        let mut stack = vec![interned.id(&identity)];
        let mut tokens: Vec<Vec<u32>> = Vec::new();
        // (function, byte class) -> function, or DEAD for the one that allows nothing.
        let mut composed: FxHashMap<(u32, u8), u32> = FxHashMap::default();
        let mut image: Vec<u64> = Vec::new();
        let mut work = 0;
        let nodes = vocabulary.nodes();
        let mut at = 0;
        while at < nodes.len() {
            let node = nodes[at];
            stack.truncate(node.depth as usize);
            let from = stack[stack.len() - 1];
            let class = classes[usize::from(node.byte)];
            let next = *composed.entry((from, class)).or_insert_with(|| {
                let pairs = interned.all[from as usize].clone();
                work += pairs.len();
                image.clear();
                for pair in pairs.iter() {
                    let next = step((pair >> 32) as u32, *pair as u32, node.byte);
                    if next != DEAD {
                        image.push(pair >> 32 << 32 | u64::from(next));
                    }
                }
                if image.is_empty() { DEAD } else { interned.id(&image) }
            });
            if interned.entries > most.entries || work > most.work {
                return None;
            }
            if next == DEAD {
                at = node.after as usize;
                continue;
            }
            stack.push(next);
            if node.token != NO_TOKEN {
                tokens.resize(tokens.len().max(interned.all.len()), Vec::new());
                tokens[next as usize].push(node.token);
            }
            at += 1;
        }
        let (pairs, tokens) = interned.all.into_iter().zip(tokens).filter(|(_, tokens)| !tokens.is_empty()).unzip();
        Some(Self { pairs, tokens })
    }

    /// Visits the states in order, each with the functions that it allows and where they lead.
    pub(crate) fn for_each_state(&self, states: usize, mut visit: impl FnMut(usize, &[(u32, u32)])) {
        let mut read = vec![0usize; self.pairs.len()];
        let mut gathered: Vec<Vec<(u32, u32)>> = vec![Vec::new(); CHUNK.min(states)];
        for first in (0..states).step_by(CHUNK) {
            let chunk: Range<usize> = first..states.min(first + CHUNK);
            for (function, pairs) in (0u32..).zip(&self.pairs) {
                let at = &mut read[function as usize];
                while let Some(pair) = pairs.get(*at).filter(|pair| ((**pair >> 32) as usize) < chunk.end) {
                    gathered[(pair >> 32) as usize - first].push((function, *pair as u32));
                    *at += 1;
                }
            }
            for state in chunk {
                visit(state, &gathered[state - first]);
                gathered[state - first].clear();
            }
        }
    }
}
