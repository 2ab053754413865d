//! Keywords about types, numbers and strings, and the finite sets `const` and `enum`.

use super::super::format::{Format, format};
use super::super::numbers;
use super::super::{ecma, language::LanguageId};
use super::*;
use crate::automaton::Automaton;
use std::cmp::Ordering;

impl Compiler<'_> {
    pub(super) fn scalars(&mut self, source: &Source<'_>, parts: &mut Vec<FormulaId>) -> Result<(), Refusal> {
        for (keyword, value) in source.keywords {
            let part = match keyword.as_str() {
                "type" => self.types(source, value)?,
                "const" => self.exactly(value).map_err(|refusal| refusal.at(&source.pointer, keyword))?,
                "enum" => self.one_of_values(source, source.list(keyword, value)?)?,
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                    self.bound(source, keyword, value)?
                }
                "multipleOf" => self.multiple(source, value)?,
                "pattern" => self.pattern(source, value)?,
                "format" => self.format(source, value)?,
                _ => continue,
            };
            parts.push(part);
        }
        let length = source.bounds("minLength", "maxLength")?;
        parts.push(self.literal(source, "maxLength", Atom::Length(length)));
        Ok(())
    }

    fn types(&mut self, source: &Source<'_>, value: &Value) -> Result<FormulaId, Refusal> {
        let names = match value {
            Value::String(name) => vec![name.as_str()],
            Value::Array(listed) => {
                let names = listed.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
                names.ok_or_else(|| source.invalid("type", "it lists what is no name of a type"))?
            }
            _ => return Err(source.invalid("type", "it is no name of a type")),
        };
        let mut types = Types(0);
        for name in &names {
            types = types.union(match *name {
                "null" => Types::NULL,
                "boolean" => Types::FALSE.union(Types::TRUE),
                "number" | "integer" => Types::NUMBER,
                "string" => Types::STRING,
                "array" => Types::ARRAY,
                "object" => Types::OBJECT,
                // Of draft 3.
                "any" => Types::ALL,
                other => return Err(source.invalid("type", format!("`{other}` is no type"))),
            });
        }
        let typed = self.literal(source, "type", Atom::Type(types));
        if names.contains(&"integer") && !names.contains(&"number") && !names.contains(&"any") {
            let integers = self.languages.named("#integers", numbers::integers)?;
            let whole = self.literal(source, "type", Atom::Number(integers));
            return Ok(self.formulas.both(typed, whole));
        }
        Ok(typed)
    }

    /// Any of some values: all numbers and all strings of them as one set each.
    fn one_of_values(&mut self, source: &Source<'_>, values: &[Value]) -> Result<FormulaId, Refusal> {
        let place = |refusal: Refusal| refusal.at(&source.pointer, "enum");
        let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        let mut ways = Vec::new();
        if !texts.is_empty() {
            let language = self.languages.texts(&texts).map_err(|error| place(error.into()))?;
            let typed = self.formulas.is(Atom::Type(Types::STRING));
            let one = self.literal(source, "enum", Atom::Text(language));
            ways.push(self.formulas.both(typed, one));
        }
        for value in values.iter().filter(|value| !value.is_string()) {
            ways.push(self.exactly(value).map_err(place)?);
        }
        Ok(self.formulas.or(ways))
    }

    /// The set of one number.
    pub(in super::super) fn number_equal_to(&mut self, number: &Decimal) -> Result<LanguageId, Refusal> {
        let name = format!("#={}", short(number)?);
        self.languages.named(&name, || Ok(numbers::compared(number, Ordering::is_eq)?))
    }

    fn bound(&mut self, source: &Source<'_>, keyword: &str, value: &Value) -> Result<FormulaId, Refusal> {
        let upper = keyword.ends_with("aximum");
        // Draft 4 says with a boolean that the other keyword's bound is exclusive.
        let strict = if upper { "exclusiveMaximum" } else { "exclusiveMinimum" };
        if value.is_boolean() && keyword == strict {
            return Ok(Formulas::TRUE);
        }
        let Some(number) = value.as_number() else { return Err(source.invalid(keyword, "it is no number")) };
        let exclusive = keyword == strict || source.keywords.get(strict) == Some(&Value::Bool(true));
        let bound = Decimal::of(number);
        let sign = if upper { "<" } else { ">" };
        let name = format!("#{sign}{}{}", if exclusive { "" } else { "=" }, short(&bound)?);
        let set = self
            .languages
            .named(&name, || {
                numbers::compared(&bound, |order| match order {
                    Ordering::Equal => !exclusive,
                    Ordering::Less => upper,
                    Ordering::Greater => !upper,
                })
            })
            .map_err(|error| Refusal::from(error).at(&source.pointer, keyword))?;
        if exclusive && !bound.is_zero() {
            self.delicate.insert(set);
        }
        let keyword = match (upper, exclusive) {
            (true, false) => "maximum",
            (true, true) => "exclusiveMaximum",
            (false, false) => "minimum",
            (false, true) => "exclusiveMinimum",
        };
        Ok(self.literal(source, keyword, Atom::Number(set)))
    }

    fn multiple(&mut self, source: &Source<'_>, value: &Value) -> Result<FormulaId, Refusal> {
        let number = value.as_number().map(Decimal::of).filter(|number| !number.negative && !number.is_zero());
        let Some(number) = number else { return Err(source.invalid("multipleOf", "it is no number above zero")) };
        let set = self
            .languages
            .named(&format!("#*{}", short(&number)?), || numbers::multiples(&number))
            .map_err(|error| Refusal::from(error).at(&source.pointer, "multipleOf"))?;
        if !number.is_integer() {
            self.delicate.insert(set);
        }
        Ok(self.literal(source, "multipleOf", Atom::Number(set)))
    }

    fn pattern(&mut self, source: &Source<'_>, value: &Value) -> Result<FormulaId, Refusal> {
        let Some(pattern) = value.as_str() else { return Err(source.invalid("pattern", "it is no string")) };
        if let Some((set, min, max)) = ecma::counted(pattern).filter(|(_, min, max)| max.unwrap_or(*min) > 64) {
            let set = self.languages.keep(&set)?;
            let parts = [Atom::Text(set), Atom::Length(Count { min, max })];
            let parts = parts.map(|atom| self.literal(source, "pattern", atom));
            return Ok(self.formulas.and(parts.to_vec()));
        }
        let language = self.search(pattern).map_err(|refusal| refusal.at(&source.pointer, "pattern"))?;
        Ok(self.literal(source, "pattern", Atom::Text(language)))
    }

    /// The texts in which a pattern is found.
    pub(in super::super) fn search(&mut self, pattern: &str) -> Result<LanguageId, Refusal> {
        let work = self.formulas.work();
        let found = self.languages.named(&format!("/{pattern}"), || ecma::found_in(pattern))?;
        // The same pattern costs nothing the second time; each new one something.
        self.formulas.spend(self.languages.automaton(found).state_count());
        debug_assert!(self.formulas.work() >= work, "work only grows");
        Ok(found)
    }

    fn format(&mut self, source: &Source<'_>, value: &Value) -> Result<FormulaId, Refusal> {
        let Some(name) = value.as_str() else { return Err(source.invalid("format", "it is no string")) };
        if !self.options.formats {
            return Ok(Formulas::TRUE);
        }
        let place = |error: crate::ConstrainError| Refusal::from(error).at(&source.pointer, "format");
        match format(name) {
            None if self.options.lenient => Ok(Formulas::TRUE),
            None => Err(source.unsupported("format", format!("the format `{name}` is not known"))),
            Some(made) => match made.map_err(place)? {
                Format::Nothing => Ok(Formulas::TRUE),
                Format::Integers(min, max) => {
                    let least = numbers::compared(&Decimal::parse(min), Ordering::is_ge).map_err(place)?;
                    let most = numbers::compared(&Decimal::parse(max), Ordering::is_le).map_err(place)?;
                    let mut parts = Vec::new();
                    for set in [least, most] {
                        let set = self.languages.keep(&set).map_err(place)?;
                        parts.push(self.literal(source, "format", Atom::Number(set)));
                    }
                    Ok(self.formulas.and(parts))
                }
                Format::Strings(language, max) => {
                    let key = format!("@{name}");
                    let language = self.languages.named(&key, || Ok::<Automaton, crate::ConstrainError>(language));
                    let language = self.literal(source, "format", Atom::Text(language.map_err(place)?));
                    let length = self.literal(source, "format", Atom::Length(Count { min: 0, max }));
                    Ok(self.formulas.both(language, length))
                }
            },
        }
    }
}

/// A number in plain digits, if they are not too many.
fn short(number: &Decimal) -> Result<String, Refusal> {
    if number.whole_len() + number.fraction_len() > 400 {
        return Err(crate::ConstrainError::TooLarge { what: "digits of a number", limit: 400 }.into());
    }
    Ok(number.plain())
}
