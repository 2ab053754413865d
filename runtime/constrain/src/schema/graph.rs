//! All formulas that values of a schema may have to fit, and which of them any value fits.

use super::array::{ArrayPlan, ArrayState};
use super::compiler::Compiler;
use super::error::Refusal;
use super::formula::{FormulaId, Formulas};
use super::object::{ObjectPlan, ObjectState};
use super::shape::Shape;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// The shapes of a schema, from its root on.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) root: FormulaId,
    pub(super) shapes: FxHashMap<FormulaId, Rc<Shape>>,
    /// In the order in which they were met.
    pub(super) order: Vec<FormulaId>,
    /// Formulas that some value fits.
    pub(super) some: FxHashSet<FormulaId>,
}

impl Graph {
    pub(super) fn of(compiler: &mut Compiler<'_>, root: FormulaId) -> Result<Self, Refusal> {
        let mut graph = Self { root, shapes: FxHashMap::default(), order: Vec::new(), some: FxHashSet::default() };
        // Everything may stand below what a plan leaves open.
        let mut queue = vec![Formulas::TRUE, root];
        while let Some(id) = queue.pop() {
            if graph.shapes.contains_key(&id) {
                continue;
            }
            let shape = compiler.shape_or_problem(id)?;
            let mut below = values(&shape);
            below.reverse();
            queue.extend(below.into_iter().filter(|value| !graph.shapes.contains_key(value)));
            graph.shapes.insert(id, shape);
            graph.order.push(id);
        }
        graph.find_some();
        Ok(graph)
    }

    /// Formulas with a value: first those with scalars, then those whose parts have values.
    fn find_some(&mut self) {
        self.some.insert(Formulas::TRUE);
        loop {
            let before = self.some.len();
            for id in self.order.iter().rev() {
                if !self.some.contains(id) && self.has_value(&self.shapes[id]) {
                    self.some.insert(*id);
                }
            }
            if self.some.len() == before {
                break;
            }
        }
    }

    fn has_value(&self, shape: &Shape) -> bool {
        shape.has_scalars()
            || shape.array.as_ref().is_some_and(|plan| self.live_elements(plan)[0])
            || shape.object.as_ref().is_some_and(|plan| self.live_members(plan)[0])
    }

    /// The states of an array from which an end can be reached.
    pub(super) fn live_elements(&self, plan: &ArrayPlan) -> Vec<bool> {
        backward(plan.states.len(), |index, live| match &plan.states[index] {
            ArrayState::Rest { first, more, count } => {
                let least = count.min as usize;
                first.iter().take(least).all(|value| self.some.contains(value))
                    && (least <= first.len() || self.some.contains(more))
            }
            ArrayState::Fork { ends, take } => {
                *ends || take.iter().any(|(value, next)| live[*next] && self.some.contains(value))
            }
        })
    }

    /// The states of an object from which an end can be reached.
    pub(super) fn live_members(&self, plan: &ObjectPlan) -> Vec<bool> {
        let fit = |named: &[super::object::Entry]| {
            named.iter().all(|entry| !entry.required || self.some.contains(&entry.value))
        };
        backward(plan.states.len(), |index, live| match &plan.states[index] {
            ObjectState::Run { named, next } => live[*next] && fit(named),
            ObjectState::Fork { skip, take, .. } => {
                skip.is_some_and(|next| live[next])
                    || take.iter().any(|(value, next)| live[*next] && self.some.contains(value))
            }
            ObjectState::Rest { named, others, count } => {
                let required = named.iter().filter(|entry| entry.required).count();
                let possible = named.iter().filter(|entry| self.some.contains(&entry.value)).count();
                let open = others.iter().any(|(_, value)| self.some.contains(value));
                fit(named)
                    && count.max.is_none_or(|max| required <= max as usize && count.min <= max)
                    && (open || possible >= count.min as usize)
            }
            ObjectState::Others { ends, take } => {
                *ends || take.iter().any(|(_, value, next)| live[*next] && self.some.contains(value))
            }
        })
    }
}

/// The least set of states that a rule makes live, given those that are.
fn backward(count: usize, rule: impl Fn(usize, &[bool]) -> bool) -> Vec<bool> {
    let mut live = vec![false; count];
    loop {
        let mut changed = false;
        for index in (0..count).rev() {
            if !live[index] && rule(index, &live) {
                live[index] = true;
                changed = true;
            }
        }
        if !changed {
            return live;
        }
    }
}

/// The formulas of the parts of a shape.
fn values(shape: &Shape) -> Vec<FormulaId> {
    let mut values = Vec::new();
    for state in shape.object.iter().flat_map(|plan| &plan.states) {
        match state {
            ObjectState::Run { named, .. } => values.extend(named.iter().map(|entry| entry.value)),
            ObjectState::Fork { take, .. } => values.extend(take.iter().map(|(value, _)| *value)),
            ObjectState::Rest { named, others, .. } => {
                values.extend(named.iter().map(|entry| entry.value));
                values.extend(others.iter().map(|(_, value)| *value));
            }
            ObjectState::Others { take, .. } => values.extend(take.iter().map(|(_, value, _)| *value)),
        }
    }
    for state in shape.array.iter().flat_map(|plan| &plan.states) {
        match state {
            ArrayState::Rest { first, more, .. } => values.extend(first.iter().chain([more]).copied()),
            ArrayState::Fork { take, .. } => values.extend(take.iter().map(|(value, _)| *value)),
        }
    }
    values.retain(|value| *value != Formulas::FALSE);
    values
}
