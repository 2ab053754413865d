//! Values to the text that the grammar has for them: members in the order of the plan, one spelling for each scalar.

use super::array::{ArrayPlan, ArrayState};
use super::decimal::Decimal;
use super::formula::{FormulaId, Formulas};
use super::graph::Graph;
use super::language::Languages;
use super::layout::{LEVELS_MAX, SchemaLayout};
use super::object::{Entry, ObjectPlan, ObjectState};
use crate::compile::escaped;
use serde_json::{Map, Number, Value};

/// Members without names that are tried in one place where their order matters.
const ORDERS_MAX: usize = 4;

/// Writes values that fit.
pub(super) struct Writer<'a> {
    pub(super) graph: &'a Graph,
    pub(super) languages: &'a Languages,
    pub(super) layout: SchemaLayout,
}

impl Writer<'_> {
    /// The text of a value, if it fits the formula.
    pub(super) fn value(&self, id: FormulaId, value: &Value, level: u8) -> Option<String> {
        let shape = self.graph.shapes.get(&id)?;
        let anything = shape.anything;
        match value {
            Value::Null => (shape.null || anything).then(|| "null".into()),
            Value::Bool(true) => (shape.yes || anything).then(|| "true".into()),
            Value::Bool(false) => (shape.no || anything).then(|| "false".into()),
            Value::Number(number) => {
                if anything {
                    return Some(number.to_string());
                }
                let automaton = self.languages.automaton(shape.number);
                spellings(number).into_iter().find(|text| automaton.accepts(text.as_bytes()))
            }
            Value::String(text) => {
                let count = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
                let fits = |term: &super::shape::TextTerm| {
                    self.languages.holds(term.language, text)
                        && count >= term.length.min
                        && term.length.max.is_none_or(|max| count <= max)
                };
                (anything || shape.text.iter().any(fits)).then(|| format!("\"{}\"", escaped(text)))
            }
            Value::Array(elements) => {
                if anything {
                    let texts = elements.iter().map(|e| self.value(Formulas::TRUE, e, level + 1)).collect();
                    return self.wrapped("[", texts, "]", level);
                }
                let texts = self.elements(shape.array.as_ref()?, 0, elements, level)?;
                self.wrapped("[", Some(texts), "]", level)
            }
            Value::Object(members) => {
                if anything {
                    let texts = members.iter().map(|(key, member)| self.member(key, Formulas::TRUE, member, level));
                    return self.wrapped("{", texts.collect(), "}", level);
                }
                let texts = self.members(shape.object.as_ref()?, 0, members.clone(), level)?;
                self.wrapped("{", Some(texts), "}", level)
            }
        }
    }

    fn wrapped(&self, open: &str, parts: Option<Vec<String>>, close: &str, level: u8) -> Option<String> {
        let parts = parts?;
        if parts.is_empty() {
            return Some(format!("{open}{close}"));
        }
        let [comma, _, before, after] = self.separators(level);
        Some(format!("{open}{before}{}{after}{close}", parts.join(&comma)))
    }

    fn separators(&self, level: u8) -> [String; 4] {
        let level = level.min(LEVELS_MAX);
        self.layout.separators(level).unwrap_or_else(|| [",", ":", "", ""].map(String::from))
    }

    fn member(&self, key: &str, id: FormulaId, value: &Value, level: u8) -> Option<String> {
        let [_, colon, ..] = self.separators(level);
        Some(format!("\"{}\"{colon}{}", escaped(key), self.value(id, value, level + 1)?))
    }

    fn elements(&self, plan: &ArrayPlan, state: usize, elements: &[Value], level: u8) -> Option<Vec<String>> {
        match &plan.states[state] {
            ArrayState::Rest { first, more, count } => {
                let length = u32::try_from(elements.len()).ok()?;
                if length < count.min || count.max.is_some_and(|max| length > max) {
                    return None;
                }
                let formula = |index: usize| first.get(index).copied().unwrap_or(*more);
                elements.iter().enumerate().map(|(index, e)| self.value(formula(index), e, level + 1)).collect()
            }
            ArrayState::Fork { ends, take } => {
                let Some((element, rest)) = elements.split_first() else { return ends.then(Vec::new) };
                take.iter().find_map(|(value, next)| {
                    let text = self.value(*value, element, level + 1)?;
                    let mut texts = self.elements(plan, *next, rest, level)?;
                    texts.insert(0, text);
                    Some(texts)
                })
            }
        }
    }

    fn members(&self, plan: &ObjectPlan, state: usize, mut left: Map<String, Value>, level: u8) -> Option<Vec<String>> {
        match &plan.states[state] {
            ObjectState::Run { named, next } => {
                let mut texts = self.entries(named, &mut left, level)?;
                texts.extend(self.members(plan, *next, left, level)?);
                Some(texts)
            }
            ObjectState::Fork { name, skip, take } => match left.shift_remove(&**name) {
                None => self.members(plan, (*skip)?, left, level),
                Some(member) => take.iter().find_map(|(value, next)| {
                    let text = self.member(name, *value, &member, level)?;
                    let mut texts = self.members(plan, *next, left.clone(), level)?;
                    texts.insert(0, text);
                    Some(texts)
                }),
            },
            ObjectState::Rest { named, others, count } => {
                let mut texts = self.entries(named, &mut left, level)?;
                for (key, member) in &left {
                    let mut fitting = others.iter().filter(|(keys, _)| self.languages.holds(*keys, key));
                    texts.push(fitting.find_map(|(_, value)| self.member(key, *value, member, level))?);
                }
                let length = u32::try_from(texts.len()).ok()?;
                (length >= count.min && count.max.is_none_or(|max| length <= max)).then_some(texts)
            }
            ObjectState::Others { ends, take } => {
                if left.is_empty() {
                    return ends.then(Vec::new);
                }
                // What is demanded may have to come last, so others are tried first.
                let keys: Vec<String> = left.keys().take(ORDERS_MAX).cloned().collect();
                keys.iter().find_map(|key| {
                    let mut others = left.clone();
                    let member = others.shift_remove(key)?;
                    take.iter().filter(|(keys, ..)| self.languages.holds(*keys, key)).find_map(|(_, value, next)| {
                        let text = self.member(key, *value, &member, level)?;
                        let mut texts = self.members(plan, *next, others.clone(), level)?;
                        texts.insert(0, text);
                        Some(texts)
                    })
                })
            }
        }
    }

    /// The named members that are there, taken out of those that are left.
    fn entries(&self, named: &[Entry], left: &mut Map<String, Value>, level: u8) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for entry in named {
            match left.shift_remove(&*entry.name) {
                Some(member) => texts.push(self.member(&entry.name, entry.value, &member, level)?),
                None if entry.required => return None,
                None => {}
            }
        }
        Some(texts)
    }
}

/// How a number may be written, the likeliest first.
fn spellings(number: &Number) -> [String; 2] {
    [Decimal::of(number).plain(), number.to_string()]
}
