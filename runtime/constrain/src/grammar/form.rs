//! Shapes in a form over several lines, as parts of a grammar.

use super::shape::Scope;
use super::{Bounds, Grammar, NodeId};
use crate::error::ConstrainError;
use sgl_protocol::{Field, Form, Frame, Layout, Shape};

/// Where a part stands, and what it is made with.
#[derive(Clone, Copy)]
struct At<'a> {
    layout: Layout,
    /// How what stands on one line is made.
    scope: Scope<'a>,
    /// What a [`Shape::Ref`] refers to here.
    definitions: &'a [Shape],
    /// Whether it is inside a definition, so that a further one is on one line.
    is_inside_definition: bool,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Alone: texts and names stand raw.
    Top,
    /// In a list, or as a key.
    Element,
    /// After a key, with what stands between.
    AfterKey,
}

impl At<'_> {
    fn part(self, place: Place) -> Self {
        Self { layout: self.layout.inside(), place, ..self }
    }
}

impl Grammar {
    /// A shape in a form.
    pub(super) fn formed(
        &mut self,
        scope: Scope<'_>,
        form: Form,
        shape: &Shape,
        top: bool,
    ) -> Result<NodeId, ConstrainError> {
        let place = if top { Place::Top } else { Place::Element };
        let at = At { layout: Layout::of(form), scope, definitions: &[], is_inside_definition: false, place };
        self.laid_out(at, shape)
    }

    fn laid_out(&mut self, at: At<'_>, shape: &Shape) -> Result<NodeId, ConstrainError> {
        match shape {
            Shape::Union(variants) => {
                let parts = variants.iter().map(|v| self.laid_out(at, &v.shape)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.choice(&parts))
            }
            Shape::Recursive { definitions, root } => {
                let rules = self.definitions(at.scope.layout, definitions)?;
                let scope = Scope { rules: &rules, ..at.scope };
                self.laid_out(At { scope, definitions, is_inside_definition: false, ..at }, root)
            }
            Shape::Ref(index) if !at.is_inside_definition => match at.definitions.get(*index as usize) {
                Some(definition) => self.laid_out(At { is_inside_definition: true, ..at }, definition),
                None => Err(ConstrainError::Undefined(format!("definition {index}"))),
            },
            Shape::Formed { shape, .. } => self.laid_out(at, shape),
            structure if structure.is_structure() => {
                let (empty, full) = self.structure(at, structure)?;
                let empty = empty.map(|empty| {
                    let empty = self.literal(empty);
                    self.inline(at, empty)
                });
                let full = full.map(|full| self.block(at, full));
                let ways: Vec<NodeId> = full.into_iter().chain(empty).collect();
                Ok(self.choice(&ways))
            }
            other => {
                let part = self.scalar(at, other)?;
                Ok(self.inline(at, part))
            }
        }
    }

    /// What is no structure, or stands on one line.
    fn scalar(&mut self, at: At<'_>, shape: &Shape) -> Result<NodeId, ConstrainError> {
        let bare = |name: &str| at.layout.is_bare(name);
        match shape {
            Shape::Literal(text) if at.place != Place::Top => self.names_where(&[text.as_str()], &bare),
            Shape::Enum { names, .. } if at.place != Place::Top => self.names_where(names, &bare),
            other => self.shape(at.scope, other, at.place == Place::Top),
        }
    }

    fn inline(&mut self, at: At<'_>, part: NodeId) -> NodeId {
        self.after(if at.place == Place::AfterKey { Layout::BESIDE_KEY } else { "" }, part)
    }

    fn block(&mut self, at: At<'_>, part: NodeId) -> NodeId {
        if at.place == Place::AfterKey { self.after(&at.layout.under_key(), part) } else { part }
    }

    fn after(&mut self, before: &str, part: NodeId) -> NodeId {
        if before.is_empty() {
            return part;
        }
        let before = self.literal(before);
        self.sequence(&[before, part])
    }

    /// The text of an empty structure, and the part of all others, where the shape has such.
    fn structure(
        &mut self,
        at: At<'_>,
        shape: &Shape,
    ) -> Result<(Option<&'static str>, Option<NodeId>), ConstrainError> {
        Ok(match shape {
            Shape::List { item, min, max } => {
                let item = self.laid_out(at.part(Place::Element), item)?;
                (may_be_empty("[]", *min, *max), self.repeated(&at.layout.list(), item, *min, *max))
            }
            Shape::Map { key, value, min, max } => {
                let key = self.laid_out(at.part(Place::Element), key)?;
                let value = self.laid_out(at.part(Place::AfterKey), value)?;
                let entry = self.sequence(&[key, value]);
                (may_be_empty("{}", *min, *max), self.repeated(&at.layout.object(), entry, *min, *max))
            }
            Shape::Tuple(items) if items.is_empty() => (Some("[]"), None),
            Shape::Tuple(items) => {
                let part = at.part(Place::Element);
                let items = items.iter().map(|item| self.laid_out(part, item)).collect::<Result<Vec<_>, _>>()?;
                (None, Some(self.framed(&at.layout.list(), &items)))
            }
            Shape::Record { fields, .. } if fields.is_empty() => (Some("{}"), None),
            Shape::Record { fields, .. } => (None, Some(self.fields(at, fields)?)),
            Shape::Tagged { variants, .. } => {
                let mut ways = Vec::new();
                for variant in variants {
                    ways.extend(self.structure(at, &variant.tagged_object())?.1);
                }
                (None, Some(self.choice(&ways)))
            }
            _ => (None, None),
        })
    }

    fn fields(&mut self, at: At<'_>, fields: &[Field]) -> Result<NodeId, ConstrainError> {
        let mut members = Vec::with_capacity(fields.len());
        for field in fields {
            let key = self.scalar(at.part(Place::Element), &Shape::Literal(field.name.clone()))?;
            let value = self.laid_out(at.part(Place::AfterKey), &field.shape)?;
            members.push(self.sequence(&[key, value]));
        }
        Ok(self.framed(&at.layout.object(), &members))
    }

    fn framed(&mut self, frame: &Frame, parts: &[NodeId]) -> NodeId {
        let mut all = Vec::with_capacity(2 * parts.len() + 1);
        for (index, part) in parts.iter().enumerate() {
            let before = self.literal(if index == 0 { &frame.open } else { &frame.between });
            all.extend([before, *part]);
        }
        all.push(self.literal(&frame.close));
        self.sequence(&all)
    }

    fn repeated(&mut self, frame: &Frame, part: NodeId, min: u32, max: Option<u32>) -> Option<NodeId> {
        if max.is_some_and(|max| max == 0 || min > max) {
            return None;
        }
        let between = self.literal(&frame.between);
        let all = self.repeat(part, Some(between), Bounds::new(min.max(1), max));
        Some(self.framed(frame, &[all]))
    }
}

fn may_be_empty(text: &'static str, min: u32, max: Option<u32>) -> Option<&'static str> {
    (min == 0 && max.is_none_or(|max| min <= max)).then_some(text)
}
