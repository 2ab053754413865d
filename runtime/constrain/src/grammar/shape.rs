//! Shapes as grammars.

use super::{Bounds, Grammar, Layout, Node, NodeId, RuleId};
use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::schema::{self, SchemaOptions};
use crate::{pattern, text};
use sgl_protocol::Shape;

/// What a part of a shape is made with.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) layout: Layout,
    /// The rules of the definitions that a [`Shape::Ref`] refers to here.
    pub(super) rules: &'a [RuleId],
}

impl Grammar {
    /// The texts of a hole of this shape. At the top, text and names stand as they are; inside a structure they are JSON
    /// strings. A top-level text with a delimiter is accepted alone and with its delimiter.
    pub fn of_shape(shape: &Shape) -> Result<Self, ConstrainError> {
        if let Shape::Grammar(text) = shape {
            return Self::of_lark(text);
        }
        let mut grammar = Self::new();
        let scope = Scope { layout: grammar.one_line(), rules: &[] };
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
            other => grammar.shape(scope, other, true)?,
        };
        grammar.set_start(whole);
        Ok(grammar)
    }

    /// A shape as a part.
    pub(super) fn shape(&mut self, scope: Scope<'_>, shape: &Shape, top: bool) -> Result<NodeId, ConstrainError> {
        let layout = scope.layout;
        Ok(match shape {
            // A pattern by itself may have counts too large for an automaton.
            Shape::Text { pattern: Some(pattern), chars_max: None, until: None } if top => self.regex(pattern)?,
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
            Shape::LiteralBool(only) => self.literal(if *only { "true" } else { "false" }),
            Shape::Null => self.literal("null"),
            Shape::Literal(text) => self.names(&[text.as_str()], top)?,
            Shape::Enum { names, .. } => self.names(names, top)?,
            Shape::List { item, min, max } => {
                let item = self.shape(scope, item, false)?;
                self.array(layout, &[], Some(item), Bounds::new(*min, *max))
            }
            Shape::Tuple(items) => {
                let items = items.iter().map(|item| self.shape(scope, item, false)).collect::<Result<Vec<_>, _>>()?;
                let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
                self.array(layout, &items, None, Bounds::new(count, Some(count)))
            }
            Shape::Record { fields, .. } => {
                let mut members = Vec::with_capacity(fields.len());
                for field in fields {
                    let (key, value) = (self.quoted(&field.name), self.shape(scope, &field.shape, false)?);
                    members.push(self.member(layout, key, value, true));
                }
                self.object(layout, &members, None, Bounds::ANY)
            }
            Shape::Union(variants) => {
                let parts = variants.iter().map(|v| self.shape(scope, &v.shape, top)).collect::<Result<Vec<_>, _>>()?;
                self.choice(&parts)
            }
            Shape::Map { key, value, min, max } => {
                let (key, value) = (self.shape(scope, key, false)?, self.shape(scope, value, false)?);
                let entry = self.member(layout, key, value, false).part;
                self.object(layout, &[], Some(entry), Bounds::new(*min, *max))
            }
            Shape::Tagged { variants, .. } => {
                let parts = variants
                    .iter()
                    .map(|v| self.shape(scope, &v.tagged_object(), false))
                    .collect::<Result<Vec<_>, _>>()?;
                self.choice(&parts)
            }
            Shape::Recursive { definitions, root } => {
                let rules = self.definitions(layout, definitions)?;
                self.shape(Scope { layout, rules: &rules }, root, top)?
            }
            Shape::Formed { form, shape } => self.formed(scope, *form, shape, top)?,
            Shape::Ref(index) => match scope.rules.get(*index as usize) {
                Some(rule) => self.call(*rule),
                None => return Err(ConstrainError::Undefined(format!("definition {index}"))),
            },
            Shape::Schema(text) => self.schema(text)?,
            Shape::Grammar(_) => return Err(ConstrainError::Unenforced("a grammar inside a structure")),
            Shape::Image => return Err(ConstrainError::Unenforced("an image")),
            Shape::Computed(_) => return Err(ConstrainError::Unenforced("what is not computed yet")),
        })
    }

    /// A rule for each of the definitions.
    pub(super) fn definitions(&mut self, layout: Layout, all: &[Shape]) -> Result<Vec<RuleId>, ConstrainError> {
        let name = |index: usize| format!("definition {index}");
        let rules: Vec<RuleId> = (0..all.len()).map(|index| self.declare(&name(index))).collect();
        for (rule, definition) in rules.iter().zip(all) {
            let body = self.shape(Scope { layout, rules: &rules }, definition, false)?;
            self.define(*rule, body);
        }
        Ok(rules)
    }

    /// The JSON that a schema describes.
    fn schema(&mut self, text: &str) -> Result<NodeId, ConstrainError> {
        let wrong = |why: String| ConstrainError::Schema(why);
        let value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let grammar = schema::compile(&value, SchemaOptions::default()).map_err(|error| wrong(error.to_string()))?;
        self.embed(&grammar).ok_or(ConstrainError::Empty)
    }

    /// Any of these texts.
    fn names<T: AsRef<str>>(&mut self, names: &[T], raw: bool) -> Result<NodeId, ConstrainError> {
        self.names_where(names, &|_| raw)
    }

    /// Any of these texts; those that `raw` says without quotes.
    pub(super) fn names_where<T: AsRef<str>>(
        &mut self,
        names: &[T],
        raw: &dyn Fn(&str) -> bool,
    ) -> Result<NodeId, ConstrainError> {
        let written =
            |name: &str| if raw(name) { name.to_string() } else { format!("\"{}\"", Automaton::escaped(name)) };
        let written: Vec<String> = names.iter().map(|name| written(name.as_ref())).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use sgl_protocol::{Field, Variant};

    fn accepts(shape: &Shape, text: &str) -> bool {
        Grammar::of_shape(shape).unwrap().accepts(text.as_bytes())
    }

    fn field(name: &str, shape: Shape) -> Field {
        Field { name: name.into(), shape }
    }

    #[test]
    fn a_recursive_shape_nests_to_any_depth() {
        let children = Shape::List { item: Box::new(Shape::Ref(0)), min: 0, max: Some(2) };
        let node = Shape::Record { name: "Node".into(), fields: vec![field("c", children)] };
        let shape = Shape::Recursive { definitions: vec![node], root: Box::new(Shape::Ref(0)) };
        assert!(accepts(&shape, r#"{"c": []}"#));
        assert!(accepts(&shape, r#"{"c": [{"c": []}, {"c": [{"c": []}]}]}"#));
        assert!(!accepts(&shape, r#"{"c": [{"c": []}, {"c": []}, {"c": []}]}"#));
        assert!(!accepts(&shape, r#"{"c": [{}]}"#));
    }

    #[test]
    fn a_tag_comes_first_and_decides_what_follows() {
        let payload = Shape::Record { name: String::new(), fields: vec![field("n", Shape::Bool)] };
        let variants = vec![
            Variant { name: "Act".into(), shape: payload },
            Variant { name: "none".into(), shape: Shape::Null },
            Variant { name: "Int".into(), shape: Shape::Int { min: Some(1), max: Some(2) } },
        ];
        let shape = Shape::Tagged { name: String::new(), variants };
        for text in [r#"{"type": "Act", "n": true}"#, r#"{"type": "none"}"#, r#"{"type": "Int", "value": 2}"#] {
            assert!(accepts(&shape, text), "{text}");
        }
        assert!(!accepts(&shape, r#"{"type": "none", "n": true}"#) && !accepts(&shape, "2"));
    }

    #[test]
    fn a_schema_is_a_part_like_any_other() {
        let object = r##"{"type": "object", "properties": {"n": {"$ref": "#/$defs/t"}}, "required": ["n"],
            "additionalProperties": false, "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}}"##;
        let object = Shape::Schema(object.into());
        assert!(accepts(&object, r#"{"n": [[], [[]]]}"#) && !accepts(&object, r#"{"n": [1]}"#));
        let list = Shape::List { item: Box::new(object), min: 1, max: Some(2) };
        assert!(accepts(&list, r#"[{"n": []}, {"n": [[]]}]"#) && !accepts(&list, "[{}]"));
        assert!(accepts(&Shape::Schema("true".into()), r#"{"a": [1, null]}"#));
        let unsaid = Grammar::of_shape(&Shape::Schema("{".into())).map(|_| ());
        assert!(matches!(unsaid, Err(ConstrainError::Schema(_))));
    }

    #[test]
    fn a_map_has_any_keys() {
        let map = |min, max| Shape::Map { key: Box::new(Shape::free_text()), value: Box::new(Shape::Bool), min, max };
        assert!(accepts(&map(0, None), "{}") && accepts(&map(0, None), r#"{"a": true, "\"": false}"#));
        assert!(!accepts(&map(1, Some(1)), "{}") && !accepts(&map(1, Some(1)), r#"{"a": true, "b": true}"#));
    }
}
