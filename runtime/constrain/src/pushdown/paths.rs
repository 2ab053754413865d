//! The shortest way to the end from each place, in bytes: it orders places and chooses among ways.
//!
//! Costs of calls are sums, so this is Knuth's generalisation of Dijkstra's algorithm (1977). Characters of counted texts weigh
//! more than any of their bytes: the way with the fewest characters is taken, because it never meets a most.

use super::program::{Op, Place, Program, Rounds};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No way leads to the end.
pub(crate) const NO_WAY: u64 = u64::MAX;

/// What beginning a character weighs, in bytes: more than any character is long, escapes included.
const CHARACTER: u64 = 16;

/// Shortest ways to the end of the rule, or of the counted part, that a place is in.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// Places with a way, those that others depend on first.
    pub(crate) order: Vec<Place>,
    /// By place: the best of its edges or ways, as an index.
    pub(crate) best: Vec<u32>,
    /// By place: the weight of the way.
    pub(crate) weight: Vec<u64>,
    /// By place: frames that the way pushes at most.
    pub(crate) depth: Vec<u32>,
}

impl Paths {
    pub(crate) fn of(program: &Program, weigh: impl Fn(u8) -> u64) -> Self {
        let count = program.ops.len();
        let mut search = Search {
            program,
            dependents: vec![Vec::new(); count],
            open: vec![0; count],
            heap: BinaryHeap::new(),
            paths: Self { order: Vec::new(), best: vec![0; count], weight: vec![NO_WAY; count], depth: vec![0; count] },
        };
        search.connect(&weigh);
        search.run(&weigh);
        search.paths
    }
}

struct Search<'p> {
    program: &'p Program,
    dependents: Vec<Vec<Place>>,
    /// How many of the places that a sum needs are unknown.
    open: Vec<u32>,
    /// (weight, place, best)
    heap: BinaryHeap<Reverse<(u64, Place, u32)>>,
    paths: Paths,
}

impl Search<'_> {
    fn connect(&mut self, _weigh: &impl Fn(u8) -> u64) {
        let program = self.program;
        for (place, op) in (0u32..).zip(&program.ops) {
            let mut needs = |on: &[Place]| {
                let mut on = on.to_vec();
                on.sort_unstable();
                on.dedup();
                self.open[place as usize] = u32::try_from(on.len()).unwrap_or(u32::MAX);
                on.iter().for_each(|on| self.dependents[*on as usize].push(place));
            };
            match op {
                Op::Return | Op::Pop(_) | Op::Accept => self.heap.push(Reverse((0, place, 0))),
                Op::Tick(next) => needs(&[*next]),
                Op::Call { to, back } => needs(&[*to, *back]),
                Op::Push { site, .. } => needs(&needed(program, *site)),
                Op::Split(ways) => {
                    let mut ways = program.ways_of(*ways).to_vec();
                    ways.sort_unstable();
                    ways.dedup();
                    ways.iter().for_each(|way| self.dependents[*way as usize].push(place));
                }
                Op::Bytes { from, to } => {
                    let mut next: Vec<Place> = program.edges_of(*from, *to).iter().map(|edge| edge.next).collect();
                    next.sort_unstable();
                    next.dedup();
                    next.iter().for_each(|next| self.dependents[*next as usize].push(place));
                }
            }
        }
    }

    fn run(&mut self, weigh: &impl Fn(u8) -> u64) {
        while let Some(Reverse((weight, place, best))) = self.heap.pop() {
            let at = place as usize;
            if self.paths.weight[at] != NO_WAY {
                continue;
            }
            self.paths.weight[at] = weight;
            self.paths.best[at] = best;
            self.paths.depth[at] = self.depth(place, best);
            self.paths.order.push(place);
            for dependent in std::mem::take(&mut self.dependents[at]) {
                self.offer(dependent, place, weight, weigh);
            }
        }
    }

    fn offer(&mut self, place: Place, known: Place, weight: u64, weigh: &impl Fn(u8) -> u64) {
        match &self.program.ops[place as usize] {
            Op::Split(ways) => {
                let way = self.program.ways_of(*ways).iter().position(|way| *way == known).unwrap_or(0);
                self.heap.push(Reverse((weight, place, u32::try_from(way).unwrap_or(u32::MAX))));
            }
            Op::Bytes { from, to } => {
                for (index, edge) in (0u32..).zip(self.program.edges_of(*from, *to)) {
                    if edge.next == known {
                        let byte = lightest(edge.low, edge.high, weigh);
                        let step = weigh(byte) + if edge.ticks { CHARACTER } else { 0 };
                        self.heap.push(Reverse((weight.saturating_add(step).min(NO_WAY - 1), place, index)));
                    }
                }
            }
            _ => {
                self.open[place as usize] -= 1;
                if self.open[place as usize] == 0 {
                    let sum = self.sum(place).min(NO_WAY - 1);
                    self.heap.push(Reverse((sum, place, 0)));
                }
            }
        }
    }

    fn sum(&self, place: Place) -> u64 {
        let weight = |place: Place| self.paths.weight[place as usize];
        match &self.program.ops[place as usize] {
            Op::Tick(next) => weight(*next),
            Op::Call { to, back } => weight(*to).saturating_add(weight(*back)),
            Op::Push { site, .. } => {
                let site = &self.program.sites[*site as usize];
                let rounds = match &site.rounds {
                    Rounds::Parts { .. } if site.count.min == 0 => 0,
                    Rounds::Parts { first, again } => {
                        weight(*first).saturating_add(weight(*again).saturating_mul(u64::from(site.count.min) - 1))
                    }
                    Rounds::Characters { start, inside } => {
                        let inside = self.program.ways_of(*inside).iter().map(|place| weight(*place));
                        let one = inside.max().unwrap_or(0).saturating_add(1);
                        weight(*start).saturating_add(one.saturating_mul(u64::from(site.count.min)))
                    }
                };
                rounds.saturating_add(weight(site.after))
            }
            _ => 0,
        }
    }

    fn depth(&self, place: Place, best: u32) -> u32 {
        let depth = |place: Place| self.paths.depth[place as usize];
        match &self.program.ops[place as usize] {
            Op::Return | Op::Pop(_) | Op::Accept => 0,
            Op::Tick(next) => depth(*next),
            Op::Split(ways) => depth(self.program.ways_of(*ways)[best as usize]),
            Op::Bytes { from, to } => depth(self.program.edges_of(*from, *to)[best as usize].next),
            Op::Call { to, back } => depth(*back).max(1 + depth(*to)),
            Op::Push { site, .. } => {
                let inside = needed(self.program, *site).into_iter().map(depth).max().unwrap_or(0);
                depth(self.program.sites[*site as usize].after).max(1 + inside)
            }
        }
    }
}

/// The places whose costs the cost of a counted part is made of.
pub(crate) fn needed(program: &Program, site: u32) -> Vec<Place> {
    let site = &program.sites[site as usize];
    let mut needed = vec![site.after];
    match &site.rounds {
        Rounds::Parts { .. } if site.count.min == 0 => {}
        Rounds::Parts { first, again } if site.count.min > 1 => needed.extend([*first, *again]),
        Rounds::Parts { first, .. } => needed.push(*first),
        Rounds::Characters { start, .. } if site.count.min == 0 => needed.push(*start),
        Rounds::Characters { start, inside } => {
            needed.push(*start);
            needed.extend(program.ways_of(*inside));
        }
    }
    needed
}

/// The byte of a range that weighs least; letters before others, so that shortest texts are readable.
pub(crate) fn lightest(low: u8, high: u8, weigh: &impl Fn(u8) -> u64) -> u8 {
    (low..=high)
        .min_by_key(|byte| (weigh(*byte), !byte.is_ascii_lowercase(), !byte.is_ascii_graphic(), *byte))
        .unwrap_or(low)
}
