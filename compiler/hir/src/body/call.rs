//! Calls: functions, constructors, methods, closures.

use super::Body;
use crate::declare::Definition;
use crate::program::{Effect, EnumId, Expression, ExpressionKind, FunctionId, StructId};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{self, Argument, ExpressionKind as Tree};

impl Body<'_, '_> {
    pub(super) fn call(
        &mut self,
        callee: &ast::Expression,
        arguments: &[Argument],
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        if let Tree::Name(name) = &callee.kind
            && (name == "schema" || name == "schema_of")
            && self.find(name).is_none()
            && !self.context.names[self.module].all.contains_key(name)
        {
            return self.schema(name, arguments, span);
        }
        if let Tree::Name(name) = &callee.kind
            && name == "fail"
            && self.find(name).is_none()
            && !self.context.names[self.module].all.contains_key(name)
        {
            return self.fail(arguments, span);
        }
        if let Some(found) = self.test_call(callee, arguments, span) {
            return found;
        }
        if let Tree::Name(name) = &callee.kind
            && matches!(name.as_str(), "invoke" | "tools")
            && self.find(name).is_none()
            && !self.context.names[self.module].all.contains_key(name)
        {
            return if name == "invoke" { self.invoke(arguments, span) } else { self.tools(arguments, span) };
        }
        if let Tree::Field(base, name) = &callee.kind {
            match self.path(base) {
                Some(Ok(Definition::Enum(id))) => {
                    return match self.variant_index(id, name) {
                        Some(index) => self.variant(id, index, arguments, span, Some(name.span)),
                        None => self.give_up(arguments, span),
                    };
                }
                Some(Ok(Definition::Generic(id))) => return self.generic_variant(id, name, arguments, wanted, span),
                Some(Ok(Definition::Module(target))) => {
                    return match crate::resolve::member(self.context, target, name) {
                        Ok(definition) => self.call_definition(definition, name, arguments, wanted, span),
                        Err(diagnostic) => {
                            diagnostic.into_iter().for_each(|d| self.report(*d));
                            self.give_up(arguments, span)
                        }
                    };
                }
                Some(Err(())) => return self.give_up(arguments, span),
                Some(Ok(_)) | None => return self.method(base, name, arguments, wanted, span),
            }
        }
        if let Tree::Name(text) = &callee.kind
            && self.find(text).is_none()
        {
            let name = ast::Name::new(text.clone(), callee.span);
            let found = self.context.names[self.module].all.get(text).map(|(definition, ..)| *definition);
            if let Some(definition) = found {
                return self.call_definition(definition, &name, arguments, wanted, span);
            }
            if let Some((id, index)) = self.bare_variant(text) {
                return self.variant(id, index, arguments, span, Some(callee.span));
            }
            if let Some(id) = self.bare_generic_variant(text) {
                return self.generic_variant(id, &name, arguments, wanted, span);
            }
        }
        let callee = self.expression(callee, None);
        self.call_value(callee, arguments, span)
    }

    /// Checks the arguments of a call that was given up.
    pub(super) fn give_up(&mut self, arguments: &[Argument], span: Span) -> Expression {
        // What a closure takes is not known here, and its faults would be echoes.
        let known = |argument: &&Argument| !matches!(argument.value.kind, ast::ExpressionKind::Closure(..));
        for argument in arguments.iter().filter(known) {
            self.expression(&argument.value, None);
        }
        Self::error_expression(span)
    }

    fn call_definition(
        &mut self,
        definition: Definition,
        name: &ast::Name,
        arguments: &[Argument],
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        match definition {
            Definition::Generic(id) => self.call_generic(id, name, arguments, wanted, span),
            Definition::Function(id) => self.call_function(id, name, arguments, span),
            Definition::Struct(id) => self.construct(id, name, arguments, span),
            Definition::Constant(_) => {
                let callee = self.defined(definition, &name.value, name.span);
                self.call_value(callee, arguments, span)
            }
            Definition::Lost => self.give_up(arguments, span),
            Definition::Alias(_) | Definition::Enum(_) | Definition::Module(_) | Definition::Model(_) => {
                let help = match definition {
                    Definition::Enum(_) => format!("name a variant: `{}.…`", name.value),
                    Definition::Model(_) => format!("a prompt uses it: `prompt … using {}`", name.value),
                    Definition::Alias(_) => "an alias has no constructor; write the value".to_string(),
                    _ => format!("name something in it: `{}.…`", name.value),
                };
                self.report(
                    Diagnostic::error(
                        Code::E0309,
                        format!("`{}` can't be called", name.value),
                        name.span,
                        "not a function",
                    )
                    .with_help(help),
                );
                self.give_up(arguments, span)
            }
        }
    }

    fn call_function(&mut self, id: FunctionId, name: &ast::Name, arguments: &[Argument], span: Span) -> Expression {
        let function = self.context.function(id);
        let (effect, result, declared) = (function.effect, function.result.clone(), function.span);
        let parameters: Vec<(String, Type, Option<FunctionId>)> = function
            .parameters
            .iter()
            .map(|p| {
                let local = &function.locals[p.local.index()];
                (local.name.clone(), local.ty.clone(), p.default)
            })
            .collect();
        if effect == Effect::Prompt {
            self.needs_model(&format!("the prompt `{}`", name.value), name.span);
        }
        self.needs_uses(id, name.span);
        let checked = self.arguments(&name.value, &parameters, arguments, declared, span);
        Expression { kind: ExpressionKind::Call(id, checked), ty: result, span }
    }

    /// Arguments in the order of the parameters, with defaults.
    pub(super) fn arguments(
        &mut self,
        name: &str,
        parameters: &[(String, Type, Option<FunctionId>)],
        arguments: &[Argument],
        declared: Span,
        span: Span,
    ) -> Vec<Expression> {
        let mut given: Vec<Option<Expression>> = parameters.iter().map(|_| None).collect();
        let mut too_many = false;
        let mut position = 0;
        for argument in arguments {
            let index = match &argument.name {
                Some(wanted) => {
                    let index = parameters.iter().position(|(p, ..)| *p == wanted.value);
                    if index.is_none() {
                        let near = did_you_mean(&wanted.value, parameters.iter().map(|(p, ..)| p.as_str()));
                        self.report(
                            Diagnostic::error(
                                Code::E0303,
                                format!("`{name}` has no parameter `{}`", wanted.value),
                                wanted.span,
                                "unknown parameter",
                            )
                            .with_label(declared, "declared here")
                            .with_help_if(near.map(|near| format!("did you mean `{near}`?"))),
                        );
                    }
                    index
                }
                None => {
                    position += 1;
                    too_many |= position > parameters.len();
                    Some(position - 1).filter(|index| *index < parameters.len())
                }
            };
            let Some(index) = index else {
                self.expression(&argument.value, None);
                continue;
            };
            let value = self.expect(&argument.value, &parameters[index].1);
            if given[index].is_some() {
                let message = format!("the parameter `{}` is given twice", parameters[index].0);
                self.report(Diagnostic::error(Code::E0303, message, argument.value.span, "given again here"));
            }
            given[index] = Some(value);
        }
        let unnamed_fault =
            arguments.iter().any(|a| a.name.as_ref().is_some_and(|n| !parameters.iter().any(|(p, ..)| *p == n.value)));
        let missing: Vec<String> = parameters
            .iter()
            .zip(&given)
            .filter(|((_, _, default), given)| given.is_none() && default.is_none())
            .map(|((name, ..), _)| format!("`{name}`"))
            .collect();
        if too_many || (!missing.is_empty() && !unnamed_fault) {
            let message = format!(
                "`{name}` takes {} argument{}, and {} {} given",
                parameters.len(),
                if parameters.len() == 1 { "" } else { "s" },
                arguments.len(),
                if arguments.len() == 1 { "is" } else { "are" }
            );
            let label = if too_many { "too many".to_string() } else { format!("{} missing", missing.join(", ")) };
            self.report(Diagnostic::error(Code::E0302, message, span, label).with_label(declared, "declared here"));
        }
        given
            .into_iter()
            .zip(parameters)
            .map(|(given, (_, ty, default))| match (given, default) {
                (Some(value), _) => value,
                (None, Some(default)) => {
                    Expression { kind: ExpressionKind::Call(*default, Vec::new()), ty: ty.clone(), span }
                }
                (None, None) => Self::error_expression(span),
            })
            .collect()
    }

    /// `Mark(why: w, score: s)`.
    fn construct(&mut self, id: StructId, name: &ast::Name, arguments: &[Argument], span: Span) -> Expression {
        let fields: Vec<(String, Type)> =
            self.context.program.structs[id.index()].fields.iter().map(|f| (f.name.clone(), f.ty.clone())).collect();
        let declared = self.context.program.structs[id.index()].span;
        let items = self.fields(&name.value, &fields, arguments, declared, span);
        Expression { kind: ExpressionKind::Struct(id, items), ty: Type::Struct(id), span }
    }

    /// Values of named fields, in the order of the type.
    pub(super) fn fields(
        &mut self,
        of: &str,
        fields: &[(String, Type)],
        arguments: &[Argument],
        declared: Span,
        span: Span,
    ) -> Vec<Expression> {
        let mut given: Vec<Option<Expression>> = fields.iter().map(|_| None).collect();
        let mut fault = false;
        for (position, argument) in arguments.iter().enumerate() {
            let index = match &argument.name {
                Some(name) => fields.iter().position(|(f, _)| *f == name.value),
                // One field may be given without its name.
                None => Some(position).filter(|p| *p < fields.len()),
            };
            let Some(index) = index else {
                fault = true;
                self.expression(&argument.value, None);
                let place = argument.name.as_ref().map_or(argument.value.span, |n| n.span);
                let text = argument.name.as_ref().map_or("one more field", |n| n.value.as_str());
                let near = did_you_mean(text, fields.iter().map(|(f, _)| f.as_str()));
                self.report(
                    Diagnostic::error(Code::E0319, format!("`{of}` has no field `{text}`"), place, "unknown field")
                        .with_label(declared, "declared here")
                        .with_help_if(near.map(|near| format!("did you mean `{near}`?"))),
                );
                continue;
            };
            let value = self.expect(&argument.value, &fields[index].1);
            if given[index].replace(value).is_some() {
                let message = format!("the field `{}` is given twice", fields[index].0);
                self.report(Diagnostic::error(Code::E0319, message, argument.value.span, "given again here"));
            }
        }
        let missing: Vec<String> =
            fields.iter().zip(&given).filter(|(_, g)| g.is_none()).map(|((name, _), _)| format!("`{name}`")).collect();
        if !missing.is_empty() && !fault {
            let list = missing.join(", ");
            self.report(
                Diagnostic::error(Code::E0319, format!("`{of}` needs {list}"), span, format!("{list} missing"))
                    .with_label(declared, "declared here")
                    .with_help(format!(
                        "add {}",
                        missing.iter().map(|m| format!("{}: …", m.trim_matches('`'))).collect::<Vec<_>>().join(", ")
                    )),
            );
        }
        given.into_iter().map(|value| value.unwrap_or_else(|| Self::error_expression(span))).collect()
    }

    /// The enum of this module that alone has a variant of this name.
    pub(super) fn bare_variant(&self, name: &str) -> Option<(EnumId, usize)> {
        let mut found = None;
        for (definition, ..) in self.context.names[self.module].all.values() {
            let Definition::Enum(id) = definition else { continue };
            let variants = &self.context.program.enums[id.index()].variants;
            if let Some(index) = variants.iter().position(|v| v.name == name) {
                if found.is_some() || name.starts_with(char::is_lowercase) {
                    return None;
                }
                found = Some((*id, index));
            }
        }
        found
    }

    pub(super) fn variant_index(&mut self, id: EnumId, name: &ast::Name) -> Option<usize> {
        let declared = &self.context.program.enums[id.index()];
        let index = declared.variants.iter().position(|v| v.name == name.value);
        if index.is_none() {
            let near = did_you_mean(&name.value, declared.variants.iter().map(|v| v.name.as_str()))
                .map(|n| format!("did you mean `{n}`?"));
            let message = format!("`{}` has no variant `{}`", declared.name, name.value);
            let home = declared.span;
            self.report(
                Diagnostic::error(Code::E0208, message, name.span, "unknown variant")
                    .with_label(home, "declared here")
                    .with_help_if(near),
            );
        }
        index
    }

    pub(super) fn variant(
        &mut self,
        id: EnumId,
        index: usize,
        arguments: &[Argument],
        span: Span,
        called: Option<Span>,
    ) -> Expression {
        let declared = &self.context.program.enums[id.index()];
        let variant = &declared.variants[index];
        let (name, home) = (variant.name.clone(), declared.span);
        let fields: Vec<(String, Type)> = variant.fields.iter().map(|f| (f.name.clone(), f.ty.clone())).collect();
        if called.is_some() && fields.is_empty() && !arguments.is_empty() {
            self.report(Diagnostic::error(Code::E0302, format!("`{name}` carries nothing"), span, "no arguments here"));
        }
        let items = if fields.is_empty() { Vec::new() } else { self.fields(&name, &fields, arguments, home, span) };
        let kind = ExpressionKind::Variant(id, u16::try_from(index).unwrap_or(u16::MAX), items);
        Expression { kind, ty: Type::Enum(id), span }
    }

    pub(super) fn call_value(&mut self, callee: Expression, arguments: &[Argument], span: Span) -> Expression {
        let ty = self.variables.resolve(&callee.ty);
        let Type::Function(parameters, result) = ty else {
            if ty != Type::Error {
                let shown = self.show(&ty);
                self.report(Diagnostic::error(
                    Code::E0309,
                    format!("a value of type `{shown}` can't be called"),
                    callee.span,
                    format!("this is `{shown}`"),
                ));
            }
            return self.give_up(arguments, span);
        };
        if parameters.len() != arguments.len() {
            let message = format!("this takes {} arguments, and {} are given", parameters.len(), arguments.len());
            self.report(Diagnostic::error(Code::E0302, message, span, "wrong number of arguments"));
            return self.give_up(arguments, span);
        }
        let arguments = arguments.iter().zip(&parameters).map(|(a, ty)| self.expect(&a.value, ty)).collect();
        Expression { kind: ExpressionKind::CallValue(Box::new(callee), arguments), ty: *result, span }
    }

    /// `schema(T)`: the argument is a type.
    fn schema(&mut self, name: &str, arguments: &[Argument], span: Span) -> Expression {
        let ty = match arguments {
            [only] => self.type_argument(&only.value),
            _ => {
                self.report(
                    Diagnostic::error(
                        Code::E0302,
                        format!("`{name}` takes one type"),
                        span,
                        "wrong number of arguments",
                    )
                    .with_help(format!("write `{name}(Invoice)`")),
                );
                return Self::error_expression(span);
            }
        };
        if name == "schema_of" {
            let Ok(shape) = crate::shape_of(&self.context.program, &ty).map_err(|_| ()).and_then(|shape| {
                if shape.any(&|part| *part == sgl_protocol::Shape::Image) { Err(()) } else { Ok(shape) }
            }) else {
                if ty != Type::Error {
                    let message = format!("`{}` has no schema", self.show(&ty));
                    self.report(Diagnostic::error(Code::E0401, message, span, "it has no text form"));
                }
                return Self::error_expression(span);
            };
            let text = crate::json_schema(&shape);
            let text = Expression { kind: ExpressionKind::Text(text), ty: Type::text(), span };
            return Expression { kind: ExpressionKind::Builtin("json.read", vec![text]), ty: Type::Schema, span };
        }
        let text = crate::schema_text(&self.context.program, &ty);
        Expression { kind: ExpressionKind::Text(text), ty: Type::text(), span }
    }

    /// A type that was read as an expression: a path, or a list of one.
    fn type_argument(&mut self, tree: &ast::Expression) -> Type {
        let mut names = Vec::new();
        if let Tree::List(items) = &tree.kind
            && let [item] = items.as_slice()
        {
            return Type::list(self.type_argument(item));
        }
        if path(tree, &mut names) {
            let kind = ast::TypeKind::Name { path: names, arguments: Vec::new() };
            return crate::resolve::ty(self.context, self.module, &ast::TypeExpression { kind, span: tree.span });
        }
        self.report(
            Diagnostic::error(Code::E0202, "`schema` takes a type", tree.span, "not a type")
                .with_help("write `schema(Invoice)`"),
        );
        Type::Error
    }
}

/// The names of a path that was read as an expression; whether it is one.
pub(super) fn path(tree: &ast::Expression, out: &mut Vec<ast::Name>) -> bool {
    match &tree.kind {
        Tree::Name(name) => out.push(ast::Name::new(name.clone(), tree.span)),
        Tree::Field(base, name) if path(base, out) => out.push(name.clone()),
        _ => return false,
    }
    true
}
