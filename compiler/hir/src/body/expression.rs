//! Expressions: literals, names, collections, control flow with a value.

use super::{Body, Frame, statement};
use crate::declare::Definition;
use crate::program::{Block, Expression, ExpressionKind, MetadataKind, MetadataUse, Pattern};
use crate::types::Type;
use crate::{assign, resolve};
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{self, ExpressionKind as Tree};

impl Body<'_, '_> {
    /// An expression; `wanted` guides, and is not demanded.
    pub(super) fn expression(&mut self, tree: &ast::Expression, wanted: Option<&Type>) -> Expression {
        let span = tree.span;
        let of = |kind, ty| Expression { kind, ty, span };
        match &tree.kind {
            Tree::Int(n) => {
                let inside = wanted.map(|w| self.variables.resolve(w)).map(|w| match w {
                    Type::Optional(of) => *of,
                    other => other,
                });
                let ty = match inside {
                    Some(Type::Int { min, max }) if min.is_none_or(|m| *n >= m) && max.is_none_or(|m| *n <= m) => {
                        Type::Int { min, max }
                    }
                    _ => Type::int(),
                };
                of(ExpressionKind::Int(*n), ty)
            }
            Tree::Float(x, _) => of(ExpressionKind::Float(*x), self.float_type(*x, wanted)),
            Tree::Bool(b) => of(ExpressionKind::Bool(*b), Type::Bool),
            Tree::None => of(ExpressionKind::None, Type::None),
            Tree::Text(text) => self.text(text),
            Tree::Regex(_) => {
                self.refuse(span, "a regular expression is no value", "use it in a type: `Str matching re\"…\"`")
            }
            Tree::Duration(_) => self.refuse(span, "durations are not built yet", "planned for `budget`"),
            Tree::Name(name) => self.name(name, span),
            Tree::List(items) => self.list(items, wanted, span),
            Tree::Map(pairs) => self.map(pairs, wanted, span),
            Tree::Tuple(items) if items.is_empty() => of(ExpressionKind::Unit, Type::Unit),
            Tree::Tuple(items) => {
                let wanted = match wanted.map(|w| self.variables.resolve(w)) {
                    Some(Type::Tuple(types)) if types.len() == items.len() => Some(types),
                    _ => None,
                };
                let items: Vec<Expression> =
                    items.iter().enumerate().map(|(i, e)| self.expression(e, wanted.as_ref().map(|w| &w[i]))).collect();
                let ty = Type::Tuple(items.iter().map(|e| e.ty.clone()).collect());
                of(ExpressionKind::Tuple(items), ty)
            }
            Tree::Record(fields) => self.record(fields, wanted, span),
            Tree::Range { start, end, inclusive } => {
                let mut bound =
                    |e: &Option<Box<ast::Expression>>| e.as_ref().map(|e| Box::new(self.expect(e, &Type::int())));
                let (start, end) = (bound(start), bound(end));
                let zero = Box::new(Expression { kind: ExpressionKind::Int(0), ty: Type::int(), span });
                of(ExpressionKind::Range { start: start.unwrap_or(zero), end, inclusive: *inclusive }, Type::Range)
            }
            Tree::Field(base, name) => self.field_or_path(tree, base, name),
            Tree::Metadata(base, name) => self.metadata(base, name, span),
            Tree::Index(base, index) => {
                let base = self.expression(base, None);
                self.index(base, index, span)
            }
            Tree::Call(callee, arguments) => self.call(callee, arguments, wanted, span),
            Tree::Inline(inner) => self.inline(inner, span, true),
            Tree::ScratchCall(inner) => self.inline(inner, span, false),
            Tree::Scratch(block) => {
                self.needs_prompt("`scratch`", span);
                let (block, ty) = self.branch(block, wanted, None);
                of(ExpressionKind::Scratch(block), ty)
            }
            Tree::Fork(fork) => self.fork(fork, wanted, span),
            Tree::On(transcript, block) => {
                self.needs_prompt("`on`", span);
                let transcript = self.expect(transcript, &Type::Prompt);
                let (block, ty) = self.branch(block, wanted, None);
                of(ExpressionKind::On(Box::new(transcript), block), ty)
            }
            Tree::Transcript => {
                self.needs_prompt("`transcript`", span);
                of(ExpressionKind::Transcript, Type::Prompt)
            }
            Tree::Gen(hole) => {
                self.needs_prompt("`gen`", span);
                match self.hole(hole) {
                    Some(hole) => {
                        let ty = hole.ty.clone();
                        of(ExpressionKind::Generate(Box::new(hole)), ty)
                    }
                    None => Self::error_expression(span),
                }
            }
            Tree::Select(options, settings) => self.select(options, settings, span),
            Tree::Unary(op, inner) => self.unary(*op, inner, span),
            Tree::Binary(op, left, right) => self.binary(*op, left, right, wanted, span),
            Tree::If(tree) => {
                let condition = self.condition(&tree.condition);
                let then = self.value_block(&tree.then, wanted);
                let otherwise = tree.otherwise.as_ref().map(|b| self.value_block(b, wanted)).unwrap_or_default();
                let value_type = |b: &Block| match &b.value {
                    Some(value) => value.ty.clone(),
                    None if statement::ends(b) => Type::Never,
                    None => Type::Unit,
                };
                let ty = self.join_types(&[value_type(&then), value_type(&otherwise)], span, wanted);
                of(ExpressionKind::If(Box::new(condition), then, otherwise), ty)
            }
            Tree::Match(value, arms) => {
                let (value, arms, ty) = self.arms(value, arms, true, span, wanted);
                of(ExpressionKind::Match(Box::new(value), arms), ty)
            }
            Tree::Closure(parameters, body) => self.closure(parameters, body, wanted, span),
            Tree::Comprehension(tree) => {
                let iterable = self.expression(&tree.iterable, None);
                let element = self.element(&iterable);
                self.push_scope();
                let pattern = self.irrefutable(&tree.pattern, &element);
                let condition = tree.condition.as_ref().map(|c| Box::new(self.condition(c)));
                let wanted = match wanted.map(|w| self.variables.resolve(w)) {
                    Some(Type::List { item, .. }) => Some(*item),
                    _ => None,
                };
                let element = self.expression(&tree.element, wanted.as_ref());
                let element = match &wanted {
                    Some(wanted) => self.coerce(element, wanted),
                    None => element,
                };
                self.pop_scope();
                let ty = Type::list(element.ty.clone());
                let kind = ExpressionKind::Comprehension {
                    element: Box::new(element),
                    pattern,
                    iterable: Box::new(iterable),
                    condition,
                };
                of(kind, ty)
            }
            Tree::Error => Self::error_expression(span),
        }
    }

    fn refuse(&mut self, span: Span, message: &str, help: &str) -> Expression {
        self.report(Diagnostic::error(Code::E0104, message, span, "not as a value").with_help(help));
        Self::error_expression(span)
    }

    /// A literal that lies in the wanted range is of the wanted type.
    fn float_type(&self, x: f64, wanted: Option<&Type>) -> Type {
        let inside = match wanted.map(|w| self.variables.resolve(w)) {
            Some(Type::Optional(of)) => *of,
            Some(other) => other,
            None => return Type::float(),
        };
        if let Type::Float { decimals: Some(d), min, max } = inside {
            let scaled = x * 10f64.powi(i32::from(d));
            let exact = (scaled - scaled.round()).abs() < 1e-6;
            let units = scaled.round() as i64;
            if exact && min.is_none_or(|m| units >= m) && max.is_none_or(|m| units <= m) {
                return Type::Float { decimals: Some(d), min, max };
            }
        }
        Type::float()
    }

    fn name(&mut self, name: &str, span: Span) -> Expression {
        if let Some(local) = self.find(name) {
            self.read(local);
            let ty = self.locals[local.index()].ty.clone();
            return Expression { kind: ExpressionKind::Local(local), ty, span };
        }
        if name == "Unknown" {
            return Expression { kind: ExpressionKind::Unknown, ty: Type::Unknown, span };
        }
        let names = &self.context.names[self.module].all;
        match names.get(name).map(|(definition, ..)| *definition) {
            Some(definition) => self.defined(definition, name, span),
            None => {
                if let Some((id, index)) = self.bare_variant(name) {
                    return self.variant(id, index, &[], span, None);
                }
                self.unknown_name(name, span)
            }
        }
    }

    fn unknown_name(&mut self, name: &str, span: Span) -> Expression {
        let locals = self.scopes.iter().flat_map(|scope| scope.names.keys().map(String::as_str));
        let globals = self.context.names[self.module].all.keys().map(String::as_str);
        let near = did_you_mean(name, locals.chain(globals).filter(|n| !n.starts_with('%')));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        self.report(
            Diagnostic::error(Code::E0201, format!("unknown name `{name}`"), span, "nothing here has this name")
                .with_help_if(help),
        );
        Self::error_expression(span)
    }

    /// A definition as a value.
    pub(super) fn defined(&mut self, definition: Definition, name: &str, span: Span) -> Expression {
        match definition {
            Definition::Constant(id) => match self.context.constant_type(id) {
                Some(ty) => Expression { kind: ExpressionKind::Constant(id), ty, span },
                None => {
                    self.report(
                        Diagnostic::error(
                            Code::E0211,
                            format!("the constant `{name}` depends on itself"),
                            span,
                            "it is being computed",
                        )
                        .with_help("break the circle: compute one of them without the other"),
                    );
                    Self::error_expression(span)
                }
            },
            Definition::Function(id) => {
                let f = self.context.function(id);
                let parameters = f.parameters.iter().map(|p| f.locals[p.local.index()].ty.clone()).collect();
                let ty = Type::Function(parameters, Box::new(f.result.clone()));
                if f.effect == crate::program::Effect::Prompt {
                    self.report(
                        Diagnostic::error(Code::E0104, "a prompt as a value is not built yet", span, "call it here")
                            .with_help(format!("write `x => {name}(x)`")),
                    );
                    return Self::error_expression(span);
                }
                Expression { kind: ExpressionKind::Function(id), ty, span }
            }
            Definition::Struct(_) | Definition::Enum(_) | Definition::Alias(_) | Definition::Module(_) => {
                let (what, help) = match definition {
                    Definition::Module(_) => ("a module", format!("name something in it: `{name}.…`")),
                    Definition::Enum(_) => ("a type", format!("name a variant: `{name}.…`")),
                    _ => ("a type", format!("make a value of it: `{name}(…)`")),
                };
                self.report(
                    Diagnostic::error(Code::E0201, format!("`{name}` is {what}, not a value"), span, what)
                        .with_help(help),
                );
                Self::error_expression(span)
            }
        }
    }

    fn list(&mut self, items: &[ast::Expression], wanted: Option<&Type>, span: Span) -> Expression {
        let wanted_item = match wanted.map(|w| self.variables.resolve(w)) {
            Some(Type::List { item, .. }) => Some(*item),
            Some(Type::Optional(of)) => match *of {
                Type::List { item, .. } => Some(*item),
                _ => None,
            },
            _ => None,
        };
        let mut checked: Vec<Expression> = Vec::new();
        let mut item_type = wanted_item.clone();
        for item in items {
            let found = match &item_type {
                Some(ty) => {
                    let ty = ty.clone();
                    self.expect(item, &ty)
                }
                None => {
                    let found = self.expression(item, None);
                    item_type = Some(assign::widen(&self.variables.resolve(&found.ty)));
                    found
                }
            };
            checked.push(found);
        }
        let item = item_type.unwrap_or_else(|| self.variables.fresh());
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let ty = if wanted_item.is_some() || items.is_empty() {
            Type::List { item: Box::new(item), min: count, max: Some(count) }
        } else {
            Type::list(item)
        };
        // An empty literal may become any list; its bounds matter only where bounds are wanted.
        let ty = match (&ty, wanted.map(|w| self.variables.resolve(w))) {
            (Type::List { item, .. }, Some(Type::List { min: 0, max: None, .. }) | None) => {
                Type::list(item.as_ref().clone())
            }
            _ => ty,
        };
        Expression { kind: ExpressionKind::List(checked), ty, span }
    }

    fn map(&mut self, pairs: &[(ast::Expression, ast::Expression)], wanted: Option<&Type>, span: Span) -> Expression {
        let (key, value) = match wanted.map(|w| self.variables.resolve(w)) {
            Some(Type::Map(k, v)) => (*k, *v),
            _ => (self.variables.fresh(), self.variables.fresh()),
        };
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (self.expect(k, &key), self.expect(v, &value))).collect();
        Expression { kind: ExpressionKind::Map(pairs), ty: Type::Map(Box::new(key), Box::new(value)), span }
    }

    fn record(&mut self, fields: &[(ast::Name, ast::Expression)], wanted: Option<&Type>, span: Span) -> Expression {
        let wanted = match wanted.map(|w| self.variables.resolve(w)) {
            Some(Type::Record(wanted)) => wanted,
            Some(Type::Optional(of)) => match *of {
                Type::Record(wanted) => wanted,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let mut checked: Vec<(String, Expression)> = Vec::new();
        for (name, value) in fields {
            if checked.iter().any(|(n, _)| *n == name.value) {
                let message = format!("the field `{}` is given twice", name.value);
                self.report(Diagnostic::error(Code::E0319, message, name.span, "given again here"));
                continue;
            }
            let ty = wanted.iter().find(|(n, _)| *n == name.value).map(|(_, ty)| ty.clone());
            let value = match &ty {
                Some(ty) => self.expect(value, ty),
                None => self.expression(value, None),
            };
            checked.push((name.value.clone(), value));
        }
        // The order of the type is the order of the value.
        if checked.len() == wanted.len() && wanted.iter().all(|(n, _)| checked.iter().any(|(m, _)| m == n)) {
            checked.sort_by_key(|(name, _)| wanted.iter().position(|(n, _)| n == name));
        }
        let ty = Type::Record(checked.iter().map(|(name, e)| (name.clone(), e.ty.clone())).collect());
        Expression { kind: ExpressionKind::Record(checked.into_iter().map(|(_, e)| e).collect()), ty, span }
    }

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
    fn field_or_path(&mut self, tree: &ast::Expression, base: &ast::Expression, name: &ast::Name) -> Expression {
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

    fn metadata(&mut self, base: &ast::Expression, name: &ast::Name, span: Span) -> Expression {
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
        let finite = crate::shape_of(&self.context.program, &ty).ok().and_then(|s| s.members()).is_some();
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

    /// A block whose last expression is its value.
    pub(super) fn value_block(&mut self, tree: &ast::Block, wanted: Option<&Type>) -> Block {
        use ast::StatementKind as S;
        self.push_scope();
        let (last, before) = match tree.statements.split_last() {
            Some((last, before)) => (Some(last), before),
            None => (None, &[][..]),
        };
        let mut block = self.block_statements(before);
        if let Some(last) = last {
            let as_expression = |kind| ast::Expression { kind, span: last.span };
            let value = match &last.kind {
                S::Expression(e) => Some(e.clone()),
                S::Text(text) => Some(as_expression(Tree::Text(text.clone()))),
                S::If(tree) if tree.otherwise.is_some() => Some(as_expression(Tree::If(tree.clone()))),
                S::Match { value, arms } => Some(as_expression(Tree::Match(Box::new(value.clone()), arms.clone()))),
                _ => None,
            };
            match value {
                Some(value) => {
                    let found = self.expression(&value, wanted);
                    block.value = Some(Box::new(match wanted {
                        Some(wanted) => self.coerce(found, wanted),
                        None => found,
                    }));
                }
                None => block.statements.extend(self.block_statements(std::slice::from_ref(last)).statements),
            }
        }
        self.pop_scope();
        block
    }

    /// The type of a value that comes from one of several places.
    pub(super) fn join_types(&mut self, types: &[Type], span: Span, wanted: Option<&Type>) -> Type {
        if let Some(wanted) = wanted {
            return wanted.clone();
        }
        let mut joined = Type::Never;
        for ty in types {
            let ty = self.variables.resolve(ty);
            if self.variables.fits(&self.context.program, &ty, &joined) && joined != Type::Never {
                continue;
            }
            joined = if joined == Type::Never || self.variables.fits(&self.context.program, &joined, &ty) {
                ty
            } else if assign::widen(&joined) == assign::widen(&ty) {
                assign::widen(&ty)
            } else if joined == Type::None || ty == Type::None {
                resolve::union(vec![joined, ty])
            } else {
                let (a, b) = (self.show(&joined), self.show(&ty));
                self.report(
                    Diagnostic::error(
                        Code::E0301,
                        format!("the branches give `{a}` and `{b}`"),
                        span,
                        "of different types",
                    )
                    .with_help("make both of one type, or write the type where the value is bound"),
                );
                return Type::Error;
            };
        }
        joined
    }

    fn closure(
        &mut self,
        parameters: &[ast::Pattern],
        body: &ast::ClosureBody,
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        let (mut wanted_parameters, wanted_result) = match wanted.map(|w| self.variables.resolve(w)) {
            Some(Type::Function(parameters, result)) => (parameters, Some(*result)),
            _ => (Vec::new(), None),
        };
        if let ([Type::Tuple(parts)], true) = (wanted_parameters.as_slice(), parameters.len() > 1)
            && parts.len() == parameters.len()
        {
            // `(a, b) => …` where one tuple is given takes it apart.
            let all = ast::Pattern { kind: ast::PatternKind::Tuple(parameters.to_vec()), span };
            return self.closure(std::slice::from_ref(&all), body, wanted, span);
        }
        if !wanted_parameters.is_empty() && wanted_parameters.len() != parameters.len() {
            let message = format!(
                "this closure takes {} parameters, and {} are given",
                parameters.len(),
                wanted_parameters.len()
            );
            self.report(Diagnostic::error(Code::E0302, message, span, format!("write {}", wanted_parameters.len())));
        }
        while wanted_parameters.len() < parameters.len() {
            let fresh = self.variables.fresh();
            wanted_parameters.push(fresh);
        }
        wanted_parameters.truncate(parameters.len());
        self.push_scope();
        let patterns: Vec<Pattern> =
            parameters.iter().zip(&wanted_parameters).map(|(p, ty)| self.irrefutable(p, ty)).collect();
        for local in 0..self.locals.len() {
            // A parameter that a closure ignores is no fault: its place is given by the caller.
            if patterns.iter().any(|p| matches!(p, Pattern::Bind(id) if id.index() == local)) {
                self.used[local] = true;
            }
        }
        let loops = std::mem::take(&mut self.loops);
        self.frames.push(Frame::Closure { returns: Vec::new() });
        let (block, mut result) = match body {
            ast::ClosureBody::Expression(e) => {
                let e = match &wanted_result {
                    Some(wanted) => self.expect(e, wanted),
                    None => self.expression(e, None),
                };
                let ty = e.ty.clone();
                (Block { statements: Vec::new(), value: Some(Box::new(e)) }, ty)
            }
            ast::ClosureBody::Block(block) => {
                let block = self.value_block(block, wanted_result.as_ref());
                let ty = block.value.as_ref().map_or(Type::Never, |v| v.ty.clone());
                (block, ty)
            }
        };
        if let Some(Frame::Closure { returns }) = self.frames.pop()
            && !returns.is_empty()
        {
            let mut all = returns;
            all.push(result);
            result = self.join_types(&all, span, wanted_result.as_ref());
        }
        self.loops = loops;
        self.pop_scope();
        if result == Type::Never {
            result = Type::Unit;
        }
        let ty = Type::Function(wanted_parameters, Box::new(result));
        Expression { kind: ExpressionKind::Closure(patterns, block), ty, span }
    }
}
