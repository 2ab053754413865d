//! Generic items: each use with other types is an item of its own, made when it is first named.
//!
//! A generic struct or enum with arguments that are known is a [`Type::Struct`] or [`Type::Enum`]; while inference still
//! looks for one of them it is a [`Type::Apply`]. A generic that nobody uses is looked at once with unknown types.

use crate::check::{Context, Source};
use crate::declare;
use crate::form;
use crate::program::{Enum, EnumId, FunctionId, GenericId, Struct, StructId};
use crate::resolve;
use crate::tool;
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast;

/// Instances of all generic items of a program.
const INSTANCES_MAX: usize = 2_000;
/// Types inside each other in one argument.
const DEPTH_MAX: usize = 16;

/// A generic item as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generic<'a> {
    pub(crate) module: usize,
    pub(crate) name: &'a ast::Name,
    pub(crate) doc: &'a str,
    pub(crate) parameters: &'a [ast::Name],
    pub(crate) kind: GenericKind<'a>,
}

/// What kind of item it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GenericKind<'a> {
    Struct(&'a ast::Struct),
    Enum(&'a ast::Enum),
    Alias(&'a ast::TypeAlias),
    Function(&'a ast::Function),
}

/// A generic item with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instance {
    Struct(StructId),
    Enum(EnumId),
    Function(FunctionId),
}

/// The type parameters that are in scope, and what they stand for.
pub(crate) type Environment = Vec<(String, Type)>;

/// Declares a generic item; two parameters of one name are reported.
pub(crate) fn add<'a>(context: &mut Context<'a>, generic: Generic<'a>) -> GenericId {
    for (index, parameter) in generic.parameters.iter().enumerate() {
        if let Some(first) = generic.parameters[..index].iter().find(|p| p.value == parameter.value) {
            let message = format!("the type parameter `{}` is named twice", parameter.value);
            context.report(
                Diagnostic::error(Code::E0203, message, parameter.span, "named again here")
                    .with_label(first.span, "first named here"),
            );
        }
    }
    context.generics.push(generic);
    context.program.generics.push(generic.name.value.clone());
    GenericId(u32::try_from(context.generics.len() - 1).expect("fewer items than bytes of source"))
}

/// The type parameters of an item, each standing for a type.
pub(crate) fn environment(context: &Context<'_>, id: GenericId, arguments: &[Type]) -> Environment {
    let parameters = context.generics[id.index()].parameters.iter().map(|p| p.value.clone());
    parameters.zip(arguments.iter().cloned()).collect()
}

/// What `inner` finds with these type parameters in scope, and no others.
pub(crate) fn within<'a, T>(
    context: &mut Context<'a>,
    environment: Environment,
    inner: impl FnOnce(&mut Context<'a>) -> T,
) -> T {
    let outer = std::mem::replace(&mut context.environment, environment);
    let computed = context.computed.take();
    let found = inner(context);
    context.environment = outer;
    context.computed = computed;
    found
}

/// A generic type with arguments.
pub(crate) fn apply(context: &mut Context<'_>, id: GenericId, arguments: Vec<Type>, at: Span) -> Type {
    let generic = context.generics[id.index()];
    if !counted(context, generic, arguments.len(), at) {
        return Type::Error;
    }
    if let GenericKind::Alias(tree) = generic.kind {
        if !bounded(context, generic, &arguments, at) {
            return Type::Error;
        }
        context.applications_open += 1;
        let environment = environment(context, id, &arguments);
        let found = within(context, environment, |context| resolve::ty(context, generic.module, &tree.ty));
        context.applications_open -= 1;
        return found;
    }
    if let GenericKind::Function(_) = generic.kind {
        let message = format!("`{}` is not a type", generic.name.value);
        context.report(Diagnostic::error(Code::E0202, message, at, "a function"));
        return Type::Error;
    }
    if arguments.iter().any(unknown) {
        return Type::Apply(id, arguments);
    }
    match instance(context, id, arguments, at) {
        Some(Instance::Struct(id)) => Type::Struct(id),
        Some(Instance::Enum(id)) => Type::Enum(id),
        Some(Instance::Function(_)) | None => Type::Error,
    }
}

/// Reports another number of arguments than the item has parameters.
fn counted(context: &mut Context<'_>, generic: Generic<'_>, count: usize, at: Span) -> bool {
    let wanted = generic.parameters.len();
    if count == wanted {
        return true;
    }
    let names: Vec<&str> = generic.parameters.iter().map(|p| p.value.as_str()).collect();
    let name = &generic.name.value;
    let plural = if wanted == 1 { "" } else { "s" };
    let message = format!("`{name}` takes {wanted} type{plural}, and {count} {} given", are(count));
    context.report(
        Diagnostic::error(Code::E0322, message, at, "wrong number of types")
            .with_label(generic.name.span, "declared here")
            .with_help(format!("write `{name}<{}>` with a type for each", names.join(", "))),
    );
    false
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Reports instances that need further ones without end.
fn bounded(context: &mut Context<'_>, generic: Generic<'_>, arguments: &[Type], at: Span) -> bool {
    let deep = arguments.iter().any(|ty| depth(context, ty) > DEPTH_MAX);
    if !deep && context.instances.len() < INSTANCES_MAX && context.applications_open < DEPTH_MAX {
        return true;
    }
    // The chain that led here is long; its beginning is the item itself.
    let name = &generic.name.value;
    let message = format!("`{name}` needs itself with ever new types");
    let report = Diagnostic::error(Code::E0321, message, generic.name.span, "each use makes a larger one")
        .with_label(at, "for instance here")
        .with_help("use it inside itself with the same type parameters");
    if !context.diagnostics.iter().any(|d| d.code == Code::E0321 && d.span() == report.span()) {
        context.report(report);
    }
    false
}

/// Whether inference still looks for a part of the type.
pub(crate) fn unknown(ty: &Type) -> bool {
    let mut found = false;
    each(ty, &mut |ty| found |= matches!(ty, Type::Variable(_)));
    found
}

/// Whether a part of the type was reported.
pub(crate) fn faulty(ty: &Type) -> bool {
    let mut found = false;
    each(ty, &mut |ty| found |= *ty == Type::Error);
    found
}

fn depth(context: &Context<'_>, ty: &Type) -> usize {
    let program = &context.program;
    let all = |types: &[Type]| types.iter().map(|ty| depth(context, ty)).max().unwrap_or(0);
    match ty {
        Type::Optional(of) | Type::List { item: of, .. } => 1 + depth(context, of),
        Type::Map(k, v) => 1 + depth(context, k).max(depth(context, v)),
        Type::Union(types) | Type::Tuple(types) | Type::Apply(_, types) => 1 + all(types),
        Type::Record(fields) => 1 + fields.iter().map(|(_, ty)| depth(context, ty)).max().unwrap_or(0),
        Type::Function(parameters, result) => 1 + all(parameters).max(depth(context, result)),
        Type::Struct(id) => program.structs[id.index()].origin.as_ref().map_or(0, |(_, types)| 1 + all(types)),
        Type::Enum(id) => program.enums[id.index()].origin.as_ref().map_or(0, |(_, types)| 1 + all(types)),
        _ => 0,
    }
}

/// Visits a type and the types that it is written with.
pub(crate) fn each(ty: &Type, visit: &mut impl FnMut(&Type)) {
    visit(ty);
    match ty {
        Type::Optional(of) | Type::List { item: of, .. } => each(of, visit),
        Type::Map(k, v) => {
            each(k, visit);
            each(v, visit);
        }
        Type::Union(types) | Type::Tuple(types) | Type::Apply(_, types) => types.iter().for_each(|ty| each(ty, visit)),
        Type::Record(fields) => fields.iter().for_each(|(_, ty)| each(ty, visit)),
        Type::Function(parameters, result) => {
            parameters.iter().for_each(|ty| each(ty, visit));
            each(result, visit);
        }
        _ => {}
    }
}

/// The item with these types, made if it is new. `None` was reported.
pub(crate) fn instance(context: &mut Context<'_>, id: GenericId, arguments: Vec<Type>, at: Span) -> Option<Instance> {
    if let Some(known) = context.instances.get(&(id, arguments.clone())) {
        return Some(*known);
    }
    let generic = context.generics[id.index()];
    if !bounded(context, generic, &arguments, at) {
        return None;
    }
    let shown: Vec<String> = arguments.iter().map(|ty| context.show(ty)).collect();
    let name = format!("{}<{}>", generic.name.value, shown.join(", "));
    let environment = environment(context, id, &arguments);
    let (module, doc, span) = (generic.module, generic.doc.to_string(), generic.name.span);
    let origin = Some((id, arguments.clone()));
    Some(match generic.kind {
        GenericKind::Struct(tree) => {
            let new = StructId(index(context.program.structs.len()));
            context.program.structs.push(Struct {
                name,
                doc,
                fields: Vec::new(),
                form: form::of(tree.form.as_ref()),
                span,
                origin,
            });
            // Known before its fields are: they may name it.
            context.instances.insert((id, arguments), Instance::Struct(new));
            let fields = within(context, environment, |context| declare::fields(context, module, &tree.fields));
            context.program.structs[new.index()].fields = fields;
            Instance::Struct(new)
        }
        GenericKind::Enum(tree) => {
            let new = EnumId(index(context.program.enums.len()));
            context.program.enums.push(Enum {
                name,
                doc,
                variants: Vec::new(),
                form: form::of(tree.form.as_ref()),
                span,
                origin,
            });
            context.instances.insert((id, arguments), Instance::Enum(new));
            let variants = within(context, environment, |context| declare::variants(context, module, tree));
            context.program.enums[new.index()].variants = variants;
            Instance::Enum(new)
        }
        GenericKind::Function(tree) => {
            let new = within(context, environment, |context| {
                let new = declare::add_function(context, module, Source::Function(tree), &name, &doc, span);
                declare::signature(context, new.index());
                new
            });
            if tree.kind == ast::FunctionKind::Prompt {
                tool::add_uses_of_calls(context, new, &arguments);
            }
            context.instances.insert((id, arguments), Instance::Function(new));
            Instance::Function(new)
        }
        GenericKind::Alias(_) => return None,
    })
}

fn index(len: usize) -> u32 {
    u32::try_from(len).expect("fewer instances than their limit and the items of a source")
}

/// Looks at generic types with unknown arguments, so that what is wrong whatever they are is reported.
pub(crate) fn types(context: &mut Context<'_>) {
    for id in 0..index(context.generics.len()) {
        let generic = context.generics[id as usize];
        if !matches!(generic.kind, GenericKind::Function(_)) {
            let unknown = vec![Type::Error; generic.parameters.len()];
            apply(context, GenericId(id), unknown, generic.name.span);
        }
    }
}

/// Instances of generic functions that nobody uses, to be looked at and not kept.
pub(crate) fn unused(context: &mut Context<'_>) -> Vec<FunctionId> {
    let mut found = Vec::new();
    for id in 0..index(context.generics.len()) {
        let generic = context.generics[id as usize];
        let used = context.instances.keys().any(|(known, _)| *known == GenericId(id));
        if matches!(generic.kind, GenericKind::Function(_)) && !used {
            let unknown = vec![Type::Error; generic.parameters.len()];
            if let Some(Instance::Function(new)) = instance(context, GenericId(id), unknown, generic.name.span) {
                found.push(new);
            }
        }
    }
    found
}
