//! Names of all modules, then the types that they are declared with.

use crate::check::{Context, Progress, Source};
use crate::imports::{local_name, request};
use crate::program::{
    ConstId, Constant, Effect, Enum, EnumId, Field, Function, FunctionId, Local, LocalId, Parameter, Struct, StructId,
    Test, Variant,
};
use crate::shape::{self, Nominal};
use crate::types::Type;
use crate::{resolve, shape_of};
use indexmap::IndexMap;
use sgl_protocol::TAG;
use sgl_source::{Code, Diagnostic, Span};
use sgl_syntax::ast::{self, ItemKind};

/// What a name of a module stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Definition {
    Function(FunctionId),
    Constant(ConstId),
    Struct(StructId),
    Enum(EnumId),
    Alias(usize),
    Module(usize),
    /// Something that has been reported where it is defined or imported: its uses are silent.
    Lost,
}

/// The names of a module.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) all: IndexMap<String, (Definition, bool, Span)>,
}

/// Gives every item an id and its name.
pub(crate) fn names(context: &mut Context<'_>) {
    for module in 0..context.modules.len() {
        let source = context.modules[module];
        for item in &source.ast.items {
            declare(context, module, item);
        }
        for name in &source.ast.lost {
            lose(context, module, &name.value, name.span);
        }
    }
    circles(context);
}

fn declare<'a>(context: &mut Context<'a>, module: usize, item: &'a ast::Item) {
    let (name, definition) = match &item.kind {
        ItemKind::Function(f) => {
            refuse_generics(context, &f.generics);
            (
                &f.name,
                Definition::Function(add_function(
                    context,
                    module,
                    Source::Function(f),
                    &f.name.value,
                    &item.doc,
                    f.name.span,
                )),
            )
        }
        ItemKind::Const(c) => {
            let id = ConstId(index(context.constants.len()));
            let function = add_function(context, module, Source::Value(&c.value), &c.name.value, "", c.name.span);
            context.constants.push((module, c, Progress::Waiting));
            context.program.constants.push(Constant { name: c.name.value.clone(), ty: Type::Error, function });
            (&c.name, Definition::Constant(id))
        }
        ItemKind::Struct(s) => {
            refuse_generics(context, &s.generics);
            let id = StructId(index(context.structs.len()));
            context.structs.push((module, s));
            context.program.structs.push(Struct {
                name: s.name.value.clone(),
                doc: item.doc.clone(),
                fields: Vec::new(),
                span: s.name.span,
            });
            (&s.name, Definition::Struct(id))
        }
        ItemKind::Enum(e) => {
            refuse_generics(context, &e.generics);
            let id = EnumId(index(context.enums.len()));
            context.enums.push((module, e));
            context.program.enums.push(Enum {
                name: e.name.value.clone(),
                doc: item.doc.clone(),
                variants: Vec::new(),
                span: e.name.span,
            });
            (&e.name, Definition::Enum(id))
        }
        ItemKind::Type(t) => {
            refuse_generics(context, &t.generics);
            context.aliases.push((module, t));
            (&t.name, Definition::Alias(context.aliases.len() - 1))
        }
        ItemKind::Import(import) => {
            import_module(context, module, import);
            return;
        }
        ItemKind::Test(t) => {
            let id = add_function(context, module, Source::Test(t), &t.name.value, "", t.name.span);
            let mocks = t.mocks.iter().map(|m| (m.hole.value.clone(), m.answer.value.clone())).collect();
            if module == 0 {
                context.program.tests.push(Test { name: t.name.value.clone(), function: id, mocks });
            }
            return;
        }
        ItemKind::Unbuilt(_) | ItemKind::Model(_) | ItemKind::Error => return,
    };
    bind(context, module, &name.value, definition, item.exported, name.span);
}

fn bind(context: &mut Context<'_>, module: usize, name: &str, definition: Definition, exported: bool, span: Span) {
    if let Some((_, _, first)) = context.names[module].all.get(name) {
        let first = *first;
        context.report(
            Diagnostic::error(Code::E0203, format!("`{name}` is defined twice"), span, "defined again here")
                .with_label(first, "first defined here")
                .with_help("give one of them another name"),
        );
        return;
    }
    context.names[module].all.insert(name.to_string(), (definition, exported, span));
}

fn index(len: usize) -> u32 {
    u32::try_from(len).expect("fewer than 2^32 items fit in a source of 4 GiB")
}

fn refuse_generics(context: &mut Context<'_>, generics: &[ast::Name]) {
    if let Some(first) = generics.first() {
        context.report(
            Diagnostic::error(
                Code::E0104,
                "generic items are not built yet",
                first.span,
                "planned, and refused until then",
            )
            .with_help("write the item once for each type that you use it with"),
        );
    }
}

pub(crate) fn add_function<'a>(
    context: &mut Context<'a>,
    module: usize,
    source: Source<'a>,
    name: &str,
    doc: &str,
    span: Span,
) -> FunctionId {
    let effect = match source {
        Source::Function(f) if f.kind == ast::FunctionKind::Function => Effect::Pure,
        Source::Value(_) => Effect::Pure,
        Source::Function(_) | Source::Test(_) => Effect::Prompt,
    };
    context.functions.push((module, source));
    context.program.functions.push(Function {
        name: name.to_string(),
        doc: doc.to_string(),
        effect,
        parameters: Vec::new(),
        result: Type::Unit,
        locals: Vec::new(),
        body: crate::program::Block::default(),
        metadata: Vec::new(),
        span,
    });
    FunctionId(index(context.functions.len() - 1))
}

fn import_module(context: &mut Context<'_>, module: usize, import: &ast::Import) {
    let wanted = request(import);
    let leads = context.modules[module].targets.iter().find(|(span, _)| *span == wanted.span);
    let target = leads.and_then(|(_, key)| context.keys.iter().position(|known| known == key));
    // A module that was not found has been reported by whoever looked for it.
    match target {
        Some(target) => bind(context, module, &local_name(import), Definition::Module(target), false, wanted.span),
        None => lose(context, module, &local_name(import), wanted.span),
    }
}

/// A name whose definition has been reported; another definition of it goes first.
fn lose(context: &mut Context<'_>, module: usize, name: &str, span: Span) {
    context.names[module].all.entry(name.to_string()).or_insert((Definition::Lost, true, span));
}

/// Modules that import each other in a circle.
fn circles(context: &mut Context<'_>) {
    let edges = |context: &Context<'_>, module: usize| -> Vec<(usize, Span)> {
        let of = context.names[module].all.values();
        of.filter_map(|(d, _, span)| match d {
            Definition::Module(target) => Some((*target, *span)),
            _ => None,
        })
        .collect()
    };
    for start in 0..context.modules.len() {
        let mut stack = edges(context, start);
        let mut seen = vec![false; context.modules.len()];
        while let Some((at, span)) = stack.pop() {
            if at == start {
                let own = edges(context, start).into_iter().next().map_or(span, |(_, span)| span);
                let name = context.modules[start].name.clone();
                context.report(
                    Diagnostic::error(
                        Code::E0210,
                        format!("the module `{name}` imports itself in a circle"),
                        own,
                        "this import leads back here",
                    )
                    .with_help("move what both need into a third module"),
                );
                return;
            }
            if !std::mem::replace(&mut seen[at], true) {
                stack.extend(edges(context, at));
            }
        }
    }
}

/// Resolves the types of fields, payloads, aliases and signatures.
pub(crate) fn signatures(context: &mut Context<'_>) {
    for id in 0..context.aliases.len() {
        let (module, alias) = context.aliases[id];
        resolve::alias(context, module, id, alias.name.span);
    }
    for id in 0..context.structs.len() {
        let (module, tree) = context.structs[id];
        context.program.structs[id].fields = fields(context, module, &tree.fields);
    }
    for id in 0..context.enums.len() {
        let (module, tree) = context.enums[id];
        let mut variants: Vec<Variant> = Vec::new();
        for variant in &tree.variants {
            if let Some(first) = tree
                .variants
                .iter()
                .find(|v| v.name.value == variant.name.value)
                .filter(|v| v.name.span != variant.name.span)
            {
                let message = format!("the variant `{}` is defined twice", variant.name.value);
                context.report(
                    Diagnostic::error(Code::E0203, message, variant.name.span, "defined again here")
                        .with_label(first.name.span, "first defined here"),
                );
                continue;
            }
            let generated = variant.generated_name.as_ref().unwrap_or(&variant.name);
            if variants.iter().any(|v| v.generated == generated.value) {
                let message = format!("two variants are written `{}`", generated.value);
                context.report(
                    Diagnostic::error(Code::E0203, message, generated.span, "nothing could tell them apart")
                        .with_help("give each variant a name of its own with `@name(\"…\")`"),
                );
            }
            let tag = variant.payload.iter().flatten().filter_map(|field| field.generated_name.as_ref());
            for key in tag.filter(|key| key.value == TAG) {
                let message = format!("the key `{TAG}` says which variant it is");
                context.report(
                    Diagnostic::error(Code::E0203, message, key.span, "and can't hold a field")
                        .with_help("choose another name"),
                );
            }
            variants.push(Variant {
                name: variant.name.value.clone(),
                generated: generated.value.clone(),
                doc: variant.doc.clone(),
                fields: variant.payload.as_ref().map_or_else(Vec::new, |payload| fields(context, module, payload)),
            });
        }
        context.program.enums[id].variants = variants;
    }
    endless(context);
    for id in 0..context.functions.len() {
        signature(context, id);
    }
}

/// Reports types that contain themselves without a way out.
fn endless(context: &mut Context<'_>) {
    for nominal in shape::endless(&context.program) {
        let (name, span) = match nominal {
            Nominal::Struct(id) => {
                (&context.program.structs[id.index()].name, context.program.structs[id.index()].span)
            }
            Nominal::Enum(id) => (&context.program.enums[id.index()].name, context.program.enums[id.index()].span),
        };
        let message = format!("a value of `{name}` would never end");
        context.report(
            Diagnostic::error(Code::E0320, message, span, "each one needs another one first")
                .with_help("leave a way out: `T?`, a list that may be empty, or a variant without it"),
        );
    }
}

fn fields(context: &mut Context<'_>, module: usize, trees: &[ast::FieldDeclaration]) -> Vec<Field> {
    let mut all: Vec<Field> = Vec::new();
    for tree in trees {
        if all.iter().any(|field| field.name == tree.name.value) {
            let message = format!("the field `{}` is defined twice", tree.name.value);
            context.report(Diagnostic::error(Code::E0203, message, tree.name.span, "defined again here"));
            continue;
        }
        let ty = resolve::ty(context, module, &tree.ty);
        let generated = tree.generated_name.as_ref().unwrap_or(&tree.name).value.clone();
        if all.iter().any(|field| field.generated == generated) {
            let span = tree.generated_name.as_ref().unwrap_or(&tree.name).span;
            let message = format!("the key `{generated}` is written twice");
            context.report(
                Diagnostic::error(Code::E0203, message, span, "another field has this name in generated text")
                    .with_help("give each field a name of its own with `@name(\"…\")`"),
            );
        }
        all.push(Field { name: tree.name.value.clone(), generated, doc: tree.doc.clone(), ty });
    }
    all
}

fn signature(context: &mut Context<'_>, id: usize) {
    let (module, source) = context.functions[id];
    let Source::Function(tree) = source else { return };
    for capability in &tree.uses {
        context.report(
            Diagnostic::error(
                Code::E0104,
                format!("`uses {}` is not built yet", capability.value),
                capability.span,
                "planned, and refused until then",
            )
            .with_help("remove it; programs can't reach the host yet"),
        );
    }
    let mut locals = Vec::new();
    let mut parameters: Vec<Parameter> = Vec::new();
    for parameter in &tree.parameters {
        if locals.iter().any(|local: &Local| local.name == parameter.name.value) {
            let message = format!("the parameter `{}` is defined twice", parameter.name.value);
            context.report(Diagnostic::error(Code::E0203, message, parameter.name.span, "defined again here"));
        }
        let ty = resolve::ty(context, module, &parameter.ty);
        let default = parameter.default.as_ref().map(|value| {
            let name = format!("{}.{}", tree.name.value, parameter.name.value);
            let function = add_function(context, module, Source::Value(value), &name, "", value.span);
            context.program.functions[function.index()].result = ty.clone();
            function
        });
        let shape = shape_of(&context.program, &ty).ok();
        let local = LocalId(index(locals.len()));
        locals.push(Local { name: parameter.name.value.clone(), ty, mutable: false, span: parameter.name.span });
        parameters.push(Parameter { local, doc: parameter.doc.clone(), default, shape });
    }
    let result = tree.result.as_ref().map_or(Type::Unit, |ty| resolve::ty(context, module, ty));
    let function = &mut context.program.functions[id];
    function.locals = locals;
    function.parameters = parameters;
    function.result = result;
}

/// What can be started from outside: exported functions of the root module whose parameters have a text form, else `main`.
pub(crate) fn entries(context: &mut Context<'_>) {
    let of = |all: bool| -> Vec<FunctionId> {
        let functions = context.names[0].all.iter().filter_map(|(name, (definition, exported, _))| match definition {
            Definition::Function(id) if *exported || (all && name == "main") => Some(*id),
            _ => None,
        });
        functions.filter(|id| context.function(*id).parameters.iter().all(|p| p.shape.is_some())).collect()
    };
    let exported = of(false);
    context.program.entries = if exported.is_empty() { of(true) } else { exported };
}
