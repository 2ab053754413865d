//! Parts of values: fields, elements, metadata of holes, and paths through modules.

use super::Body;
use crate::declare::Definition;
use crate::program::{Expression, ExpressionKind, MetadataKind, MetadataUse};
use crate::types::Type;
use crate::{assign, resolve};
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{self, ExpressionKind as Tree};

impl Body<'_, '_> {
    /// A field of a value.
    pub(super) fn field(&mut self, base: Expression, name: &ast::Name) -> Expression {
        let span = base.span.to(name.span);
        let ty = self.variables.resolve(&base.ty);
        let fields: Vec<(String, Type)> = match &ty {
            Type::Struct(id) => {
                self.context.program.structs[id.index()].fields.iter().map(|f| (f.name.clone(), f.ty.clone())).collect()
            }
            Type::Record(fields) => fields.clone(),
            Type::Error | Type::Never => return Self::error_expression(span),
            _ => Vec::new(),
        };
        if let Some(index) = fields.iter().position(|(field, _)| *field == name.value) {
            let ty = fields[index].1.clone();
            return Expression {
                kind: ExpressionKind::Field(Box::new(base), u16::try_from(index).unwrap_or(u16::MAX)),
                ty,
                span,
            };
        }
        let shown = self.show(&ty);
        let method = crate::builtin::methods(&ty).any(|m| m.name == name.value);
        let help = if method {
            Some(format!("`{}` is a method: write `.{}(…)`", name.value, name.value))
        } else if matches!(ty, Type::Optional(_)) {
            Some("it may be `none`: take it apart with `match`, or give a default with `??`".to_string())
        } else if ty == Type::Json {
            Some(format!("ask for it: `.get(\"{}\")`", name.value))
        } else if matches!(ty, Type::Variable(_)) {
            Some("its type is not known here; write it where it is bound".to_string())
        } else {
            did_you_mean(&name.value, fields.iter().map(|(n, _)| n.as_str()))
                .map(|near| format!("did you mean `{near}`?"))
        };
        self.report(
            Diagnostic::error(
                Code::E0206,
                format!("`{shown}` has no field `{}`", name.value),
                name.span,
                "unknown field",
            )
            .with_help_if(help),
        );
        Self::error_expression(span)
    }

    /// `module.name`, `Enum.variant`, or a field of a value.
    pub(super) fn field_or_path(
        &mut self,
        tree: &ast::Expression,
        base: &ast::Expression,
        name: &ast::Name,
        wanted: Option<&Type>,
    ) -> Expression {
        match self.path(base) {
            Some(Ok(Definition::Module(target))) => match resolve::member(self.context, target, name) {
                Ok(definition) => self.defined(definition, &name.value, tree.span),
                Err(diagnostic) => {
                    diagnostic.into_iter().for_each(|d| self.report(*d));
                    Self::error_expression(tree.span)
                }
            },
            Some(Ok(Definition::Enum(id))) => match self.variant_index(id, name) {
                Some(index) => self.variant(id, index, &[], tree.span, None),
                None => Self::error_expression(tree.span),
            },
            Some(Ok(Definition::Generic(id))) => self.generic_variant(id, name, &[], wanted, tree.span),
            Some(Err(())) => Self::error_expression(tree.span),
            Some(Ok(_)) | None => {
                let base = self.expression(base, None);
                self.field(base, name)
            }
        }
    }

    /// What a chain of names stands for, if it begins with a definition and no local hides it. `Err` has been reported.
    pub(super) fn path(&mut self, tree: &ast::Expression) -> Option<Result<Definition, ()>> {
        match &tree.kind {
            Tree::Name(name) if self.find(name).is_none() => {
                let names = &self.context.names[self.module].all;
                names.get(name).map(|(definition, ..)| Ok(*definition))
            }
            Tree::Field(base, name) => match self.path(base)? {
                Ok(Definition::Module(target)) => {
                    Some(resolve::member(self.context, target, name).map_err(|diagnostic| {
                        diagnostic.into_iter().for_each(|d| self.report(*d));
                    }))
                }
                Ok(_) => None,
                Err(()) => Some(Err(())),
            },
            _ => None,
        }
    }

    pub(super) fn index(&mut self, base: Expression, index: &ast::Expression, span: Span) -> Expression {
        let (key, ty) = match self.variables.resolve(&base.ty) {
            Type::List { item, .. } => (Type::int(), *item),
            Type::Map(k, v) => (*k, *v),
            Type::Error => (Type::Error, Type::Error),
            other => {
                let shown = self.show(&other);
                let help = match other {
                    Type::Str(_) => Some("take characters with `.chars()` or `.slice(start, end)`"),
                    Type::Tuple(_) => Some("take a tuple apart: `let (a, b) = …`"),
                    _ => None,
                };
                self.report(
                    Diagnostic::error(
                        Code::E0316,
                        format!("`{shown}` can't be indexed"),
                        base.span,
                        format!("this is `{shown}`"),
                    )
                    .with_help_if(help.map(str::to_string)),
                );
                (Type::Error, Type::Error)
            }
        };
        let index = self.expect(index, &key);
        Expression { kind: ExpressionKind::Index(Box::new(base), Box::new(index)), ty, span }
    }

    pub(super) fn metadata(&mut self, base: &ast::Expression, name: &ast::Name, span: Span) -> Expression {
        const KINDS: &[(&str, MetadataKind)] = &[
            ("logprob", MetadataKind::Logprob),
            ("tokens", MetadataKind::Tokens),
            ("text", MetadataKind::Text),
            ("dist", MetadataKind::Distribution),
            ("margin", MetadataKind::Margin),
            ("truncated", MetadataKind::Truncated),
            ("ms", MetadataKind::Milliseconds),
        ];
        let hole = match &base.kind {
            Tree::Name(text) => self.find(text).filter(|local| self.holes.contains(local)),
            _ => None,
        };
        let Some(hole) = hole else {
            self.report(
                Diagnostic::error(
                    Code::E0412,
                    format!("`@{}` is known of holes only", name.value),
                    base.span,
                    "no hole binds this",
                )
                .with_help("bind it in a text: \"$[x: Line]\", then read `x@logprob`"),
            );
            return Self::error_expression(span);
        };
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == name.value) else {
            let near =
                did_you_mean(&name.value, KINDS.iter().map(|(n, _)| *n)).map(|n| format!("did you mean `@{n}`?"));
            let all: Vec<String> = KINDS.iter().map(|(n, _)| format!("@{n}")).collect();
            self.report(
                Diagnostic::error(
                    Code::E0412,
                    format!("a hole has no `@{}`", name.value),
                    name.span,
                    "unknown metadata",
                )
                .with_help(near.unwrap_or_else(|| format!("there is {}", all.join(", ")))),
            );
            return Self::error_expression(span);
        };
        self.read(hole);
        let ty = self.locals[hole.index()].ty.clone();
        let finite = self.choices.contains(&hole)
            || crate::shape_of(&self.context.program, &ty).ok().and_then(|s| s.members()).is_some();
        if !finite && matches!(kind, MetadataKind::Distribution | MetadataKind::Margin) {
            let shown = self.show(&ty);
            self.report(
                Diagnostic::error(
                    Code::E0412,
                    format!("`@{}` needs a hole with finitely many values", name.value),
                    span,
                    format!("this is `{shown}`"),
                )
                .with_help("use an enum, `Bool`, or texts: \"a\" | \"b\""),
            );
            return Self::error_expression(span);
        }
        let result = match kind {
            MetadataKind::Logprob | MetadataKind::Margin => Type::float(),
            MetadataKind::Tokens | MetadataKind::Milliseconds => Type::int(),
            MetadataKind::Text => Type::text(),
            MetadataKind::Truncated => Type::Bool,
            MetadataKind::Distribution => Type::Map(Box::new(assign::widen(&ty)), Box::new(Type::float())),
        };
        let known = self.metadata.iter().find(|m| m.hole == hole && m.kind == *kind).map(|m| m.local);
        let local = known.unwrap_or_else(|| {
            let shown = format!("%{}@{}", self.locals[hole.index()].name, name.value);
            let local = self.local(&shown, result.clone(), false, span);
            self.metadata.push(MetadataUse { hole, kind: *kind, local });
            local
        });
        Expression { kind: ExpressionKind::Local(local), ty: result, span }
    }
}
