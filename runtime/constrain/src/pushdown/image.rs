//! Pushdown automata as images: flat records, read in one pass each.
//!
//! ```text
//! operation: kind: 8 bits | a count or a place: 24 | a beginning or a place: 32
//! edge:      lowest byte: 8 | highest: 8 | begins a character: 1 | next: 32, in the upper half
//! counted:   kind | least | most | after | two places, or the beginning and the range of ways
//! ```

use super::clips::Clips;
use super::costs::Costs;
use super::frozen::{self, Frozen};
use super::lower::lower;
use super::program::{Edge, Op, Place, Program, Rounds, Site, Ways};
use super::space::Space;
use super::views::Views;
use super::{Pushdown, verify};
use crate::error::ConstrainError;
use crate::grammar::{Bounds, Grammar};
use crate::image::{Image, ImageError, Kind, Writer};
use crate::vocabulary::Vocabulary;
use std::sync::{Arc, Mutex};

/// The byte part: operations, edges, and all else.
const OPS: usize = 0;
const EDGES: usize = 1;
const LISTS: usize = 2;
/// What is known of the program over the vocabulary.
const COSTS: usize = 3;
const CLIPS: usize = 4;

/// Numbers of a counted part.
const SITE_LEN: usize = 7;
/// In the kind of a counted part: it counts characters; it has a most.
const CHARACTERS: u32 = 1;
const BOUNDED: u32 = 2;

/// The image of a grammar that knows no vocabulary.
pub(crate) fn byte_part(grammar: &Grammar) -> Result<Vec<u64>, ConstrainError> {
    let mut writer = Writer::new();
    write_program(&mut writer, &lower(grammar)?);
    Ok(writer.finish(Kind::PushdownPartly, None))
}

impl Pushdown {
    pub(crate) fn write(&self) -> Vec<u64> {
        let mut writer = Writer::new();
        write_program(&mut writer, &self.program);
        writer.list(COSTS, &self.costs.numbers());
        writer.list(CLIPS, &self.clips.numbers());
        frozen::write(&mut writer, self.views().all(), self.vocabulary.len());
        let kind = if self.ahead { Kind::Pushdown } else { Kind::PushdownPartly };
        writer.finish(kind, Some(&self.vocabulary))
    }

    /// The automaton of an image; its masks are made anew if the image is of another vocabulary.
    pub(crate) fn read(image: &Image, vocabulary: &Arc<Vocabulary>) -> Result<Self, ImageError> {
        let program = read_program(image)?;
        if !image.is_over(vocabulary) {
            return Ok(Self::of_program(program, vocabulary)?);
        }
        let costs = Costs::of_numbers(&program, &image.list(COSTS)?);
        let clips = Clips::of_numbers(&program, &image.list(CLIPS)?);
        let (Some(costs), Some(clips)) = (costs, clips) else {
            return Err(ImageError::Damaged("its numbers are not those of its program"));
        };
        let (program, costs) = (Arc::new(program), Arc::new(costs));
        Ok(Self {
            space: Mutex::new(Space::new(program.clone(), costs.clone())),
            views: Arc::new(Mutex::new(Views::of_image(Frozen::open(image, vocabulary.len())?))),
            vocabulary: vocabulary.clone(),
            program,
            costs,
            clips: Arc::new(clips),
            ahead: image.kind == Kind::Pushdown,
        })
    }
}

fn write_program(writer: &mut Writer, program: &Program) {
    writer.words(OPS, program.ops.iter().map(|op| word_of_op(*op)).collect());
    writer.words(EDGES, program.edges.iter().map(|edge| word_of_edge(*edge)).collect());
    let Program { sites, owed, ends, ways, .. } = program;
    let lengths = [sites.len(), owed.len(), ends.len(), ways.len()];
    let mut lists = vec![program.start];
    lists.extend(lengths.map(|length| u32::try_from(length).expect("bounded by places and counted parts")));
    lists.extend(sites.iter().flat_map(|site| numbers_of_site(*site)));
    lists.extend(owed.iter().flat_map(|(place, owed)| [*place, *owed]));
    lists.extend(ends);
    lists.extend(ways);
    writer.list(LISTS, &lists);
}

fn read_program(image: &Image) -> Result<Program, ImageError> {
    let wrong = || ImageError::Damaged("its program can't be read");
    let lists = image.list(LISTS)?;
    let (head, rest) = lists.split_at_checked(5).ok_or_else(wrong)?;
    let (sites, rest) = part(rest, head[1], SITE_LEN).ok_or_else(wrong)?;
    let (owed, rest) = part(rest, head[2], 2).ok_or_else(wrong)?;
    let (ends, rest) = part(rest, head[3], 1).ok_or_else(wrong)?;
    let (ways, _) = part(rest, head[4], 1).ok_or_else(wrong)?;
    let program = Program {
        ops: image.section(OPS).iter().map(|word| op_of_word(*word)).collect::<Option<_>>().ok_or_else(wrong)?,
        edges: image.section(EDGES).iter().map(|word| edge_of_word(*word)).collect(),
        ways: ways.into(),
        sites: sites.as_chunks::<SITE_LEN>().0.iter().map(site_of_numbers).collect(),
        owed: owed.as_chunks::<2>().0.iter().map(|[place, owed]| (*place, *owed)).collect(),
        ends: ends.into(),
        start: head[0],
    };
    if verify::is_sound(&program) {
        Ok(program)
    } else {
        Err(ImageError::Damaged("its program leads outside of itself"))
    }
}

/// So many records of so many numbers each, and what follows.
fn part(numbers: &[u32], records: u32, len: usize) -> Option<(&[u32], &[u32])> {
    numbers.split_at_checked((records as usize).checked_mul(len)?)
}

fn word_of_op(op: Op) -> u64 {
    let (kind, short, long): (u64, u32, u32) = match op {
        Op::Bytes { from, to } => (0, to - from, from),
        Op::Split(Ways { from, to }) => (1, to - from, from),
        Op::Push { site, next } => (2, site, next),
        Op::Tick(next) => (3, 0, next),
        Op::Pop(next) => (4, 0, next),
        Op::Call { to, back } => (5, to, back),
        Op::Return => (6, 0, 0),
        Op::Accept => (7, 0, 0),
    };
    debug_assert!(short < 1 << 24, "places and parts are bounded far below");
    kind | u64::from(short) << 8 | u64::from(long) << 32
}

fn op_of_word(word: u64) -> Option<Op> {
    let (short, long) = ((word >> 8) as u32 & 0xff_ffff, (word >> 32) as u32);
    Some(match word & 0xff {
        0 => Op::Bytes { from: long, to: long.checked_add(short)? },
        1 => Op::Split(Ways { from: long, to: long.checked_add(short)? }),
        2 => Op::Push { site: short, next: long },
        3 => Op::Tick(long),
        4 => Op::Pop(long),
        5 => Op::Call { to: short, back: long },
        6 => Op::Return,
        7 => Op::Accept,
        _ => return None,
    })
}

fn word_of_edge(edge: Edge) -> u64 {
    let Edge { low, high, ticks, next } = edge;
    u64::from(low) | u64::from(high) << 8 | u64::from(ticks) << 16 | u64::from(next) << 32
}

fn edge_of_word(word: u64) -> Edge {
    Edge { low: word as u8, high: (word >> 8) as u8, ticks: word >> 16 & 1 == 1, next: (word >> 32) as Place }
}

fn numbers_of_site(site: Site) -> [u32; SITE_LEN] {
    let Site { count, rounds, after } = site;
    let bounded = if count.max.is_some() { BOUNDED } else { 0 };
    let (kind, a, b, c) = match rounds {
        Rounds::Parts { first, again } => (0, first, again, 0),
        Rounds::Characters { start, inside } => (CHARACTERS, start, inside.from, inside.to),
    };
    [kind | bounded, count.min, count.max.unwrap_or(0), after, a, b, c]
}

fn site_of_numbers(numbers: &[u32; SITE_LEN]) -> Site {
    let [kind, min, max, after, a, b, c] = *numbers;
    let rounds = match kind & CHARACTERS {
        0 => Rounds::Parts { first: a, again: b },
        _ => Rounds::Characters { start: a, inside: Ways { from: b, to: c } },
    };
    Site { count: Bounds { min, max: (kind & BOUNDED != 0).then_some(max) }, rounds, after }
}
