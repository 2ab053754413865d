//! Schemas to formulas, keyword by keyword.

mod arrays;
mod objects;
mod scalars;
mod unevaluated;

use super::compiler::Compiler;
use super::decimal::Decimal;
use super::dialect::Dialect;
use super::document::PlaceId;
use super::error::Refusal;
use super::formula::{Atom, Count, FormulaId, Formulas, Keys, Types};
use super::language::Languages;
use serde_json::{Map, Value};
use std::rc::Rc;

/// A schema that was read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) formula: FormulaId,
    /// The names of members, as far as the schema says them, and the schemas at the same place that say more, in order.
    pub(super) order: Vec<Named>,
}

/// What a schema says about the order of members.
#[derive(Clone, Debug)]
pub(super) enum Named {
    Name(Rc<str>),
    Place(PlaceId),
}

/// The keywords of one schema while they are read.
struct Source<'a> {
    id: PlaceId,
    pointer: Rc<str>,
    dialect: Dialect,
    keywords: &'a Map<String, Value>,
}

impl Source<'_> {
    fn invalid(&self, keyword: &str, message: impl Into<String>) -> Refusal {
        Refusal::invalid(&self.pointer, keyword, message)
    }

    fn unsupported(&self, keyword: &str, message: impl Into<String>) -> Refusal {
        Refusal::unsupported(&self.pointer, keyword, message)
    }

    /// The keyword as a count.
    fn count(&self, keyword: &str) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.keywords.get(keyword) else { return Ok(None) };
        let count = value.as_number().and_then(|number| Decimal::of(number).count());
        count.map(Some).ok_or_else(|| self.invalid(keyword, "it is no count"))
    }

    /// Two keywords as the bounds of a count.
    fn bounds(&self, least: &str, most: &str) -> Result<Count, Refusal> {
        Ok(Count { min: self.count(least)?.unwrap_or(0), max: self.count(most)? })
    }

    /// The keyword as names.
    fn names(&self, keyword: &str, value: &Value) -> Result<Vec<Rc<str>>, Refusal> {
        let names = value.as_array().map(|listed| listed.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        match names.flatten() {
            Some(names) => Ok(names.into_iter().map(Rc::from).collect()),
            None => Err(self.invalid(keyword, "it is no list of names")),
        }
    }

    fn object<'b>(&self, keyword: &str, value: &'b Value) -> Result<&'b Map<String, Value>, Refusal> {
        value.as_object().ok_or_else(|| self.invalid(keyword, "it is no object"))
    }

    fn list<'b>(&self, keyword: &str, value: &'b Value) -> Result<&'b [Value], Refusal> {
        value.as_array().map(Vec::as_slice).ok_or_else(|| self.invalid(keyword, "it is no list"))
    }
}

impl Compiler<'_> {
    /// What a schema demands. Other schemas for the same value stand in it by place.
    pub(super) fn read(&mut self, id: PlaceId) -> Result<Reading, Refusal> {
        if let Some(known) = self.readings.get(&id) {
            return Ok(known.clone());
        }
        let place = self.document.place(id).clone();
        let reading = match place.value {
            Value::Bool(true) => Reading { formula: Formulas::TRUE, order: Vec::new() },
            Value::Bool(false) => Reading { formula: Formulas::FALSE, order: Vec::new() },
            Value::Object(keywords) => {
                let source = Source { id, pointer: place.pointer.clone(), dialect: place.dialect, keywords };
                self.read_keywords(&source)?
            }
            _ => return Err(Refusal::invalid(&place.pointer, "", "it is no schema: neither an object nor a boolean")),
        };
        self.readings.insert(id, reading.clone());
        Ok(reading)
    }

    fn read_keywords(&mut self, source: &Source<'_>) -> Result<Reading, Refusal> {
        let mut order = Vec::new();
        if source.dialect.reference_stands_alone()
            && let Some(reference) = source.keywords.get("$ref")
        {
            let formula = self.reference(source, "$ref", reference, &mut order)?;
            return Ok(Reading { formula, order });
        }
        let mut parts = Vec::new();
        for (keyword, value) in source.keywords {
            self.spend(1)?;
            parts.push(self.keyword(source, keyword, value, &mut order)?);
        }
        self.scalars(source, &mut parts)?;
        self.arrays(source, &mut parts)?;
        self.objects(source, &mut parts, &mut order)?;
        let whole = self.formulas.and(parts);
        let formula = self.unevaluated(source, whole)?;
        Ok(Reading { formula, order })
    }

    /// A keyword that stands for itself: references and logic.
    fn keyword(
        &mut self,
        source: &Source<'_>,
        keyword: &str,
        value: &Value,
        order: &mut Vec<Named>,
    ) -> Result<FormulaId, Refusal> {
        match keyword {
            "$ref" => self.reference(source, keyword, value, order),
            "$dynamicRef" => {
                if value.as_str().is_some_and(|reference| !self.document.is_static(reference)) {
                    return Err(source.unsupported(keyword, "it means different schemas on different ways to it"));
                }
                self.reference(source, keyword, value, order)
            }
            "$recursiveRef" => {
                if !self.document.recursion_is_static() {
                    return Err(source.unsupported(keyword, "it means different schemas on different ways to it"));
                }
                self.reference(source, keyword, value, order)
            }
            "allOf" => {
                let parts = self.subschemas(source, keyword, value, order)?;
                Ok(self.formulas.and(parts))
            }
            "anyOf" => {
                let parts = self.subschemas(source, keyword, value, order)?;
                Ok(self.formulas.or(parts))
            }
            "oneOf" => {
                let parts = self.subschemas(source, keyword, value, order)?;
                self.one_of(&parts).map_err(|refusal| refusal.at(&source.pointer, keyword))
            }
            "not" => {
                let part = self.subschema(source, &["not"])?;
                Ok(self.formulas.not(part))
            }
            "if" => self.conditional(source, order),
            "disallow" | "extends" | "divisibleBy" if source.dialect == Dialect::Unsaid => {
                Err(source.unsupported(keyword, "it is a keyword of draft 3, which is not supported"))
            }
            _ => Ok(Formulas::TRUE),
        }
    }

    fn reference(
        &mut self,
        source: &Source<'_>,
        keyword: &str,
        value: &Value,
        order: &mut Vec<Named>,
    ) -> Result<FormulaId, Refusal> {
        let Some(reference) = value.as_str() else { return Err(source.invalid(keyword, "it is no string")) };
        let target = self.document.referred(source.id, keyword, reference)?;
        order.push(Named::Place(target));
        Ok(self.formula_of(target))
    }

    /// `if`, `then` and `else` as a guarded choice.
    fn conditional(&mut self, source: &Source<'_>, order: &mut Vec<Named>) -> Result<FormulaId, Refusal> {
        let branch = |this: &mut Self, keyword: &'static str, order: &mut Vec<Named>| {
            if !source.keywords.contains_key(keyword) {
                return Ok(Formulas::TRUE);
            }
            order.push(Named::Place(this.document.below(source.id, &[keyword])?));
            this.subschema(source, &[keyword])
        };
        let (then, otherwise) = (branch(self, "then", order)?, branch(self, "else", order)?);
        if then == Formulas::TRUE && otherwise == Formulas::TRUE {
            return Ok(Formulas::TRUE);
        }
        let condition = branch(self, "if", order)?;
        Ok(self.guarded(condition, then, otherwise))
    }

    /// The second where the first fits, else the third.
    pub(super) fn guarded(&mut self, condition: FormulaId, then: FormulaId, otherwise: FormulaId) -> FormulaId {
        let negation = self.formulas.not(condition);
        let (with, without) = (self.formulas.both(condition, then), self.formulas.both(negation, otherwise));
        self.formulas.or(vec![with, without])
    }

    /// A list of schemas for the same value.
    fn subschemas(
        &mut self,
        source: &Source<'_>,
        keyword: &str,
        value: &Value,
        order: &mut Vec<Named>,
    ) -> Result<Vec<FormulaId>, Refusal> {
        let listed = source.list(keyword, value)?;
        if listed.is_empty() {
            return Err(source.invalid(keyword, "it is an empty list"));
        }
        (0..listed.len())
            .map(|index| {
                let index = index.to_string();
                order.push(Named::Place(self.document.below(source.id, &[keyword, &index])?));
                self.subschema(source, &[keyword, &index])
            })
            .collect()
    }

    /// A schema below this one, as a formula.
    fn subschema(&mut self, source: &Source<'_>, keys: &[&str]) -> Result<FormulaId, Refusal> {
        let id = self.document.below(source.id, keys)?;
        Ok(self.formula_of(id))
    }

    /// A schema as a formula, read later unless it is trivial.
    pub(super) fn formula_of(&mut self, id: PlaceId) -> FormulaId {
        match self.document.place(id).value {
            Value::Bool(true) => Formulas::TRUE,
            Value::Bool(false) => Formulas::FALSE,
            Value::Object(keywords) if keywords.is_empty() => Formulas::TRUE,
            _ => self.formulas.place(id),
        }
    }

    /// A literal, and where it was said.
    fn literal(&mut self, source: &Source<'_>, keyword: &'static str, atom: Atom) -> FormulaId {
        let id = self.formulas.is(atom);
        self.origins.entry(id).or_insert_with(|| (source.pointer.clone(), keyword));
        let negation = self.formulas.not(id);
        self.origins.entry(negation).or_insert_with(|| (source.pointer.clone(), keyword));
        id
    }

    /// Exactly this value.
    pub(super) fn exactly(&mut self, value: &Value) -> Result<FormulaId, Refusal> {
        self.spend(1)?;
        let typed = |types| Atom::Type(types);
        Ok(match value {
            Value::Null => self.formulas.is(typed(Types::NULL)),
            Value::Bool(false) => self.formulas.is(typed(Types::FALSE)),
            Value::Bool(true) => self.formulas.is(typed(Types::TRUE)),
            Value::Number(number) => {
                let set = self.number_equal_to(&Decimal::of(number))?;
                let parts = [typed(Types::NUMBER), Atom::Number(set)].map(|atom| self.formulas.is(atom));
                self.formulas.and(parts.to_vec())
            }
            Value::String(text) => {
                let language = self.languages.texts(&[text])?;
                let parts = [typed(Types::STRING), Atom::Text(language)].map(|atom| self.formulas.is(atom));
                self.formulas.and(parts.to_vec())
            }
            Value::Array(listed) => {
                let count = u32::try_from(listed.len()).unwrap_or(u32::MAX);
                let count = Atom::Elements(Count { min: count, max: Some(count) });
                let mut parts = vec![self.formulas.is(typed(Types::ARRAY)), self.formulas.is(count)];
                for (index, element) in (0u32..).zip(listed) {
                    let element = self.exactly(element)?;
                    parts.push(self.formulas.is(Atom::Items(index, Some(index + 1), element)));
                }
                self.formulas.and(parts)
            }
            Value::Object(members) => {
                let mut parts = vec![self.formulas.is(typed(Types::OBJECT))];
                let names: Vec<&String> = members.keys().collect();
                let named = self.languages.texts(&names)?;
                let others = self.languages.without(Languages::ANY, named)?;
                parts.push(self.formulas.is(Atom::Keys(Keys::Of(others), Formulas::FALSE)));
                for (name, member) in members {
                    let member = self.exactly(member)?;
                    parts.push(self.formulas.is(Atom::Keys(Keys::Name(name.as_str().into()), member)));
                    parts.push(self.required(name));
                }
                self.formulas.and(parts)
            }
        })
    }

    /// That an object has a member of the name.
    pub(super) fn required(&mut self, name: &str) -> FormulaId {
        let absent = self.formulas.is(Atom::Keys(Keys::Name(name.into()), Formulas::FALSE));
        let present = self.formulas.not(absent);
        let object = self.formulas.is(Atom::Type(Types::OBJECT));
        let other = self.formulas.not(object);
        self.formulas.or(vec![present, other])
    }
}
