//! Nondeterministic to deterministic: subsets of states, then only those that can still accept.

use crate::automaton::{Automaton, DEAD, Table};
use crate::error::ConstrainError;
use crate::limits::{DETERMINIZE_WORK_MAX, DETERMINIZE_WORK_PER_STATE_MAX, DFA_CELLS_MAX, DFA_STATES_MAX};
use crate::nfa::{Fragment, Nfa, Node};
use rustc_hash::FxHashMap;

/// The automaton of a fragment.
pub(crate) fn determinize(nfa: &Nfa, whole: Fragment) -> Result<Automaton, ConstrainError> {
    determinize_within(nfa, whole, DFA_STATES_MAX)
}

/// The automaton of a fragment, if it has at most so many states, and takes no more work than small ones do.
pub(crate) fn determinize_within(nfa: &Nfa, whole: Fragment, states_max: usize) -> Result<Automaton, ConstrainError> {
    let (classes, representatives) = byte_classes(nfa);
    let class_count = representatives.len();
    let work_max = DETERMINIZE_WORK_MAX.min(states_max.saturating_mul(DETERMINIZE_WORK_PER_STATE_MAX));
    let mut builder = Subsets { nfa, marks: vec![0; nfa.edges.len()], mark: 0, work: 0, work_max };
    let start = builder.closure(vec![whole.start])?;
    let mut ids: FxHashMap<Box<[Node]>, u32> = FxHashMap::default();
    let mut sets: Vec<Box<[Node]>> = vec![start.into_boxed_slice()];
    ids.insert(sets[0].clone(), 0);
    let mut next: Vec<u32> = Vec::new();
    let mut at = 0;
    while at < sets.len() {
        let set = sets[at].clone();
        let mut targets: Vec<Vec<Node>> = vec![Vec::new(); class_count];
        for node in &set {
            for (low, high, target) in &nfa.edges[*node as usize] {
                let (first, last) = (classes[usize::from(*low)], classes[usize::from(*high)]);
                builder.spend(usize::from(last - first) + 1)?;
                for class in first..=last {
                    targets[usize::from(class)].push(*target);
                }
            }
        }
        // Many classes lead to the same set: it is closed once.
        let mut known: FxHashMap<Vec<Node>, u32> = FxHashMap::default();
        for mut target in targets {
            target.sort_unstable();
            target.dedup();
            if target.is_empty() {
                next.push(DEAD);
                continue;
            }
            if let Some(id) = known.get(&target) {
                next.push(*id);
                continue;
            }
            let closed = builder.closure(target.clone())?.into_boxed_slice();
            let id = match ids.get(&closed) {
                Some(id) => *id,
                None => {
                    let id = u32::try_from(sets.len()).expect("under the limit");
                    let limit = states_max.min(DFA_CELLS_MAX / class_count);
                    if sets.len() >= limit {
                        return Err(ConstrainError::TooLarge { what: "states", limit });
                    }
                    ids.insert(closed.clone(), id);
                    sets.push(closed);
                    id
                }
            };
            known.insert(target, id);
            next.push(id);
        }
        at += 1;
    }
    let accepting = sets.iter().map(|set| set.binary_search(&whole.end).is_ok()).collect();
    Ok(trim(&Table { start: 0, classes, class_count, next, accepting }))
}

/// Bytes that no edge tells apart, numbered in order of the bytes, so that a range of bytes is a range of classes.
fn byte_classes(nfa: &Nfa) -> ([u8; 256], Vec<u8>) {
    let mut begins = [false; 257];
    begins[0] = true;
    for (low, high, _) in nfa.edges.iter().flatten() {
        begins[usize::from(*low)] = true;
        begins[usize::from(*high) + 1] = true;
    }
    let mut classes = [0u8; 256];
    let mut representatives = Vec::new();
    for byte in 0..=255u8 {
        if begins[usize::from(byte)] {
            representatives.push(byte);
        }
        classes[usize::from(byte)] = u8::try_from(representatives.len() - 1).expect("at most 256 classes");
    }
    (classes, representatives)
}

struct Subsets<'a> {
    nfa: &'a Nfa,
    marks: Vec<u32>,
    mark: u32,
    work: usize,
    work_max: usize,
}

impl Subsets<'_> {
    fn spend(&mut self, work: usize) -> Result<(), ConstrainError> {
        self.work += work;
        if self.work > self.work_max {
            return Err(ConstrainError::TooLarge { what: "steps of construction", limit: self.work_max });
        }
        Ok(())
    }

    /// The states that empty edges lead to, sorted; only those that tell sets apart: with byte edges, or at an end.
    fn closure(&mut self, mut stack: Vec<Node>) -> Result<Vec<Node>, ConstrainError> {
        self.mark += 1;
        let mut closed = Vec::new();
        for node in &stack {
            self.marks[*node as usize] = self.mark;
        }
        while let Some(node) = stack.pop() {
            self.spend(1)?;
            let empty = &self.nfa.empty[node as usize];
            if !self.nfa.edges[node as usize].is_empty() || empty.is_empty() {
                closed.push(node);
            }
            for target in empty {
                if std::mem::replace(&mut self.marks[*target as usize], self.mark) != self.mark {
                    stack.push(*target);
                }
            }
        }
        closed.sort_unstable();
        Ok(closed)
    }
}

/// Keeps only states from which acceptance can be reached.
pub(crate) fn trim(table: &Table) -> Automaton {
    let count = table.accepting.len();
    let mut back: Vec<Vec<u32>> = vec![Vec::new(); count];
    for state in 0..count {
        let row = &table.next[state * table.class_count..(state + 1) * table.class_count];
        let mut last = DEAD;
        for target in row {
            if *target != DEAD && *target != last {
                back[*target as usize].push(u32::try_from(state).expect("a state"));
                last = *target;
            }
        }
    }
    let mut live = table.accepting.clone();
    let mut stack: Vec<usize> = (0..count).filter(|state| live[*state]).collect();
    while let Some(state) = stack.pop() {
        for from in &back[state] {
            if !std::mem::replace(&mut live[*from as usize], true) {
                stack.push(*from as usize);
            }
        }
    }
    // The start stays, so that the empty language has a state to stand in; nothing leads on from there.
    let is_empty = !std::mem::replace(&mut live[table.start as usize], true);
    let mut renamed = vec![DEAD; count];
    let mut kept = 0;
    for (state, name) in renamed.iter_mut().enumerate() {
        if live[state] {
            *name = kept;
            kept += 1;
        }
    }
    let mut next = Vec::with_capacity(kept as usize * table.class_count);
    let mut accepting = Vec::with_capacity(kept as usize);
    for state in (0..count).filter(|state| live[*state]) {
        let row = &table.next[state * table.class_count..(state + 1) * table.class_count];
        next.extend(row.iter().map(|t| if *t == DEAD || is_empty { DEAD } else { renamed[*t as usize] }));
        accepting.push(table.accepting[state]);
    }
    Automaton::from_table(Table {
        start: renamed[table.start as usize],
        classes: table.classes,
        class_count: table.class_count,
        next,
        accepting,
    })
}
