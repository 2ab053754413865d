//! Ways a formula may go on after one member or element: what the value under it must fit, and what is left to demand.

use super::compiler::Compiler;
use super::error::Refusal;
use super::formula::{Atom, Formula, FormulaId, Formulas};
use crate::error::ConstrainError;

/// What a member or element must fit, and what the others then must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) value: FormulaId,
    pub(super) rest: FormulaId,
}

impl Way {
    /// Whatever the value, the rest is as before.
    pub(super) fn past(rest: FormulaId) -> Self {
        Self { value: Formulas::TRUE, rest }
    }
}

/// Ways that one step may have.
const WAYS_MAX: usize = 2_000;
/// Up to so many ways are made to exclude one another.
const EXCLUSIVE_WAYS_MAX: usize = 24;

impl Compiler<'_> {
    /// Ways of a conjunction: those of all its parts at once.
    pub(super) fn all_ways(&mut self, parts: Vec<Vec<Way>>) -> Result<Vec<Way>, Refusal> {
        let mut whole = vec![Way::past(Formulas::TRUE)];
        // Parts that the step does not touch are put together once.
        let (plain, forked): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|ways| matches!(ways.as_slice(), [way] if way.value == Formulas::TRUE));
        for ways in forked {
            let mut next = Vec::new();
            for a in &whole {
                for b in &ways {
                    self.spend(1)?;
                    let rest = self.formulas.both(a.rest, b.rest);
                    let value = self.formulas.both(a.value, b.value);
                    if rest != Formulas::FALSE && value != Formulas::FALSE {
                        next.push(Way { value, rest });
                    }
                }
            }
            if next.len() > 64 {
                next.retain(|way| !self.surely_empty(way.value, 1));
            }
            whole = self.merged(next)?;
        }
        let plain = plain.into_iter().map(|ways| ways[0].rest).collect();
        let plain = self.formulas.and(plain);
        for way in &mut whole {
            way.rest = self.formulas.both(way.rest, plain);
        }
        whole.retain(|way| way.rest != Formulas::FALSE);
        Ok(whole)
    }

    /// Ways of a disjunction: those of any part, made to exclude one another where that is cheap.
    pub(super) fn any_ways(&mut self, parts: Vec<Vec<Way>>) -> Result<Vec<Way>, Refusal> {
        let ways = self.merged(parts.into_iter().flatten().collect())?;
        self.exclusive(ways)
    }

    /// Ways with the same value, and ways with the same rest, are one.
    fn merged(&mut self, ways: Vec<Way>) -> Result<Vec<Way>, Refusal> {
        let mut by_value: indexmap::IndexMap<FormulaId, Vec<FormulaId>> = indexmap::IndexMap::new();
        for way in ways {
            if way.rest != Formulas::FALSE && way.value != Formulas::FALSE {
                by_value.entry(way.value).or_default().push(way.rest);
            }
        }
        let mut by_rest: indexmap::IndexMap<FormulaId, Vec<FormulaId>> = indexmap::IndexMap::new();
        for (value, rests) in by_value {
            let rest = self.formulas.or(rests);
            by_rest.entry(rest).or_default().push(value);
        }
        if by_rest.len() > WAYS_MAX {
            return Err(ConstrainError::TooLarge { what: "ways for one member", limit: WAYS_MAX }.into());
        }
        Ok(by_rest.into_iter().map(|(rest, values)| Way { value: self.formulas.or(values), rest }).collect())
    }

    /// The same ways, so that a value fits one of them only: for values that are easily told apart.
    fn exclusive(&mut self, ways: Vec<Way>) -> Result<Vec<Way>, Refusal> {
        if ways.len() < 2 || ways.len() > EXCLUSIVE_WAYS_MAX || !ways.iter().all(|way| self.is_flat(way.value)) {
            return Ok(ways);
        }
        let mut overlap = false;
        for (i, a) in ways.iter().enumerate() {
            for b in &ways[i + 1..] {
                let both = self.formulas.both(a.value, b.value);
                overlap |= !self.surely_empty(both, 1);
            }
        }
        if !overlap {
            return Ok(ways);
        }
        let mut cells = vec![Way { value: Formulas::TRUE, rest: Formulas::FALSE }];
        for way in &ways {
            let not = self.formulas.not(way.value);
            let mut next = Vec::new();
            for cell in &cells {
                let inside = Way {
                    value: self.formulas.both(cell.value, way.value),
                    rest: self.formulas.or(vec![cell.rest, way.rest]),
                };
                let outside = Way { value: self.formulas.both(cell.value, not), rest: cell.rest };
                next.extend([inside, outside].into_iter().filter(|cell| cell.value != Formulas::FALSE));
            }
            next.retain(|cell| !self.surely_empty(cell.value, 1));
            if next.len() > 2 * EXCLUSIVE_WAYS_MAX {
                return Ok(ways);
            }
            cells = next;
        }
        self.merged(cells)
    }

    /// Whether a formula is only about types, numbers and strings.
    pub(super) fn is_flat(&mut self, id: FormulaId) -> bool {
        let Ok(whole) = self.expand(id) else { return false };
        let mut stack = vec![whole];
        while let Some(id) = stack.pop() {
            match self.formulas.get(id) {
                Formula::And(parts) | Formula::Or(parts) => stack.extend(parts.iter().copied()),
                Formula::Is(Atom::Type(_) | Atom::Number(_) | Atom::Text(_) | Atom::Length(_)) => {}
                Formula::Not(Atom::Type(_) | Atom::Number(_) | Atom::Text(_) | Atom::Length(_)) => {}
                Formula::Is(_) | Formula::Not(_) => return false,
                _ => {}
            }
        }
        true
    }
}
