//! A deterministic byte automaton in which every state leads somewhere.

use std::collections::VecDeque;
use std::sync::Arc;

/// A state of an automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateId(pub(crate) u32);

/// No state.
pub(crate) const DEAD: u32 = u32::MAX;

/// A trimmed deterministic automaton over bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Automaton {
    inner: Arc<Table>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) start: u32,
    /// Class of each byte: bytes of one class lead to the same place from every state.
    pub(crate) classes: [u8; 256],
    pub(crate) class_count: usize,
    /// `next[state * class_count + class]`
    pub(crate) next: Vec<u32>,
    pub(crate) accepting: Vec<bool>,
}

impl Automaton {
    pub(crate) fn from_table(table: Table) -> Self {
        Self { inner: Arc::new(table) }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.inner
    }

    /// Where every text begins.
    pub fn start(&self) -> StateId {
        StateId(self.inner.start)
    }

    pub(crate) fn start_index(&self) -> usize {
        self.inner.start as usize
    }

    /// Where a byte leads, if it is allowed.
    pub fn step(&self, state: StateId, byte: u8) -> Option<StateId> {
        let next = self.inner.step(state.0, byte);
        (next != DEAD).then_some(StateId(next))
    }

    /// Whether a text may end here.
    pub fn is_accepting(&self, state: StateId) -> bool {
        self.inner.accepting[state.0 as usize]
    }

    pub(crate) fn accepts_at(&self, state: usize) -> bool {
        self.inner.accepting[state]
    }

    /// Whether nothing can follow here.
    pub fn is_final(&self, state: StateId) -> bool {
        let from = state.0 as usize * self.inner.class_count;
        self.is_accepting(state) && self.inner.next[from..from + self.inner.class_count].iter().all(|n| *n == DEAD)
    }

    /// The only byte that may follow, where a text may not end, and where it leads.
    pub(crate) fn only_byte(&self, state: StateId) -> Option<(u8, StateId)> {
        if self.is_accepting(state) {
            return None;
        }
        let from = state.0 as usize * self.inner.class_count;
        let row = &self.inner.next[from..from + self.inner.class_count];
        let class = row.iter().position(|to| *to != DEAD)?;
        if row[class + 1..].iter().any(|to| *to != DEAD) {
            return None;
        }
        let mut bytes = (0..=u8::MAX).filter(|byte| usize::from(self.inner.classes[usize::from(*byte)]) == class);
        let byte = bytes.next()?;
        bytes.next().is_none().then_some((byte, StateId(row[class])))
    }

    /// How many states there are.
    pub fn state_count(&self) -> usize {
        self.inner.accepting.len()
    }

    /// Whether the whole text belongs to the language.
    pub fn accepts(&self, text: &[u8]) -> bool {
        let end = text.iter().try_fold(self.start(), |state, byte| self.step(state, *byte));
        end.is_some_and(|state| self.is_accepting(state))
    }

    /// Whether no text belongs to the language.
    pub fn is_empty(&self) -> bool {
        !self.inner.accepting.iter().any(|accepting| *accepting)
    }

    /// Byte ranges that leave a state.
    pub(crate) fn ranges(&self, state: usize) -> Vec<(u8, u8, usize)> {
        let mut ranges: Vec<(u8, u8, usize)> = Vec::new();
        for byte in 0..=255u8 {
            let target = self.inner.step(u32::try_from(state).expect("a state"), byte);
            if target == DEAD {
                continue;
            }
            match ranges.last_mut() {
                Some((_, high, same)) if *same == target as usize && *high + 1 == byte => {
                    *high = byte;
                }
                _ => ranges.push((byte, byte, target as usize)),
            }
        }
        ranges
    }

    /// The shortest text of the language; of equally short ones, letters before digits before the rest.
    pub fn shortest(&self) -> Option<String> {
        let mut came_from: Vec<Option<(usize, u8)>> = vec![None; self.state_count()];
        let mut seen = vec![false; self.state_count()];
        let mut order: Vec<u8> = (0..=255).collect();
        order.sort_by_key(|b| (!b.is_ascii_lowercase(), !b.is_ascii_digit(), !b.is_ascii_graphic(), *b));
        let mut queue = VecDeque::from([self.start_index()]);
        seen[self.start_index()] = true;
        while let Some(state) = queue.pop_front() {
            if self.inner.accepting[state] {
                let mut bytes = Vec::new();
                let mut at = state;
                while let Some((previous, byte)) = came_from[at] {
                    bytes.push(byte);
                    at = previous;
                }
                bytes.reverse();
                return String::from_utf8(bytes).ok();
            }
            for byte in &order {
                let target = self.inner.step(u32::try_from(state).expect("a state"), *byte);
                if target != DEAD && !std::mem::replace(&mut seen[target as usize], true) {
                    came_from[target as usize] = Some((state, *byte));
                    queue.push_back(target as usize);
                }
            }
        }
        None
    }
}

impl Table {
    pub(crate) fn step(&self, state: u32, byte: u8) -> u32 {
        self.next[state as usize * self.class_count + usize::from(self.classes[usize::from(byte)])]
    }
}
