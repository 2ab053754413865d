//! Patterns against the type of what they take apart.

use super::Body;
use crate::declare::Definition;
use crate::program::{Arm, EnumId, ExpressionKind, GenericId, Pattern, StructId};
use crate::types::Type;
use crate::{assign, resolve, shape_of};
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{self, PatternKind as Tree};

impl Body<'_, '_> {
    /// A pattern that must fit every value of the type.
    pub(super) fn irrefutable(&mut self, tree: &ast::Pattern, ty: &Type) -> Pattern {
        let ty = self.variables.resolve(ty);
        if let Tree::Bind(name) = &tree.kind {
            let local = self.local(&name.value, ty, false, name.span);
            self.bind(local);
            return Pattern::Bind(local);
        }
        let pattern = self.pattern(tree, &ty);
        if ty != Type::Error
            && let Some(missing) = crate::exhaustive::missing(&self.context.program, &ty, &[&pattern])
        {
            self.report(
                Diagnostic::error(
                    Code::E0307,
                    "this pattern does not fit every value",
                    tree.span,
                    format!("`{missing}` does not fit"),
                )
                .with_help("take the value apart with `match`"),
            );
        }
        pattern
    }

    /// A pattern for a value of the type; its names are bound.
    pub(super) fn pattern(&mut self, tree: &ast::Pattern, ty: &Type) -> Pattern {
        let ty = self.variables.resolve(ty);
        match &tree.kind {
            Tree::Wildcard => Pattern::Wildcard,
            Tree::Bind(name) => self.bind_or_variant(name, &ty),
            Tree::Literal(value) => self.literal(value, &ty),
            Tree::Variant { path, fields } => self.variant_pattern(path, fields.as_deref(), &ty, tree.span),
            Tree::Typed(name, wanted) => {
                let wanted = resolve::ty(self.context, self.module, wanted);
                self.member(name, wanted, &ty, tree.span)
            }
            Tree::Tuple(items) => self.tuple(items, &ty, tree.span),
            Tree::Or(all) => {
                let before = self.locals.len();
                let all: Vec<Pattern> = all.iter().map(|one| self.pattern(one, &ty)).collect();
                if let Some(bound) = self.locals.get(before) {
                    let (name, span) = (bound.name.clone(), bound.span);
                    self.report(
                        Diagnostic::error(
                            Code::E0307,
                            format!("`{name}` is bound in one alternative only"),
                            span,
                            "alternatives bind nothing",
                        )
                        .with_help("write `_`, or a case of its own"),
                    );
                }
                Pattern::Or(all)
            }
            Tree::Error => {
                self.report(Diagnostic::error(
                    Code::E0307,
                    "this is no pattern",
                    tree.span,
                    "expected a name or a tuple of names",
                ));
                Pattern::Wildcard
            }
        }
    }

    /// A lower-case name is a variant where the value is an enum that has it; else it binds.
    fn bind_or_variant(&mut self, name: &ast::Name, ty: &Type) -> Pattern {
        if let Some(id) = self.variant_home(std::slice::from_ref(name), ty) {
            let variants = &self.context.program.enums[id.index()].variants;
            if let Some(index) = variants.iter().position(|v| v.name == name.value && v.fields.is_empty()) {
                let variant = Pattern::Variant(id, u16::try_from(index).unwrap_or(u16::MAX), Vec::new());
                return self.within_union(ty, Type::Enum(id), variant);
            }
        }
        let local = self.local(&name.value, ty.clone(), false, name.span);
        self.bind(local);
        Pattern::Bind(local)
    }

    fn literal(&mut self, tree: &ast::Expression, ty: &Type) -> Pattern {
        let found = self.expression(tree, None);
        if matches!(found.kind, ExpressionKind::None) {
            if !matches!(ty, Type::Optional(_) | Type::None | Type::Error) {
                self.wrong_pattern("none", ty, tree.span);
            }
            return Pattern::None;
        }
        let wide = assign::widen(&found.ty);
        let inside = match ty {
            Type::Optional(of) => of.as_ref().clone(),
            other => other.clone(),
        };
        let may_be = |ty: &Type| match (ty, &found.kind) {
            (Type::Literal(_), _) => *ty == found.ty,
            (Type::LiteralBool(only), _) => matches!(found.kind, ExpressionKind::Bool(b) if b == *only),
            (Type::Int { min, max }, ExpressionKind::Int(n)) => {
                min.is_none_or(|min| *n >= min) && max.is_none_or(|max| *n <= max)
            }
            _ => assign::widen(ty) == wide || *ty == Type::Error,
        };
        let possible = match &inside {
            Type::Union(members) => members.iter().any(may_be),
            one => may_be(one),
        };
        if !possible {
            let shown = self.show(&found.ty);
            self.wrong_pattern(&shown, ty, tree.span);
        }
        Pattern::Literal(Box::new(found))
    }

    fn wrong_pattern(&mut self, what: &str, ty: &Type, span: Span) {
        let shown = self.show(ty);
        let message = format!("`{what}` does not fit a value of type `{shown}`");
        let optional = matches!(ty, Type::Optional(_));
        self.report(
            Diagnostic::error(Code::E0307, message, span, format!("the value is `{shown}`"))
                .with_help_if(optional.then(|| "it may be `none`: put a case `none => …` above this one".to_string())),
        );
    }

    fn tuple(&mut self, items: &[ast::Pattern], ty: &Type, span: Span) -> Pattern {
        let types: Vec<Type> = match ty {
            Type::Tuple(types) => types.clone(),
            Type::Record(fields) => fields.iter().map(|(_, ty)| ty.clone()).collect(),
            Type::Variable(_) => {
                let fresh: Vec<Type> = items.iter().map(|_| self.variables.fresh()).collect();
                self.variables.fits(&self.context.program, &Type::Tuple(fresh.clone()), ty);
                fresh
            }
            Type::Error => items.iter().map(|_| Type::Error).collect(),
            _ => {
                self.wrong_pattern("a tuple", ty, span);
                items.iter().map(|_| Type::Error).collect()
            }
        };
        if types.len() != items.len() {
            let message = format!("a tuple of {} does not fit one of {}", items.len(), types.len());
            self.report(Diagnostic::error(Code::E0307, message, span, format!("the value has {} parts", types.len())));
        }
        let nothing = Type::Error;
        let mut patterns: Vec<Pattern> =
            items.iter().enumerate().map(|(i, item)| self.pattern(item, types.get(i).unwrap_or(&nothing))).collect();
        patterns.resize(types.len(), Pattern::Wildcard);
        Pattern::Fields(patterns)
    }

    fn member(&mut self, name: &ast::Name, wanted: Type, ty: &Type, span: Span) -> Pattern {
        let inside = match ty {
            Type::Optional(of) => of.as_ref(),
            other => other,
        };
        let wanted = self.narrower_member(wanted, inside);
        let is_member = match inside {
            Type::Union(members) => members.contains(&wanted),
            other => *other == wanted || *other == Type::Error || wanted == Type::Error,
        };
        if !is_member {
            let shown = self.show(&wanted);
            self.wrong_pattern(&shown, ty, span);
        }
        let local = self.local(&name.value, wanted.clone(), false, name.span);
        if name.value != "_" {
            self.bind(local);
        }
        match shape_of(&self.context.program, &wanted) {
            Ok(shape) => Pattern::Member(wanted, shape, Box::new(Pattern::Bind(local))),
            Err(_) => Pattern::Bind(local),
        }
    }

    /// The one member that the written type is wider than: `n: Int` takes the `Int in 1..=9` of a union.
    fn narrower_member(&mut self, wanted: Type, ty: &Type) -> Type {
        let members = match ty {
            Type::Union(members) => members.clone(),
            one => vec![one.clone()],
        };
        if members.contains(&wanted) {
            return wanted;
        }
        let mut inside = members.iter().filter(|m| **m != Type::Error && assign::widen(m) == wanted);
        match (inside.next(), inside.next()) {
            (Some(only), None) => only.clone(),
            _ => wanted,
        }
    }

    fn variant_pattern(
        &mut self,
        path: &[ast::Name],
        fields: Option<&[(Option<ast::Name>, ast::Pattern)]>,
        ty: &Type,
        span: Span,
    ) -> Pattern {
        let last = path.last().expect("a path has a name");
        if path.len() == 1 && last.value == "Unknown" {
            return Pattern::Unknown;
        }
        if let Some(id) = self.variant_home(path, ty) {
            let variant = self.variant_of(id, last, fields, span);
            return self.within_union(ty, Type::Enum(id), variant);
        }
        // A struct's name takes a struct apart, or chooses a member of a union.
        let named = match resolve::definition(self.context, self.module, path) {
            Ok(Definition::Struct(id)) => Some(id),
            Ok(Definition::Generic(id)) => self.struct_of(id, ty),
            _ => None,
        };
        if let Some(id) = named {
            let types: Vec<(String, Type)> = self.context.program.structs[id.index()]
                .fields
                .iter()
                .map(|f| (f.name.clone(), f.ty.clone()))
                .collect();
            let inner = self.payload(&types, fields.unwrap_or(&[]), span, fields.is_none());
            return self.within_union(ty, Type::Struct(id), Pattern::Fields(inner));
        }
        if *ty != Type::Error {
            let known: Vec<String> = match ty {
                Type::Enum(id) => {
                    self.context.program.enums[id.index()].variants.iter().map(|v| v.name.clone()).collect()
                }
                _ => Vec::new(),
            };
            let near =
                did_you_mean(&last.value, known.iter().map(String::as_str)).map(|n| format!("did you mean `{n}`?"));
            let shown = self.show(ty);
            self.report(
                Diagnostic::error(
                    Code::E0208,
                    format!("`{shown}` has no variant `{}`", last.value),
                    last.span,
                    "unknown variant",
                )
                .with_help_if(near),
            );
        }
        for (_, pattern) in fields.unwrap_or(&[]) {
            self.pattern(pattern, &Type::Error);
        }
        Pattern::Wildcard
    }

    /// A pattern of one type, for values of a union or an optional that has it.
    fn within_union(&self, ty: &Type, member: Type, pattern: Pattern) -> Pattern {
        match (ty, shape_of(&self.context.program, &member)) {
            (Type::Union(_) | Type::Optional(_), Ok(shape)) => Pattern::Member(member, shape, Box::new(pattern)),
            _ => pattern,
        }
    }

    /// The struct that a generic item is in this type.
    fn struct_of(&self, id: GenericId, ty: &Type) -> Option<StructId> {
        let members = match ty {
            Type::Optional(of) => return self.struct_of(id, of),
            Type::Union(members) => members.as_slice(),
            one => std::slice::from_ref(one),
        };
        members.iter().find_map(|member| match (member, assign::origin(&self.context.program, member)) {
            (Type::Struct(of), Some((own, _))) if own == id => Some(*of),
            _ => None,
        })
    }

    fn variant_home(&self, path: &[ast::Name], ty: &Type) -> Option<EnumId> {
        let last = path.last()?;
        let has = |id: EnumId| self.context.program.enums[id.index()].variants.iter().any(|v| v.name == last.value);
        let inside = match ty {
            Type::Optional(of) => of.as_ref(),
            other => other,
        };
        match inside {
            Type::Enum(id) if has(*id) => Some(*id),
            Type::Union(members) => members.iter().find_map(|member| match member {
                Type::Enum(id) if has(*id) => Some(*id),
                _ => None,
            }),
            _ => None,
        }
    }

    fn variant_of(
        &mut self,
        id: EnumId,
        name: &ast::Name,
        fields: Option<&[(Option<ast::Name>, ast::Pattern)]>,
        span: Span,
    ) -> Pattern {
        let variants = &self.context.program.enums[id.index()].variants;
        let index = variants.iter().position(|v| v.name == name.value).expect("the caller found it");
        let types: Vec<(String, Type)> =
            variants[index].fields.iter().map(|f| (f.name.clone(), f.ty.clone())).collect();
        let inner = self.payload(&types, fields.unwrap_or(&[]), span, fields.is_none());
        Pattern::Variant(id, u16::try_from(index).unwrap_or(u16::MAX), inner)
    }

    /// Patterns of fields, by position or by name; fields that are not named fit anything if some are.
    fn payload(
        &mut self,
        types: &[(String, Type)],
        fields: &[(Option<ast::Name>, ast::Pattern)],
        span: Span,
        ignored: bool,
    ) -> Vec<Pattern> {
        let mut patterns = vec![Pattern::Wildcard; types.len()];
        let by_name = fields.iter().any(|(name, _)| name.is_some());
        if !ignored && !by_name && fields.len() != types.len() {
            let message = format!("this has {} fields, and {} are taken", types.len(), fields.len());
            self.report(
                Diagnostic::error(Code::E0307, message, span, "the numbers differ")
                    .with_help("use `_` for what you do not need"),
            );
        }
        for (position, (name, tree)) in fields.iter().enumerate() {
            let index = match name {
                Some(name) => types.iter().position(|(field, _)| *field == name.value),
                None => Some(position).filter(|p| *p < types.len()),
            };
            match (index, name) {
                (Some(index), _) => patterns[index] = self.pattern(tree, &types[index].1.clone()),
                (None, Some(name)) => {
                    let near = did_you_mean(&name.value, types.iter().map(|(n, _)| n.as_str()))
                        .map(|n| format!("did you mean `{n}`?"));
                    self.report(
                        Diagnostic::error(
                            Code::E0206,
                            format!("there is no field `{}`", name.value),
                            name.span,
                            "unknown field",
                        )
                        .with_help_if(near),
                    );
                    self.pattern(tree, &Type::Error);
                }
                (None, None) => {
                    self.pattern(tree, &Type::Error);
                }
            }
        }
        patterns
    }
}

/// The type of what the arms so far leave: without `none` after an arm for it, and likewise without `Unknown`.
pub(super) fn narrowed(ty: &Type, above: &[Arm]) -> Type {
    let taken = |pattern: &Pattern| above.iter().any(|arm| arm.guard.is_none() && arm.pattern == *pattern);
    match ty {
        Type::Optional(of) if taken(&Pattern::None) => narrowed(of, above),
        Type::Union(members) if taken(&Pattern::Unknown) => {
            let left: Vec<Type> = members.iter().filter(|member| **member != Type::Unknown).cloned().collect();
            match &left[..] {
                [only] => only.clone(),
                _ => Type::Union(left),
            }
        }
        other => other.clone(),
    }
}
