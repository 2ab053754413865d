//! Prompt text: turns, holes, splices, options.

use super::{Body, Frame};
use crate::check::Source;
use crate::program::{Effect, Expression, ExpressionKind, Hole, HoleOption, Role, StatementKind, TextPart};
use crate::shape::{WhyNot, hole_shape, shape_of};
use crate::types::Type;
use sgl_constrain::ConstrainError;
use sgl_protocol::Shape;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast;

/// The place that is pure, but for faults and for what it says it uses.
pub(super) const A_TOOL: &str = "a `tool`";
/// What a tool gives in a test is pure, but for faults.
const A_MOCK: &str = "a mock";

impl Body<'_, '_> {
    /// Where the code is, if it must be pure, and what to do about it.
    pub(super) fn pure_place(&self) -> Option<(&'static str, &'static str)> {
        if self.frames.iter().any(|frame| matches!(frame, Frame::Closure { .. })) {
            return Some(("a closure", "use a comprehension, `[f(x) for x in xs]`: its calls run side by side"));
        }
        match self.effect {
            Effect::Tool if matches!(self.context.functions[self.id].1, Source::Answer(_)) => {
                Some((A_MOCK, "write what the tool gives: a value, or `fail(\"why\")`"))
            }
            Effect::Pure if self.outside => Some(("a constant", "move it into a `prompt`")),
            Effect::Tool => Some((A_TOOL, "do it in the prompt that calls the tool")),
            Effect::Pure => Some(("a `fn`", "declare it as `prompt`")),
            Effect::Prompt => None,
        }
    }

    /// Reports prompt text in pure code.
    pub(super) fn needs_prompt(&mut self, what: &str, span: Span) {
        // Inside a turn the turn itself was reported.
        if let Some((place, help)) = self.pure_place().filter(|_| !self.in_role) {
            self.report(
                Diagnostic::error(
                    Code::E0502,
                    format!("{what} in {place}, which is pure"),
                    span,
                    "this writes a transcript",
                )
                .with_help(help),
            );
        }
    }

    /// Reports a call of the model in pure code.
    pub(super) fn needs_model(&mut self, what: &str, span: Span) {
        if let Some((place, help)) = self.pure_place() {
            self.report(
                Diagnostic::error(
                    Code::E0501,
                    format!("{what} is called in {place}, which is pure"),
                    span,
                    "this uses the model",
                )
                .with_help(help),
            );
        }
    }

    /// Reports a fault that is raised in pure code.
    pub(super) fn needs_faults(&mut self, what: &str, span: Span) {
        if let Some((place, help)) = self.pure_place().filter(|(place, _)| ![A_TOOL, A_MOCK].contains(place)) {
            self.report(
                Diagnostic::error(
                    Code::E0502,
                    format!("{what} in {place}, which is pure"),
                    span,
                    "this raises a fault",
                )
                .with_help(help),
            );
        }
    }

    pub(super) fn role(&mut self, role: &ast::RoleName, body: &ast::Block, span: Span) -> Option<StatementKind> {
        self.needs_prompt("a turn", span);
        let role = match role {
            ast::RoleName::System => Role::System,
            ast::RoleName::User => Role::User,
            ast::RoleName::Assistant => Role::Assistant,
            ast::RoleName::Other(name) => Role::Named(self.expect(name, &Type::text())),
        };
        if self.in_role {
            self.report(
                Diagnostic::error(Code::E0402, "a turn inside a turn", span, "the turn around it is still open")
                    .with_help("close the outer one first"),
            );
        }
        self.first_role.get_or_insert(span);
        self.check_mixed();
        let before = std::mem::replace(&mut self.in_role, true);
        // A turn delimits text, not names: what it binds is visible after it.
        let block = self.block_statements(&body.statements);
        self.in_role = before;
        Some(StatementKind::Role(role, block))
    }

    fn check_mixed(&mut self) {
        if let (Some(raw), Some(role), false) = (self.first_raw, self.first_role, self.mixed) {
            self.mixed = true;
            self.report(
                Diagnostic::error(
                    Code::E0403,
                    "text outside turns, in a prompt with turns",
                    raw,
                    "this belongs to no turn",
                )
                .with_label(role, "a turn")
                .with_help("put it into a turn: `user \"…\"`, or mark it: `raw { … }`"),
            );
        }
    }

    pub(super) fn text_statement(&mut self, text: &ast::Text) -> StatementKind {
        self.needs_prompt("prompt text", text.span);
        if !self.in_role && !self.in_raw {
            self.first_raw.get_or_insert(text.span);
            self.check_mixed();
        }
        let mut parts = Vec::new();
        let mut bound = Vec::new();
        for part in &text.parts {
            match part {
                ast::TextPart::Literal(literal) => parts.push(TextPart::Literal(literal.value.clone())),
                ast::TextPart::Splice(e) => {
                    let e = self.expression(e, None);
                    if !self.is_shown_whole(&e) {
                        self.spliceable(&e);
                    }
                    parts.push(TextPart::Splice(e));
                }
                ast::TextPart::Hole(tree) => {
                    if let Some(hole) = self.hole(tree) {
                        if let Some(local) = hole.local {
                            // Visible to what follows in the same text, too.
                            self.bind(local);
                            bound.push(local);
                        }
                        parts.push(TextPart::Hole(hole));
                    }
                }
            }
        }
        StatementKind::Text(parts)
    }

    /// A text as a value.
    pub(super) fn text(&mut self, text: &ast::Text) -> Expression {
        let mut parts: Vec<Expression> = Vec::new();
        for part in &text.parts {
            match part {
                ast::TextPart::Literal(literal) => {
                    let kind = ExpressionKind::Text(literal.value.clone());
                    parts.push(Expression { kind, ty: Type::Literal(literal.value.clone()), span: literal.span });
                }
                ast::TextPart::Splice(e) => {
                    let e = self.expression(e, None);
                    self.spliceable(&e);
                    parts.push(e);
                }
                ast::TextPart::Hole(_) => {}
            }
        }
        let span = text.span;
        let of = |kind, ty| Expression { kind, ty, span };
        match parts.as_slice() {
            [] => of(ExpressionKind::Text(String::new()), Type::Literal(String::new())),
            [Expression { kind: ExpressionKind::Text(only), .. }] => {
                of(ExpressionKind::Text(only.clone()), Type::Literal(only.clone()))
            }
            _ => of(ExpressionKind::Join(parts), Type::text()),
        }
    }

    /// Whether a transcript takes the value as what it is, not as its text.
    pub(super) fn is_shown_whole(&self, e: &Expression) -> bool {
        matches!(self.variables.resolve(&e.ty), Type::Prompt | Type::Image)
    }

    /// Reports a value that has no text.
    pub(super) fn spliceable(&mut self, e: &Expression) {
        let ty = self.variables.resolve(&e.ty);
        let help = match &ty {
            Type::Prompt => "append a transcript with `emit`, or take its text: `p.text()`",
            Type::Image => "an image stands in a text of a prompt, not in a text as a value: `user \"${photo}\"`",
            Type::Function(..) => "call it: `${f(…)}`",
            ty if self.holds_an_image(ty) => "splice the image itself: `${x.photo}`, or one after the other",
            _ => return,
        };
        let shown = self.show(&ty);
        self.report(
            Diagnostic::error(
                Code::E0317,
                format!("a value of type `{shown}` has no text"),
                e.span,
                format!("this is `{shown}`"),
            )
            .with_help(help),
        );
    }

    /// Whether an image is part of a value of the type.
    pub(super) fn holds_an_image(&self, ty: &Type) -> bool {
        !crate::generic::faulty(ty)
            && shape_of(&self.context.program, ty).is_ok_and(|shape| shape.any(&|part| *part == Shape::Image))
    }

    /// A hole; what it binds is not visible yet.
    pub(super) fn hole(&mut self, tree: &ast::Hole) -> Option<Hole> {
        self.context.computed = Some(Vec::new());
        let ty = tree.ty.as_ref().map_or(Type::text(), |ty| crate::resolve::ty(self.context, self.module, ty));
        let parts = self.context.computed.take().unwrap_or_default();
        let mut options = self.options(&tree.options);
        let model = self.model_of(&tree.options);
        for (index, (part, ty)) in (0u8..).zip(parts) {
            let wanted = if matches!(ty, Type::JsonAs(_)) { Type::Schema } else { Type::list(Type::text()) };
            options.push((HoleOption::Part(index), self.expect(&part, &wanted)));
        }
        let span = tree.ty.as_ref().map_or(tree.span, |ty| ty.span);
        let shape = self.generable(&ty, span);
        let local = tree.name.as_ref().map(|name| {
            let choice = matches!(ty, Type::OneOf(_));
            let ty = if shape.is_some() { ty.filled() } else { Type::Error };
            let local = self.local(&name.value, ty, false, name.span);
            self.holes.push(local);
            if choice {
                self.choices.push(local);
            }
            local
        });
        let Some(shape) = shape else {
            local.into_iter().for_each(|local| self.bind(local));
            return None;
        };
        let label = tree.name.as_ref().map_or("_".to_string(), |name| name.value.clone());
        Some(Hole { local, label, ty: ty.filled(), shape, model, options, span: tree.span })
    }

    /// The shape of a type that a model can write; reports one that it can't.
    fn generable(&mut self, ty: &Type, span: Span) -> Option<Shape> {
        if crate::generic::faulty(ty) {
            return None;
        }
        let shown = self.show(ty);
        let shape = match hole_shape(&self.context.program, ty) {
            Ok(shape) => shape,
            Err(WhyNot::Same(both)) => {
                let (a, b) = (self.show(&both.0), self.show(&both.1));
                self.report(
                    Diagnostic::error(
                        Code::E0315,
                        format!("`{a}` and `{b}` can't be told apart"),
                        span,
                        "a value may be either",
                    )
                    .with_help("drop the narrower one, or make them variants of an `enum`"),
                );
                return None;
            }
            Err(WhyNot::Key(key)) => {
                let key = self.show(&key);
                self.report(
                    Diagnostic::error(
                        Code::E0401,
                        format!("a model can't write a map whose keys are `{key}`"),
                        span,
                        "keys are texts",
                    )
                    .with_help("use `{Str: …}`, or a list of pairs"),
                );
                return None;
            }
            // A part of it was reported, or is a type parameter that nobody has given yet.
            Err(WhyNot::NotText(Type::Error)) => return None,
            Err(WhyNot::NotText(part)) => {
                let help = match part {
                    Type::Image => "a model reads images, and writes none: take it as a parameter",
                    _ => "use text, numbers, enums, lists or structs",
                };
                self.report(
                    Diagnostic::error(
                        Code::E0401,
                        format!("a model can't write a value of type `{shown}`"),
                        span,
                        "it has no text form",
                    )
                    .with_help(help),
                );
                return None;
            }
        };
        if shape.is_free_text() {
            return Some(shape);
        }
        match self.context.possible.fits_any(&shape) {
            Ok(false) => {
                self.report(
                    Diagnostic::error(
                        Code::E0410,
                        format!("no text fits `{shown}`"),
                        span,
                        "the refinements contradict each other",
                    )
                    .with_help("loosen one of them"),
                );
                None
            }
            // What no automaton can do is checked where the model is known.
            Ok(true) | Err(ConstrainError::Unenforced(_)) => Some(shape),
            Err(why) => {
                self.report(
                    Diagnostic::error(
                        Code::E0409,
                        format!("the constraint of `{shown}` can't be enforced"),
                        span,
                        why.to_string(),
                    )
                    .with_help("use smaller bounds"),
                );
                None
            }
        }
    }
}
