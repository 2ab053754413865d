//! Languages made of languages: both, either, one without the other, one after the other.

use crate::automaton::{Automaton, DEAD, Table};
use crate::compile::escaped;
use crate::determinize::{determinize, trim};
use crate::error::ConstrainError;
use crate::limits::{DFA_CELLS_MAX, PRODUCT_STATES_MAX};
use crate::nfa::{Fragment, Nfa};
use rustc_hash::FxHashMap;

impl Automaton {
    /// The language of no text.
    pub fn nothing() -> Self {
        let table = Table { start: 0, classes: [0; 256], class_count: 1, next: vec![DEAD], accepting: vec![false] };
        Self::from_table(table)
    }

    /// Every text: all valid UTF-8.
    pub fn any_text() -> Result<Self, ConstrainError> {
        Self::of_regex("(?s:.)*")
    }

    /// Exactly these texts.
    pub fn of_literals<T: AsRef<[u8]>>(texts: &[T]) -> Result<Self, ConstrainError> {
        let mut nfa = Nfa::default();
        let (start, end) = (nfa.state()?, nfa.state()?);
        // A trie, so that the number of texts does not matter to each step.
        let mut below: FxHashMap<(u32, u8), u32> = FxHashMap::default();
        for text in texts {
            let mut at = start;
            for byte in text.as_ref() {
                at = match below.get(&(at, *byte)) {
                    Some(next) => *next,
                    None => {
                        let next = nfa.state()?;
                        nfa.edge(at, *byte, *byte, next);
                        below.insert((at, *byte), next);
                        next
                    }
                };
            }
            if !nfa.empty[at as usize].contains(&end) {
                nfa.skip(at, end);
            }
        }
        determinize(&nfa, Fragment { start, end })
    }

    /// Texts that belong to both.
    pub fn intersection(&self, other: &Self) -> Result<Self, ConstrainError> {
        self.combined(other, |mine, theirs| mine && theirs)
    }

    /// Texts that belong to either.
    pub fn union(&self, other: &Self) -> Result<Self, ConstrainError> {
        self.combined(other, |mine, theirs| mine || theirs)
    }

    /// Texts that belong to this and not to the other.
    pub fn difference(&self, other: &Self) -> Result<Self, ConstrainError> {
        self.combined(other, |mine, theirs| mine && !theirs)
    }

    /// Texts (valid UTF-8) that don't belong to it.
    pub fn complement(&self) -> Result<Self, ConstrainError> {
        Self::any_text()?.difference(self)
    }

    /// Whether every text of the other belongs to this.
    pub fn includes(&self, other: &Self) -> Result<bool, ConstrainError> {
        other.is_subset_of(self)
    }

    /// A text of one, then a text of the next, and so on.
    pub fn concatenation(parts: &[Self]) -> Result<Self, ConstrainError> {
        let mut nfa = Nfa::default();
        let parts = parts.iter().map(|part| nfa.embed(part, false)).collect::<Result<Vec<_>, _>>()?;
        let whole = nfa.sequence(&parts)?;
        ended(nfa, whole)
    }

    /// Its texts as JSON strings: in quotes, with minimal escapes.
    pub fn quoted(&self) -> Result<Self, ConstrainError> {
        let mut nfa = Nfa::default();
        let (open, inner, close) = (nfa.literal(b"\"")?, nfa.embed(self, true)?, nfa.literal(b"\"")?);
        let whole = nfa.sequence(&[open, inner, close])?;
        ended(nfa, whole)
    }

    /// The insides of its texts as JSON strings.
    pub(crate) fn inside_quotes(&self) -> Result<Self, ConstrainError> {
        let mut nfa = Nfa::default();
        let whole = nfa.embed(self, true)?;
        ended(nfa, whole)
    }

    /// Its texts, but not the empty one.
    pub fn without_empty(&self) -> Result<Self, ConstrainError> {
        self.difference(&Self::of_literals(&[""])?)
    }

    /// A text as the inside of a JSON string with minimal escapes.
    pub fn escaped(text: &str) -> String {
        escaped(text)
    }

    /// The automaton with the fewest states for the same texts (Moore 1956: states are told apart by where bytes lead).
    pub fn minimized(&self) -> Self {
        let table = self.table();
        let count = table.accepting.len();
        let mut group: Vec<u32> = table.accepting.iter().map(|accepts| u32::from(*accepts)).collect();
        let mut groups = 0;
        loop {
            let mut ids: FxHashMap<Box<[u32]>, u32> = FxHashMap::default();
            let mut key = Vec::with_capacity(table.class_count + 1);
            let mut finer = Vec::with_capacity(count);
            for state in 0..count {
                key.clear();
                key.push(group[state]);
                let row = &table.next[state * table.class_count..(state + 1) * table.class_count];
                key.extend(row.iter().map(|to| if *to == DEAD { DEAD } else { group[*to as usize] }));
                let fresh = u32::try_from(ids.len()).expect("fewer groups than states");
                finer.push(*ids.entry(key.as_slice().into()).or_insert(fresh));
            }
            group = finer;
            if ids.len() == groups {
                break;
            }
            groups = ids.len();
        }
        let mut next = vec![DEAD; groups * table.class_count];
        let mut accepting = vec![false; groups];
        for state in 0..count {
            let to = group[state] as usize;
            accepting[to] = table.accepting[state];
            for class in 0..table.class_count {
                let target = table.next[state * table.class_count + class];
                next[to * table.class_count + class] = if target == DEAD { DEAD } else { group[target as usize] };
            }
        }
        Self::from_table(Table {
            start: group[table.start as usize],
            classes: table.classes,
            class_count: table.class_count,
            next,
            accepting,
        })
    }

    fn combined(&self, other: &Self, accept: impl Fn(bool, bool) -> bool) -> Result<Self, ConstrainError> {
        let (a, b) = (self.table(), other.table());
        let (classes, representatives) = joint_classes(a, b);
        let class_count = representatives.len();
        let limit = PRODUCT_STATES_MAX.min(DFA_CELLS_MAX / class_count);
        let mut ids: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        let mut pairs = vec![(a.start, b.start)];
        ids.insert(pairs[0], 0);
        let mut next = Vec::new();
        let mut at = 0;
        while at < pairs.len() {
            let (mine, theirs) = pairs[at];
            for byte in &representatives {
                let step = |table: &Table, state: u32| if state == DEAD { DEAD } else { table.step(state, *byte) };
                let pair = (step(a, mine), step(b, theirs));
                // A pair from which nothing can be accepted is not worth a state; others are trimmed below.
                let hopeless = pair == (DEAD, DEAD)
                    || (pair.0 == DEAD && !accept(false, true))
                    || (pair.1 == DEAD && !accept(true, false));
                if hopeless {
                    next.push(DEAD);
                    continue;
                }
                let fresh = pairs.len();
                let id = *ids.entry(pair).or_insert_with(|| {
                    pairs.push(pair);
                    u32::try_from(fresh).expect("under the limit")
                });
                if pairs.len() > limit {
                    return Err(ConstrainError::TooLarge { what: "states", limit });
                }
                next.push(id);
            }
            at += 1;
        }
        let accepts = |table: &Table, state: u32| state != DEAD && table.accepting[state as usize];
        let accepting = pairs.iter().map(|(x, y)| accept(accepts(a, *x), accepts(b, *y))).collect();
        Ok(trim(&Table { start: 0, classes, class_count, next, accepting }))
    }
}

/// Bytes that neither automaton tells apart: the class of each, and one byte of each class.
fn joint_classes(a: &Table, b: &Table) -> ([u8; 256], Vec<u8>) {
    let mut ids: FxHashMap<(u8, u8), u8> = FxHashMap::default();
    let mut classes = [0u8; 256];
    let mut representatives = Vec::new();
    for byte in 0..=255u8 {
        let pair = (a.classes[usize::from(byte)], b.classes[usize::from(byte)]);
        let fresh = u8::try_from(representatives.len()).unwrap_or(u8::MAX);
        classes[usize::from(byte)] = *ids.entry(pair).or_insert_with(|| {
            representatives.push(byte);
            fresh
        });
    }
    (classes, representatives)
}

/// The automaton of a fragment whose end may have edges.
fn ended(mut nfa: Nfa, whole: Fragment) -> Result<Automaton, ConstrainError> {
    let end = nfa.state()?;
    nfa.skip(whole.end, end);
    determinize(&nfa, Fragment { start: whole.start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        for length in 0..4 {
            let longer: Vec<String> = all.iter().filter(|t| t.len() == length).cloned().collect();
            all.extend(longer.iter().flat_map(|text| ["a", "b", "c"].map(|c| format!("{text}{c}"))));
        }
        all
    }

    #[test]
    fn operations_mean_what_they_say() {
        for (a, b) in [("a*b?", "(ab|c)*"), ("a|ab", "ab|b"), ("[ab]*", "a"), ("[a&&b]", "c*")] {
            let (x, y) = (Automaton::of_regex(a).unwrap(), Automaton::of_regex(b).unwrap());
            let both = x.intersection(&y).unwrap();
            let (either, without, not) = (x.union(&y).unwrap(), x.difference(&y).unwrap(), x.complement().unwrap());
            let joined = Automaton::concatenation(&[x.clone(), y.clone()]).unwrap();
            for text in texts() {
                let (mine, theirs) = (x.accepts(text.as_bytes()), y.accepts(text.as_bytes()));
                let cut =
                    (0..=text.len()).any(|at| x.accepts(&text.as_bytes()[..at]) && y.accepts(&text.as_bytes()[at..]));
                assert_eq!(both.accepts(text.as_bytes()), mine && theirs, "{a} and {b}: {text}");
                assert_eq!(either.accepts(text.as_bytes()), mine || theirs, "{a} or {b}: {text}");
                assert_eq!(without.accepts(text.as_bytes()), mine && !theirs, "{a} without {b}: {text}");
                assert_eq!(not.accepts(text.as_bytes()), !mine, "not {a}: {text}");
                assert_eq!(joined.accepts(text.as_bytes()), cut, "{a} then {b}: {text}");
                assert_eq!(x.minimized().accepts(text.as_bytes()), mine, "least {a}: {text}");
            }
            assert!(
                x.includes(&both).unwrap() && either.includes(&x).unwrap() && without.is_disjoint_from(&y).unwrap()
            );
        }
    }

    #[test]
    fn literals_share_their_beginnings() {
        let names: Vec<String> = (0..2000).map(|n| format!("name{n}")).collect();
        let automaton = Automaton::of_literals(&names).unwrap();
        assert!(automaton.accepts(b"name1999") && !automaton.accepts(b"name2000") && !automaton.accepts(b"name"));
        assert!(automaton.minimized().state_count() < 50);
        let quoted = Automaton::of_literals(&["a\"\n"]).unwrap().quoted().unwrap();
        assert!(quoted.accepts(br#""a\"\n""#));
    }
}
