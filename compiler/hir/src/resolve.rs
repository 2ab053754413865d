//! Types as written to types, and paths to definitions.

use crate::alias;
use crate::check::Context;
use crate::declare::Definition;
use crate::generic;
use crate::refine;
use crate::tool;
use crate::types::Type;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{Name, TypeExpression, TypeKind};

/// Types that the language itself has.
const BUILT_IN: &[&str] = &["Str", "Int", "Float", "Bool", "Unknown", "Prompt", "Image", "Schema", "ToolCall"];

/// The type that an alias stands for.
pub(crate) fn alias(context: &mut Context<'_>, module: usize, id: usize, at: Span) -> Type {
    if context.aliases_open.contains(&id) {
        let name = context.aliases[id].1.name.clone();
        context.report(
            Diagnostic::error(
                Code::E0211,
                format!("the type `{}` stands for itself", name.value),
                at,
                "used in its own definition",
            )
            .with_help("make it a `struct`"),
        );
        return Type::Error;
    }
    context.aliases_open.push(id);
    let (home, tree) = context.aliases[id];
    let before = context.diagnostics.len();
    let found = generic::within(context, Vec::new(), |context| ty(context, home, &tree.ty));
    // The alias's own faults are reported where it is defined, once.
    if tree.name.span != at || home != module {
        let fresh = context.diagnostics.split_off(before);
        context.diagnostics.extend(fresh.into_iter().filter(|d| d.code == Code::E0211));
    }
    context.aliases_open.pop();
    found
}

/// A type as written.
pub(crate) fn ty(context: &mut Context<'_>, module: usize, tree: &TypeExpression) -> Type {
    match &tree.kind {
        TypeKind::Name { path, arguments } if path.len() == 1 && path[0].value == "ToolCall" => {
            tool::call_type(context, module, arguments, tree.span)
        }
        TypeKind::Several(_) => {
            context.report(
                Diagnostic::error(Code::E0202, "a list of types is no type", tree.span, "only `ToolCall` takes this")
                    .with_help("write a tuple, `(A, B)`, or a union, `A | B`"),
            );
            Type::Error
        }
        TypeKind::Name { path, arguments } => {
            let arguments: Vec<Type> = arguments.iter().map(|argument| ty(context, module, argument)).collect();
            named(context, module, path, arguments, tree.span)
        }
        TypeKind::FloatDigits(digits) => match u8::try_from(digits.value) {
            Ok(decimals) if decimals <= 9 => Type::Float { decimals: Some(decimals), min: None, max: None },
            _ => {
                context.report(Diagnostic::error(
                    Code::E0314,
                    "a `Float` has at most 9 digits after the point",
                    digits.span,
                    "too many",
                ));
                Type::Error
            }
        },
        TypeKind::LiteralText(text) => Type::Literal(text.clone()),
        TypeKind::LiteralInt(value) => Type::Int { min: Some(*value), max: Some(*value) },
        TypeKind::LiteralBool(only) => Type::LiteralBool(*only),
        TypeKind::Optional(of) => ty(context, module, of).optional(),
        TypeKind::Union(members) => {
            let members = members.iter().map(|member| ty(context, module, member)).collect();
            union(members)
        }
        TypeKind::List(item, bound) => {
            let item = ty(context, module, item);
            let (min, max) =
                bound.as_ref().map_or(Some((0, None)), |bound| refine::list_bound(context, bound)).unwrap_or((0, None));
            Type::List { item: Box::new(item), min, max }
        }
        TypeKind::Map(key, value) => {
            let (key, value) = (ty(context, module, key), ty(context, module, value));
            Type::Map(Box::new(key), Box::new(value))
        }
        TypeKind::Tuple(items) if items.is_empty() => Type::Unit,
        TypeKind::Tuple(items) => Type::Tuple(items.iter().map(|item| ty(context, module, item)).collect()),
        TypeKind::Record(fields) => {
            Type::Record(fields.iter().map(|f| (f.name.value.clone(), ty(context, module, &f.ty))).collect())
        }
        TypeKind::Function(parameters, result) => {
            let parameters = parameters.iter().map(|p| ty(context, module, p)).collect();
            Type::Function(parameters, Box::new(ty(context, module, result)))
        }
        TypeKind::Refined(of, refinements) => {
            let mut found = ty(context, module, of);
            for refinement in refinements {
                found = refine::refine(context, found, refinement, of.span);
            }
            found
        }
        TypeKind::Error => Type::Error,
    }
}

/// A union without nesting and repetition; `none` in it makes it optional.
pub(crate) fn union(members: Vec<Type>) -> Type {
    let mut flat: Vec<Type> = Vec::new();
    let mut optional = false;
    let mut waiting: Vec<Type> = members.into_iter().rev().collect();
    while let Some(member) = waiting.pop() {
        match member {
            Type::Union(inner) => waiting.extend(inner.into_iter().rev()),
            Type::Optional(inner) => {
                optional = true;
                waiting.push(*inner);
            }
            Type::None => optional = true,
            Type::Never => {}
            other if flat.contains(&other) => {}
            other => flat.push(other),
        }
    }
    if flat.contains(&Type::Error) {
        return Type::Error;
    }
    // `true | false` is a `Bool`.
    let both = flat.contains(&Type::LiteralBool(true)) && flat.contains(&Type::LiteralBool(false));
    if let Some(at) = flat.iter().position(|ty| matches!(ty, Type::LiteralBool(_)))
        && (both || flat.contains(&Type::Bool))
    {
        flat[at] = Type::Bool;
        flat.retain(|ty| !matches!(ty, Type::LiteralBool(_)));
        let first = flat.iter().position(|ty| *ty == Type::Bool);
        let mut index = 0;
        flat.retain(|ty| {
            index += 1;
            *ty != Type::Bool || Some(index - 1) == first
        });
    }
    let whole = match flat.len() {
        0 if optional => return Type::None,
        0 => return Type::Never,
        1 => flat.remove(0),
        _ => Type::Union(flat),
    };
    if optional { whole.optional() } else { whole }
}

fn named(context: &mut Context<'_>, module: usize, path: &[Name], arguments: Vec<Type>, span: Span) -> Type {
    let last = path.last().expect("a path has a name");
    if let Ok(Definition::Generic(id)) = definition(context, module, path) {
        return generic::apply(context, id, arguments, span);
    }
    if !arguments.is_empty() {
        let message = format!("`{}` takes no types", last.value);
        context.report(Diagnostic::error(Code::E0322, message, span, "not generic").with_help("remove the `<…>`"));
        return Type::Error;
    }
    if let [name] = path {
        if let Some((_, ty)) = context.environment.iter().find(|(parameter, _)| *parameter == name.value) {
            return ty.clone();
        }
        let found = match name.value.as_str() {
            "Str" => Some(Type::text()),
            "Int" => Some(Type::int()),
            "Float" => Some(Type::float()),
            "Bool" => Some(Type::Bool),
            "Unknown" => Some(Type::Unknown),
            "Prompt" => Some(Type::Prompt),
            "Image" => Some(Type::Image),
            "Json" => Some(Type::Json),
            "Schema" => Some(Type::Schema),
            other => alias::find(other),
        };
        if let Some(found) = found {
            return found;
        }
    }
    match definition(context, module, path) {
        Ok(Definition::Struct(id)) => Type::Struct(id),
        Ok(Definition::Enum(id)) => Type::Enum(id),
        Ok(Definition::Alias(id)) => alias(context, module, id, last.span),
        Ok(Definition::Lost) => Type::Error,
        Ok(_) => {
            context.report(Diagnostic::error(
                Code::E0202,
                format!("`{}` is not a type", last.value),
                last.span,
                "a value",
            ));
            Type::Error
        }
        Err(Some(diagnostic)) => {
            context.report(*diagnostic);
            Type::Error
        }
        Err(None) if last.value == "Tool" => {
            context.report(
                Diagnostic::error(Code::E0323, "a tool is no value, and has no type", last.span, "no type")
                    .with_help("name tools where they are used: `ToolCall<[search]>`, `tools([search])`"),
            );
            Type::Error
        }
        Err(None) => {
            let is_type = |d: &Definition| {
                matches!(d, Definition::Struct(_) | Definition::Enum(_) | Definition::Alias(_) | Definition::Generic(_))
            };
            let types = context.names[module].all.iter().filter(|(_, (d, ..))| is_type(d));
            let known: Vec<&str> = types
                .map(|(name, _)| name.as_str())
                .chain(context.environment.iter().map(|(name, _)| name.as_str()))
                .chain(BUILT_IN.iter().copied())
                .chain(alias::ALIASES.iter().map(|(name, _)| *name))
                .collect();
            let near = did_you_mean(&last.value, known).map(|near| format!("did you mean `{near}`?"));
            context.report(
                Diagnostic::error(
                    Code::E0202,
                    format!("unknown type `{}`", last.value),
                    last.span,
                    "no type has this name",
                )
                .with_help_if(near),
            );
            Type::Error
        }
    }
}

/// What a path stands for. `Err(None)`: its first name is unknown; `Err(Some(_))`: what is wrong with the rest of it.
pub(crate) fn definition(
    context: &Context<'_>,
    module: usize,
    path: &[Name],
) -> Result<Definition, Option<Box<Diagnostic>>> {
    let first = &path[0];
    let Some((found, ..)) = context.names[module].all.get(&first.value) else { return Err(None) };
    let mut found = *found;
    for name in &path[1..] {
        if matches!(found, Definition::Lost) {
            return Ok(found);
        }
        let Definition::Module(target) = found else { return Err(None) };
        found = member(context, target, name)?;
    }
    Ok(found)
}

/// An exported name of a module.
pub(crate) fn member(context: &Context<'_>, target: usize, name: &Name) -> Result<Definition, Option<Box<Diagnostic>>> {
    let names = &context.names[target].all;
    let home = &context.modules[target].name;
    match names.get(&name.value) {
        Some((definition, true, _)) => Ok(*definition),
        Some((_, false, span)) => Err(Some(Box::new(
            Diagnostic::error(
                Code::E0205,
                format!("`{}` is private to the module `{home}`", name.value),
                name.span,
                "not exported",
            )
            .with_label(*span, "defined here")
            .with_help("put `pub` before its definition"),
        ))),
        None => {
            let exported = names.iter().filter(|(_, (_, exported, _))| *exported).map(|(name, _)| name.as_str());
            let near = did_you_mean(&name.value, exported).map(|near| format!("did you mean `{near}`?"));
            let message = format!("the module `{home}` has no `{}`", name.value);
            Err(Some(Box::new(Diagnostic::error(Code::E0201, message, name.span, "unknown name").with_help_if(near))))
        }
    }
}
