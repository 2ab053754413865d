//! Names of all modules, then the types that they are declared with.

use crate::check::{Context, Progress, Source, ToolMock};
use crate::generic::{self, Generic, GenericKind};
use crate::imports::{local_name, request};
use crate::program::{
    ConstId, Constant, Effect, Enum, EnumId, Field, Function, FunctionId, GenericId, Local, LocalId, Model, Parameter,
    Struct, StructId, Test, Variant,
};
use crate::shape::{self, Nominal};
use crate::types::Type;
use crate::{form, resolve, shape_of, tool};
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
    Generic(GenericId),
    Module(usize),
    /// Something that has been reported where it is defined or imported: its uses are silent.
    Lost,
    Model(u32),
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
    form::judge(context, &item.kind);
    if let Some((name, parameters, kind)) = generic_item(&item.kind) {
        let generic = Generic { module, name, doc: &item.doc, parameters, kind };
        let definition = Definition::Generic(generic::add(context, generic));
        bind(context, module, &name.value, definition, item.exported, name.span);
        return;
    }
    let (name, definition) = match &item.kind {
        ItemKind::Function(f) => (
            &f.name,
            Definition::Function(add_function(
                context,
                module,
                Source::Function(f),
                &f.name.value,
                &item.doc,
                f.name.span,
            )),
        ),
        ItemKind::Const(c) => {
            let id = ConstId(index(context.constants.len()));
            let function = add_function(context, module, Source::Value(&c.value), &c.name.value, "", c.name.span);
            context.constants.push((module, c, Progress::Waiting));
            context.program.constants.push(Constant { name: c.name.value.clone(), ty: Type::Error, function });
            (&c.name, Definition::Constant(id))
        }
        ItemKind::Struct(s) => {
            let id = StructId(index(context.structs.len()));
            context.structs.push((module, s));
            context.program.structs.push(Struct {
                name: s.name.value.clone(),
                doc: item.doc.clone(),
                fields: Vec::new(),
                form: form::of(s.form.as_ref()),
                span: s.name.span,
                origin: None,
            });
            (&s.name, Definition::Struct(id))
        }
        ItemKind::Enum(e) => {
            let id = EnumId(index(context.enums.len()));
            context.enums.push((module, e));
            context.program.enums.push(Enum {
                name: e.name.value.clone(),
                doc: item.doc.clone(),
                variants: Vec::new(),
                form: form::of(e.form.as_ref()),
                span: e.name.span,
                origin: None,
            });
            (&e.name, Definition::Enum(id))
        }
        ItemKind::Type(t) => {
            context.aliases.push((module, t));
            (&t.name, Definition::Alias(context.aliases.len() - 1))
        }
        ItemKind::Import(import) => {
            import_module(context, module, import);
            return;
        }
        ItemKind::Test(t) => {
            declare_test(context, module, t);
            return;
        }
        ItemKind::Model(m) => {
            let id = index(context.program.models.len());
            let of = m.of.as_ref().map(|of| of.value.clone());
            context.program.models.push(Model { name: m.name.value.clone(), of, span: m.name.span });
            (&m.name, Definition::Model(id))
        }
        ItemKind::Eval(eval) => {
            declare_eval(context, module, eval, &item.doc);
            return;
        }
        ItemKind::Error => return,
    };
    bind(context, module, &name.value, definition, item.exported, name.span);
}

/// The name, type parameters and tree of an item that has type parameters.
fn generic_item(kind: &ItemKind) -> Option<(&ast::Name, &[ast::Name], GenericKind<'_>)> {
    let (name, parameters, kind) = match kind {
        ItemKind::Function(f) => (&f.name, &f.generics, GenericKind::Function(f)),
        ItemKind::Struct(s) => (&s.name, &s.generics, GenericKind::Struct(s)),
        ItemKind::Enum(e) => (&e.name, &e.generics, GenericKind::Enum(e)),
        ItemKind::Type(t) => (&t.name, &t.generics, GenericKind::Alias(t)),
        _ => return None,
    };
    (!parameters.is_empty()).then_some((name, parameters.as_slice(), kind))
}

/// A test: a prompt without parameters, and a function per answer of a tool. Only the root module's are run.
fn declare_test<'a>(context: &mut Context<'a>, module: usize, test: &'a ast::TestItem) {
    let name = &test.name;
    let function = add_function(context, module, Source::Test(test), &name.value, "", name.span);
    let test_index = (module == 0).then_some(context.program.tests.len());
    let mut mocks = Vec::new();
    for mock in &test.mocks {
        match mock {
            ast::Mock::Hole { hole, answer } => mocks.push((hole.value.clone(), answer.value.clone())),
            ast::Mock::Tool { tool, value } => {
                let gives = add_function(context, module, Source::Answer(value), &name.value, "", value.span);
                context.tool_mocks.push(ToolMock { module, test: test_index, tool, gives });
            }
        }
    }
    if module == 0 {
        context.program.tests.push(Test { name: name.value.clone(), function, mocks, tools: Vec::new() });
    }
}

/// An eval: a prompt for its rows, and a function per `require`. Only the root module's are run.
fn declare_eval<'a>(context: &mut Context<'a>, module: usize, eval: &'a ast::EvalItem, doc: &str) {
    let name = &eval.name;
    let function = add_function(context, module, Source::Eval(eval), &name.value, doc, name.span);
    let mut gates = Vec::new();
    for part in &eval.parts {
        if let ast::EvalPart::Require(e) = part {
            let source = Source::Gate(eval, e, function);
            gates.push(add_function(context, module, source, &format!("{}.require", name.value), "", e.span));
        }
    }
    crate::evals::judge(context, eval);
    if module == 0 {
        crate::evals::add(context, eval, function, gates);
    }
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
        Source::Function(f) if f.kind != ast::FunctionKind::Prompt => Effect::Tool,
        Source::Answer(_) => Effect::Tool,
        Source::Value(_) | Source::Gate(..) => Effect::Pure,
        Source::Function(_) | Source::Test(_) | Source::Eval(_) => Effect::Prompt,
    };
    context.functions.push((module, source));
    context.environments.push(context.environment.clone());
    context.program.functions.push(Function {
        name: name.to_string(),
        doc: doc.to_string(),
        effect,
        uses: Vec::new(),
        bound: matches!(source, Source::Function(f) if f.kind == ast::FunctionKind::BoundTool),
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
        context.program.enums[id].variants = variants(context, module, tree);
    }
    generic::types(context);
    for id in 0..context.functions.len() {
        signature(context, id);
    }
    tool::mocks(context);
}

/// The variants of an enum.
pub(crate) fn variants(context: &mut Context<'_>, module: usize, tree: &ast::Enum) -> Vec<Variant> {
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
    variants
}

/// Reports types that contain themselves without a way out.
pub(crate) fn endless(context: &mut Context<'_>) {
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

/// The fields of a struct or variant.
pub(crate) fn fields(context: &mut Context<'_>, module: usize, trees: &[ast::FieldDeclaration]) -> Vec<Field> {
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

/// Resolves the types of a function's parameters and of its result.
pub(crate) fn signature(context: &mut Context<'_>, id: usize) {
    let (module, source) = context.functions[id];
    let tree = match source {
        Source::Function(tree) => tree,
        Source::Eval(eval) => return crate::evals::signature(context, module, id, eval),
        Source::Test(_) | Source::Value(_) | Source::Answer(_) | Source::Gate(..) => return,
    };
    let uses = tool::uses(context, tree);
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
    function.uses = uses;
    if tree.kind == ast::FunctionKind::BoundTool {
        tool::crossing(context, FunctionId(index(id)), tree);
    }
}

/// What can be started from outside: exported functions of the root module whose parameters have a text form, else `main`.
pub(crate) fn entries(context: &mut Context<'_>) {
    let of = |all: bool| -> Vec<FunctionId> {
        let functions = context.names[0].all.iter().filter_map(|(name, (definition, exported, _))| match definition {
            Definition::Function(id) if context.function(*id).effect == Effect::Tool => None,
            Definition::Function(id) if *exported || (all && name == "main") => Some(*id),
            _ => None,
        });
        functions.filter(|id| context.function(*id).parameters.iter().all(|p| p.shape.is_some())).collect()
    };
    let exported = of(false);
    context.program.entries = if exported.is_empty() { of(true) } else { exported };
}
