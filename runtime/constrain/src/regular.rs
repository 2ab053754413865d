//! Parts of a grammar that are regular and small, as automata.

use crate::automaton::Automaton;
use crate::determinize::determinize_within;
use crate::error::ConstrainError;
use crate::grammar::{Bounds, Grammar, Node, NodeId};
use crate::nfa::{Fragment, Nfa};
use crate::text;

/// States that a part can't have if it is to be expanded.
pub(crate) const TOO_MANY: u64 = u64::MAX;

/// Rules that call rules before the sizes settle; beyond it a part counts as large.
const ROUNDS_MAX: usize = 64;

/// How many states each part would have, written out; [`TOO_MANY`] for those that call themselves.
pub(crate) struct Sizes {
    of_node: Vec<u64>,
    /// Whether the empty text belongs to it.
    empty: Vec<bool>,
}

impl Sizes {
    /// Of all parts. Parts come after those that they are made of, rules aside.
    pub(crate) fn of(grammar: &Grammar) -> Self {
        let count = grammar.nodes.len();
        let mut sizes = Self { of_node: vec![TOO_MANY; count], empty: vec![false; count] };
        // Rules that call others settle one after the other; those that call themselves never do.
        for _ in 0..ROUNDS_MAX {
            let mut changed = false;
            for (index, node) in grammar.nodes.iter().enumerate() {
                let size = sizes.size(grammar, node);
                changed |= std::mem::replace(&mut sizes.of_node[index], size) != size;
                let empty = sizes.is_empty_text(grammar, node);
                changed |= std::mem::replace(&mut sizes.empty[index], empty) != empty;
            }
            if !changed || grammar.rules.is_empty() {
                break;
            }
        }
        sizes
    }

    pub(crate) fn get(&self, node: NodeId) -> u64 {
        self.of_node[node.0 as usize]
    }

    pub(crate) fn may_be_empty(&self, node: NodeId) -> bool {
        self.empty[node.0 as usize]
    }

    fn is_empty_text(&self, grammar: &Grammar, node: &Node) -> bool {
        let is = |id: &NodeId| self.may_be_empty(*id);
        match node {
            Node::Literal(bytes) => bytes.is_empty(),
            Node::Leaf(automaton) => automaton.accepts(b""),
            Node::Text { text, chars, quoted } => !quoted && chars.min == 0 && text.accepts(b""),
            Node::Sequence(parts) => parts.iter().all(is),
            Node::Choice(parts) => parts.iter().any(is),
            Node::Repeat { item, .. } if is(item) => true,
            Node::Repeat { count, .. } => count.min == 0,
            // Parts of members that may be empty are not met in practice; the count then is followed round by round.
            Node::Members { named, count, .. } => {
                count.min == 0 && !named.iter().any(|member| member.required && !is(&member.part))
            }
            Node::Call(rule) => grammar.rules[rule.0 as usize].body.is_some_and(|body| is(&body)),
        }
    }

    fn size(&self, grammar: &Grammar, node: &Node) -> u64 {
        let get = |id: &NodeId| self.get(*id);
        let sum = |ids: &[NodeId]| ids.iter().map(get).fold(1u64, u64::saturating_add);
        match node {
            Node::Literal(bytes) => bytes.len() as u64 + 1,
            Node::Leaf(automaton) => automaton.state_count() as u64,
            Node::Text { text, chars, .. } => {
                let copies = u64::from(chars.max.unwrap_or(chars.min));
                (text.state_count() as u64).saturating_mul(copies.saturating_add(1)).saturating_mul(2)
            }
            Node::Sequence(parts) | Node::Choice(parts) => sum(parts),
            Node::Repeat { item, separator, count } => {
                let one = get(item).saturating_add(separator.map_or(0, |separator| get(&separator)));
                one.saturating_mul(u64::from(count.max.unwrap_or(count.min).max(1)))
            }
            Node::Members { named, more, separator, count, .. } => {
                let parts = named.iter().map(|member| get(&member.part)).fold(0u64, u64::saturating_add);
                let between = get(separator).saturating_mul(named.len() as u64 + 1);
                let levels = levels(named.len(), *count) as u64;
                let rest =
                    more.map_or(0, |more| get(&more).saturating_mul(u64::from(count.max.unwrap_or(count.min).max(1))));
                parts.saturating_add(between).saturating_mul(levels).saturating_add(rest.saturating_mul(levels))
            }
            Node::Call(rule) => grammar.rules[rule.0 as usize].body.map_or(1, |body| get(&body)),
        }
    }
}

/// The automaton of a part, if it has at most `states_max` states written out, and as many when made deterministic.
pub(crate) fn automaton(
    grammar: &Grammar,
    sizes: &Sizes,
    node: NodeId,
    states_max: usize,
) -> Result<Option<Automaton>, ConstrainError> {
    if let Node::Leaf(automaton) = grammar.node(node) {
        return Ok(Some(automaton.clone()));
    }
    if sizes.get(node) > states_max as u64 {
        return Ok(None);
    }
    let mut assembly = Assembly { grammar, nfa: Nfa::default() };
    let built = assembly.part(node).and_then(|whole| {
        let end = assembly.nfa.state()?;
        assembly.nfa.skip(whole.end, end);
        determinize_within(&assembly.nfa, Fragment { start: whole.start, end }, states_max)
    });
    match built {
        Ok(automaton) => Ok(Some(automaton)),
        Err(ConstrainError::TooLarge { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

struct Assembly<'a> {
    grammar: &'a Grammar,
    nfa: Nfa,
}

impl Assembly<'_> {
    fn part(&mut self, node: NodeId) -> Result<Fragment, ConstrainError> {
        let grammar = self.grammar;
        match grammar.node(node) {
            Node::Literal(bytes) => self.nfa.literal(bytes),
            Node::Leaf(automaton) => self.nfa.embed(automaton, false),
            Node::Text { text, chars, quoted } => {
                let counted = text::counted(text, *chars)?;
                let inner = self.nfa.embed(&counted, *quoted)?;
                if !quoted {
                    return Ok(inner);
                }
                let (open, close) = (self.nfa.literal(b"\"")?, self.nfa.literal(b"\"")?);
                self.nfa.sequence(&[open, inner, close])
            }
            Node::Sequence(parts) => {
                let parts = parts.iter().map(|part| self.part(*part)).collect::<Result<Vec<_>, _>>()?;
                self.nfa.sequence(&parts)
            }
            Node::Choice(parts) => {
                let parts = parts.iter().map(|part| self.part(*part)).collect::<Result<Vec<_>, _>>()?;
                self.nfa.choice(&parts)
            }
            Node::Repeat { item, separator, count } => {
                let (from, to) = (self.nfa.state()?, self.nfa.state()?);
                self.rounds(from, to, *item, *separator, *count)?;
                Ok(Fragment { start: from, end: to })
            }
            Node::Members { named, more, separator, count, gapless } => {
                self.members(named, *more, *separator, *count, *gapless)
            }
            Node::Call(rule) => match grammar.rules[rule.0 as usize].body {
                Some(body) => self.part(body),
                None => self.nfa.choice(&[]),
            },
        }
    }

    /// Rounds of a part between two states. The separator stands before each round but the first.
    fn rounds(
        &mut self,
        from: u32,
        to: u32,
        item: NodeId,
        separator: Option<NodeId>,
        count: Bounds,
    ) -> Result<(), ConstrainError> {
        if count.max.is_some_and(|max| max < count.min) {
            return Ok(());
        }
        if count.min == 0 {
            self.nfa.skip(from, to);
        }
        let rounds = count.max.unwrap_or(count.min.max(1));
        let mut at = from;
        for round in 1..=rounds {
            if round > 1
                && let Some(separator) = separator
            {
                let between = self.part(separator)?;
                self.nfa.skip(at, between.start);
                at = between.end;
            }
            let one = self.part(item)?;
            self.nfa.skip(at, one.start);
            at = one.end;
            if round >= count.min {
                self.nfa.skip(at, to);
            }
            if round == rounds && count.max.is_none() {
                match separator {
                    Some(separator) => {
                        let between = self.part(separator)?;
                        self.nfa.skip(at, between.start);
                        self.nfa.skip(between.end, one.start);
                    }
                    None => self.nfa.skip(at, one.start),
                }
            }
        }
        Ok(())
    }

    /// States are (members passed, members present, up to where the count stops to matter).
    fn members(
        &mut self,
        named: &[crate::grammar::Member],
        more: Option<NodeId>,
        separator: NodeId,
        count: Bounds,
        gapless: bool,
    ) -> Result<Fragment, ConstrainError> {
        let count = effective(named, more.is_some(), count);
        let levels = levels(named.len(), count);
        let (start, end) = (self.nfa.state()?, self.nfa.state()?);
        let mut here: Vec<Option<u32>> = vec![None; levels + 1];
        here[0] = Some(start);
        for member in named {
            let mut next: Vec<Option<u32>> = vec![None; levels + 1];
            for (present, at) in here.iter().enumerate() {
                let Some(at) = *at else { continue };
                if !member.required {
                    if gapless {
                        if in_bounds(present, count) {
                            self.nfa.skip(at, end);
                        }
                    } else {
                        let to = self.state_at(&mut next, present)?;
                        self.nfa.skip(at, to);
                    }
                }
                if count.max.is_some_and(|max| present as u64 >= u64::from(max)) {
                    continue;
                }
                let to = self.state_at(&mut next, (present + 1).min(levels))?;
                let mut from = at;
                if present > 0 {
                    let between = self.part(separator)?;
                    self.nfa.skip(from, between.start);
                    from = between.end;
                }
                let one = self.part(member.part)?;
                self.nfa.skip(from, one.start);
                self.nfa.skip(one.end, to);
            }
            here = next;
        }
        for (present, at) in here.into_iter().enumerate() {
            let Some(at) = at else { continue };
            let left = left(present, count);
            match (more, left) {
                (Some(more), Some(left)) if present == 0 => self.rounds(at, end, more, Some(separator), left)?,
                (Some(more), Some(left)) => {
                    let mut at = at;
                    let rounds = left.max.unwrap_or(left.min.max(1));
                    if left.min == 0 {
                        self.nfa.skip(at, end);
                    }
                    for round in 1..=rounds {
                        let (between, one) = (self.part(separator)?, self.part(more)?);
                        self.nfa.skip(at, between.start);
                        self.nfa.skip(between.end, one.start);
                        at = one.end;
                        if round >= left.min {
                            self.nfa.skip(at, end);
                        }
                        if round == rounds && left.max.is_none() {
                            self.nfa.skip(at, between.start);
                        }
                    }
                }
                (None, Some(left)) if left.min == 0 => self.nfa.skip(at, end),
                _ => {}
            }
        }
        Ok(Fragment { start, end })
    }

    fn state_at(&mut self, states: &mut [Option<u32>], at: usize) -> Result<u32, ConstrainError> {
        match states[at] {
            Some(state) => Ok(state),
            None => {
                let state = self.nfa.state()?;
                states[at] = Some(state);
                Ok(state)
            }
        }
    }
}

/// Bounds without those that hold anyway.
pub(crate) fn effective(named: &[crate::grammar::Member], has_more: bool, count: Bounds) -> Bounds {
    let required = named.iter().filter(|member| member.required).count();
    let min = if count.min as usize <= required { 0 } else { count.min };
    let max = count.max.filter(|max| has_more || (*max as usize) < named.len());
    // A bound that can't be met stays, whatever the other.
    if count.max.is_some_and(|max| max < count.min) { count } else { Bounds::new(min, max) }
}

/// From which number of present members on their count does not matter: whether any is present always does.
pub(crate) fn levels(named: usize, count: Bounds) -> usize {
    let most = count.max.map_or(count.min as usize, |max| (max as usize).max(count.min as usize).min(named));
    most.clamp(1, named.max(1))
}

/// Whether the members that are present are enough and not too many, no more coming.
pub(crate) fn in_bounds(present: usize, count: Bounds) -> bool {
    left(present, count).is_some_and(|left| left.min == 0)
}

/// How many more members may come after so many named ones; `None` if there are too many already.
///
/// A number at the last level stands for all from there on, but only if there is no most.
pub(crate) fn left(present: usize, count: Bounds) -> Option<Bounds> {
    let present = u32::try_from(present).unwrap_or(u32::MAX);
    let max = match count.max {
        Some(max) => Some(max.checked_sub(present)?),
        None => None,
    };
    Some(Bounds::new(count.min.saturating_sub(present), max))
}
