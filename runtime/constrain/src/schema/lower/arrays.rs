//! Arrays: a list where nothing decides, else a part per state.

use super::super::array::{ArrayPlan, ArrayState};
use super::super::error::Refusal;
use super::super::formula::{Count, FormulaId, Formulas};
use super::Lowering;
use super::states::Parts;
use crate::grammar::{Bounds, Layout, NodeId};

impl Lowering<'_, '_, '_> {
    pub(super) fn any_array(&mut self, level: u8) -> Result<NodeId, Refusal> {
        let layout = self.layout(level)?;
        let deeper = self.deeper(level);
        let element = self.value(Formulas::TRUE, deeper)?;
        Ok(self.grammar.array(layout, &[], Some(element), Bounds::ANY))
    }

    pub(super) fn array(&mut self, plan: &ArrayPlan, live: &[bool], level: u8) -> Result<NodeId, Refusal> {
        let layout = self.layout(level)?;
        if let ArrayState::Rest { first, more, count } = &plan.states[0] {
            let (first, more, count) = self.elements(first, *more, *count, level)?;
            return Ok(self.grammar.array(layout, &first, more, count));
        }
        // Two states for each of the plan: before any element, and after some.
        let edges = |state: usize| match &plan.states[state / 2] {
            ArrayState::Rest { .. } => Vec::new(),
            ArrayState::Fork { take, .. } => {
                take.iter().filter(|(_, next)| live[*next]).map(|(_, next)| 2 * next + 1).collect()
            }
        };
        let part = self.assemble(2 * plan.states.len(), 0, edges, |this, parts, state| {
            this.array_state(plan, live, parts, state, layout, level)
        })?;
        let open = self.grammar.literal("[");
        Ok(self.grammar.sequence(&[open, part]))
    }

    fn array_state(
        &mut self,
        plan: &ArrayPlan,
        live: &[bool],
        parts: &Parts,
        state: usize,
        layout: Layout,
        level: u8,
    ) -> Result<NodeId, Refusal> {
        let (index, started) = (state / 2, state % 2 == 1);
        let bracket = self.grammar.literal("]");
        let close = if started { self.grammar.sequence(&[layout.close, bracket]) } else { bracket };
        let (ends, take) = match &plan.states[index] {
            ArrayState::Rest { first, more, count } => {
                let (first, more, count) = self.elements(first, *more, *count, level)?;
                let tail = self.more_elements(layout, &first, more, count);
                return Ok(self.grammar.sequence(&[tail, close]));
            }
            ArrayState::Fork { ends, take } => (*ends, take),
        };
        let before = if started { layout.comma } else { layout.open };
        let (mut ways, mut again) = (Vec::new(), Vec::new());
        if ends {
            ways.push(close);
        }
        let deeper = self.deeper(level);
        for (value, next) in take {
            if !live[*next] || !self.exists(*value) {
                continue;
            }
            let element = self.value(*value, deeper)?;
            let element = self.grammar.sequence(&[before, element]);
            if started && *next == index {
                again.push(element);
            } else {
                let rest = self.part(parts, 2 * next + 1);
                ways.push(self.grammar.sequence(&[element, rest]));
            }
        }
        let way = self.grammar.choice(&ways);
        if again.is_empty() {
            return Ok(way);
        }
        let again = self.grammar.choice(&again);
        let repeated = self.grammar.repeat(again, None, Bounds::ANY);
        Ok(self.grammar.sequence(&[repeated, way]))
    }

    /// The parts of elements; where one has no value, the array ends before it.
    fn elements(
        &mut self,
        first: &[FormulaId],
        more: FormulaId,
        count: Count,
        level: u8,
    ) -> Result<(Vec<NodeId>, Option<NodeId>, Bounds), Refusal> {
        let deeper = self.deeper(level);
        let mut parts = Vec::new();
        for value in first {
            if !self.exists(*value) {
                return Ok((parts, None, Bounds::new(count.min, count.max)));
            }
            parts.push(self.value(*value, deeper)?);
        }
        let more = if self.exists(more) { Some(self.value(more, deeper)?) } else { None };
        Ok((parts, more, Bounds::new(count.min, count.max)))
    }

    /// Elements after others, each with its comma.
    fn more_elements(&mut self, layout: Layout, first: &[NodeId], more: Option<NodeId>, count: Bounds) -> NodeId {
        let most = count.max.map_or(usize::MAX, |max| max as usize);
        let placed = first.len().min(most);
        let taken = u32::try_from(placed).unwrap_or(u32::MAX);
        let mut tail = match more {
            Some(more) if placed == first.len() => {
                let next = self.grammar.sequence(&[layout.comma, more]);
                let left = Bounds::new(count.min.saturating_sub(taken), count.max.map(|max| max - taken));
                self.grammar.repeat(next, None, left)
            }
            _ => self.grammar.sequence(&[]),
        };
        for (index, part) in first[..placed].iter().enumerate().rev() {
            tail = self.grammar.sequence(&[layout.comma, *part, tail]);
            if index >= count.min as usize {
                tail = self.grammar.optional(tail);
            }
        }
        tail
    }
}
