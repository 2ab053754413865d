//! Prompt text: turns, holes, branches.

use super::{Lowering, Open, Place};
use crate::program::{Body, Hole, Join, Op, Start, Value};
use sgl_hir::program as hir;
use sgl_hir::program::{Branches, ExpressionKind, HoleOption, TextPart};
use sgl_hir::{Type, hole_shape};
use sgl_protocol::Shape;

impl Lowering<'_> {
    pub(super) fn role(&mut self, role: &hir::Role, body: &hir::Block) {
        match role {
            hir::Role::System => self.effect(Op::OpenRole("system")),
            hir::Role::User => self.effect(Op::OpenRole("user")),
            hir::Role::Assistant => self.effect(Op::OpenRole("assistant")),
            hir::Role::Named(name) => {
                let name = self.expression(name);
                self.effect(Op::OpenNamedRole(name));
            }
        }
        self.open.push(Open::Role);
        self.block(body);
        self.open.pop();
        // After a `return` in the turn this is never reached; the turn was closed there.
        self.effect(Op::CloseRole);
    }

    pub(super) fn text(&mut self, parts: &[TextPart]) {
        for (index, part) in parts.iter().enumerate() {
            match part {
                TextPart::Literal(text) => self.effect(Op::Append(text.clone())),
                TextPart::Splice(value) => self.splice(value),
                TextPart::Hole(hole) => {
                    let follow = match parts.get(index + 1) {
                        Some(TextPart::Literal(text)) => text.clone(),
                        _ => String::new(),
                    };
                    self.hole(hole, follow);
                }
            }
        }
    }

    /// Appends a value to the transcript, as a model would have written it.
    pub(super) fn splice(&mut self, e: &hir::Expression) {
        let value = self.expression(e);
        if e.ty == Type::Image {
            self.effect(Op::AppendImage(value));
            return;
        }
        let value = self.written(&e.ty, value).unwrap_or(value);
        self.effect(Op::AppendValue(value));
    }

    /// The text of a value where its type says more of it than the value itself: its digits, its tags.
    pub(super) fn written(&mut self, ty: &Type, value: Value) -> Option<Value> {
        let shape = hole_shape(self.source, ty).ok()?;
        let says_more = |shape: &Shape| match shape {
            Shape::Float { decimals, .. } => decimals.is_some(),
            Shape::Tagged { name, .. } => name.is_empty(),
            Shape::Formed { .. } => true,
            _ => false,
        };
        shape.any(&says_more).then(|| self.emit(Op::WriteAs(value, shape.clone())))
    }

    pub(super) fn hole(&mut self, hole: &hir::Hole, follow: String) -> Value {
        let mut options = Vec::new();
        let mut max_tokens = None;
        for (option, value) in &hole.options {
            if let (HoleOption::MaxTokens, ExpressionKind::Int(n)) = (option, &value.kind) {
                max_tokens = u32::try_from(*n).ok();
            }
            let value = self.expression(value);
            options.push((*option, value));
        }
        let uses: Vec<hir::MetadataUse> =
            self.function.metadata.iter().filter(|m| Some(m.hole) == hole.local).copied().collect();
        let outer = std::mem::replace(&mut self.span, hole.span);
        let shape = hole.shape.clone();
        self.records.of_shape(&shape);
        let model = self.model(hole.model);
        let planned = Hole { label: hole.label.clone(), shape, model, follow, max_tokens };
        let value = self.fresh();
        let mut results = vec![value];
        for used in &uses {
            let result = self.fresh();
            self.places.insert(used.local, Place::Value(result));
            results.push(result);
        }
        self.push(results, Op::Generate(planned, options, uses.iter().map(|m| m.kind).collect()));
        self.span = outer;
        if let Some(local) = hole.local {
            self.bind(local, value);
        }
        value
    }

    /// A model's name.
    pub(super) fn model(&self, id: Option<u32>) -> Option<String> {
        id.map(|id| self.source.models[id as usize].name.clone())
    }

    /// A block on a copy of a transcript.
    pub(super) fn scratch(&mut self, start: Start, block: &hir::Block) -> Value {
        let body = self.body(Vec::new(), |this| {
            this.block(block);
        });
        self.emit(Op::Scratch(start, body))
    }

    pub(super) fn fork(&mut self, fork: &hir::Fork, ty: &Type) -> Value {
        match &fork.branches {
            Branches::Each(pattern, over, block) => {
                let over = self.expression(over);
                let element = self.fresh();
                let body = self.body(vec![element], |this| {
                    this.irrefutable(pattern, element);
                    this.block(block);
                });
                let join = self.join(&fork.join, ty);
                self.emit(Op::Fork(over, body, join))
            }
            Branches::Named(branches) => {
                let bodies: Vec<(String, Body)> = branches
                    .iter()
                    .map(|(name, block)| {
                        let body = self.body(Vec::new(), |this| {
                            this.block(block);
                        });
                        (name.clone(), body)
                    })
                    .collect();
                let record = self.records.anonymous(branches.iter().map(|(name, _)| name.clone()).collect());
                let join = self.join(&fork.join, ty);
                self.emit(Op::ForkNamed(bodies, record, join))
            }
        }
    }

    fn join(&mut self, join: &hir::Join, ty: &Type) -> Join {
        match join {
            hir::Join::All => Join::All,
            hir::Join::Race => Join::Race,
            hir::Join::Concat => Join::Concat,
            hir::Join::First(n) => Join::First(self.expression(n)),
            hir::Join::Best(f) => Join::Best(self.expression(f)),
            hir::Join::Until(f) => Join::Until(self.expression(f)),
            hir::Join::Vote { stop, min } => {
                let stop = stop.as_ref().map(|e| self.expression(e));
                let min = min.as_ref().map(|e| self.expression(e));
                Join::Vote { stop, min, record: self.anonymous_record(ty) }
            }
        }
    }
}
