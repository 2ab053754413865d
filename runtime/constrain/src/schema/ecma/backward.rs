//! Patterns that look ahead, or at the edges of words: read from the end of the text to its start.
//!
//! Backward, each place of the pattern either fits the rest of the text or does not, so a state is a set of places: a
//! look-ahead asks whether its own first place is in the set, a negative one whether it is not. The automaton of the reversed
//! text is then turned around.

use super::Node;
use crate::automaton::Automaton;
use crate::determinize::determinize;
use crate::error::ConstrainError;
use crate::nfa::{Fragment, Nfa};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use regex_syntax::utf8::Utf8Sequences;
use rustc_hash::FxHashMap;

/// Places that a pattern may have.
const PLACES_MAX: usize = 6_000;
/// States of the automaton that reads backward, times its places.
const WORK_MAX: usize = 30_000_000;

type Index = usize;

/// A place of the pattern, and what it takes for the rest of the text to fit from it.
enum Place {
    /// Any rest fits: the pattern was found.
    Found,
    /// A byte in a range, then the rest fits from another place.
    Bytes(Vec<(u8, u8, Index)>),
    /// The rest fits from any of them.
    Any(Vec<Index>),
    /// Something holds here, and the rest fits from the other place.
    If(Condition, Index),
}

#[derive(Clone, Copy)]
enum Condition {
    Start,
    End,
    Boundary { negative: bool },
    Ahead { first: Index, negative: bool },
}

/// What is known of the text around a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct After {
    /// Nothing comes after it.
    ends: bool,
    /// A word's character comes after it.
    word: bool,
}

/// The texts in which the pattern is found.
pub(super) fn found_in(node: &Node) -> Result<Automaton, ConstrainError> {
    let mut graph = Graph { places: Vec::new(), levels: Vec::new(), level: 0 };
    let found = graph.add(Place::Found)?;
    let first = graph.build(node, found)?;
    let again = graph.add(Place::Any(vec![first]))?;
    let any = ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]);
    let skip = graph.class(&any, again)?;
    if let Place::Any(ways) = &mut graph.places[again] {
        ways.push(skip);
    }
    let reversed = Reversed::of(&graph, again)?;
    reversed.turned()?.intersection(&Automaton::any_text()?)
}

struct Graph {
    places: Vec<Place>,
    /// How deep in look-aheads a place is: deeper ones are decided first.
    levels: Vec<usize>,
    level: usize,
}

impl Graph {
    fn add(&mut self, place: Place) -> Result<Index, ConstrainError> {
        if self.places.len() >= PLACES_MAX {
            return Err(ConstrainError::TooLarge { what: "places of a pattern that looks around", limit: PLACES_MAX });
        }
        self.places.push(place);
        self.levels.push(self.level);
        Ok(self.places.len() - 1)
    }

    /// The place from which the node, and then the rest, fit.
    fn build(&mut self, node: &Node, then: Index) -> Result<Index, ConstrainError> {
        match node {
            Node::Class(set) => self.class(set, then),
            Node::Sequence(parts) => parts.iter().rev().try_fold(then, |then, part| self.build(part, then)),
            Node::Choice(parts) => {
                let ways = parts.iter().map(|part| self.build(part, then)).collect::<Result<_, _>>()?;
                self.add(Place::Any(ways))
            }
            Node::Repeat { item, min, max } => {
                let mut first = match max {
                    None => {
                        let again = self.add(Place::Any(vec![then]))?;
                        let once = self.build(item, again)?;
                        if let Place::Any(ways) = &mut self.places[again] {
                            ways.push(once);
                        }
                        again
                    }
                    Some(max) => {
                        let mut first = then;
                        for _ in *min..*max {
                            let once = self.build(item, first)?;
                            first = self.add(Place::Any(vec![then, once]))?;
                        }
                        first
                    }
                };
                for _ in 0..*min {
                    first = self.build(item, first)?;
                }
                Ok(first)
            }
            Node::Start => self.add(Place::If(Condition::Start, then)),
            Node::End => self.add(Place::If(Condition::End, then)),
            Node::Boundary { negative } => self.add(Place::If(Condition::Boundary { negative: *negative }, then)),
            Node::Ahead { item, negative } => {
                self.level += 1;
                let found = self.add(Place::Found)?;
                let first = self.build(item, found)?;
                self.level -= 1;
                self.add(Place::If(Condition::Ahead { first, negative: *negative }, then))
            }
        }
    }

    fn class(&mut self, set: &ClassUnicode, then: Index) -> Result<Index, ConstrainError> {
        let mut ways = Vec::new();
        for range in set.ranges() {
            for sequence in Utf8Sequences::new(range.start(), range.end()) {
                let (first, more) = sequence.as_slice().split_first().expect("a sequence has a byte");
                let next = more
                    .iter()
                    .rev()
                    .try_fold(then, |then, bytes| self.add(Place::Bytes(vec![(bytes.start, bytes.end, then)])))?;
                ways.push((first.start, first.end, next));
            }
        }
        self.add(Place::Bytes(ways))
    }

    /// From the places whose next byte fits, all places that fit; `before` is the byte before here, if there is one.
    fn closed(&self, bytes: &[bool], before: Option<u8>, after: After) -> Vec<bool> {
        let deepest = self.levels.iter().copied().max().unwrap_or(0);
        let mut fits = bytes.to_vec();
        for level in (0..=deepest).rev() {
            loop {
                let mut changed = false;
                for index in (0..self.places.len()).filter(|index| self.levels[*index] == level) {
                    if fits[index] {
                        continue;
                    }
                    let now = match &self.places[index] {
                        Place::Found => true,
                        Place::Bytes(_) => false,
                        Place::Any(ways) => ways.iter().any(|way| fits[*way]),
                        Place::If(condition, then) => fits[*then] && holds(*condition, &fits, before, after),
                    };
                    changed |= now;
                    fits[index] = now;
                }
                if !changed {
                    break;
                }
            }
        }
        fits
    }
}

fn holds(condition: Condition, fits: &[bool], before: Option<u8>, after: After) -> bool {
    match condition {
        Condition::Start => before.is_none(),
        Condition::End => after.ends,
        Condition::Boundary { negative } => (before.is_some_and(is_word) != after.word) != negative,
        Condition::Ahead { first, negative } => fits[first] != negative,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The deterministic automaton that reads backward.
struct Reversed {
    /// Per state and class of bytes.
    next: Vec<Vec<usize>>,
    accepting: Vec<bool>,
    /// First and last byte of each class.
    classes: Vec<(u8, u8)>,
}

impl Reversed {
    fn of(graph: &Graph, first: Index) -> Result<Self, ConstrainError> {
        let classes = classes(graph);
        let start = (vec![false; graph.places.len()], After { ends: true, word: false });
        let mut ids: FxHashMap<(Vec<bool>, After), usize> = FxHashMap::default();
        let mut states = vec![start.clone()];
        ids.insert(start, 0);
        let (mut next, mut accepting) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < states.len() {
            let (bytes, after) = states[at].clone();
            accepting.push(graph.closed(&bytes, None, after)[first]);
            // What comes before matters only by whether it belongs to a word.
            let fits = [b'-', b'a'].map(|before| graph.closed(&bytes, Some(before), after));
            let mut row = Vec::with_capacity(classes.len());
            for (low, _) in &classes {
                let word = is_word(*low);
                let fits = &fits[usize::from(word)];
                let takes = |place: &Place| match place {
                    Place::Bytes(ways) => ways.iter().any(|(from, to, then)| from <= low && low <= to && fits[*then]),
                    _ => false,
                };
                let state = (graph.places.iter().map(takes).collect(), After { ends: false, word });
                let fresh = states.len();
                row.push(*ids.entry(state).or_insert_with_key(|state| {
                    states.push(state.clone());
                    fresh
                }));
            }
            next.push(row);
            at += 1;
            if states.len() * graph.places.len() * classes.len() > WORK_MAX {
                return Err(ConstrainError::TooLarge {
                    what: "steps for a pattern that looks around",
                    limit: WORK_MAX,
                });
            }
        }
        Ok(Self { next, accepting, classes })
    }

    /// The automaton of the texts as they are read forward.
    fn turned(&self) -> Result<Automaton, ConstrainError> {
        let mut nfa = Nfa::default();
        let start = nfa.state()?;
        let states = (0..self.next.len()).map(|_| nfa.state()).collect::<Result<Vec<_>, _>>()?;
        let end = nfa.state()?;
        nfa.skip(states[0], end);
        for (state, row) in self.next.iter().enumerate() {
            if self.accepting[state] {
                nfa.skip(start, states[state]);
            }
            for (target, (low, high)) in row.iter().zip(&self.classes) {
                nfa.edge(states[*target], *low, *high, states[state]);
            }
        }
        determinize(&nfa, Fragment { start, end })
    }
}

/// Ranges of bytes that no place tells apart, nor whether they belong to words.
fn classes(graph: &Graph) -> Vec<(u8, u8)> {
    let mut begins = [false; 257];
    let words = [(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];
    let of_places = graph.places.iter().flat_map(|place| match place {
        Place::Bytes(ways) => ways.as_slice(),
        _ => &[],
    });
    for (low, high) in of_places.map(|(low, high, _)| (*low, *high)).chain(words).chain([(0, 255)]) {
        begins[usize::from(low)] = true;
        begins[usize::from(high) + 1] = true;
    }
    let firsts: Vec<u8> = (0..=255u8).filter(|byte| begins[usize::from(*byte)]).collect();
    let lasts = firsts.iter().skip(1).map(|next| next - 1).chain([255]);
    firsts.iter().copied().zip(lasts).collect()
}
