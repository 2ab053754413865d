//! Random texts of a grammar, by walking its parts.

use sgl_constrain::grammar::{Bounds, Grammar, Node, NodeId};
use sgl_constrain::{Automaton, StateId};
use std::collections::{BTreeMap, BTreeSet};

/// A stream of pseudo-random numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below a number.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Calls of rules within one another after which the shortest way out is taken.
const DEPTH_MAX: usize = 8;

pub(crate) struct Sampler<'a> {
    grammar: &'a Grammar,
    /// Fewest calls within one another that a part needs; missing where it never ends.
    depths: BTreeMap<NodeId, usize>,
}

impl<'a> Sampler<'a> {
    pub(crate) fn new(grammar: &'a Grammar) -> Self {
        let mut sampler = Self { grammar, depths: BTreeMap::new() };
        let nodes = parts(grammar);
        loop {
            let before = sampler.depths.clone();
            for node in &nodes {
                if let Some(depth) = sampler.depth_now(*node) {
                    let known = sampler.depths.entry(*node).or_insert(depth);
                    *known = depth.min(*known);
                }
            }
            if sampler.depths == before {
                return sampler;
            }
        }
    }

    fn depth_now(&self, node: NodeId) -> Option<usize> {
        let known = |node: &NodeId| self.depths.get(node).copied();
        match self.grammar.node(node) {
            Node::Literal(_) => Some(0),
            Node::Leaf(automaton) => (!automaton.is_empty()).then_some(0),
            Node::Text { text, .. } => (!text.is_empty()).then_some(0),
            Node::Sequence(parts) => parts.iter().map(known).try_fold(0, |most, depth| Some(most.max(depth?))),
            Node::Choice(parts) => parts.iter().filter_map(known).min(),
            Node::Repeat { item, count, .. } => {
                if count.min == 0 {
                    Some(0)
                } else {
                    known(item)
                }
            }
            Node::Members { named, more, count, .. } => {
                let required = named.iter().filter(|m| m.required);
                let depth = required.map(|m| known(&m.part)).try_fold(0, |most, depth| Some(most.max(depth?)))?;
                if count.min == 0 || named.iter().any(|m| m.required) {
                    return Some(depth);
                }
                named.iter().map(|m| m.part).chain(*more).filter_map(|part| known(&part)).min()
            }
            Node::Call(rule) => known(&self.grammar.rule_body(*rule)?).map(|depth| depth + 1),
        }
    }

    /// A text of the whole; `None` if the walk came to a place from which it found no end.
    pub(crate) fn text(&self, random: &mut Random) -> Option<String> {
        let mut bytes = Vec::new();
        self.walk(self.grammar.start()?, 0, random, &mut bytes)?;
        String::from_utf8(bytes).ok()
    }

    fn walk(&self, node: NodeId, depth: usize, random: &mut Random, out: &mut Vec<u8>) -> Option<()> {
        let ends = |part: &NodeId| self.depths.contains_key(part);
        match self.grammar.node(node) {
            Node::Literal(bytes) => out.extend_from_slice(bytes),
            Node::Leaf(automaton) => out.extend(walk_automaton(automaton, Bounds::ANY, random)?),
            Node::Text { text, chars, quoted } => {
                let plain = String::from_utf8(walk_automaton(text, *chars, random)?).ok()?;
                if *quoted {
                    out.extend(format!("\"{}\"", Automaton::escaped(&plain)).bytes());
                } else {
                    out.extend(plain.bytes());
                }
            }
            Node::Sequence(parts) => parts.iter().try_for_each(|part| self.walk(*part, depth, random, out))?,
            Node::Choice(parts) => {
                let mut open: Vec<&NodeId> = parts.iter().filter(|part| ends(part)).collect();
                if depth >= DEPTH_MAX {
                    open.sort_by_key(|part| self.depths[part]);
                    open.truncate(1);
                }
                if open.is_empty() {
                    return None;
                }
                self.walk(**random.pick(&open), depth, random, out)?;
            }
            Node::Repeat { item, separator, count } => {
                let some = if depth < DEPTH_MAX { random.below(4) } else { 0 };
                let times = (count.min as usize + some).min(count.max.map_or(usize::MAX, |max| max as usize));
                for index in 0..times {
                    if index >= count.min as usize && !ends(item) {
                        break;
                    }
                    if let Some(separator) = separator.filter(|_| index > 0) {
                        self.walk(separator, depth, random, out)?;
                    }
                    self.walk(*item, depth, random, out)?;
                }
            }
            Node::Members { named, more, separator, count, gapless } => {
                let mut chosen: Vec<NodeId> = Vec::new();
                let wanted = if depth < DEPTH_MAX { 40 } else { 5 };
                for member in named {
                    if member.required || ends(&member.part) && random.chance(wanted) {
                        chosen.push(member.part);
                    } else if *gapless {
                        break;
                    }
                }
                if let Some(more) = more.filter(|more| ends(more) && (!gapless || chosen.len() == named.len())) {
                    let some = if depth < DEPTH_MAX { random.below(3) } else { 0 };
                    while chosen.len() < count.min as usize {
                        chosen.push(more);
                    }
                    chosen.extend(vec![more; some]);
                }
                if !count.contains(u32::try_from(chosen.len()).ok()?) {
                    return None;
                }
                for (index, part) in chosen.iter().enumerate() {
                    if index > 0 {
                        self.walk(*separator, depth, random, out)?;
                    }
                    self.walk(*part, depth, random, out)?;
                }
            }
            Node::Call(rule) => self.walk(self.grammar.rule_body(*rule)?, depth + 1, random, out)?,
        }
        Some(())
    }
}

/// All parts of a grammar, those inside before those around.
fn parts(grammar: &Grammar) -> Vec<NodeId> {
    let mut seen = BTreeSet::new();
    let mut stack: Vec<NodeId> = grammar.start().into_iter().collect();
    let mut order = Vec::new();
    while let Some(node) = stack.pop() {
        if !seen.insert(node) {
            continue;
        }
        order.push(node);
        match grammar.node(node) {
            Node::Literal(_) | Node::Leaf(_) | Node::Text { .. } => {}
            Node::Sequence(parts) | Node::Choice(parts) => stack.extend(parts.iter().copied()),
            Node::Repeat { item, separator, .. } => stack.extend([Some(*item), *separator].into_iter().flatten()),
            Node::Members { named, more, separator, .. } => {
                stack.extend(named.iter().map(|member| member.part).chain(*more).chain([*separator]));
            }
            Node::Call(rule) => stack.extend(grammar.rule_body(*rule)),
        }
    }
    order.reverse();
    order
}

/// A random text of an automaton with so many characters.
fn walk_automaton(automaton: &Automaton, chars: Bounds, random: &mut Random) -> Option<Vec<u8>> {
    for attempt in 0..60 {
        let mut bytes: Vec<u8> = Vec::new();
        let mut state = automaton.start();
        // Later attempts go on for longer, to reach ends that are far.
        let wanted = chars.min as usize + random.below(4 + attempt);
        while let Some(byte) = next_byte(automaton, state, bytes.len() >= wanted, random) {
            let complete = std::str::from_utf8(&bytes)
                .is_ok_and(|text| chars.contains(u32::try_from(text.chars().count()).unwrap_or(u32::MAX)));
            if automaton.is_accepting(state) && complete && bytes.len() >= wanted {
                return Some(bytes);
            }
            if bytes.len() > 400 + 4 * chars.min as usize {
                break;
            }
            bytes.push(byte);
            state = automaton.step(state, byte)?;
        }
        let count = std::str::from_utf8(&bytes).map_or(usize::MAX, |text| text.chars().count());
        if automaton.is_accepting(state) && chars.contains(u32::try_from(count).unwrap_or(u32::MAX)) {
            return Some(bytes);
        }
    }
    None
}

/// One of the bytes that may come next, mostly a plain one.
fn next_byte(automaton: &Automaton, state: StateId, finish: bool, random: &mut Random) -> Option<u8> {
    let open: Vec<u8> = (0..=255u8).filter(|byte| automaton.step(state, *byte).is_some()).collect();
    if open.is_empty() {
        return None;
    }
    let plain: Vec<u8> = open.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let ends: Vec<u8> = if finish {
        let ends = |byte: &u8| automaton.step(state, *byte).is_some_and(|next| automaton.is_accepting(next));
        open.iter().copied().filter(ends).collect()
    } else {
        Vec::new()
    };
    let from = if !ends.is_empty() && random.chance(80) {
        &ends
    } else if !plain.is_empty() && random.chance(85) {
        &plain
    } else {
        &open
    };
    Some(*random.pick(from))
}
