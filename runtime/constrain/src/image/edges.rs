//! An automaton where it lies in an image: by state, ranges of byte classes and where they lead.

use super::{Image, ImageError, Writer};
use crate::automaton::{Automaton, DEAD, Table};
use crate::determinize::trim;

/// Sections of the byte part of a table.
const META: usize = 0;
const CLASSES: usize = 1;
const ACCEPTING: usize = 2;
const BEGINS: usize = 3;
const EDGES: usize = 4;

/// An automaton in an image.
#[derive(Debug)]
pub(crate) struct Edges {
    image: Image,
    start: u32,
    class_count: usize,
    classes: Box<[u8; 256]>,
    /// Where the edges of each state begin, and where those of the last one end.
    begins: Vec<u32>,
}

/// Writes an automaton.
pub(crate) fn write(writer: &mut Writer, automaton: &Automaton) {
    let table = automaton.table();
    let states = table.accepting.len();
    writer.words(META, vec![u64::from(table.start), states as u64, table.class_count as u64]);
    writer.bytes(CLASSES, &table.classes);
    let mut accepting = vec![0u64; states.div_ceil(64)];
    for state in (0..states).filter(|state| table.accepting[*state]) {
        accepting[state / 64] |= 1 << (state % 64);
    }
    writer.words(ACCEPTING, accepting);
    let (mut begins, mut edges) = (vec![0u32], Vec::new());
    for row in table.next.chunks_exact(table.class_count.max(1)) {
        let mut class = 0;
        for same in row.chunk_by(|a, b| a == b) {
            if same[0] != DEAD {
                edges.push(class | (class + same.len() as u64 - 1) << 8 | u64::from(same[0]) << 16);
            }
            class += same.len() as u64;
        }
        begins.push(u32::try_from(edges.len()).expect("fewer edges than cells, which are bounded"));
    }
    writer.list(BEGINS, &begins);
    writer.words(EDGES, edges);
}

impl Edges {
    /// The automaton of an image, every edge of which was looked at.
    pub(crate) fn read(image: &Image) -> Result<Self, ImageError> {
        let wrong = ImageError::Damaged("its automaton leads outside of itself");
        let &[start, states, class_count] = image.section(META) else { return Err(wrong) };
        let begins = image.list(BEGINS)?;
        let (Ok(start), Ok(states)) = (u32::try_from(start), u32::try_from(states)) else { return Err(wrong) };
        let count = states as usize;
        let mut classes = Box::new([0u8; 256]);
        let said = image.bytes(CLASSES)?;
        if said.len() != 256 || !(1..=256).contains(&class_count) {
            return Err(wrong);
        }
        classes.copy_from_slice(&said);
        let edges = image.section(EDGES);
        let sound = start < states
            && classes.iter().all(|class| u64::from(*class) < class_count)
            && image.section(ACCEPTING).len() == count.div_ceil(64)
            && begins.len() == count + 1
            && begins.windows(2).all(|pair| pair[0] <= pair[1])
            && begins.last().is_some_and(|end| *end as usize == edges.len())
            && edges.iter().all(|edge| edge >> 16 < u64::from(states) && edge & 0xff <= edge >> 8 & 0xff);
        if !sound {
            return Err(wrong);
        }
        Ok(Self { image: image.clone(), start, class_count: class_count as usize, classes, begins })
    }

    pub(crate) fn start(&self) -> u32 {
        self.start
    }

    pub(crate) fn state_count(&self) -> usize {
        self.begins.len() - 1
    }

    pub(crate) fn is_accepting(&self, state: u32) -> bool {
        self.image.section(ACCEPTING)[state as usize / 64] >> (state % 64) & 1 == 1
    }

    fn of(&self, state: u32) -> &[u64] {
        &self.image.section(EDGES)[self.begins[state as usize] as usize..self.begins[state as usize + 1] as usize]
    }

    /// Where a byte leads, or [`DEAD`].
    pub(crate) fn step(&self, state: u32, byte: u8) -> u32 {
        let class = u64::from(self.classes[usize::from(byte)]);
        let taken = self.of(state).iter().find(|edge| (**edge & 0xff..=**edge >> 8 & 0xff).contains(&class));
        taken.map_or(DEAD, |edge| (edge >> 16) as u32)
    }

    /// The only byte that may follow, where a text may not end, and where it leads.
    pub(crate) fn only_byte(&self, state: u32) -> Option<(u8, u32)> {
        let [edge] = self.of(state) else { return None };
        let (low, high) = (*edge as u8, (*edge >> 8) as u8);
        if self.is_accepting(state) || low != high {
            return None;
        }
        let mut bytes = (0..=u8::MAX).filter(|byte| self.classes[usize::from(*byte)] == low);
        let byte = bytes.next()?;
        bytes.next().is_none().then_some((byte, (edge >> 16) as u32))
    }

    /// Rough memory, without the image.
    pub(crate) fn bytes(&self) -> usize {
        self.begins.len() * 4 + self.image.section(EDGES).len() * 8
    }

    /// The same as a table of its own.
    pub(crate) fn automaton(&self) -> Automaton {
        let states = self.state_count();
        let mut next = vec![DEAD; states * self.class_count];
        for (state, row) in (0u32..).zip(next.chunks_exact_mut(self.class_count)) {
            for edge in self.of(state) {
                let (low, high) = ((edge & 0xff) as usize, (edge >> 8 & 0xff) as usize);
                row[low.min(self.class_count)..self.class_count.min(high + 1)].fill((edge >> 16) as u32);
            }
        }
        let accepting = (0u32..).take(states).map(|state| self.is_accepting(state)).collect();
        let (start, classes, class_count) = (self.start, *self.classes, self.class_count);
        trim(&Table { start, classes, class_count, next, accepting })
    }
}
