//! Grammars to programs.
//!
//! Parts are emitted from the last to the first: each is told where to go on. What is regular and small becomes one
//! deterministic piece; counts become frames; rules that call themselves become calls.

use super::program::{Edge, Op, Place, Program, Rounds, Site, Ways};
use super::text::{Counted, counted_text};
use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::grammar::{Bounds, Grammar, Member, Node, NodeId};
use crate::limits::{EMPTY_ROUNDS_MAX, GRAMMAR_DEPTH_MAX, PART_STATES_MAX, PLACES_MAX, SITES_MAX};
use crate::regular::{Sizes, automaton, effective, in_bounds, left, levels};
use rustc_hash::FxHashMap;

/// The program of a grammar.
pub(crate) fn lower(grammar: &Grammar) -> Result<Program, ConstrainError> {
    let Some(start) = grammar.start else { return Err(ConstrainError::Undefined("the whole".into())) };
    check_depth(grammar)?;
    let mut lowering = Lowering {
        grammar,
        sizes: Sizes::of(grammar),
        program: Program::default(),
        rules: FxHashMap::default(),
        pending: Vec::new(),
        regular: FxHashMap::default(),
    };
    let accept = lowering.op(Op::Accept)?;
    lowering.program.start = lowering.part(start, accept)?;
    while let Some((node, entry)) = lowering.pending.pop() {
        let end = lowering.op(Op::Return)?;
        let body = lowering.part(node, end)?;
        lowering.lead(entry, &[body]);
    }
    lowering.program.owed.sort_unstable();
    lowering.program.ends.sort_unstable();
    super::recursion::check(&lowering.program)?;
    Ok(lowering.program)
}

/// Parts inside parts are lowered by recursion, which needs a bound.
fn check_depth(grammar: &Grammar) -> Result<(), ConstrainError> {
    let mut depths: Vec<usize> = Vec::with_capacity(grammar.nodes.len());
    for (index, node) in grammar.nodes.iter().enumerate() {
        let mut deepest = 0;
        let mut ordered = true;
        node.for_each_part(|part| match depths.get(part.0 as usize) {
            Some(depth) => deepest = deepest.max(*depth),
            None => ordered = false,
        });
        if !ordered || index >= u32::MAX as usize || deepest >= GRAMMAR_DEPTH_MAX {
            return Err(ConstrainError::TooLarge { what: "parts inside one another", limit: GRAMMAR_DEPTH_MAX });
        }
        depths.push(deepest + 1);
    }
    Ok(())
}

struct Lowering<'g> {
    grammar: &'g Grammar,
    sizes: Sizes,
    program: Program,
    /// Where the rule of a body begins.
    rules: FxHashMap<NodeId, Place>,
    /// Bodies that are to be emitted, and the place that is to lead there.
    pending: Vec<(NodeId, Place)>,
    regular: FxHashMap<NodeId, Option<Automaton>>,
}

impl Lowering<'_> {
    fn op(&mut self, op: Op) -> Result<Place, ConstrainError> {
        if self.program.ops.len() >= PLACES_MAX {
            return Err(ConstrainError::TooLarge { what: "places of a grammar", limit: PLACES_MAX });
        }
        self.program.ops.push(op);
        Ok(Place::try_from(self.program.ops.len() - 1).expect("under the limit"))
    }

    fn bytes(&mut self, edges: &[Edge]) -> Result<Place, ConstrainError> {
        let from = self.edges_end();
        self.program.edges.extend_from_slice(edges);
        let to = self.edges_end();
        self.op(Op::Bytes { from, to })
    }

    fn edges_end(&self) -> u32 {
        u32::try_from(self.program.edges.len()).expect("at most 256 edges per place")
    }

    fn split(&mut self, mut ways: Vec<Place>) -> Result<Place, ConstrainError> {
        ways.dedup();
        if let [only] = ways[..] {
            return Ok(only);
        }
        let ways = self.program.add_ways(&ways);
        self.op(Op::Split(ways))
    }

    /// Makes a place lead to others.
    fn lead(&mut self, place: Place, ways: &[Place]) {
        self.program.ops[place as usize] = Op::Split(self.program.add_ways(ways));
    }

    fn literal(&mut self, bytes: &[u8], next: Place) -> Result<Place, ConstrainError> {
        let mut next = next;
        for byte in bytes.iter().rev() {
            next = self.bytes(&[Edge { low: *byte, high: *byte, ticks: false, next }])?;
        }
        Ok(next)
    }

    /// The automaton of a part, if it is regular and small.
    fn small(&mut self, node: NodeId) -> Result<Option<Automaton>, ConstrainError> {
        if let Some(known) = self.regular.get(&node) {
            return Ok(known.clone());
        }
        let made = automaton(self.grammar, &self.sizes, node, PART_STATES_MAX)?;
        self.regular.insert(node, made.clone());
        Ok(made)
    }

    fn part(&mut self, node: NodeId, next: Place) -> Result<Place, ConstrainError> {
        let grammar = self.grammar;
        match grammar.node(node) {
            Node::Literal(bytes) => return self.literal(bytes, next),
            Node::Call(rule) => {
                let Some(body) = grammar.rules[rule.0 as usize].body else {
                    return Err(ConstrainError::Undefined(grammar.rules[rule.0 as usize].name.clone()));
                };
                return match self.small(body)? {
                    Some(automaton) => self.leaf(&automaton, next),
                    None => self.call(body, next),
                };
            }
            _ => {}
        }
        if let Some(automaton) = self.small(node)? {
            return self.leaf(&automaton, next);
        }
        match grammar.node(node) {
            Node::Literal(bytes) => self.literal(bytes, next),
            Node::Leaf(automaton) => self.leaf(automaton, next),
            Node::Text { text, chars, quoted } => self.text(text, *chars, *quoted, next),
            Node::Sequence(parts) => self.sequence(parts, next),
            Node::Choice(parts) => self.choice(parts, next),
            Node::Repeat { item, separator, count } => self.repeat(*item, *separator, *count, next),
            Node::Members { named, more, separator, count, gapless } => {
                let count = effective(named, more.is_some(), *count);
                self.members(named, *more, *separator, count, *gapless, next)
            }
            Node::Call(_) => unreachable!("calls were treated above"),
        }
    }

    /// A call of a rule. At the end of a rule nothing is left to come back to.
    fn call(&mut self, body: NodeId, back: Place) -> Result<Place, ConstrainError> {
        let to = match self.rules.get(&body) {
            Some(entry) => *entry,
            None => {
                let entry = self.op(Op::Split(Ways::NONE))?;
                self.rules.insert(body, entry);
                self.pending.push((body, entry));
                entry
            }
        };
        if self.program.ops[back as usize] == Op::Return { Ok(to) } else { self.op(Op::Call { to, back }) }
    }

    fn leaf(&mut self, automaton: &Automaton, next: Place) -> Result<Place, ConstrainError> {
        if automaton.is_empty() {
            return self.op(Op::Split(Ways::NONE));
        }
        let mut places = Vec::with_capacity(automaton.state_count());
        for _ in 0..automaton.state_count() {
            places.push(self.op(Op::Split(Ways::NONE))?);
        }
        for (state, place) in places.iter().enumerate() {
            let ranges = automaton.ranges(state);
            let edges: Vec<Edge> =
                ranges.into_iter().map(|(low, high, to)| Edge { low, high, ticks: false, next: places[to] }).collect();
            self.state(*place, &edges, automaton.accepts_at(state), next)?;
        }
        Ok(places[automaton.start_index()])
    }

    /// Makes a place one state of an automaton.
    fn state(&mut self, place: Place, edges: &[Edge], accepts: bool, next: Place) -> Result<(), ConstrainError> {
        let from = self.edges_end();
        self.program.edges.extend_from_slice(edges);
        let bytes = Op::Bytes { from, to: self.edges_end() };
        match (accepts, edges.is_empty()) {
            (true, true) => self.lead(place, &[next]),
            // The end comes first: of two ways that are equally short, costs take the first.
            (true, false) => {
                let taking = self.op(bytes)?;
                self.lead(place, &[next, taking]);
            }
            (false, _) => self.program.ops[place as usize] = bytes,
        }
        Ok(())
    }

    fn text(&mut self, text: &Automaton, chars: Bounds, quoted: bool, next: Place) -> Result<Place, ConstrainError> {
        let close = if quoted { self.literal(b"\"", next)? } else { next };
        let start = match counted_text(text, chars, quoted)? {
            Counted::Nothing => return self.op(Op::Split(Ways::NONE)),
            Counted::Free(automaton) => self.leaf(&automaton, close)?,
            Counted::Between { states, chars, start } => {
                let pop = self.op(Op::Pop(close))?;
                let mut places = Vec::with_capacity(states.len());
                for _ in &states {
                    places.push(self.op(Op::Split(Ways::NONE))?);
                }
                let mut inside = Vec::new();
                for (state, place) in states.iter().zip(&places) {
                    let edge = |e: &super::text::Step| Edge {
                        low: e.low,
                        high: e.high,
                        ticks: e.ticks,
                        next: places[e.to as usize],
                    };
                    let edges: Vec<Edge> = state.steps.iter().map(edge).collect();
                    self.state(*place, &edges, state.accepts, pop)?;
                    if let Op::Split(ways) = self.program.ops[*place as usize] {
                        let taking = self.program.ways_of(ways).get(1).copied();
                        self.program.ends.extend(taking);
                    }
                    if state.owed > 0 {
                        // The place that takes bytes is another where the state also accepts; it then owes nothing.
                        self.program.owed.push((*place, state.owed));
                    }
                    inside.extend(state.one_more.map(|to| places[to as usize]));
                }
                inside.sort_unstable();
                inside.dedup();
                let rounds =
                    Rounds::Characters { start: places[start as usize], inside: self.program.add_ways(&inside) };
                let site = self.site(chars, rounds, close)?;
                self.op(Op::Push { site, next: places[start as usize] })?
            }
        };
        if quoted { self.literal(b"\"", start) } else { Ok(start) }
    }

    fn site(&mut self, count: Bounds, rounds: Rounds, after: Place) -> Result<u32, ConstrainError> {
        if self.program.sites.len() >= SITES_MAX {
            return Err(ConstrainError::TooLarge { what: "counted parts", limit: SITES_MAX });
        }
        self.program.sites.push(Site { count, rounds, after });
        Ok(u32::try_from(self.program.sites.len() - 1).expect("under the limit"))
    }

    /// Neighbours that are regular and small become one piece.
    fn sequence(&mut self, parts: &[NodeId], next: Place) -> Result<Place, ConstrainError> {
        let mut next = next;
        let mut end = parts.len();
        while end > 0 {
            let mut begin = end;
            let mut together = Vec::new();
            let mut states = 0;
            while begin > 0 && !matches!(self.grammar.node(parts[begin - 1]), Node::Literal(_)) {
                let Some(automaton) = self.small(parts[begin - 1])? else { break };
                states += automaton.state_count();
                if states > PART_STATES_MAX {
                    break;
                }
                together.push(automaton);
                begin -= 1;
            }
            if together.len() > 1 {
                together.reverse();
                let whole = Automaton::concatenation(&together).ok().filter(|a| a.state_count() <= PART_STATES_MAX);
                if let Some(whole) = whole {
                    next = self.leaf(&whole, next)?;
                    end = begin;
                    continue;
                }
            }
            next = self.part(parts[end - 1], next)?;
            end -= 1;
        }
        Ok(next)
    }

    /// Alternatives that are regular and small become one piece.
    fn choice(&mut self, parts: &[NodeId], next: Place) -> Result<Place, ConstrainError> {
        let mut ways = Vec::new();
        let mut together: Option<Automaton> = None;
        for part in parts {
            let Some(automaton) = self.small(*part)? else {
                ways.push(self.part(*part, next)?);
                continue;
            };
            together = match together.take() {
                None => Some(automaton),
                Some(others) => match others.union(&automaton) {
                    Ok(union) if union.state_count() <= PART_STATES_MAX => Some(union),
                    _ => {
                        ways.push(self.leaf(&others, next)?);
                        Some(automaton)
                    }
                },
            };
        }
        if let Some(automaton) = together {
            ways.push(self.leaf(&automaton, next)?);
        }
        self.split(ways)
    }

    fn repeat(
        &mut self,
        item: NodeId,
        separator: Option<NodeId>,
        count: Bounds,
        next: Place,
    ) -> Result<Place, ConstrainError> {
        let nothing = count.max == Some(0) || count.max.is_some_and(|max| max < count.min);
        if nothing {
            return if count.min == 0 { Ok(next) } else { self.op(Op::Split(Ways::NONE)) };
        }
        let mut count = count;
        let mut round = None;
        let may_be_empty =
            self.sizes.may_be_empty(item) && separator.is_none_or(|between| self.sizes.may_be_empty(between));
        if may_be_empty && (count.min > 1 || count.max.is_some_and(|max| max > EMPTY_ROUNDS_MAX)) {
            // Empty rounds fill up to the least count, and need not be counted.
            match (separator, self.small(item)?) {
                (None, Some(automaton)) => (round, count.min) = (Some(automaton.without_empty()?), 0),
                _ if count.max.unwrap_or(count.min) <= EMPTY_ROUNDS_MAX => {}
                _ => {
                    let limit = EMPTY_ROUNDS_MAX as usize;
                    return Err(ConstrainError::TooLarge { what: "rounds of a part that may be empty", limit });
                }
            }
        }
        let counts = count.min > 1 || count.max.is_some_and(|max| max > 1);
        let pop = if counts { self.op(Op::Pop(next))? } else { next };
        let again = self.op(Op::Split(Ways::NONE))?;
        let then = if count.max == Some(1) { next } else { again };
        let first = match round {
            Some(automaton) => self.leaf(&automaton, then)?,
            None => self.part(item, then)?,
        };
        if count.max == Some(1) {
            return if count.min == 0 { self.split(vec![next, first]) } else { Ok(first) };
        }
        let later = match separator {
            Some(separator) => self.part(separator, first)?,
            None => first,
        };
        if !counts {
            self.lead(again, &[next, later]);
            return if count.min == 0 { self.split(vec![next, first]) } else { Ok(first) };
        }
        let (tick_first, tick_later) = (self.op(Op::Tick(first))?, self.op(Op::Tick(later))?);
        self.lead(again, &[pop, tick_later]);
        let begin = self.split(if count.min == 0 { vec![pop, tick_first] } else { vec![tick_first] })?;
        let site = self.site(count, Rounds::Parts { first, again: later }, next)?;
        self.op(Op::Push { site, next: begin })
    }

    fn members(
        &mut self,
        named: &[Member],
        more: Option<NodeId>,
        separator: NodeId,
        count: Bounds,
        gapless: bool,
        next: Place,
    ) -> Result<Place, ConstrainError> {
        let levels = levels(named.len(), count);
        let fail = self.op(Op::Split(Ways::NONE))?;
        // Where to go on after the named members, by how many are present.
        let mut after = vec![fail; levels + 1];
        for (present, place) in after.iter_mut().enumerate() {
            *place = match (more, left(present, count)) {
                (Some(more), Some(bounds)) if present == 0 => self.repeat(more, Some(separator), bounds, next)?,
                (Some(more), Some(bounds)) => self.separated(separator, more, bounds, next)?,
                (None, Some(bounds)) if bounds.min == 0 => next,
                _ => fail,
            };
        }
        for member in named.iter().rev() {
            // The part is emitted once for each place where it goes on.
            let mut emitted: FxHashMap<Place, (Place, Option<Place>)> = FxHashMap::default();
            let mut here = vec![fail; levels + 1];
            for (present, place) in here.iter_mut().enumerate() {
                let mut ways = Vec::new();
                if !member.required {
                    let skipped = if gapless && in_bounds(present, count) { next } else { after[present] };
                    ways.push(if gapless && !in_bounds(present, count) { fail } else { skipped });
                }
                if count.max.is_none_or(|max| (present as u64) < u64::from(max)) {
                    let back = after[(present + 1).min(levels)];
                    let entry = match emitted.get(&back) {
                        Some(entry) => *entry,
                        None => {
                            let part = if levels > 1 && self.small(member.part)?.is_none() {
                                self.call(member.part, back)?
                            } else {
                                self.part(member.part, back)?
                            };
                            (part, None)
                        }
                    };
                    let (alone, separated) = match entry {
                        (alone, None) if present > 0 => (alone, Some(self.part(separator, alone)?)),
                        entry => entry,
                    };
                    emitted.insert(back, (alone, separated));
                    ways.push(if present == 0 { alone } else { separated.unwrap_or(alone) });
                }
                *place = self.split(ways)?;
            }
            after = here;
        }
        Ok(after[0])
    }

    /// More members after others: each with its separator before it.
    fn separated(
        &mut self,
        separator: NodeId,
        more: NodeId,
        count: Bounds,
        next: Place,
    ) -> Result<Place, ConstrainError> {
        if count.max == Some(0) {
            return if count.min == 0 { Ok(next) } else { self.op(Op::Split(Ways::NONE)) };
        }
        let counts = count.min > 1 || count.max.is_some();
        let again = self.op(Op::Split(Ways::NONE))?;
        let one = self.part(more, again)?;
        let begin = self.part(separator, one)?;
        if !counts {
            self.lead(again, &[next, begin]);
            return if count.min == 0 { self.split(vec![next, begin]) } else { Ok(begin) };
        }
        let (pop, tick) = (self.op(Op::Pop(next))?, self.op(Op::Tick(begin))?);
        self.lead(again, &[pop, tick]);
        let site = self.site(count, Rounds::Parts { first: begin, again: begin }, next)?;
        self.op(Op::Push { site, next: again })
    }
}
