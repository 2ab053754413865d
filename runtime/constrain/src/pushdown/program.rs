//! What a pushdown automaton does: a nondeterministic machine with calls and counters, independent of any tokenizer.
//!
//! The machine's memory is a stack of frames. A call pushes where to go on; a counted part pushes how often it came. Counts
//! are numbers in frames, never copies of states, so that a bound of a million costs as much as one of three.

use crate::grammar::Bounds;

/// A place in a program.
pub(crate) type Place = u32;

/// A counted part.
pub(crate) type SiteId = u32;

/// What is done at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Takes a byte: a range of [`Program::edges`], in order of their bytes.
    Bytes { from: u32, to: u32 },
    /// Goes on in all of these places at once; in none of them, if there are none.
    Split(Ways),
    /// Begins a counted part.
    Push { site: SiteId, next: Place },
    /// Counts one more, where the top frame's count is below its most.
    Tick(Place),
    /// Ends a counted part, where its count suffices.
    Pop(Place),
    /// Goes to a rule, and afterwards to `back`.
    Call { to: Place, back: Place },
    /// Ends a rule.
    Return,
    /// The text may end here.
    Accept,
}

/// Places: a range of [`Program::ways`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ways {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Ways {
    pub(crate) const NONE: Self = Self { from: 0, to: 0 };
}

/// A byte range that leads from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) low: u8,
    pub(crate) high: u8,
    /// Whether the byte begins a character of a counted text.
    pub(crate) ticks: bool,
    pub(crate) next: Place,
}

/// A counted part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) count: Bounds,
    pub(crate) rounds: Rounds,
    /// Where it goes on afterwards.
    pub(crate) after: Place,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounds {
    /// A part: the place where the first round begins, and that of the others (before the separator).
    Parts { first: Place, again: Place },
    /// Characters of a text: where it begins, and places inside or after a character from which one more ends well.
    Characters { start: Place, inside: Ways },
}

/// A program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) ops: Vec<Op>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) ways: Vec<Place>,
    pub(crate) sites: Vec<Site>,
    /// Characters that a counted text must still begin from a place on, before it may end; sorted by place, only those > 0.
    pub(crate) owed: Vec<(Place, u32)>,
    /// Places that take bytes where a counted text may also end, in order.
    pub(crate) ends: Vec<Place>,
    pub(crate) start: Place,
}

impl Program {
    pub(crate) fn edges_of(&self, from: u32, to: u32) -> &[Edge] {
        &self.edges[from as usize..to as usize]
    }

    pub(crate) fn ways_of(&self, ways: Ways) -> &[Place] {
        &self.ways[ways.from as usize..ways.to as usize]
    }

    /// Takes places up.
    pub(crate) fn add_ways(&mut self, places: &[Place]) -> Ways {
        let end = |ways: &[Place]| u32::try_from(ways.len()).expect("a few per place, and places are bounded");
        let from = end(&self.ways);
        self.ways.extend_from_slice(places);
        Ways { from, to: end(&self.ways) }
    }

    /// Characters that must still begin after a place.
    pub(crate) fn owed_at(&self, place: Place) -> u32 {
        self.owed.binary_search_by_key(&place, |(at, _)| *at).map_or(0, |at| self.owed[at].1)
    }

    /// Whether any rule is called.
    pub(crate) fn has_calls(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Call { .. }))
    }

    /// Places that take a byte.
    pub(crate) fn byte_places(&self) -> usize {
        self.ops.iter().filter(|op| matches!(op, Op::Bytes { .. })).count()
    }

    /// Classes of bytes that no edge tells apart, numbered in order of the bytes, and the first byte of each.
    pub(crate) fn byte_classes(&self) -> ([u8; 256], Vec<u8>) {
        let mut begins = [false; 257];
        begins[0] = true;
        // A byte that continues a character and one that begins one are told apart by their edges.
        for edge in &self.edges {
            begins[usize::from(edge.low)] = true;
            begins[usize::from(edge.high) + 1] = true;
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
}
