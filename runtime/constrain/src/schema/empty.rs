//! Formulas that surely have no value, found by looking a few levels deep; others may have none either.

use super::array::{ArrayPlan, ArrayState};
use super::compiler::Compiler;
use super::formula::{Count, FormulaId, Formulas};
use super::object::{Entry, ObjectPlan, ObjectState};

/// Steps that one question may take.
const WORK_MAX: usize = 300_000;

impl Compiler<'_> {
    /// Whether the formula has no value, as far as so many levels show. What can't be enforced is not empty.
    pub(super) fn surely_empty(&mut self, id: FormulaId, depth: usize) -> bool {
        if id == Formulas::FALSE {
            return true;
        }
        if id == Formulas::TRUE || depth == 0 || self.not_empty.contains(&id) {
            return false;
        }
        if self.empty.contains(&id) {
            return true;
        }
        let outermost = self.looking.is_empty();
        if outermost {
            self.looked_from = self.formulas.work();
        }
        if self.looking.contains(&id) || self.formulas.work() > self.looked_from + WORK_MAX {
            return false;
        }
        self.looking.push(id);
        let empty = self.looks_empty(id, depth);
        self.looking.pop();
        match empty {
            Some(true) => {
                self.empty.insert(id);
            }
            Some(false) if outermost => {
                self.not_empty.insert(id);
            }
            _ => {}
        }
        empty == Some(true)
    }

    /// `None` if that is not known.
    fn looks_empty(&mut self, id: FormulaId, depth: usize) -> Option<bool> {
        let shape = self.shape(id).ok()?;
        if shape.has_scalars() {
            return Some(false);
        }
        let mut known = true;
        if let Some(plan) = &shape.array {
            known &= depth > 1;
            if self.array_has_way(plan, depth) {
                return known.then_some(false);
            }
        }
        if let Some(plan) = &shape.object {
            known &= depth > 1;
            if self.object_has_way(plan, depth) {
                return known.then_some(false);
            }
        }
        Some(true)
    }

    fn array_has_way(&mut self, plan: &ArrayPlan, depth: usize) -> bool {
        let mut seen = vec![false; plan.states.len()];
        let mut stack = vec![0];
        while let Some(index) = stack.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            match &plan.states[index] {
                ArrayState::Rest { first, more, count } => {
                    if self.elements_fit(first, *more, *count, depth) {
                        return true;
                    }
                }
                ArrayState::Fork { ends: true, .. } => return true,
                ArrayState::Fork { take, .. } => {
                    for (value, next) in take {
                        if !seen[*next] && !self.surely_empty(*value, depth - 1) {
                            stack.push(*next);
                        }
                    }
                }
            }
        }
        false
    }

    /// Whether the fewest elements can be there.
    fn elements_fit(&mut self, first: &[FormulaId], more: FormulaId, count: Count, depth: usize) -> bool {
        let least = count.min as usize;
        let placed = first.iter().take(least).all(|value| !self.surely_empty(*value, depth - 1));
        placed && (least <= first.len() || !self.surely_empty(more, depth - 1))
    }

    fn object_has_way(&mut self, plan: &ObjectPlan, depth: usize) -> bool {
        let mut seen = vec![false; plan.states.len()];
        let mut stack = vec![0];
        while let Some(index) = stack.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            match &plan.states[index] {
                ObjectState::Run { named, next } => {
                    if self.required_fit(named, depth) {
                        stack.push(*next);
                    }
                }
                ObjectState::Fork { skip, take, .. } => {
                    for (value, next) in take {
                        if !seen[*next] && !self.surely_empty(*value, depth - 1) {
                            stack.push(*next);
                        }
                    }
                    stack.extend(skip);
                }
                ObjectState::Rest { named, others, count } => {
                    let possible = count.max.is_none_or(|max| {
                        named.iter().filter(|entry| entry.required).count() <= max as usize && count.min <= max
                    });
                    if possible && self.required_fit(named, depth) {
                        let others = others.iter().any(|(_, value)| !self.surely_empty(*value, depth - 1));
                        if others || named.len() >= count.min as usize {
                            return true;
                        }
                    }
                }
                ObjectState::Others { ends: true, .. } => return true,
                ObjectState::Others { take, .. } => {
                    for (_, value, next) in take {
                        if !seen[*next] && !self.surely_empty(*value, depth - 1) {
                            stack.push(*next);
                        }
                    }
                }
            }
        }
        false
    }

    fn required_fit(&mut self, named: &[Entry], depth: usize) -> bool {
        named.iter().all(|entry| !entry.required || !self.surely_empty(entry.value, depth - 1))
    }
}
