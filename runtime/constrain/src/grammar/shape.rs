//! Shapes as grammars.

use super::{Bounds, Grammar, Layout, Node, NodeId};
use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::{pattern, text};
use sgl_protocol::Shape;

impl Grammar {
    /// The texts of a hole of this shape. At the top, text and names stand as they are; inside a structure they are JSON
    /// strings. A top-level text with a delimiter is accepted alone and with its delimiter.
    pub fn of_shape(shape: &Shape) -> Result<Self, ConstrainError> {
        let mut grammar = Self::new();
        let layout = grammar.one_line();
        let whole = match shape {
            Shape::Text { pattern, chars_max, until: Some(delimiter) } => {
                let base = text_of(pattern.as_deref())?;
                let chars = Bounds::new(0, *chars_max);
                let open = text::without(&base, delimiter.as_bytes())?;
                let open = grammar.add(Node::Text { text: open, chars, quoted: false });
                let closed = text::before(&base, delimiter.as_bytes())?;
                let closed = grammar.add(Node::Text { text: closed, chars, quoted: false });
                let delimiter = grammar.literal(delimiter);
                let closed = grammar.sequence(&[closed, delimiter]);
                grammar.choice(&[open, closed])
            }
            other => grammar.shape(layout, other, true)?,
        };
        grammar.set_start(whole);
        Ok(grammar)
    }

    /// A shape as a part.
    fn shape(&mut self, layout: Layout, shape: &Shape, top: bool) -> Result<NodeId, ConstrainError> {
        Ok(match shape {
            Shape::Text { pattern, chars_max, until } => {
                let mut base = text_of(pattern.as_deref())?;
                if let Some(delimiter) = until {
                    // A part of a whole ends by itself; its text only must not contain the delimiter.
                    base = text::without(&base, delimiter.as_bytes())?;
                }
                self.add(Node::Text { text: base, chars: Bounds::new(0, *chars_max), quoted: !top })
            }
            Shape::Int { min, max } => {
                self.leaf(Automaton::integers(min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX))?)
            }
            Shape::Float { decimals: Some(decimals), min, max } => {
                self.leaf(Automaton::decimals(*decimals, *min, *max)?)
            }
            Shape::Float { decimals: None, .. } => self.leaf(Automaton::numbers()?),
            Shape::Bool => self.names(&["true", "false"], true)?,
            Shape::Null => self.literal("null"),
            Shape::Literal(text) => self.names(&[text.as_str()], top)?,
            Shape::Enum { names, .. } => self.names(names, top)?,
            Shape::List { item, min, max } => {
                let item = self.shape(layout, item, false)?;
                self.array(layout, &[], Some(item), Bounds::new(*min, *max))
            }
            Shape::Tuple(items) => {
                let items = items.iter().map(|item| self.shape(layout, item, false)).collect::<Result<Vec<_>, _>>()?;
                let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
                self.array(layout, &items, None, Bounds::new(count, Some(count)))
            }
            Shape::Record { fields, .. } => {
                let mut members = Vec::with_capacity(fields.len());
                for field in fields {
                    let (key, value) = (self.quoted(&field.name), self.shape(layout, &field.shape, false)?);
                    members.push(self.member(layout, key, value, true));
                }
                self.object(layout, &members, None, Bounds::ANY)
            }
            Shape::Union(variants) => {
                let parts =
                    variants.iter().map(|v| self.shape(layout, &v.shape, top)).collect::<Result<Vec<_>, _>>()?;
                self.choice(&parts)
            }
        })
    }

    /// Any of these texts.
    fn names<T: AsRef<str>>(&mut self, names: &[T], raw: bool) -> Result<NodeId, ConstrainError> {
        let written: Vec<String> = names
            .iter()
            .map(
                |name| {
                    if raw { name.as_ref().to_string() } else { format!("\"{}\"", Automaton::escaped(name.as_ref())) }
                },
            )
            .collect();
        Ok(match &written[..] {
            [only] => self.literal(only),
            _ => self.leaf(Automaton::of_literals(&written)?),
        })
    }
}

fn text_of(pattern: Option<&str>) -> Result<Automaton, ConstrainError> {
    match pattern {
        Some(pattern) => pattern::automaton(pattern),
        None => Automaton::any_text(),
    }
}
