//! Arrays as plans: elements by place, then more of one kind. A plan forks only where what an element is decides what others
//! may be: `contains`, `uniqueItems` over few values, alternatives.

use super::compiler::Compiler;
use super::error::Refusal;
use super::formula::{Atom, Count, Formula, FormulaId, Formulas};
use super::step::Way;
use crate::error::ConstrainError;
use rustc_hash::FxHashMap;

/// What may come from some place of an array on.
#[derive(Clone, Debug)]
pub(super) enum ArrayState {
    /// All that is left: elements by place, then more; so many in all.
    Rest { first: Vec<FormulaId>, more: FormulaId, count: Count },
    /// Whether it may end, and one element of each kind with the state after it.
    Fork { ends: bool, take: Vec<(FormulaId, usize)> },
}

/// The states of an array; the first is the start.
#[derive(Clone, Debug)]
pub(super) struct ArrayPlan {
    pub(super) states: Vec<ArrayState>,
}

/// States of one array.
const STATES_MAX: usize = 3_000;
/// Different values that elements may have where no two may be equal.
const UNIQUE_VALUES_MAX: usize = 10;
/// Places that may differ.
const PLACES_MAX: usize = 10_000;

impl Compiler<'_> {
    /// The plan of a formula about arrays.
    pub(super) fn array_plan(&mut self, demand: FormulaId) -> Result<ArrayPlan, Refusal> {
        let mut states: Vec<Option<ArrayState>> = vec![None];
        let mut known: FxHashMap<FormulaId, usize> = FxHashMap::from_iter([(demand, 0)]);
        let mut queue = vec![(0, demand)];
        while let Some((index, demand)) = queue.pop() {
            let demand = self.without_idle_unique(demand);
            if let Some(rest) = self.elements_in_line(demand)? {
                states[index] = Some(rest);
                continue;
            }
            let ends = self.array_may_end(demand);
            let mut take = Vec::new();
            for way in self.element_ways(demand)? {
                if self.surely_empty(way.value, 1) {
                    continue;
                }
                let next = *known.entry(way.rest).or_insert_with(|| {
                    states.push(None);
                    queue.push((states.len() - 1, way.rest));
                    states.len() - 1
                });
                take.push((way.value, next));
            }
            states[index] = Some(ArrayState::Fork { ends, take });
            if states.len() > STATES_MAX {
                return Err(ConstrainError::TooLarge { what: "states of an array", limit: STATES_MAX }.into());
            }
        }
        Ok(ArrayPlan { states: states.into_iter().flatten().collect() })
    }

    /// Of no two elements one may be equal to the other where there is at most one.
    fn without_idle_unique(&mut self, demand: FormulaId) -> FormulaId {
        let Formula::And(parts) = self.formulas.get(demand).clone() else { return demand };
        let at_most_one = |part: &FormulaId| match self.formulas.get(*part) {
            Formula::Is(Atom::Elements(count)) => count.max.is_some_and(|max| max <= 1),
            _ => false,
        };
        if !parts.iter().any(at_most_one) {
            return demand;
        }
        let fresh =
            |part: &FormulaId| matches!(self.formulas.get(*part), Formula::Is(Atom::Unique(seen)) if seen.is_empty());
        let kept = parts.iter().filter(|part| !fresh(part)).copied().collect();
        self.formulas.and(kept)
    }

    /// All that is left, if nothing decides.
    fn elements_in_line(&mut self, demand: FormulaId) -> Result<Option<ArrayState>, Refusal> {
        let parts = match self.formulas.get(demand) {
            Formula::And(parts) => parts.to_vec(),
            _ => vec![demand],
        };
        self.spend(parts.len())?;
        let (mut count, mut items, mut places) = (Count::least(0), Vec::new(), 0);
        for part in parts {
            match self.formulas.get(part).clone() {
                Formula::True => {}
                Formula::Is(Atom::Elements(more)) => count = count.both(more),
                Formula::Is(Atom::Items(from, to, value)) => {
                    places = places.max(to.unwrap_or(from));
                    items.push((from, to, value));
                }
                _ => return Ok(None),
            }
        }
        if count.is_empty() {
            return Ok(Some(ArrayState::Fork { ends: false, take: Vec::new() }));
        }
        places = places.min(count.max.unwrap_or(u32::MAX));
        if places as usize > PLACES_MAX {
            return Err(ConstrainError::TooLarge { what: "places of an array", limit: PLACES_MAX }.into());
        }
        items.sort_by_key(|(from, ..)| *from);
        let mut first = Vec::new();
        let at = |this: &mut Self, place: u32| {
            let here = items.iter().filter(|(from, to, _)| *from <= place && to.is_none_or(|to| place < to));
            let here = here.map(|(_, _, value)| *value).collect();
            this.formulas.and(here)
        };
        for place in 0..places {
            self.spend(items.len() / 8 + 1)?;
            let value = at(self, place);
            first.push(value);
        }
        let more = at(self, places);
        Ok(Some(ArrayState::Rest { first, more, count }))
    }

    /// The ways to go on with one element.
    fn element_ways(&mut self, demand: FormulaId) -> Result<Vec<Way>, Refusal> {
        self.spend(1)?;
        Ok(match self.formulas.get(demand).clone() {
            Formula::False => Vec::new(),
            Formula::And(parts) => {
                let (unique, others): (Vec<_>, Vec<_>) = parts
                    .iter()
                    .copied()
                    .partition(|part| matches!(self.formulas.get(*part), Formula::Is(Atom::Unique(_))));
                let ways = others.iter().map(|part| self.element_ways(*part)).collect::<Result<_, _>>()?;
                let mut ways = self.all_ways(ways)?;
                for part in unique {
                    ways = self.unequal(part, &ways)?;
                }
                ways
            }
            Formula::Or(parts) => {
                let ways = parts.iter().map(|part| self.element_ways(*part)).collect::<Result<_, _>>()?;
                self.any_ways(ways)?
            }
            Formula::Is(Atom::Items(0, to, value)) => {
                vec![Way { value, rest: self.formulas.is(Atom::Items(0, to.map(|to| to - 1), value)) }]
            }
            Formula::Is(Atom::Items(from, to, value)) => {
                vec![Way::past(self.formulas.is(Atom::Items(from - 1, to.map(|to| to - 1), value)))]
            }
            Formula::Not(Atom::Items(0, to, value)) => {
                let found = Way { value: self.formulas.not(value), rest: Formulas::TRUE };
                let later = self.formulas.is(Atom::Items(0, to.map(|to| to - 1), value));
                vec![found, Way { value, rest: self.formulas.not(later) }]
            }
            Formula::Not(Atom::Items(from, to, value)) => {
                let later = self.formulas.is(Atom::Items(from - 1, to.map(|to| to - 1), value));
                vec![Way::past(self.formulas.not(later))]
            }
            Formula::Is(Atom::Elements(count)) => match count.after_one() {
                Some(count) => vec![Way::past(self.formulas.is(Atom::Elements(count)))],
                None => Vec::new(),
            },
            Formula::Is(Atom::Contains(value, count)) => self.containing(demand, value, count),
            Formula::Is(Atom::Unique(_)) => self.unequal(demand, &[Way::past(Formulas::TRUE)])?,
            Formula::Not(Atom::Unique(_)) => {
                return Err(self.array_refusal(demand, "that two elements are equal can't be enforced"));
            }
            _ => vec![Way::past(demand)],
        })
    }

    /// An element that counts, or one that does not.
    fn containing(&mut self, demand: FormulaId, value: FormulaId, count: Count) -> Vec<Way> {
        let counted = count.after_one().map(|count| self.formulas.is(Atom::Contains(value, count)));
        let counted = counted.map(|rest| Way { value, rest });
        // Without a most, an element that fits may as well not be counted: that spares its negation.
        let others = if count.max.is_some() || self.is_flat(value) { self.formulas.not(value) } else { Formulas::TRUE };
        counted.into_iter().chain([Way { value: others, rest: demand }]).collect()
    }

    /// The ways without elements that came before, each value on its own.
    fn unequal(&mut self, demand: FormulaId, ways: &[Way]) -> Result<Vec<Way>, Refusal> {
        let Formula::Is(Atom::Unique(seen)) = self.formulas.get(demand).clone() else { return Ok(ways.to_vec()) };
        let mut all = Vec::new();
        for way in ways {
            let Some(values) = self.listed(way.value, UNIQUE_VALUES_MAX)? else {
                let message =
                    format!("that elements differ can be enforced for at most {UNIQUE_VALUES_MAX} scalar values");
                return Err(self.array_refusal(demand, &message));
            };
            for (text, value) in values.into_iter().filter(|(text, _)| !seen.contains(text)) {
                self.spend(1)?;
                let mut seen = seen.to_vec();
                seen.push(text);
                seen.sort_unstable();
                let unique = self.formulas.is(Atom::Unique(seen.into()));
                all.push(Way { value, rest: self.formulas.both(way.rest, unique) });
            }
        }
        Ok(all)
    }

    fn array_refusal(&mut self, demand: FormulaId, message: &str) -> Refusal {
        // What is left after some elements was said where the whole was said.
        let fresh = self.formulas.is(Atom::Unique(Box::new([])));
        let origin = self.origins.get(&demand).or_else(|| self.origins.get(&fresh));
        let (pointer, keyword) = origin.cloned().unwrap_or(("".into(), "uniqueItems"));
        Refusal::unsupported(&pointer, keyword, message)
    }

    fn array_may_end(&self, demand: FormulaId) -> bool {
        match self.formulas.get(demand) {
            Formula::And(parts) => parts.iter().all(|part| self.array_may_end(*part)),
            Formula::Or(parts) => parts.iter().any(|part| self.array_may_end(*part)),
            Formula::Is(Atom::Elements(count) | Atom::Contains(_, count)) => count.min == 0,
            Formula::Not(_) | Formula::False => false,
            _ => true,
        }
    }
}
