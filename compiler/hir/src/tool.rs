//! Tools: what they may reach, and the type of a call.
//!
//! A program reaches the world only through tools, and a tool says what of it: `uses net`. Whoever calls it says so, too,
//! so that a signature tells all that a call may reach.

use crate::check::{Context, Source, ToolMock};
use crate::declare::Definition;
use crate::program::{Effect, Enum, EnumId, Field, FunctionId, Variant};
use crate::types::Type;
use crate::{generic, resolve, shape_of};
use sgl_protocol::Shape;
use sgl_source::{Code, Diagnostic, Span, did_you_mean};
use sgl_syntax::ast::{self, FunctionKind, TypeExpression, TypeKind};

/// What a program may reach, and what that is.
pub const CAPABILITIES: &[(&str, &str)] = &[
    ("clock", "the time"),
    ("files", "files of this machine"),
    ("net", "other machines"),
    ("process", "programs of this machine"),
    ("stdin", "the standard input"),
];

/// The declared capabilities of a function, checked, in order, each once.
pub(crate) fn uses(context: &mut Context<'_>, tree: &ast::Function) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for capability in &tree.uses {
        let names = || CAPABILITIES.iter().map(|(name, _)| *name);
        if !names().any(|known| known == capability.value) {
            let near = did_you_mean(&capability.value, names());
            let help = near.map_or_else(
                || format!("there is {}", names().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("there is nothing called `{}` to use", capability.value);
            context.report(Diagnostic::error(Code::E0504, message, capability.span, "unknown").with_help(help));
        } else if !all.contains(&capability.value) {
            all.push(capability.value.clone());
        }
    }
    if let (FunctionKind::Function, Some(first)) = (tree.kind, tree.uses.first()) {
        context.report(
            Diagnostic::error(Code::E0501, "a `fn` is pure, and uses nothing", first.span, "not in a `fn`")
                .with_help("declare it as a `tool`, or do it in a `prompt`"),
        );
    }
    if tree.kind == FunctionKind::BoundTool && tree.uses.is_empty() {
        let message = format!("the tool `{}` has no body, and uses nothing", tree.name.value);
        context.report(
            Diagnostic::error(Code::E0505, message, tree.name.span, "it is bound outside the program")
                .with_help("say what it reaches, such as `uses net`, or give it a body: `{ … }`"),
        );
    }
    all.sort();
    all
}

/// A generic prompt can't know what the calls reach that it may be made for; each of its instances uses that, too.
pub(crate) fn add_uses_of_calls(context: &mut Context<'_>, id: FunctionId, arguments: &[Type]) {
    let mut tools = Vec::new();
    for argument in arguments {
        generic::each(argument, &mut |ty| {
            let calls = context.tool_calls.iter().filter(|(_, of)| *ty == Type::Enum(*of));
            tools.extend(calls.flat_map(|(of, _)| of.iter().copied()));
        });
    }
    let reached: Vec<String> = tools.iter().flat_map(|tool| context.function(*tool).uses.clone()).collect();
    let uses = &mut context.program.functions[id.index()].uses;
    uses.extend(reached);
    uses.sort();
    uses.dedup();
}

/// Reports types of a tool that can't go out of the program, or come into it.
pub(crate) fn crossing(context: &mut Context<'_>, id: FunctionId, tree: &ast::Function) {
    let function = context.function(id);
    let types: Vec<Type> = function.parameters.iter().map(|p| function.locals[p.local.index()].ty.clone()).collect();
    let spans = tree.parameters.iter().map(|p| p.ty.span);
    let result = function.result.clone();
    let places: Vec<(Type, Span)> =
        types.into_iter().zip(spans).chain(tree.result.as_ref().map(|ty| (result, ty.span))).collect();
    for (ty, span) in places {
        let goes_out = shape_of(&context.program, &ty).is_ok_and(|shape| !shape.any(&|part| *part == Shape::Image));
        if ty != Type::Error && !goes_out {
            let shown = context.show(&ty);
            context.report(
                Diagnostic::error(
                    Code::E0506,
                    format!("a tool can't take or give `{shown}`"),
                    span,
                    "it has no text form",
                )
                .with_help("use text, numbers, enums, lists or structs"),
            );
        }
    }
}

/// `ToolCall<[search, calc]>`: an enum with a variant per tool, which holds its arguments.
pub(crate) fn call_type(context: &mut Context<'_>, module: usize, arguments: &[TypeExpression], span: Span) -> Type {
    let names: Vec<&TypeExpression> = match arguments {
        [TypeExpression { kind: TypeKind::List(only, None), .. }] => vec![only],
        [TypeExpression { kind: TypeKind::Several(all), .. }] => all.iter().collect(),
        _ => {
            context.report(
                Diagnostic::error(Code::E0202, "`ToolCall` takes a list of tools", span, "which tools?")
                    .with_help("write `ToolCall<[search, calc]>`"),
            );
            return Type::Error;
        }
    };
    let mut tools = Vec::new();
    for name in names {
        let TypeKind::Name { path, .. } = &name.kind else {
            not_a_tool(context, name.span, "this");
            return Type::Error;
        };
        match find(context, module, path) {
            Some(id) if !tools.contains(&id) => tools.push(id),
            Some(_) => {}
            None => return Type::Error,
        }
    }
    Type::Enum(call_enum(context, &tools, span))
}

fn not_a_tool(context: &mut Context<'_>, span: Span, shown: &str) {
    context.report(
        Diagnostic::error(Code::E0507, format!("{shown} is no tool"), span, "a tool is wanted here")
            .with_help("declare it: `tool name(…) -> T { … }`"),
    );
}

/// The tool of this path; reports if there is none.
pub(crate) fn find(context: &mut Context<'_>, module: usize, path: &[ast::Name]) -> Option<FunctionId> {
    let (last, before) = path.split_last()?;
    let mut home = module;
    for step in before {
        match context.names[home].all.get(&step.value).map(|(definition, ..)| *definition) {
            Some(Definition::Module(target)) => home = target,
            _ => {
                not_a_tool(context, step.span, &format!("`{}`", step.value));
                return None;
            }
        }
    }
    let found = context.names[home].all.get(&last.value).map(|(definition, exported, _)| (*definition, *exported));
    match found {
        Some((Definition::Function(id), exported))
            if context.function(id).effect == Effect::Tool && (exported || home == module) =>
        {
            Some(id)
        }
        _ => {
            not_a_tool(context, last.span, &format!("`{}`", last.value));
            None
        }
    }
}

/// Finds the tools that tests answer for, and makes each answer a value of its tool's type.
pub(crate) fn mocks(context: &mut Context<'_>) {
    for ToolMock { module, test, tool, gives } in context.tool_mocks.clone() {
        let Some(id) = find(context, module, tool) else {
            context.program.functions[gives.index()].result = Type::Error;
            continue;
        };
        let function = context.function(id);
        if !function.bound {
            let (name, declared) = (function.name.clone(), function.span);
            let span = tool.last().map_or(declared, |name| name.span);
            context.report(
                Diagnostic::error(Code::E0805, format!("the tool `{name}` has a body"), span, "it answers by itself")
                    .with_label(declared, "declared here")
                    .with_help("leave this out: what it computes needs no mock"),
            );
        }
        let result = context.function(id).result.clone();
        context.program.functions[gives.index()].result = result;
        if let Some(test) = test {
            context.program.tests[test].tools.push((id, gives));
        }
    }
}

/// The enum of calls of these tools, made once.
pub(crate) fn call_enum(context: &mut Context<'_>, tools: &[FunctionId], span: Span) -> EnumId {
    if let Some((_, known)) = context.tool_calls.iter().find(|(of, _)| of == tools) {
        return *known;
    }
    let names: Vec<&str> = tools.iter().map(|id| context.function(*id).name.as_str()).collect();
    let name = format!("ToolCall<[{}]>", names.join(", "));
    let id = EnumId(u32::try_from(context.program.enums.len()).expect("fewer enums than bytes of source"));
    context.program.enums.push(Enum { name, doc: String::new(), variants: Vec::new(), span, form: None, origin: None });
    context.tool_calls.push((tools.to_vec(), id));
    let variants = tools.iter().map(|tool| variant(context, *tool)).collect();
    context.program.enums[id.index()].variants = variants;
    id
}

fn variant(context: &mut Context<'_>, id: FunctionId) -> Variant {
    let (name, doc) = (context.function(id).name.clone(), context.function(id).doc.clone());
    let (module, source) = context.functions[id.index()];
    let Source::Function(tree) = source else { unreachable!("only a function is a tool") };
    // The types' own faults are reported where the tool is declared.
    let before = context.diagnostics.len();
    let field = |context: &mut Context<'_>, parameter: &ast::Parameter| Field {
        name: parameter.name.value.clone(),
        generated: parameter.name.value.clone(),
        doc: parameter.doc.clone(),
        ty: resolve::ty(context, module, &parameter.ty),
    };
    let fields = tree.parameters.iter().map(|parameter| field(context, parameter)).collect();
    context.diagnostics.truncate(before);
    Variant { name: name.clone(), generated: name, doc, fields }
}
