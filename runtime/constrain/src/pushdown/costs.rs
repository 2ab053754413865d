//! Fewest tokens to the end from each place: a bound that some sequence of tokens always keeps.
//!
//! Along the shortest way in bytes, the fewest tokens that cover it; a token never reaches over the end of the rule or counted
//! part that it began in. So the cost of a stack is the sum of its frames' costs, and from every reading there is a token
//! after which its cost is one less.

use super::paths::{Paths, lightest, needed};
use super::program::{Op, Place, Program, Rounds};
use super::space::Frame;
use crate::limits::PLACES_MAX;
use crate::need::NEVER;
use crate::vocabulary::{NO_TOKEN, Vocabulary};

/// Costs over one vocabulary.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    /// By place: to the end of its rule or counted part.
    pub(crate) tokens: Vec<u32>,
    /// By counted part: what one more round costs.
    pub(crate) round: Vec<u32>,
    /// By place: frames that the way pushes.
    pub(crate) depth: Vec<u32>,
    /// By place: whether it is between two characters of a counted text, which may end there once there are enough.
    between: Vec<bool>,
}

/// What a frame stands for while a way is followed.
#[derive(Clone, Copy)]
enum Open {
    Rule { back: Place },
    Count { site: u32, done: u32 },
}

impl Costs {
    pub(crate) fn of(program: &Program, vocabulary: &Vocabulary) -> Self {
        let single = single_bytes(vocabulary);
        // A byte that is no token by itself can be reached only within longer ones.
        let weigh = |byte: u8| if single[usize::from(byte)] { 1 } else { 4 };
        let paths = Paths::of(program, weigh);
        let mut enterable = vec![false; program.ops.len()];
        for edge in program.edges.iter().filter(|edge| edge.ticks) {
            if (edge.low..=edge.high).any(|byte| single[usize::from(byte)]) {
                enterable[edge.next as usize] = true;
            }
        }
        let mut costs = Self {
            tokens: vec![NEVER; program.ops.len()],
            round: vec![NEVER; program.sites.len()],
            depth: paths.depth.clone(),
            between: vec![false; program.ops.len()],
        };
        program.ends.iter().for_each(|place| costs.between[*place as usize] = true);
        for place in &paths.order {
            costs.tokens[*place as usize] = match &program.ops[*place as usize] {
                Op::Return | Op::Pop(_) | Op::Accept => 0,
                Op::Tick(next) => costs.at(*next),
                Op::Split(ways) => costs.at(program.ways_of(*ways)[paths.best[*place as usize] as usize]),
                Op::Call { to, back } => costs.at(*to).saturating_add(costs.at(*back)),
                Op::Push { site, .. } => {
                    costs.round[*site as usize] = costs.one_round(program, *site, &enterable);
                    costs.counted(program, *site)
                }
                Op::Bytes { .. } => costs.covered(program, &paths, vocabulary, *place, &weigh),
            };
        }
        costs
    }

    /// They as one list: [`Costs::of_numbers`] gives them back.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let bits = |flags: &[bool]| flags.iter().rev().fold(0, |bits, flag| bits << 1 | u32::from(*flag));
        let mut numbers = [&self.tokens[..], &self.depth, &self.round].concat();
        numbers.extend(self.between.chunks(32).map(bits));
        numbers
    }

    /// Those of a list, if it can be of this program: there is one per place and counted part, and depths can be added.
    pub(crate) fn of_numbers(program: &Program, numbers: &[u32]) -> Option<Self> {
        let (places, sites) = (program.ops.len(), program.sites.len());
        let (tokens, rest) = numbers.split_at_checked(places)?;
        let (depth, rest) = rest.split_at_checked(places)?;
        let (round, bits) = rest.split_at_checked(sites)?;
        if bits.len() != places.div_ceil(32) || depth.iter().any(|depth| *depth > PLACES_MAX as u32) {
            return None;
        }
        let mut between = vec![false; 32 * bits.len()];
        for (flags, bits) in between.as_chunks_mut::<32>().0.iter_mut().zip(bits) {
            (0..).zip(flags).for_each(|(bit, flag)| *flag = bits >> bit & 1 == 1);
        }
        between.truncate(places);
        Some(Self { tokens: tokens.into(), round: round.into(), depth: depth.into(), between })
    }

    pub(crate) fn at(&self, place: Place) -> u32 {
        self.tokens[place as usize]
    }

    /// Of a place that takes bytes, with the top frame there. Between two characters, what the frame still wants is all.
    pub(crate) fn with_frame(&self, program: &Program, place: Place, frame: Frame) -> u32 {
        match frame {
            Frame::Count(site, done)
                if self.between[place as usize] && done < program.sites[site as usize].count.min =>
            {
                0
            }
            _ => self.at(place),
        }
    }

    /// The cost of a counted part in which so many rounds are done or begun, and of what comes after it.
    pub(crate) fn frame(&self, program: &Program, site: u32, done: u32) -> u32 {
        let counted = &program.sites[site as usize];
        let left = counted.count.min.saturating_sub(done);
        let rounds = if left == 0 { 0 } else { left.saturating_mul(self.round[site as usize]) };
        rounds.saturating_add(self.at(counted.after))
    }

    /// What one round more costs: its part, or a character that ends well.
    fn one_round(&self, program: &Program, site: u32, enterable: &[bool]) -> u32 {
        let counted = &program.sites[site as usize];
        match &counted.rounds {
            Rounds::Parts { again, .. } if counted.count.min > 1 => self.at(*again),
            Rounds::Parts { .. } => 0,
            Rounds::Characters { .. } if counted.count.min == 0 => 0,
            Rounds::Characters { inside, .. } => {
                let one =
                    |place: &Place| if enterable[*place as usize] { self.at(*place).saturating_add(1) } else { NEVER };
                program.ways_of(*inside).iter().map(one).max().unwrap_or(NEVER)
            }
        }
    }

    /// A counted part from its beginning, and what comes after it.
    fn counted(&self, program: &Program, site: u32) -> u32 {
        let counted = &program.sites[site as usize];
        if needed(program, site).iter().any(|place| self.at(*place) == NEVER) {
            return NEVER;
        }
        match &counted.rounds {
            Rounds::Parts { .. } if counted.count.min == 0 => self.at(counted.after),
            Rounds::Parts { first, .. } => self.at(*first).saturating_add(self.frame(program, site, 1)),
            Rounds::Characters { start, .. } => self.at(*start).saturating_add(self.frame(program, site, 0)),
        }
    }

    /// Fewest tokens that cover the way from a place that takes a byte.
    fn covered(
        &self,
        program: &Program,
        paths: &Paths,
        vocabulary: &Vocabulary,
        place: Place,
        weigh: &impl Fn(u8) -> u64,
    ) -> u32 {
        let nodes = vocabulary.nodes();
        let (mut at, mut end) = (0, nodes.len());
        let mut open: Vec<Open> = Vec::new();
        let mut place = place;
        let mut least = NEVER;
        while let Op::Bytes { from, to } = program.ops[place as usize] {
            let edge = program.edges_of(from, to)[paths.best[place as usize] as usize];
            let byte = lightest(edge.low, edge.high, weigh);
            while at < end && nodes[at].byte != byte {
                at = nodes[at].after as usize;
            }
            if at >= end {
                break;
            }
            if edge.ticks
                && let Some(Open::Count { done, .. }) = open.last_mut()
            {
                *done += 1;
            }
            if nodes[at].token != NO_TOKEN {
                let rest = open.iter().fold(self.at(edge.next), |sum, frame| {
                    sum.saturating_add(match frame {
                        Open::Rule { back } => self.at(*back),
                        Open::Count { site, done } => self.frame(program, *site, *done),
                    })
                });
                least = least.min(rest.saturating_add(1));
            }
            end = nodes[at].after as usize;
            at += 1;
            match follow(program, paths, edge.next, &mut open) {
                Some(next) => place = next,
                None => break,
            }
        }
        least
    }
}

/// The next place on the way that takes a byte; `None` at its end, or where the way depends on a count.
fn follow(program: &Program, paths: &Paths, place: Place, open: &mut Vec<Open>) -> Option<Place> {
    let mut place = place;
    loop {
        place = match &program.ops[place as usize] {
            Op::Bytes { .. } => return Some(place),
            Op::Split(ways) => *program.ways_of(*ways).get(paths.best[place as usize] as usize)?,
            Op::Tick(next) => {
                if let Some(Open::Count { done, .. }) = open.last_mut() {
                    *done += 1;
                }
                *next
            }
            Op::Push { site, next } => {
                open.push(Open::Count { site: *site, done: 0 });
                *next
            }
            Op::Pop(next) => match open.last()? {
                Open::Count { site, done } if *done >= program.sites[*site as usize].count.min => {
                    open.pop();
                    *next
                }
                _ => return None,
            },
            Op::Call { to, back } => {
                open.push(Open::Rule { back: *back });
                *to
            }
            Op::Return => match open.pop()? {
                Open::Rule { back } => back,
                Open::Count { .. } => return None,
            },
            Op::Accept => return None,
        };
    }
}

fn single_bytes(vocabulary: &Vocabulary) -> [bool; 256] {
    let mut single = [false; 256];
    let nodes = vocabulary.nodes();
    let mut at = 0;
    while at < nodes.len() {
        single[usize::from(nodes[at].byte)] = nodes[at].token != NO_TOKEN;
        at = nodes[at].after as usize;
    }
    single
}
