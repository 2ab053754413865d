//! Languages by number: each is kept once, in its least form, so that equal ones are the same and questions are remembered.

use super::error::Refusal;
use super::least::least;
use super::numbers;
use crate::automaton::{Automaton, DEAD, Table};
use crate::error::ConstrainError;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// A language that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LanguageId(u32);

/// An operation on two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Both,
    Either,
    Without,
}

/// Cells of the tables of all languages together: 8 bytes each.
const CELLS_MAX: usize = 12_000_000;
/// Cells of all tables that are made, kept or not: bounds time to about a second.
const MADE_CELLS_MAX: usize = 20_000_000;

/// All languages of a schema.
#[derive(Debug)]
pub(super) struct Languages {
    kept: Vec<Automaton>,
    ids: FxHashMap<Box<[u32]>, LanguageId>,
    answers: FxHashMap<(Operation, LanguageId, LanguageId), LanguageId>,
    named: FxHashMap<String, LanguageId>,
    /// Whether some text of a language has a length within bounds.
    lengths: FxHashMap<(LanguageId, u32, Option<u32>), bool>,
    cells: usize,
    made: usize,
}

impl Languages {
    /// No text.
    pub(super) const NOTHING: LanguageId = LanguageId(0);
    /// Any text.
    pub(super) const ANY: LanguageId = LanguageId(1);
    /// Any number in plain digits.
    pub(super) const NUMBERS: LanguageId = LanguageId(2);

    pub(super) fn new() -> Result<Self, ConstrainError> {
        let mut new = Self {
            kept: Vec::new(),
            ids: FxHashMap::default(),
            answers: FxHashMap::default(),
            named: FxHashMap::default(),
            lengths: FxHashMap::default(),
            cells: 0,
            made: 0,
        };
        new.keep(&Automaton::nothing())?;
        new.keep(&Automaton::any_text()?)?;
        new.keep(&numbers::any()?)?;
        Ok(new)
    }

    /// The automaton of a language.
    pub(super) fn automaton(&self, id: LanguageId) -> &Automaton {
        &self.kept[id.0 as usize]
    }

    /// Keeps a language.
    pub(super) fn keep(&mut self, automaton: &Automaton) -> Result<LanguageId, ConstrainError> {
        // The start of an empty language may lead back to itself.
        let nothing = Automaton::nothing();
        let automaton = if automaton.is_empty() { &nothing } else { automaton };
        self.made += automaton.table().next.len();
        if self.made > MADE_CELLS_MAX {
            return Err(ConstrainError::TooLarge { what: "cells of automata on the way", limit: MADE_CELLS_MAX });
        }
        let (canonical, key) = canonical(&least(automaton));
        if let Some(id) = self.ids.get(&key) {
            return Ok(*id);
        }
        self.cells += key.len();
        if self.cells > CELLS_MAX {
            return Err(ConstrainError::TooLarge { what: "cells of automata", limit: CELLS_MAX });
        }
        let id = LanguageId(u32::try_from(self.kept.len()).expect("under the limit"));
        self.kept.push(canonical);
        self.ids.insert(key, id);
        Ok(id)
    }

    /// A language that is made once under a name.
    pub(super) fn named<E: From<ConstrainError>>(
        &mut self,
        name: &str,
        make: impl FnOnce() -> Result<Automaton, E>,
    ) -> Result<LanguageId, E> {
        if let Some(id) = self.named.get(name) {
            return Ok(*id);
        }
        let id = self.keep(&make()?)?;
        self.named.insert(name.into(), id);
        Ok(id)
    }

    pub(super) fn both(&mut self, a: LanguageId, b: LanguageId) -> Result<LanguageId, ConstrainError> {
        match (a, b) {
            (Self::NOTHING, _) | (_, Self::NOTHING) => Ok(Self::NOTHING),
            _ if a == b => Ok(a),
            _ => self.answer(Operation::Both, a.min(b), a.max(b)),
        }
    }

    pub(super) fn either(&mut self, a: LanguageId, b: LanguageId) -> Result<LanguageId, ConstrainError> {
        match (a, b) {
            (Self::NOTHING, other) | (other, Self::NOTHING) => Ok(other),
            _ if a == b => Ok(a),
            _ => self.answer(Operation::Either, a.min(b), a.max(b)),
        }
    }

    pub(super) fn without(&mut self, a: LanguageId, b: LanguageId) -> Result<LanguageId, ConstrainError> {
        match (a, b) {
            (_, Self::NOTHING) => Ok(a),
            _ if a == b => Ok(Self::NOTHING),
            (Self::NOTHING, _) => Ok(Self::NOTHING),
            _ => self.answer(Operation::Without, a, b),
        }
    }

    fn answer(&mut self, operation: Operation, a: LanguageId, b: LanguageId) -> Result<LanguageId, ConstrainError> {
        if let Some(known) = self.answers.get(&(operation, a, b)) {
            return Ok(*known);
        }
        let (x, y) = (self.automaton(a), self.automaton(b));
        let made = match operation {
            Operation::Both => x.intersection(y)?,
            Operation::Either => x.union(y)?,
            Operation::Without => x.difference(y)?,
        };
        let id = self.keep(&made)?;
        self.answers.insert((operation, a, b), id);
        Ok(id)
    }

    /// Exactly these texts.
    pub(super) fn texts<T: AsRef<str>>(&mut self, texts: &[T]) -> Result<LanguageId, ConstrainError> {
        let bytes: Vec<&[u8]> = texts.iter().map(|text| text.as_ref().as_bytes()).collect();
        if texts.iter().any(|text| text.as_ref().contains('\0')) {
            return self.keep(&Automaton::of_literals(&bytes)?);
        }
        let name = texts.iter().fold(format!("={}", texts.len()), |name, text| name + "\0" + text.as_ref());
        self.named(&name, || Automaton::of_literals(&bytes))
    }

    /// Whether a text belongs to a language.
    pub(super) fn holds(&self, id: LanguageId, text: &str) -> bool {
        self.automaton(id).accepts(text.as_bytes())
    }

    /// All texts of a language, if they are at most so many.
    pub(super) fn listed(&self, id: LanguageId, most: usize) -> Option<Vec<String>> {
        let automaton = self.automaton(id);
        let mut found = Vec::new();
        let mut stack = vec![(automaton.start_index(), Vec::new())];
        let mut steps = 0;
        while let Some((state, text)) = stack.pop() {
            // A path longer than there are states runs in a circle.
            steps += 1;
            if text.len() > automaton.state_count() || found.len() > most || steps > 64 * (most + 1) {
                return None;
            }
            if automaton.accepts_at(state) {
                found.push(String::from_utf8(text.clone()).ok()?);
            }
            for (low, high, target) in automaton.ranges(state).into_iter().rev() {
                if usize::from(high - low) > most {
                    return None;
                }
                stack.extend((low..=high).rev().map(|byte| (target, [text.as_slice(), &[byte]].concat())));
            }
        }
        (found.len() <= most).then_some(found)
    }

    /// Whether a language has finitely many texts.
    pub(super) fn is_finite(&self, id: LanguageId) -> bool {
        let automaton = self.automaton(id);
        let count = automaton.state_count();
        let mut entering = vec![0usize; count];
        let edges: Vec<Vec<usize>> = (0..count)
            .map(|state| automaton.ranges(state).into_iter().map(|(_, _, target)| target).collect())
            .collect();
        edges.iter().flatten().for_each(|target| entering[*target] += 1);
        let mut ready: Vec<usize> = (0..count).filter(|state| entering[*state] == 0).collect();
        let mut done = 0;
        while let Some(state) = ready.pop() {
            done += 1;
            for target in &edges[state] {
                entering[*target] -= 1;
                if entering[*target] == 0 {
                    ready.push(*target);
                }
            }
        }
        done == count
    }

    /// Whether a text of the language has so many characters.
    pub(super) fn has_length_within(&mut self, id: LanguageId, min: u32, max: Option<u32>) -> Result<bool, Refusal> {
        if id == Self::ANY {
            return Ok(true);
        }
        if let Some(known) = self.lengths.get(&(id, min, max)) {
            return Ok(*known);
        }
        let found = self.find_length_within(id, min, max)?;
        self.lengths.insert((id, min, max), found);
        Ok(found)
    }

    fn find_length_within(&self, id: LanguageId, min: u32, max: Option<u32>) -> Result<bool, Refusal> {
        let automaton = self.automaton(id);
        let count = automaton.state_count();
        let is_lead = |byte: u8| byte & 0xc0 != 0x80;
        // States that texts of `length` characters lead to; beyond `min` plus the number of states nothing new comes.
        let mut layer: Vec<bool> = vec![false; count];
        layer[automaton.start_index()] = true;
        let last = max.unwrap_or(u32::MAX).min(min.saturating_add(u32::try_from(count).unwrap_or(u32::MAX)));
        let mut work = 0usize;
        for length in 0..=last {
            if length >= min && (0..count).any(|state| layer[state] && automaton.accepts_at(state)) {
                return Ok(true);
            }
            let mut next = vec![false; count];
            let mut stack: Vec<(usize, bool)> = (0..count).filter(|s| layer[*s]).map(|s| (s, true)).collect();
            if stack.is_empty() {
                return Ok(false);
            }
            work += count + stack.len() * 8;
            if work > 20_000_000 {
                return Err(ConstrainError::TooLarge { what: "steps to count characters", limit: 20_000_000 }.into());
            }
            let mut seen = vec![false; count];
            while let Some((state, first)) = stack.pop() {
                for (low, high, target) in automaton.ranges(state) {
                    // A character is a lead byte and what continues it.
                    let leads = is_lead(low) || is_lead(high);
                    if first && leads || !first && !is_lead(low) {
                        next[target] = true;
                        if !std::mem::replace(&mut seen[target], true) {
                            stack.push((target, false));
                        }
                    }
                }
            }
            // States in the middle of a character are no ends of one: they only accept nothing and begin nothing.
            layer = next;
        }
        Ok(false)
    }
}

/// The same automaton with states numbered as a walk from the start meets them, and a key that says all of it.
fn canonical(automaton: &Automaton) -> (Automaton, Box<[u32]>) {
    let table = automaton.table();
    let columns = columns(table);
    let class_count = columns.representatives.len();
    let mut names = vec![DEAD; table.accepting.len()];
    let mut order = vec![table.start];
    names[table.start as usize] = 0;
    let mut queue = VecDeque::from([table.start]);
    let mut next = Vec::with_capacity(table.accepting.len() * class_count);
    while let Some(state) = queue.pop_front() {
        for byte in &columns.representatives {
            let target = table.step(state, *byte);
            if target == DEAD {
                next.push(DEAD);
                continue;
            }
            if names[target as usize] == DEAD {
                names[target as usize] = u32::try_from(order.len()).expect("a state");
                order.push(target);
                queue.push_back(target);
            }
            next.push(names[target as usize]);
        }
    }
    let accepting: Vec<bool> = order.iter().map(|state| table.accepting[*state as usize]).collect();
    let mut key: Vec<u32> = columns.classes.chunks(4).map(|four| u32::from_le_bytes(four_bytes(four))).collect();
    key.extend(accepting.chunks(31).map(|bits| bits.iter().fold(1u32, |sum, bit| sum << 1 | u32::from(*bit))));
    key.extend(&next);
    let canonical = Automaton::from_table(Table { start: 0, classes: columns.classes, class_count, next, accepting });
    (canonical, key.into())
}

fn four_bytes(bytes: &[u8]) -> [u8; 4] {
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or(0))
}

struct Columns {
    classes: [u8; 256],
    representatives: Vec<u8>,
}

/// Bytes in classes that lead to the same place from every state, numbered as they first occur.
fn columns(table: &Table) -> Columns {
    let states = table.accepting.len();
    let mut seen: FxHashMap<Vec<u32>, u8> = FxHashMap::default();
    let mut of_class: FxHashMap<u8, u8> = FxHashMap::default();
    let mut classes = [0u8; 256];
    let mut representatives = Vec::new();
    for byte in 0..=255u8 {
        let old = table.classes[usize::from(byte)];
        let new = *of_class.entry(old).or_insert_with(|| {
            let column =
                (0..states).map(|state| table.next[state * table.class_count + usize::from(old)]).collect::<Vec<_>>();
            *seen.entry(column).or_insert_with(|| {
                representatives.push(byte);
                u8::try_from(representatives.len() - 1).expect("at most 256 classes")
            })
        });
        classes[usize::from(byte)] = new;
    }
    Columns { classes, representatives }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_languages_are_one() {
        let mut languages = Languages::new().unwrap();
        let mut of = |pattern: &str| languages.keep(&Automaton::of_regex(pattern).unwrap()).unwrap();
        assert_eq!(of("a|ab|abc"), of("a(b(c)?)?"));
        assert_ne!(of("a*"), of("a+"));
        assert_eq!(of("(?s:.)*"), Languages::ANY);
        let (letters, a) = (of("[a-c]"), of("a"));
        let rest = languages.without(letters, a).unwrap();
        assert_eq!(languages.listed(rest, 5), Some(vec!["b".into(), "c".into()]));
        assert!(languages.is_finite(rest) && !languages.is_finite(Languages::ANY));
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let mut languages = Languages::new().unwrap();
        let umlauts = languages.keep(&Automaton::of_regex("(ü|xx){2}").unwrap()).unwrap();
        for (min, max, some) in [(0, Some(1), false), (2, Some(2), true), (5, None, false), (3, Some(3), true)] {
            assert_eq!(languages.has_length_within(umlauts, min, max).unwrap(), some, "{min} {max:?}");
        }
    }
}
