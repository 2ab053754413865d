//! Shapes to automata, part by part.

use crate::automaton::Automaton;
use crate::determinize::determinize;
use crate::error::ConstrainError;
use crate::grammar::Grammar;
use crate::limits::DFA_STATES_MAX;
use crate::nfa::{Fragment, Nfa, escape};
use crate::regular::{self, Sizes};
use crate::{memo, number, pattern, text};
use sgl_protocol::Shape;

impl Automaton {
    /// The texts of a hole of this shape. At the top, text and names stand as they are; inside a structure they are JSON
    /// strings. A top-level text with a delimiter is accepted alone and with its delimiter.
    pub fn of_shape(shape: &Shape) -> Result<Self, ConstrainError> {
        memo::automaton(shape, Self::make)
    }

    fn make(shape: &Shape) -> Result<Self, ConstrainError> {
        if let Shape::Text { pattern, chars_max, until } = shape {
            let base = text::bounded(pattern.as_deref(), *chars_max)?;
            return match until {
                Some(delimiter) => text::until(&base, delimiter.as_bytes()),
                None => Ok(base),
            };
        }
        let mut assembly = Assembly { nfa: Nfa::default() };
        let whole = assembly.shape(shape, true)?;
        // One end state without edges, so that ends can be told.
        let end = assembly.nfa.state()?;
        assembly.nfa.skip(whole.end, end);
        determinize(&assembly.nfa, Fragment { start: whole.start, end })
    }

    /// The texts that a regular expression matches as a whole.
    pub fn of_regex(regex: &str) -> Result<Self, ConstrainError> {
        pattern::automaton(regex)
    }
}

struct Assembly {
    nfa: Nfa,
}

impl Assembly {
    fn shape(&mut self, shape: &Shape, top: bool) -> Result<Fragment, ConstrainError> {
        match shape {
            Shape::Text { pattern, chars_max, until } => {
                let mut base = text::bounded(pattern.as_deref(), *chars_max)?;
                if let Some(delimiter) = until {
                    // A part of a whole ends by itself; its text only must not contain the delimiter.
                    base = text::without(&base, delimiter.as_bytes())?;
                }
                let inner = self.nfa.embed(&base, !top)?;
                if top { Ok(inner) } else { self.quoted(inner) }
            }
            Shape::Int { min, max } => number::integer(&mut self.nfa, min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX)),
            Shape::Float { decimals: Some(decimals), min, max } => {
                number::decimal(&mut self.nfa, *decimals, *min, *max)
            }
            Shape::Float { decimals: None, .. } => {
                let number = pattern::automaton(&number::free())?;
                self.nfa.embed(&number, false)
            }
            Shape::Bool => self.one_of(&["true", "false"], true),
            Shape::LiteralBool(true) => self.nfa.literal(b"true"),
            Shape::LiteralBool(false) => self.nfa.literal(b"false"),
            Shape::Null => self.nfa.literal(b"null"),
            Shape::Literal(text) => self.one_of(&[text.as_str()], top),
            Shape::Enum { names, .. } => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.one_of(&names, top)
            }
            Shape::List { item, min, max } => {
                let item = alone(|nfa| nfa.shape(item, false))?;
                self.sequence(b"[", &item, b"]", *min, *max)
            }
            Shape::Map { key, value, min, max } => {
                let entry = alone(|entry| {
                    let parts = [entry.shape(key, false)?, entry.nfa.literal(b": ")?, entry.shape(value, false)?];
                    entry.nfa.sequence(&parts)
                })?;
                self.sequence(b"{", &entry, b"}", *min, *max)
            }
            Shape::Tuple(items) => {
                let mut parts = vec![self.nfa.literal(b"[")?];
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        parts.push(self.nfa.literal(b", ")?);
                    }
                    parts.push(self.shape(item, false)?);
                }
                parts.push(self.nfa.literal(b"]")?);
                self.nfa.sequence(&parts)
            }
            Shape::Record { fields, .. } => {
                let mut parts = vec![self.nfa.literal(b"{")?];
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    let key = format!("{comma}\"{}\": ", escaped(&field.name));
                    parts.push(self.nfa.literal(key.as_bytes())?);
                    parts.push(self.shape(&field.shape, false)?);
                }
                parts.push(self.nfa.literal(b"}")?);
                self.nfa.sequence(&parts)
            }
            Shape::Union(variants) => {
                let parts = variants.iter().map(|v| self.shape(&v.shape, top)).collect::<Result<Vec<_>, _>>()?;
                self.nfa.choice(&parts)
            }
            Shape::Tagged { variants, .. } => {
                let parts =
                    variants.iter().map(|v| self.shape(&v.tagged_object(), false)).collect::<Result<Vec<_>, _>>()?;
                self.nfa.choice(&parts)
            }
            Shape::Formed { .. } => {
                let written_out = formed(shape)?;
                self.nfa.embed(&written_out, false)
            }
            Shape::Recursive { .. } | Shape::Ref(_) => Err(ConstrainError::Unenforced("a recursive type")),
            Shape::Schema(_) => Err(ConstrainError::Unenforced("a JSON Schema")),
            Shape::Grammar(_) => Err(ConstrainError::Unenforced("a grammar")),
            Shape::Image => Err(ConstrainError::Unenforced("an image")),
            Shape::Computed(_) => Err(ConstrainError::Unenforced("what is not computed yet")),
        }
    }

    fn quoted(&mut self, inner: Fragment) -> Result<Fragment, ConstrainError> {
        let (open, close) = (self.nfa.literal(b"\"")?, self.nfa.literal(b"\"")?);
        self.nfa.sequence(&[open, inner, close])
    }

    fn one_of(&mut self, names: &[&str], raw: bool) -> Result<Fragment, ConstrainError> {
        let mut parts = Vec::new();
        for name in names {
            let text = if raw { (*name).to_string() } else { format!("\"{}\"", escaped(name)) };
            parts.push(self.nfa.literal(text.as_bytes())?);
        }
        self.nfa.choice(&parts)
    }

    /// A JSON list, or a map whose entries are its items.
    fn sequence(
        &mut self,
        open: &[u8],
        item: &Automaton,
        close: &[u8],
        min: u32,
        max: Option<u32>,
    ) -> Result<Fragment, ConstrainError> {
        if max.is_some_and(|max| min > max) {
            return self.nfa.choice(&[]);
        }
        let (open, close) = (self.nfa.literal(open)?, self.nfa.literal(close)?);
        if min == 0 {
            self.nfa.skip(open.end, close.start);
        }
        // Copies up to the bound; without one, the last copy repeats.
        let copies = max.unwrap_or_else(|| min.max(1));
        let mut at = open.end;
        for index in 0..copies {
            let element = self.nfa.embed(item, false)?;
            if index == 0 {
                self.nfa.skip(at, element.start);
            } else {
                let comma = self.nfa.literal(b", ")?;
                self.nfa.skip(at, comma.start);
                self.nfa.skip(comma.end, element.start);
            }
            at = element.end;
            if index + 1 >= min {
                self.nfa.skip(at, close.start);
            }
            if max.is_none() && index + 1 == copies {
                let comma = self.nfa.literal(b", ")?;
                self.nfa.skip(at, comma.start);
                self.nfa.skip(comma.end, element.start);
            }
        }
        Ok(Fragment { start: open.start, end: close.end })
    }
}

/// A part with states of its own: made once, so that copies cost only what they add to the automaton.
fn alone(part: impl FnOnce(&mut Assembly) -> Result<Fragment, ConstrainError>) -> Result<Automaton, ConstrainError> {
    let mut alone = Assembly { nfa: Nfa::default() };
    let part = part(&mut alone)?;
    let end = alone.nfa.state()?;
    alone.nfa.skip(part.end, end);
    determinize(&alone.nfa, Fragment { start: part.start, end })
}

/// A shape over several lines, by way of its grammar.
fn formed(shape: &Shape) -> Result<Automaton, ConstrainError> {
    if shape.any(&|part| matches!(part, Shape::Recursive { .. } | Shape::Ref(_))) {
        return Err(ConstrainError::Unenforced("a recursive type"));
    }
    if shape.any(&|part| matches!(part, Shape::Schema(_))) {
        return Err(ConstrainError::Unenforced("a JSON Schema"));
    }
    let grammar = Grammar::of_shape(shape)?;
    let (start, sizes) = (grammar.checked_start()?, Sizes::of(&grammar));
    let written_out = regular::automaton(&grammar, &sizes, start, DFA_STATES_MAX)?;
    written_out.ok_or(ConstrainError::TooLarge { what: "states", limit: DFA_STATES_MAX })
}

/// A text as the inside of a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match u8::try_from(c).ok().and_then(escape) {
            Some(sequence) => out.push_str(&sequence),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use sgl_protocol::{Field, Variant};

    fn record(name: &str, shape: Shape) -> Shape {
        Shape::Record { name: "R".into(), fields: vec![Field { name: name.into(), shape }] }
    }

    fn until(delimiter: &str) -> Shape {
        Shape::Text { pattern: None, chars_max: None, until: Some(delimiter.into()) }
    }

    #[test]
    fn a_delimiter_inside_a_structure_may_not_occur() {
        let inside = Automaton::of_shape(&record("s", until(";"))).unwrap();
        assert!(inside.accepts(b"{\"s\": \"x\"}"));
        assert!(!inside.accepts(b"{\"s\": \"x;\"}") && !inside.accepts(b"{\"s\": \"x\";}"));
        let variants = vec![Variant { name: "A".into(), shape: until(";") }];
        let choice = Automaton::of_shape(&Shape::Union(variants)).unwrap();
        assert!(choice.accepts(b"x") && !choice.accepts(b"x;"));
    }

    #[test]
    fn an_empty_delimiter_is_refused() {
        for shape in [until(""), record("s", until(""))] {
            assert_eq!(Automaton::of_shape(&shape).map(|_| ()), Err(ConstrainError::EmptyDelimiter));
        }
    }

    #[test]
    fn a_list_of_fifty_records_of_long_text_is_within_the_limits() {
        let text = Shape::Text { pattern: None, chars_max: Some(120), until: None };
        let list = Shape::List { item: Box::new(record("name", text)), min: 1, max: Some(50) };
        assert!(Automaton::of_shape(&list).unwrap().state_count() > 50_000);
    }
}
