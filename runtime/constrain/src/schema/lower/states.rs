//! States to parts of a grammar, from the last to the first; a state that several others lead to is a rule.

use super::super::error::Refusal;
use super::Lowering;
use crate::grammar::{NodeId, RuleId};

/// What states have become so far.
pub(super) struct Parts {
    made: Vec<Option<NodeId>>,
    rules: Vec<Option<RuleId>>,
}

impl Lowering<'_, '_, '_> {
    /// The part of a state that was made.
    pub(super) fn part(&mut self, parts: &Parts, state: usize) -> NodeId {
        match (parts.rules[state], parts.made[state]) {
            (Some(rule), _) => self.grammar.call(rule),
            (None, Some(part)) => part,
            (None, None) => unreachable!("states are made after those that they lead to"),
        }
    }

    /// Makes all states from the first on, and gives the first one's part.
    pub(super) fn assemble(
        &mut self,
        count: usize,
        first: usize,
        edges: impl Fn(usize) -> Vec<usize>,
        mut make: impl FnMut(&mut Self, &Parts, usize) -> Result<NodeId, Refusal>,
    ) -> Result<NodeId, Refusal> {
        let (order, entering) = walk(count, first, &edges);
        let mut parts = Parts { made: vec![None; count], rules: vec![None; count] };
        for state in &order {
            if entering[*state] > 1 {
                parts.rules[*state] = Some(self.grammar.declare("rest"));
            }
        }
        for state in order {
            let made = make(self, &parts, state)?;
            if let Some(rule) = parts.rules[state] {
                self.grammar.define(rule, made);
            }
            parts.made[state] = Some(made);
        }
        Ok(self.part(&parts, first))
    }
}

/// The states that are reached, each after those it leads to, and how many edges of others lead to each.
fn walk(count: usize, first: usize, edges: &impl Fn(usize) -> Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let mut entering = vec![0; count];
    let mut seen = vec![false; count];
    let mut order = Vec::new();
    let mut stack = vec![(first, edges(first), 0)];
    seen[first] = true;
    while let Some((state, targets, at)) = stack.last_mut() {
        let Some(target) = targets.get(*at).copied() else {
            order.push(*state);
            stack.pop();
            continue;
        };
        *at += 1;
        if target != *state {
            entering[target] += 1;
        }
        if !std::mem::replace(&mut seen[target], true) {
            stack.push((target, edges(target), 0));
        }
    }
    (order, entering)
}
