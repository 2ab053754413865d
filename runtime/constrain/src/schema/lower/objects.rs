//! Objects: members in a line where nothing decides, else a part per state.

use super::super::error::Refusal;
use super::super::formula::{Count, FormulaId, Formulas};
use super::super::language::{LanguageId, Languages};
use super::super::object::{Entry, ObjectPlan, ObjectState};
use super::Lowering;
use super::states::Parts;
use crate::grammar::{Bounds, Layout, Member, Node, NodeId};

impl Lowering<'_, '_, '_> {
    pub(super) fn any_object(&mut self, level: u8) -> Result<NodeId, Refusal> {
        let layout = self.layout(level)?;
        let more = self.others(&[(Languages::ANY, Formulas::TRUE)], layout, level)?;
        Ok(self.grammar.object(layout, &[], more, Bounds::ANY))
    }

    pub(super) fn object(&mut self, plan: &ObjectPlan, live: &[bool], level: u8) -> Result<NodeId, Refusal> {
        let layout = self.layout(level)?;
        if let ObjectState::Rest { named, others, count } = &plan.states[0] {
            let named = self.members(named, layout, level)?;
            let more = self.others(others, layout, level)?;
            return Ok(self.grammar.object(layout, &named, more, Bounds::new(count.min, count.max)));
        }
        // Two states for each of the plan: before any member, and after some.
        let edges = |state: usize| {
            let started = state % 2;
            let mut targets = match &plan.states[state / 2] {
                ObjectState::Rest { .. } => Vec::new(),
                ObjectState::Run { named, next } if started == 0 => {
                    let mut targets = vec![2 * next + 1];
                    if !named.iter().any(|entry| entry.required) {
                        targets.push(2 * next);
                    }
                    targets
                }
                ObjectState::Run { next, .. } => vec![2 * next + 1],
                ObjectState::Fork { skip, take, .. } => {
                    let skip = skip.iter().map(|next| 2 * next + started);
                    skip.chain(take.iter().map(|(_, next)| 2 * next + 1)).collect()
                }
                ObjectState::Others { take, .. } => take.iter().map(|(_, _, next)| 2 * next + 1).collect(),
            };
            targets.retain(|target| live[target / 2]);
            targets
        };
        let part = self.assemble(2 * plan.states.len(), 0, edges, |this, parts, state| {
            this.object_state(plan, live, parts, state, layout, level)
        })?;
        let open = self.grammar.literal("{");
        Ok(self.grammar.sequence(&[open, part]))
    }

    fn object_state(
        &mut self,
        plan: &ObjectPlan,
        live: &[bool],
        parts: &Parts,
        state: usize,
        layout: Layout,
        level: u8,
    ) -> Result<NodeId, Refusal> {
        let (index, started) = (state / 2, state % 2);
        let before = if started == 1 { layout.comma } else { layout.open };
        let bracket = self.grammar.literal("}");
        let close = if started == 1 { self.grammar.sequence(&[layout.close, bracket]) } else { bracket };
        match &plan.states[index] {
            ObjectState::Rest { named, others, count } => {
                let members = self.members(named, layout, level)?;
                let more = self.others(others, layout, level)?;
                let full = [layout.close, bracket].map(|part| part);
                let full = self.grammar.sequence(&full);
                let some = self.some_members(&members, more, *count, layout);
                let some = some.map(|some| self.grammar.sequence(&[before, some, full]));
                let none = count.min == 0 && !named.iter().any(|entry| entry.required);
                let ways: Vec<NodeId> = some.into_iter().chain(none.then_some(close)).collect();
                Ok(self.grammar.choice(&ways))
            }
            ObjectState::Run { named, next } => {
                let members = self.members(named, layout, level)?;
                let some = self.some_members(&members, None, Count::least(0), layout);
                let mut ways = Vec::new();
                if let Some(some) = some {
                    let rest = self.part(parts, 2 * next + 1);
                    ways.push(self.grammar.sequence(&[before, some, rest]));
                }
                if !named.iter().any(|entry| entry.required) {
                    ways.push(self.part(parts, 2 * next + started));
                }
                Ok(self.grammar.choice(&ways))
            }
            ObjectState::Fork { name, skip, take } => {
                let mut ways = Vec::new();
                if let Some(next) = skip.filter(|next| live[*next]) {
                    ways.push(self.part(parts, 2 * next + started));
                }
                let key = self.grammar.quoted(name);
                for (value, next) in take.iter().filter(|(_, next)| live[*next]) {
                    if self.exists(*value) {
                        let member = self.keyed(key, *value, layout, level)?;
                        let rest = self.part(parts, 2 * next + 1);
                        ways.push(self.grammar.sequence(&[before, member, rest]));
                    }
                }
                Ok(self.grammar.choice(&ways))
            }
            ObjectState::Others { ends, take } => {
                let (mut ways, mut again) = (Vec::new(), Vec::new());
                if *ends {
                    ways.push(close);
                }
                for (keys, value, next) in take.iter().filter(|(_, _, next)| live[*next]) {
                    if !self.exists(*value) {
                        continue;
                    }
                    let key = self.leaf(*keys, Count::least(0), true);
                    let member = self.keyed(key, *value, layout, level)?;
                    let member = self.grammar.sequence(&[before, member]);
                    if started == 1 && *next == index {
                        again.push(member);
                    } else {
                        let rest = self.part(parts, 2 * next + 1);
                        ways.push(self.grammar.sequence(&[member, rest]));
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
        }
    }

    /// At least one member; `None` if there can be none.
    fn some_members(&mut self, named: &[Member], more: Option<NodeId>, count: Count, layout: Layout) -> Option<NodeId> {
        if count.max == Some(0) || (named.is_empty() && more.is_none()) {
            return None;
        }
        let count = Bounds::new(count.min.max(1), count.max);
        Some(self.grammar.add(Node::Members {
            named: named.into(),
            more,
            separator: layout.comma,
            count,
            gapless: false,
        }))
    }

    fn keyed(&mut self, key: NodeId, value: FormulaId, layout: Layout, level: u8) -> Result<NodeId, Refusal> {
        let deeper = self.deeper(level);
        let value = self.value(value, deeper)?;
        Ok(self.grammar.sequence(&[key, layout.colon, value]))
    }

    /// Named members that can be there.
    fn members(&mut self, named: &[Entry], layout: Layout, level: u8) -> Result<Vec<Member>, Refusal> {
        let mut members = Vec::new();
        for entry in named.iter().filter(|entry| self.exists(entry.value)).cloned().collect::<Vec<_>>() {
            let key = self.grammar.quoted(&entry.name);
            let part = self.keyed(key, entry.value, layout, level)?;
            members.push(Member { part, required: entry.required });
        }
        Ok(members)
    }

    /// A member with any of the other keys.
    fn others(
        &mut self,
        others: &[(LanguageId, FormulaId)],
        layout: Layout,
        level: u8,
    ) -> Result<Option<NodeId>, Refusal> {
        let mut ways = Vec::new();
        for (keys, value) in others {
            if self.exists(*value) {
                let key = self.leaf(*keys, Count::least(0), true);
                ways.push(self.keyed(key, *value, layout, level)?);
            }
        }
        Ok((!ways.is_empty()).then(|| self.grammar.choice(&ways)))
    }
}
