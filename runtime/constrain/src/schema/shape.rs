//! Formulas by type of value: which scalars, strings, arrays and objects fit.

use super::array::ArrayPlan;
use super::compiler::Compiler;
use super::error::Refusal;
use super::formula::{Atom, Count, Formula, FormulaId, Formulas, Types};
use super::language::{LanguageId, Languages};
use super::numbers;
use super::object::ObjectPlan;
use crate::automaton::Automaton;
use crate::error::ConstrainError;
use serde_json::Value;
use std::rc::Rc;

/// Strings of a language with so many characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextTerm {
    pub(super) language: LanguageId,
    pub(super) length: Count,
}

/// The values that fit a formula, one level deep.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Every value fits.
    pub(super) anything: bool,
    pub(super) null: bool,
    pub(super) no: bool,
    pub(super) yes: bool,
    /// How numbers are written.
    pub(super) number: LanguageId,
    pub(super) text: Vec<TextTerm>,
    pub(super) array: Option<ArrayPlan>,
    pub(super) object: Option<ObjectPlan>,
}

impl Shape {
    /// Whether a value that is neither an array nor an object fits.
    pub(super) fn has_scalars(&self) -> bool {
        self.anything || self.null || self.no || self.yes || self.number != Languages::NOTHING || !self.text.is_empty()
    }
}

/// Kinds of strings that may be told apart.
const TERMS_MAX: usize = 64;
/// Formulas that may be looked into.
const SHAPES_MAX: usize = 60_000;

impl Compiler<'_> {
    /// The shape of a formula; its parts are formulas again.
    pub(super) fn shape(&mut self, id: FormulaId) -> Result<Rc<Shape>, Refusal> {
        if let Some(known) = self.shapes.get(&id) {
            return Ok(known.clone());
        }
        self.spend(20)?;
        let whole = self.expand(id)?;
        let mut shape = Shape {
            anything: whole == Formulas::TRUE,
            null: false,
            no: false,
            yes: false,
            number: Languages::NOTHING,
            text: Vec::new(),
            array: None,
            object: None,
        };
        for types in Types::EACH.into_iter().filter(|_| !shape_is_trivial(whole)) {
            let demand = self.restricted(whole, types)?;
            if demand == Formulas::FALSE {
                continue;
            }
            match types {
                Types::NULL => shape.null = true,
                Types::FALSE => shape.no = true,
                Types::TRUE => shape.yes = true,
                Types::NUMBER => shape.number = self.written_numbers(demand)?,
                Types::STRING => shape.text = self.text_terms(demand)?,
                Types::ARRAY => shape.array = Some(self.array_plan(demand)?),
                _ => {
                    let names = self.names(id)?;
                    shape.object = Some(self.object_plan(demand, names)?);
                }
            }
        }
        if self.shapes.len() >= SHAPES_MAX {
            return Err(ConstrainError::TooLarge { what: "different demands on values", limit: SHAPES_MAX }.into());
        }
        let shape = Rc::new(shape);
        self.shapes.insert(id, shape.clone());
        Ok(shape)
    }

    /// The numbers of a formula about numbers, and whether doubles may confuse them with others.
    fn number_set(&mut self, id: FormulaId) -> Result<(LanguageId, bool), Refusal> {
        self.spend(1)?;
        Ok(match self.formulas.get(id).clone() {
            Formula::True => (Languages::NUMBERS, false),
            Formula::Is(Atom::Number(set)) => (set, self.delicate.contains(&set)),
            Formula::Not(Atom::Number(set)) => (self.languages.without(Languages::NUMBERS, set)?, true),
            Formula::And(parts) => {
                let mut whole = (Languages::NUMBERS, false);
                for part in &parts {
                    let part = self.number_set(*part)?;
                    whole = (self.languages.both(whole.0, part.0)?, whole.1 | part.1);
                }
                whole
            }
            Formula::Or(parts) => {
                let mut whole = (Languages::NOTHING, false);
                for part in &parts {
                    let part = self.number_set(*part)?;
                    whole = (self.languages.either(whole.0, part.0)?, whole.1 | part.1);
                }
                whole
            }
            _ => (Languages::NOTHING, false),
        })
    }

    /// How the numbers of a formula are written: integers without a fraction, single numbers in one way.
    fn written_numbers(&mut self, id: FormulaId) -> Result<LanguageId, Refusal> {
        let (set, delicate) = self.number_set(id)?;
        if set == Languages::NUMBERS {
            return Ok(self.languages.named("#free", numbers::free)?);
        }
        let integers = self.languages.named("#integers", numbers::integers)?;
        let mut written = set;
        if self.languages.both(set, integers)? == set {
            let plain = self.languages.named("#unfractioned", numbers::unfractioned)?;
            written = self.languages.both(set, plain)?;
        }
        let shortest = self.languages.named("#shortest", numbers::shortest)?;
        let short = self.languages.both(written, shortest)?;
        if self.languages.is_finite(short) {
            return Ok(short);
        }
        let within = || numbers::digits_within(numbers::WHOLE_DIGITS_MAX, numbers::FRACTION_DIGITS_MAX);
        let within = self.languages.named("#within", within)?;
        written = self.languages.both(written, within)?;
        if delicate {
            let exact = self.languages.named("#exact", || numbers::digits_in_all(numbers::EXACT_DIGITS))?;
            written = self.languages.both(written, exact)?;
        }
        Ok(written)
    }

    /// The strings of a formula, expanded first.
    pub(super) fn texts_of(&mut self, id: FormulaId) -> Result<Vec<TextTerm>, Refusal> {
        let whole = self.expand(id)?;
        let demand = self.restricted(whole, Types::STRING)?;
        self.text_terms(demand)
    }

    fn text_terms(&mut self, id: FormulaId) -> Result<Vec<TextTerm>, Refusal> {
        self.spend(1)?;
        let any = TextTerm { language: Languages::ANY, length: Count::least(0) };
        Ok(match self.formulas.get(id).clone() {
            Formula::True => vec![any],
            Formula::Is(Atom::Text(language)) => vec![TextTerm { language, ..any }],
            Formula::Is(Atom::Length(length)) => vec![TextTerm { length, ..any }],
            Formula::Not(Atom::Text(language)) => {
                let language = self.languages.without(Languages::ANY, language)?;
                if language == Languages::NOTHING { Vec::new() } else { vec![TextTerm { language, ..any }] }
            }
            Formula::And(parts) => {
                let mut whole = vec![any];
                // Alternatives last, so that they meet what is already narrow.
                let mut parts = parts.to_vec();
                parts.sort_by_key(|part| matches!(self.formulas.get(*part), Formula::Or(_)));
                for part in &parts {
                    let part = self.text_terms(*part)?;
                    whole = self.both_texts(&whole, &part)?;
                }
                whole
            }
            Formula::Or(parts) => {
                let mut whole: Vec<TextTerm> = Vec::new();
                for part in &parts {
                    for term in self.text_terms(*part)? {
                        self.add_term(&mut whole, term)?;
                    }
                }
                whole
            }
            _ => Vec::new(),
        })
    }

    fn both_texts(&mut self, left: &[TextTerm], right: &[TextTerm]) -> Result<Vec<TextTerm>, Refusal> {
        let mut all = Vec::new();
        for a in left {
            for b in right {
                self.spend(1)?;
                let length = a.length.both(b.length);
                let language = self.languages.both(a.language, b.language)?;
                if language == Languages::NOTHING
                    || length.is_empty()
                    || !self.languages.has_length_within(language, length.min, length.max)?
                {
                    continue;
                }
                self.add_term(&mut all, TextTerm { language, length })?;
            }
        }
        Ok(all)
    }

    fn add_term(&mut self, terms: &mut Vec<TextTerm>, term: TextTerm) -> Result<(), Refusal> {
        for known in terms.iter_mut() {
            if known.length == term.length {
                known.language = self.languages.either(known.language, term.language)?;
                return Ok(());
            }
            let after = |a: Count, b: Count| a.max.is_some_and(|max| max >= b.min.saturating_sub(1)) && a.min <= b.min;
            if known.language == term.language && (after(known.length, term.length) || after(term.length, known.length))
            {
                let max = known.length.max.zip(term.length.max).map(|(a, b)| a.max(b));
                known.length = Count { min: known.length.min.min(term.length.min), max };
                return Ok(());
            }
        }
        if terms.len() >= TERMS_MAX {
            return Err(ConstrainError::TooLarge { what: "kinds of strings", limit: TERMS_MAX }.into());
        }
        terms.push(term);
        Ok(())
    }

    /// The texts of a term as one language, with the count in its states.
    pub(super) fn bounded_language(&mut self, term: &TextTerm) -> Result<LanguageId, Refusal> {
        if term.length == Count::least(0) {
            return Ok(term.language);
        }
        let Count { min, max } = term.length;
        if max.unwrap_or(min) > 2_000 {
            return Err(ConstrainError::TooLarge { what: "characters of a key", limit: 2_000 }.into());
        }
        let max = max.map_or_else(String::new, |max| max.to_string());
        let name = format!("/^.{{{min},{max}}}$");
        let counted = self.languages.named(&name, || Automaton::of_regex(&format!("(?s:.){{{min},{max}}}")))?;
        Ok(self.languages.both(term.language, counted)?)
    }

    /// All values that fit, as their JSON texts and as formulas, if they are at most so many.
    pub(super) fn listed(&mut self, id: FormulaId, most: usize) -> Result<Option<Vec<(String, FormulaId)>>, Refusal> {
        let shape = self.shape(id)?;
        if shape.anything || shape.array.is_some() || shape.object.is_some() {
            return Ok(None);
        }
        let mut values: Vec<Value> = Vec::new();
        values.extend(shape.null.then_some(Value::Null));
        values.extend(shape.no.then_some(Value::Bool(false)));
        values.extend(shape.yes.then_some(Value::Bool(true)));
        let Some(numbers) = self.languages.listed(shape.number, most) else { return Ok(None) };
        for number in numbers {
            let Ok(number) = serde_json::from_str(&number) else { return Ok(None) };
            values.push(Value::Number(number));
        }
        for term in &shape.text {
            let Some(texts) = self.languages.listed(term.language, most) else { return Ok(None) };
            let fits = |text: &String| {
                let count = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
                count >= term.length.min && term.length.max.is_none_or(|max| count <= max)
            };
            values.extend(texts.into_iter().filter(fits).map(Value::String));
        }
        if values.len() > most {
            return Ok(None);
        }
        let mut listed = Vec::new();
        for value in &values {
            listed.push((value.to_string(), self.exactly(value)?));
        }
        Ok(Some(listed))
    }
}

fn shape_is_trivial(whole: FormulaId) -> bool {
    whole == Formulas::TRUE || whole == Formulas::FALSE
}
