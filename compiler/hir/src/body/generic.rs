//! Uses of generic items: their types are found from the arguments, then from what is wanted.

use super::Body;
use crate::assign;
use crate::generic::{self, Environment, GenericKind, Instance};
use crate::program::{Effect, Expression, ExpressionKind, FunctionId, GenericId};
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, Argument};

/// Stands for the default of a parameter until the instance that has it is known.
const LATER: FunctionId = FunctionId(u32::MAX);

impl Body<'_, '_> {
    /// A call of a generic function, or a value of a generic struct.
    pub(super) fn call_generic(
        &mut self,
        id: GenericId,
        name: &ast::Name,
        arguments: &[Argument],
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        let generic = self.context.generics[id.index()];
        let types = self.type_variables(id);
        match generic.kind {
            GenericKind::Function(tree) => self.call_generic_function(id, tree, &types, arguments, wanted, span),
            GenericKind::Struct(tree) => {
                self.use_wanted(id, &types, wanted);
                let environment = generic::environment(self.context, id, &types);
                let fields = self.field_types(&tree.fields, generic.module, &environment);
                let items = self.fields(&name.value, &fields, arguments, generic.name.span, span);
                match self.instance(id, &types, span) {
                    Some(Instance::Struct(id)) => {
                        Expression { kind: ExpressionKind::Struct(id, items), ty: Type::Struct(id), span }
                    }
                    _ => Self::error_expression(span),
                }
            }
            GenericKind::Enum(_) | GenericKind::Alias(_) => {
                let help = match generic.kind {
                    GenericKind::Enum(_) => format!("name a variant: `{}.…`", name.value),
                    _ => "an alias has no constructor; write the value".to_string(),
                };
                let message = format!("`{}` can't be called", name.value);
                self.report(Diagnostic::error(Code::E0309, message, name.span, "not a function").with_help(help));
                self.give_up(arguments, span)
            }
        }
    }

    /// A variant of a generic enum.
    pub(super) fn generic_variant(
        &mut self,
        id: GenericId,
        name: &ast::Name,
        arguments: &[Argument],
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        let generic = self.context.generics[id.index()];
        let GenericKind::Enum(tree) = generic.kind else {
            let message = format!("`{}` has no `{}`", generic.name.value, name.value);
            self.report(Diagnostic::error(Code::E0208, message, name.span, "not an enum"));
            return self.give_up(arguments, span);
        };
        let Some(index) = tree.variants.iter().position(|v| v.name.value == name.value) else {
            let near = sgl_source::did_you_mean(&name.value, tree.variants.iter().map(|v| v.name.value.as_str()));
            let message = format!("`{}` has no variant `{}`", generic.name.value, name.value);
            self.report(
                Diagnostic::error(Code::E0208, message, name.span, "unknown variant")
                    .with_label(generic.name.span, "declared here")
                    .with_help_if(near.map(|near| format!("did you mean `{near}`?"))),
            );
            return self.give_up(arguments, span);
        };
        let types = self.type_variables(id);
        self.use_wanted(id, &types, wanted);
        let payload = tree.variants[index].payload.as_deref().unwrap_or_default();
        let environment = generic::environment(self.context, id, &types);
        let fields = self.field_types(payload, generic.module, &environment);
        let items = if fields.is_empty() && arguments.is_empty() {
            Vec::new()
        } else {
            self.fields(&name.value, &fields, arguments, generic.name.span, span)
        };
        match self.instance(id, &types, span) {
            Some(Instance::Enum(id)) => {
                let kind = ExpressionKind::Variant(id, u16::try_from(index).unwrap_or(u16::MAX), items);
                Expression { kind, ty: Type::Enum(id), span }
            }
            _ => Self::error_expression(span),
        }
    }

    /// The generic enum of this module that alone has a variant of this name.
    pub(super) fn bare_generic_variant(&self, name: &str) -> Option<GenericId> {
        if name.starts_with(char::is_lowercase) {
            return None;
        }
        let has = |id: &GenericId| match self.context.generics[id.index()].kind {
            GenericKind::Enum(tree) => tree.variants.iter().any(|v| v.name.value == name),
            _ => false,
        };
        let mut found = self.context.names[self.module].all.values().filter_map(|(definition, ..)| match definition {
            crate::declare::Definition::Generic(id) if has(id) => Some(*id),
            _ => None,
        });
        found.next().filter(|_| found.next().is_none())
    }

    fn call_generic_function(
        &mut self,
        id: GenericId,
        tree: &ast::Function,
        types: &[Type],
        arguments: &[Argument],
        wanted: Option<&Type>,
        span: Span,
    ) -> Expression {
        let generic = self.context.generics[id.index()];
        let name = &generic.name.value;
        if tree.kind == ast::FunctionKind::Prompt {
            self.needs_model(&format!("the prompt `{name}`"), span);
        }
        let environment = generic::environment(self.context, id, types);
        let mut parameters = Vec::new();
        for parameter in &tree.parameters {
            let ty = self.type_within(&parameter.ty, generic.module, environment.clone());
            parameters.push((parameter.name.value.clone(), ty, parameter.default.as_ref().map(|_| LATER)));
        }
        let result = tree.result.as_ref().map(|ty| self.type_within(ty, generic.module, environment));
        let mut checked = self.arguments(name, &parameters, arguments, generic.name.span, span);
        if let (Some(result), Some(wanted)) = (&result, wanted) {
            // Only what the arguments left open: they decide first.
            let open = types.iter().any(|ty| generic::unknown(&self.variables.resolve(ty)));
            if open && !self.variables.same(&self.context.program, wanted, result) {
                self.variables.fits(&self.context.program, result, wanted);
            }
        }
        let open = types.iter().any(|ty| generic::unknown(&self.variables.resolve(ty)));
        if open
            && (parameters.iter().any(|(_, ty, _)| generic::faulty(ty)) || checked.iter().any(|e| e.ty == Type::Error))
        {
            // What would have said the type was reported.
            return Self::error_expression(span);
        }
        let Some(Instance::Function(function)) = self.instance(id, types, span) else {
            return Self::error_expression(span);
        };
        self.needs_uses(function, span);
        let made = self.context.function(function);
        for (argument, parameter) in checked.iter_mut().zip(&made.parameters) {
            if let (ExpressionKind::Call(callee, _), Some(default)) = (&mut argument.kind, parameter.default)
                && *callee == LATER
            {
                *callee = default;
            }
        }
        let (ty, effect) = (made.result.clone(), made.effect);
        debug_assert_eq!(effect == Effect::Prompt, tree.kind == ast::FunctionKind::Prompt);
        Expression { kind: ExpressionKind::Call(function, checked), ty, span }
    }

    /// A variable for each type parameter.
    fn type_variables(&mut self, id: GenericId) -> Vec<Type> {
        let count = self.context.generics[id.index()].parameters.len();
        (0..count).map(|_| self.variables.fresh()).collect()
    }

    /// Takes the types from what is wanted, if that is an instance of the same item.
    fn use_wanted(&mut self, id: GenericId, types: &[Type], wanted: Option<&Type>) {
        let wanted = match wanted.map(|wanted| self.variables.resolve(wanted)) {
            Some(Type::Optional(of)) => *of,
            Some(other) => other,
            None => return,
        };
        let members = match wanted {
            Type::Union(members) => members,
            one => vec![one],
        };
        let mut found = members.iter().filter_map(|ty| match assign::origin(&self.context.program, ty) {
            Some((own, arguments)) if own == id => Some(arguments.to_vec()),
            _ => match ty {
                Type::Apply(own, arguments) if *own == id => Some(arguments.clone()),
                _ => None,
            },
        });
        if let (Some(only), None) = (found.next(), found.next()) {
            for (variable, ty) in types.iter().zip(&only) {
                self.variables.same(&self.context.program, ty, variable);
            }
        }
    }

    fn field_types(
        &mut self,
        fields: &[ast::FieldDeclaration],
        module: usize,
        environment: &Environment,
    ) -> Vec<(String, Type)> {
        let of = |field: &ast::FieldDeclaration| {
            (field.name.value.clone(), self.type_within(&field.ty, module, environment.clone()))
        };
        fields.iter().map(of).collect()
    }

    /// A type of a generic item; what is wrong with it is reported where the instance is made.
    fn type_within(&mut self, tree: &ast::TypeExpression, module: usize, environment: Environment) -> Type {
        let before = self.context.diagnostics.len();
        let ty = generic::within(self.context, environment, |context| crate::resolve::ty(context, module, tree));
        self.context.diagnostics.truncate(before);
        ty
    }

    /// The instance with the types that were found; one that was not is reported.
    fn instance(&mut self, id: GenericId, types: &[Type], span: Span) -> Option<Instance> {
        let types: Vec<Type> = types.iter().map(|ty| self.close(ty, span)).collect();
        let generic = self.context.generics[id.index()];
        if let Some(open) = types.iter().position(generic::unknown) {
            let (parameter, name) = (&generic.parameters[open].value, &generic.name.value);
            self.report(
                Diagnostic::error(
                    Code::E0311,
                    format!("the type `{parameter}` of `{name}` can't be inferred"),
                    span,
                    "no argument says what it is",
                )
                .with_label(generic.name.span, "declared here")
                .with_help("write the type where the value is bound, such as `let x: [Int] = …`"),
            );
            return None;
        }
        generic::instance(self.context, id, types, span)
    }

    /// The type with every variable that was found, and generic types made.
    pub(super) fn close(&mut self, ty: &Type, span: Span) -> Type {
        let ty = self.variables.resolve(ty);
        let mut close = |ty: &Type| self.close(ty, span);
        match &ty {
            Type::Apply(id, arguments) => {
                let arguments = arguments.iter().map(close).collect();
                generic::apply(self.context, *id, arguments, span)
            }
            Type::Optional(of) => close(of).optional(),
            Type::List { item, min, max } => Type::List { item: Box::new(close(item)), min: *min, max: *max },
            Type::Map(k, v) => Type::Map(Box::new(close(k)), Box::new(close(v))),
            Type::Union(all) => crate::resolve::union(all.iter().map(close).collect()),
            Type::Tuple(all) => Type::Tuple(all.iter().map(close).collect()),
            Type::Record(fields) => Type::Record(fields.iter().map(|(name, ty)| (name.clone(), close(ty))).collect()),
            Type::Function(parameters, result) => {
                Type::Function(parameters.iter().map(&mut close).collect(), Box::new(close(result)))
            }
            _ => ty,
        }
    }
}
