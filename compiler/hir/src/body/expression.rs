//! Expressions: literals, names, collections, control flow with a value.

use super::{Body, ways_out};
use crate::assign;
use crate::declare::Definition;
use crate::program::{Block, Expression, ExpressionKind};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{self, ExpressionKind as Tree};

impl Body<'_, '_> {
    /// An expression; `wanted` guides, and is not demanded.
    pub(super) fn expression(&mut self, tree: &ast::Expression, wanted: Option<&Type>) -> Expression {
        let span = tree.span;
        let of = |kind, ty| Expression { kind, ty, span };
        match &tree.kind {
            Tree::Int(n) => {
                let ty = self.literal_int(*n, wanted);
                of(ExpressionKind::Int(*n), ty)
            }
            Tree::Float(x, _) => of(ExpressionKind::Float(*x), self.float_type(*x, wanted)),
            Tree::Bool(b) => {
                let only = Type::LiteralBool(*b);
                let is_wanted = wanted.is_some_and(|wanted| match self.variables.resolve(wanted) {
                    Type::Optional(of) => *of == only || matches!(*of, Type::Union(all) if all.contains(&only)),
                    Type::Union(all) => all.contains(&only),
                    other => other == only,
                });
                of(ExpressionKind::Bool(*b), if is_wanted { only } else { Type::Bool })
            }
            Tree::None => of(ExpressionKind::None, Type::None),
            Tree::Text(text) => self.text(text),
            Tree::Regex(_) => {
                self.refuse(span, "a regular expression is no value", "use it in a type: `Str matching re\"…\"`")
            }
            Tree::Duration(_) => self.refuse(
                span,
                "a duration is no value",
                "use it as the time of a budget: `budget (time: 30s) { … }`",
            ),
            Tree::Name(name) => self.name(name, wanted, span),
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
            Tree::Field(base, name) => self.field_or_path(tree, base, name, wanted),
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
            Tree::Unary(op, inner) => self.unary(*op, inner, wanted, span),
            Tree::Binary(op, left, right) => self.binary(*op, left, right, wanted, span),
            Tree::If(tree) => {
                let condition = self.condition(&tree.condition);
                let then = self.value_block(&tree.then, wanted);
                let otherwise = tree.otherwise.as_ref().map(|b| self.value_block(b, wanted)).unwrap_or_default();
                let value_type = |b: &Block| match &b.value {
                    Some(value) => value.ty.clone(),
                    None if ways_out::ends(b) => Type::Never,
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
                // Not the type of the one text that is written there: others may join it.
                let ty = match (&wanted, &element.ty) {
                    (Some(wanted), _) => wanted.clone(),
                    (None, Type::Literal(_)) => Type::text(),
                    (None, ty) => ty.clone(),
                };
                let ty = Type::list(ty);
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

    fn name(&mut self, name: &str, wanted: Option<&Type>, span: Span) -> Expression {
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
                if let Some(id) = self.bare_generic_variant(name) {
                    return self.generic_variant(id, &ast::Name::new(name.to_string(), span), &[], wanted, span);
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
                        Diagnostic::error(
                            Code::E0323,
                            format!("the prompt `{name}` is no value"),
                            span,
                            "call it here",
                        )
                        .with_help(format!(
                            "call it, `{name}(…)`; for each element of a list: `[{name}(x) for x in xs]`"
                        )),
                    );
                    return Self::error_expression(span);
                }
                if !f.uses.is_empty() {
                    self.report(
                        Diagnostic::error(Code::E0323, format!("the tool `{name}` is no value"), span, "call it here")
                            .with_help(format!(
                                "call it, `{name}(…)`; a call of it is one, of the type `ToolCall<[{name}]>`"
                            )),
                    );
                    return Self::error_expression(span);
                }
                Expression { kind: ExpressionKind::Function(id), ty, span }
            }
            Definition::Lost => Self::error_expression(span),
            Definition::Struct(_)
            | Definition::Enum(_)
            | Definition::Alias(_)
            | Definition::Generic(_)
            | Definition::Module(_)
            | Definition::Model(_) => {
                let (what, help) = match definition {
                    Definition::Generic(_) => {
                        ("generic", format!("make a value of it: `{name}(…)`, or `x => {name}(x)`"))
                    }
                    Definition::Module(_) => ("a module", format!("name something in it: `{name}.…`")),
                    Definition::Model(_) => ("a model", format!("choose it for a hole: `$[x: T, model: {name}]`")),
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
                Some(ty) if wanted_item.is_some() => {
                    let ty = ty.clone();
                    self.expect(item, &ty)
                }
                Some(ty) => {
                    let ty = ty.clone();
                    let found = self.expression(item, Some(&ty));
                    match self.variables.join(&self.context.program, &ty, &found.ty) {
                        Some(both) => {
                            item_type = Some(both);
                            found
                        }
                        None => self.coerce(found, &ty),
                    }
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
}
