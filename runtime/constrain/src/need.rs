//! How many tokens are left: distances over the graph whose edges are tokens.

use crate::automaton::{Automaton, DEAD};
use crate::vocabulary::{NO_TOKEN, Vocabulary};
use std::collections::VecDeque;

/// No sequence of tokens leads to acceptance.
pub(crate) const NEVER: u32 = u32::MAX;

/// The distinct states that one token leads to, by state.
pub(crate) struct Reach {
    first: Vec<usize>,
    targets: Vec<u32>,
}

impl Reach {
    /// Of no states yet.
    pub(crate) fn new() -> Self {
        Self { first: vec![0], targets: Vec::new() }
    }

    /// Adds the next state, with the states that one token leads to, in any order and number.
    pub(crate) fn push(&mut self, targets: &mut Vec<u32>) {
        targets.sort_unstable();
        targets.dedup();
        self.targets.extend_from_slice(targets);
        self.first.push(self.targets.len());
    }

    /// By a walk of the trie from each state: the plain form. `None` if the walks would visit more than `nodes_max` nodes.
    pub(crate) fn walk(automaton: &Automaton, vocabulary: &Vocabulary, nodes_max: usize) -> Option<Self> {
        let mut reach = Self::new();
        let mut left = nodes_max;
        let mut targets = Vec::new();
        for state in (0u32..).take(automaton.state_count()) {
            targets.clear();
            let visited = for_each_token(automaton, vocabulary, state, |_, to| {
                if targets.last() != Some(&to) {
                    targets.push(to);
                }
            });
            left = left.checked_sub(visited)?;
            reach.push(&mut targets);
        }
        Some(reach)
    }

    fn of(&self, state: usize) -> &[u32] {
        &self.targets[self.first[state]..self.first[state + 1]]
    }

    /// Fewest tokens from each state to an accepting one, `NEVER` where there are none: breadth-first and backwards.
    pub(crate) fn need(&self, automaton: &Automaton) -> Vec<u32> {
        let states = automaton.state_count();
        let mut begin = vec![0usize; states + 1];
        self.targets.iter().for_each(|to| begin[*to as usize + 1] += 1);
        for state in 0..states {
            begin[state + 1] += begin[state];
        }
        let mut free = begin.clone();
        let mut sources = vec![0u32; self.targets.len()];
        for from in (0u32..).take(states) {
            for to in self.of(from as usize) {
                sources[free[*to as usize]] = from;
                free[*to as usize] += 1;
            }
        }
        let mut need = vec![NEVER; states];
        let mut queue: VecDeque<usize> = (0..states).filter(|state| automaton.accepts_at(*state)).collect();
        queue.iter().for_each(|state| need[*state] = 0);
        while let Some(state) = queue.pop_front() {
            for from in &sources[begin[state]..begin[state + 1]] {
                if need[*from as usize] == NEVER {
                    need[*from as usize] = need[state] + 1;
                    queue.push_back(*from as usize);
                }
            }
        }
        need
    }

    /// By state, the tokens left from which its mask is whole; 0 where no token can be followed to acceptance.
    pub(crate) fn whole_from(&self, need: &[u32]) -> Vec<u32> {
        let needs = |state: usize| self.of(state).iter().map(|to| need[*to as usize]);
        let whole = |state: usize| needs(state).filter(|n| *n != NEVER).max().map_or(0, |n| n + 1);
        (0..need.len()).map(whole).collect()
    }
}

/// Visits the tokens that a state allows and where they lead, by a walk of the trie; twins are left out. Returns how
/// many nodes it visited.
pub(crate) fn for_each_token(
    automaton: &Automaton,
    vocabulary: &Vocabulary,
    state: u32,
    visit: impl FnMut(u32, u32),
) -> usize {
    let table = automaton.table();
    below(|state, byte| table.step(state, byte), vocabulary, 0..vocabulary.nodes().len(), state, visit)
}

/// As [`for_each_token`], for tokens of a part of the trie: the nodes below one, whose bytes the state has already taken.
pub(crate) fn below(
    mut step: impl FnMut(u32, u8) -> u32,
    vocabulary: &Vocabulary,
    part: std::ops::Range<usize>,
    state: u32,
    mut visit: impl FnMut(u32, u32),
) -> usize {
    let nodes = vocabulary.nodes();
    let above = nodes.get(part.start).map_or(0, |node| node.depth as usize - 1);
    let mut stack = vec![state];
    let mut at = part.start;
    let mut visited = 0;
    while at < part.end {
        let node = nodes[at];
        visited += 1;
        stack.truncate(node.depth as usize - above);
        let next = step(stack[stack.len() - 1], node.byte);
        if next == DEAD {
            at = node.after as usize;
            continue;
        }
        stack.push(next);
        if node.token != NO_TOKEN {
            visit(node.token, next);
        }
        at += 1;
    }
    visited
}
