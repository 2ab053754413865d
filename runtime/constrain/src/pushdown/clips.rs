//! How far a count may be from its bounds and still matter to one token.
//!
//! A token has few characters, and fewer that a text allows one after the other; from the middle of a character hardly any
//! token goes on. So states that are further from the bounds than this share their masks.

use super::program::{Op, Place, Program, Rounds};
use crate::automaton::DEAD;
use crate::grammar::Bounds;
use crate::limits::EMPTY_ROUNDS_MAX;
use crate::vocabulary::Vocabulary;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A byte begins the last character, or ends it.
const LAST: u32 = DEAD - 1;

/// Distances from which on a count does not matter.
#[derive(Clone, Debug)]
pub(crate) struct Clips {
    /// By place, of the count on top of the stack there; `u32::MAX` where nothing better is known than of the counted part.
    of_place: Vec<u32>,
    of_site: Vec<u32>,
    /// By counted text, the places that its bytes lead to.
    entries: Vec<Box<[Place]>>,
}

impl Clips {
    pub(crate) fn of(program: &Program, vocabulary: &Vocabulary) -> Self {
        let mut clips = Self { of_place: vec![u32::MAX; program.ops.len()], of_site: Vec::new(), entries: Vec::new() };
        for site in &program.sites {
            let (clip, entries) = match &site.rounds {
                Rounds::Parts { first, again } => {
                    (rounds(program, *first, *again, vocabulary.longest_bytes()), Box::default())
                }
                Rounds::Characters { start, .. } => clips.text(program, *start, vocabulary),
            };
            clips.of_site.push(clip);
            clips.entries.push(entries);
        }
        clips
    }

    /// They as one list: [`Clips::of_numbers`] gives them back.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let mut numbers = [&self.of_place[..], &self.of_site].concat();
        for entries in &self.entries {
            numbers.push(u32::try_from(entries.len()).expect("fewer than places"));
            numbers.extend(entries);
        }
        numbers
    }

    /// Those of a list, if it can be of this program.
    pub(crate) fn of_numbers(program: &Program, numbers: &[u32]) -> Option<Self> {
        let places = program.ops.len();
        let (of_place, rest) = numbers.split_at_checked(places)?;
        let (of_site, mut rest) = rest.split_at_checked(program.sites.len())?;
        let mut entries = Vec::with_capacity(of_site.len());
        for _ in of_site {
            let (count, after) = rest.split_first()?;
            let (own, after) = after.split_at_checked(*count as usize)?;
            entries.push(own.into());
            rest = after;
        }
        let sound = rest.is_empty() && entries.iter().flatten().all(|place: &Place| (*place as usize) < places);
        sound.then(|| Self { of_place: of_place.into(), of_site: of_site.into(), entries })
    }

    /// The same, but counts of parts matter a little longer: a round is counted before its first byte, and the next one before the
    /// separator.
    pub(crate) fn wider(&self) -> Self {
        let is_text = |site: usize| !self.entries[site].is_empty();
        let of_site = self.of_site.iter().enumerate();
        let of_site = of_site.map(|(site, clip)| clip.saturating_add(if is_text(site) { 0 } else { 2 })).collect();
        Self { of_site, ..self.clone() }
    }

    /// Of the count on top of the stack at a place.
    pub(crate) fn on_top(&self, place: Place, site: u32) -> u32 {
        self.of_place[place as usize].min(self.of_site(site))
    }

    /// Of a count anywhere on the stack.
    pub(crate) fn of_site(&self, site: u32) -> u32 {
        self.of_site[site as usize]
    }

    /// The places in a counted text that bytes lead to; none if it counts parts.
    pub(crate) fn entries(&self, site: u32) -> &[Place] {
        &self.entries[site as usize]
    }

    /// Counts of a text at one of its entries: one of each kind that tokens tell apart there.
    pub(crate) fn counts(&self, program: &Program, site: u32, entry: Place) -> Vec<u32> {
        let Bounds { min, max } = program.sites[site as usize].count;
        let clip = taking_bytes(program, entry).map_or(1, |place| self.on_top(place, site));
        let owed = program.owed_at(entry);
        let mut counts = Vec::new();
        let mut last = None;
        for done in 0..=max.unwrap_or(min).saturating_sub(owed) {
            let look = (max.map(|max| (max - done).min(clip)), min.saturating_sub(done).min(clip));
            if last.replace(look) != Some(look) {
                counts.push(done);
            }
        }
        counts
    }

    /// Each place of a counted text; returns the greatest, and the places that bytes lead to.
    fn text(&mut self, program: &Program, start: Place, vocabulary: &Vocabulary) -> (u32, Box<[Place]>) {
        let text = Text::from(program, start);
        let owed = text.places.iter().map(|place| program.owed_at(*place)).max().unwrap_or(0);
        let characters = vocabulary.remembered(&text.structure, || text.characters(vocabulary));
        let mut most = owed + 1;
        for (place, characters) in text.places.iter().zip(characters.iter()) {
            let clip = characters + owed + 1;
            most = most.max(clip);
            self.of_place[*place as usize] = clip;
        }
        (most, text.entries.into())
    }
}

/// The place that takes bytes at this one, or from this one on where the text may also end.
fn taking_bytes(program: &Program, place: Place) -> Option<Place> {
    let takes_bytes = |place: &Place| matches!(program.ops[*place as usize], Op::Bytes { .. });
    match &program.ops[place as usize] {
        Op::Bytes { .. } => Some(place),
        Op::Split(ways) => program.ways_of(*ways).iter().copied().find(takes_bytes),
        _ => None,
    }
}

/// A counted text's places that take bytes, the first one first.
struct Text {
    places: Vec<Place>,
    /// The places that lead there.
    entries: Vec<Place>,
    /// Its edges, the same for texts that are alike.
    structure: Box<[u32]>,
    /// By place's index and byte: the next one's index twice, and one more where a character begins; or [`LAST`]; or [`DEAD`].
    next: Vec<u32>,
}

impl Text {
    fn from(program: &Program, start: Place) -> Self {
        let mut places: Vec<Place> = taking_bytes(program, start).into_iter().collect();
        let mut entries: Vec<Place> = places.iter().map(|_| start).collect();
        let mut index_of: FxHashMap<Place, u32> = places.iter().map(|place| (*place, 0)).collect();
        let (mut structure, mut next) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(Op::Bytes { from, to }) = places.get(at).map(|place| &program.ops[*place as usize]) {
            next.resize((at + 1) * 256, DEAD);
            for edge in program.edges_of(*from, *to) {
                let target = taking_bytes(program, edge.next).map_or(DEAD, |place| {
                    *index_of.entry(place).or_insert_with(|| {
                        places.push(place);
                        entries.push(edge.next);
                        u32::try_from(places.len() - 1).expect("fewer than places")
                    })
                });
                structure.extend([u32::from(edge.low) << 8 | u32::from(edge.high), u32::from(edge.ticks), target]);
                let step = if target == DEAD { LAST } else { target * 2 + u32::from(edge.ticks) };
                let row = at * 256;
                next[row + usize::from(edge.low)..=row + usize::from(edge.high)].fill(step);
            }
            structure.push(DEAD);
            at += 1;
        }
        Self { places, entries, structure: structure.into(), next }
    }

    /// By place: the most characters that one token begins, before it leaves the text.
    fn characters(&self, vocabulary: &Vocabulary) -> Arc<[u32]> {
        (0..self.places.len()).map(|place| self.characters_from(place, vocabulary)).collect()
    }

    fn characters_from(&self, place: usize, vocabulary: &Vocabulary) -> u32 {
        let nodes = vocabulary.nodes();
        let mut stack = vec![(place, 0)];
        let (mut at, mut most) = (0, 0);
        while at < nodes.len() {
            let node = nodes[at];
            stack.truncate(node.depth as usize);
            let (from, begun) = stack[stack.len() - 1];
            let next = self.next[from * 256 + usize::from(node.byte)];
            if next >= LAST {
                most = most.max(begun + u32::from(next == LAST));
                at = node.after as usize;
                continue;
            }
            let begun = begun + next % 2;
            most = most.max(begun);
            stack.push(((next / 2) as usize, begun));
            at += 1;
        }
        most
    }
}

/// How many rounds of a counted part one token may see.
fn rounds(program: &Program, first: Place, again: Place, longest_bytes: usize) -> u32 {
    let longest = u32::try_from(longest_bytes).unwrap_or(u32::MAX);
    match bytes_between_rounds(program, [first, again], longest) {
        0 => longest.max(EMPTY_ROUNDS_MAX).saturating_add(2),
        bytes => longest / bytes + 3,
    }
}

/// Fewest bytes from the beginning of a round to that of the next, at most `most`; what calls come back to is not told apart.
fn bytes_between_rounds(program: &Program, begins: [Place; 2], most: u32) -> u32 {
    let backs: Vec<Place> =
        program.ops.iter().filter_map(|op| if let Op::Call { back, .. } = op { Some(*back) } else { None }).collect();
    let mut seen = vec![false; program.ops.len()];
    let mut layer: Vec<Place> = begins.to_vec();
    let mut returned = false;
    for bytes in 0..most {
        let mut next = Vec::new();
        while let Some(place) = layer.pop() {
            if std::mem::replace(&mut seen[place as usize], true) {
                continue;
            }
            match &program.ops[place as usize] {
                Op::Bytes { from, to } => next.extend(program.edges_of(*from, *to).iter().map(|edge| edge.next)),
                Op::Split(ways) => layer.extend(program.ways_of(*ways)),
                Op::Tick(to) if begins.contains(to) => return bytes,
                Op::Push { next, .. } | Op::Tick(next) | Op::Pop(next) => layer.push(*next),
                Op::Call { to, .. } => layer.push(*to),
                Op::Return if returned => {}
                Op::Return => {
                    returned = true;
                    layer.extend(&backs);
                }
                Op::Accept => {}
            }
        }
        layer = next;
    }
    most
}
