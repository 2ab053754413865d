//! The states that a pushdown automaton has been in: made when first reached, then known by number.
//!
//! A state is a set of readings, each a place and a stack. Stacks share their lower frames, and equal ones are one, so a state
//! is a number, and going back or forking is keeping the number.

use super::costs::Costs;
use super::program::{Op, Place, Program, SiteId};
use crate::automaton::DEAD;
use crate::limits::{CLOSURE_STEPS_MAX, READINGS_MAX, STACK_DEPTH_MAX};
use crate::need::NEVER;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// A step that was not taken yet.
const UNKNOWN: u32 = DEAD - 1;

/// A stack, by the frame on its top.
pub(crate) type StackId = u32;

/// A place and the stack there.
pub(crate) type Reading = (Place, StackId);

/// The stack without frames.
pub(crate) const BOTTOM: StackId = 0;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Frame {
    /// A rule was called; go on there.
    Rule(Place),
    /// A counted part came so often.
    Count(SiteId, u32),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stacked {
    pub(crate) frame: Frame,
    pub(crate) below: StackId,
    /// Frames, this one included.
    pub(crate) depth: u32,
    /// Rules that are open, this one included.
    pub(crate) rules: u32,
    /// Fewest tokens from the end of the innermost part to the end of the text.
    pub(crate) cost: u32,
}

#[derive(Debug)]
pub(crate) struct State {
    /// Readings that take a byte, sorted.
    pub(crate) readings: Box<[Reading]>,
    pub(crate) accepting: bool,
    /// Fewest tokens to the end, a bound.
    pub(crate) need: u32,
}

/// Where a byte leads, and what of the stack it depended on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The state, or [`DEAD`].
    pub(crate) to: u32,
    /// Open rules under all frames that were looked at; `u32::MAX` if none was but counts at the top.
    pub(crate) low: u32,
    /// Frames that it must be able to hold, those of the shortest way to the end included.
    pub(crate) high: u32,
}

/// The states of one program over one vocabulary.
#[derive(Debug)]
pub(crate) struct Space {
    program: Arc<Program>,
    costs: Arc<Costs>,
    classes: [u8; 256],
    representatives: Vec<u8>,
    stacks: Vec<Stacked>,
    stack_ids: FxHashMap<(StackId, Frame), StackId>,
    states: Vec<State>,
    /// By readings and whether it accepts.
    state_ids: FxHashMap<(Box<[Reading]>, bool), u32>,
    steps: Vec<Step>,
    bytes: usize,
    /// Whether some state had more readings than are followed.
    pub(crate) dropped: bool,
    /// By state, its mask and the tokens left from which it is whole, once asked for.
    pub(crate) masks: Vec<Option<(Arc<[u64]>, u32)>>,
}

impl Space {
    pub(crate) fn new(program: Arc<Program>, costs: Arc<Costs>) -> Self {
        let (classes, representatives) = program.byte_classes();
        let bottom = Stacked { frame: Frame::Rule(0), below: BOTTOM, depth: 0, rules: 0, cost: 0 };
        let mut space = Self {
            classes,
            representatives,
            stacks: vec![bottom],
            stack_ids: FxHashMap::default(),
            states: Vec::new(),
            state_ids: FxHashMap::default(),
            steps: Vec::new(),
            bytes: 0,
            dropped: false,
            masks: Vec::new(),
            costs,
            program,
        };
        let start = space.program.start;
        let mut closure = Closure::default();
        closure.add(&mut space, start, BOTTOM);
        space.intern(closure);
        space
    }

    /// The state that every text begins in.
    pub(crate) const fn start() -> u32 {
        0
    }

    pub(crate) fn state(&self, state: u32) -> &State {
        &self.states[state as usize]
    }

    pub(crate) fn stack(&self, stack: StackId) -> Stacked {
        self.stacks[stack as usize]
    }

    /// Rough memory of states, stacks and steps.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a byte.
    pub(crate) fn step(&mut self, state: u32, byte: u8) -> Step {
        let class = self.classes[usize::from(byte)];
        let at = state as usize * self.representatives.len() + usize::from(class);
        let known = self.steps[at];
        if known.to != UNKNOWN {
            return known;
        }
        let byte = self.representatives[usize::from(class)];
        if !self.takes(state, byte) {
            self.steps[at] = Step { to: DEAD, low: u32::MAX, high: 0 };
            return self.steps[at];
        }
        let mut closure = Closure { low: u32::MAX, ..Closure::default() };
        for index in 0..self.states[state as usize].readings.len() {
            let (place, stack) = self.states[state as usize].readings[index];
            self.read(place, stack, byte, &mut closure);
        }
        let (low, high) = (closure.low, closure.high);
        let to = if closure.readings.is_empty() && !closure.accepting { DEAD } else { self.intern(closure) };
        self.steps[at] = Step { to, low, high };
        self.steps[at]
    }

    /// By byte, its class: bytes of one class lead to the same place from every state.
    pub(crate) fn classes(&self) -> &[u8; 256] {
        &self.classes
    }

    /// Writes one byte of each class that some reading takes.
    pub(crate) fn live_bytes(&self, state: u32, bytes: &mut Vec<u8>) {
        bytes.clear();
        for (place, _) in &self.states[state as usize].readings {
            if let Op::Bytes { from, to } = self.program.ops[*place as usize] {
                for edge in self.program.edges_of(from, to) {
                    let classes = self.classes[usize::from(edge.low)]..=self.classes[usize::from(edge.high)];
                    bytes.extend(classes.map(|class| self.representatives[usize::from(class)]));
                }
            }
        }
        bytes.sort_unstable();
        bytes.dedup();
    }

    /// Whether a text may end here and nothing can follow.
    pub(crate) fn is_final(&mut self, state: u32) -> bool {
        self.states[state as usize].accepting
            && (0..self.representatives.len()).all(|class| self.step(state, self.representatives[class]).to == DEAD)
    }

    /// The only byte that may follow, where a text may not end, and where it leads.
    pub(crate) fn only_byte(&mut self, state: u32) -> Option<(u8, u32)> {
        if self.states[state as usize].accepting {
            return None;
        }
        let mut only = None;
        for class in 0..self.representatives.len() {
            let byte = self.representatives[class];
            let to = self.step(state, byte).to;
            if to == DEAD {
                continue;
            }
            let is_wide = byte < u8::MAX && usize::from(self.classes[usize::from(byte) + 1]) == class;
            if only.replace((byte, to)).is_some() || is_wide {
                return None;
            }
        }
        only
    }

    /// The counted parts on top of the stacks of a state, and what is below.
    pub(crate) fn open_counts(&self, state: u32) -> Vec<(SiteId, StackId)> {
        let top = |(_, stack): &Reading| match self.stacks[*stack as usize] {
            Stacked { frame: Frame::Count(site, _), below, .. } if *stack != BOTTOM => Some((site, below)),
            _ => None,
        };
        self.states[state as usize].readings.iter().filter_map(top).collect()
    }

    /// The state at a place of a counted part that came so often, on a stack.
    pub(crate) fn counted(&mut self, place: Place, site: SiteId, done: u32, below: StackId) -> Option<u32> {
        let stack = self.pushed(below, Frame::Count(site, done));
        let mut closure = Closure::default();
        closure.add(self, place, stack);
        (closure.accepting || !closure.readings.is_empty()).then(|| self.intern(closure))
    }

    /// Whether any reading has an edge for a byte.
    fn takes(&self, state: u32, byte: u8) -> bool {
        self.states[state as usize].readings.iter().any(|(place, _)| match self.program.ops[*place as usize] {
            Op::Bytes { from, to } => {
                self.program.edges_of(from, to).iter().any(|edge| (edge.low..=edge.high).contains(&byte))
            }
            _ => false,
        })
    }

    /// Takes a byte in one reading.
    fn read(&mut self, place: Place, stack: StackId, byte: u8, closure: &mut Closure) {
        let program = self.program.clone();
        let Op::Bytes { from, to } = program.ops[place as usize] else { return };
        for edge in program.edges_of(from, to) {
            if byte < edge.low || byte > edge.high {
                continue;
            }
            let mut stack = stack;
            if edge.ticks {
                match self.ticked(stack) {
                    Some(more) => stack = more,
                    None => continue,
                }
            }
            if let Frame::Count(site, done) = self.stacks[stack as usize].frame
                && let Some(max) = program.sites[site as usize].count.max
                && stack != BOTTOM
                && u64::from(done) + u64::from(program.owed_at(edge.next)) > u64::from(max)
            {
                continue;
            }
            closure.add(self, edge.next, stack);
        }
    }

    /// The stack with one more counted at its top, if it may be.
    fn ticked(&mut self, stack: StackId) -> Option<StackId> {
        let Stacked { frame: Frame::Count(site, done), below, .. } = self.stacks[stack as usize] else { return None };
        let count = self.program.sites[site as usize].count;
        match count.max {
            Some(max) if done >= max => None,
            Some(_) => Some(self.pushed(below, Frame::Count(site, done + 1))),
            // Without a most, what is beyond the least does not matter.
            None => Some(self.pushed(below, Frame::Count(site, (done + 1).min(count.min)))),
        }
    }

    fn pushed(&mut self, below: StackId, frame: Frame) -> StackId {
        if let Some(known) = self.stack_ids.get(&(below, frame)) {
            return *known;
        }
        let under = self.stacks[below as usize];
        let own = match frame {
            Frame::Rule(back) => self.costs.at(back),
            Frame::Count(site, done) => self.costs.frame(&self.program, site, done),
        };
        let id = StackId::try_from(self.stacks.len()).expect("memory ends before 32 bits do");
        self.stacks.push(Stacked {
            frame,
            below,
            depth: under.depth + 1,
            rules: under.rules + u32::from(matches!(frame, Frame::Rule(_))),
            cost: under.cost.saturating_add(own),
        });
        self.stack_ids.insert((below, frame), id);
        self.bytes += 64;
        id
    }

    fn intern(&mut self, closure: Closure) -> u32 {
        let Closure { mut readings, accepting, .. } = closure;
        readings.sort_unstable();
        readings.dedup();
        if readings.len() > READINGS_MAX {
            self.dropped = true;
            readings.sort_by_key(|(place, stack)| (self.cost(*place, *stack), *place, *stack));
            readings.truncate(READINGS_MAX);
            readings.sort_unstable();
        }
        let key = (readings.into_boxed_slice(), accepting);
        if let Some(known) = self.state_ids.get(&key) {
            return *known;
        }
        let least = key.0.iter().map(|(place, stack)| self.cost(*place, *stack)).min().unwrap_or(NEVER);
        let id = u32::try_from(self.states.len()).expect("memory ends before 32 bits do");
        self.bytes += 16 * key.0.len() + 96 + size_of::<Step>() * self.representatives.len();
        let need = if accepting { 0 } else { least };
        self.states.push(State { readings: key.0.clone(), accepting, need });
        self.state_ids.insert(key, id);
        self.masks.push(None);
        self.steps.resize(self.states.len() * self.representatives.len(), Step { to: UNKNOWN, low: 0, high: 0 });
        id
    }

    /// Fewest tokens of a reading to the end of the text.
    pub(crate) fn cost(&self, place: Place, stack: StackId) -> u32 {
        let top = self.stacks[stack as usize];
        self.costs.with_frame(&self.program, place, top.frame).saturating_add(top.cost)
    }
}

/// Readings that are compared one by one.
const FEW: usize = 16;

/// Readings under way: all places that are reached without a byte.
#[derive(Default)]
struct Closure {
    readings: Vec<Reading>,
    accepting: bool,
    seen: FxHashSet<Reading>,
    open: Vec<Reading>,
    low: u32,
    high: u32,
}

impl Closure {
    fn add(&mut self, space: &mut Space, place: Place, stack: StackId) {
        self.open.push((place, stack));
        let program = space.program.clone();
        for _ in 0..CLOSURE_STEPS_MAX {
            let Some((place, stack)) = self.open.pop() else { return };
            let top = space.stacks[stack as usize];
            // A reading that no tokens complete, or none within the depth, is not followed.
            let depth = top.depth + space.costs.depth[place as usize];
            if space.costs.at(place) != NEVER {
                self.high = self.high.max(depth);
            }
            if depth > STACK_DEPTH_MAX || space.costs.at(place) == NEVER || top.cost == NEVER {
                continue;
            }
            let op = &program.ops[place as usize];
            if let Op::Bytes { .. } = op {
                // Few are looked through, many are looked up.
                let known = self.readings.len() < FEW && self.readings.contains(&(place, stack));
                if !known && (self.readings.len() < FEW || self.seen.insert((place, stack))) {
                    self.readings.push((place, stack));
                }
                continue;
            }
            // Only places where ways meet can come again.
            if let Op::Split(_) = op
                && !self.seen.insert((place, stack))
            {
                continue;
            }
            match op {
                Op::Bytes { .. } => {}
                Op::Split(ways) => self.open.extend(program.ways_of(*ways).iter().rev().map(|way| (*way, stack))),
                Op::Push { site, next } => {
                    let pushed = space.pushed(stack, Frame::Count(*site, 0));
                    self.open.push((*next, pushed));
                }
                Op::Tick(next) => {
                    if let Some(more) = space.ticked(stack) {
                        self.open.push((*next, more));
                    }
                }
                Op::Pop(next) => {
                    if let Frame::Count(site, done) = top.frame
                        && done >= program.sites[site as usize].count.min
                    {
                        self.open.push((*next, top.below));
                    }
                }
                Op::Call { to, back } => {
                    let pushed = space.pushed(stack, Frame::Rule(*back));
                    self.open.push((*to, pushed));
                }
                Op::Return => {
                    if let (Frame::Rule(back), true) = (top.frame, stack != BOTTOM) {
                        self.low = self.low.min(top.rules - 1);
                        self.open.push((back, top.below));
                    }
                }
                Op::Accept => self.accepting = true,
            }
        }
        self.open.clear();
    }
}
