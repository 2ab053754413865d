//! Evals: how they are written, and what a row is.

use crate::check::Context;
use crate::program::{DataFormat, Eval, FunctionId, Local, LocalId, Parameter};
use crate::shape_of;
use sgl_source::{Code, Diagnostic, did_you_mean};
use sgl_syntax::ast::EvalItem;

/// Most seeds of an eval.
const SEEDS_MAX: i64 = 1_000;

/// Reports what is wrong with the head of an eval.
pub(crate) fn judge(context: &mut Context<'_>, eval: &EvalItem) {
    if format(&eval.format.value).is_none() {
        let near = did_you_mean(&eval.format.value, ["jsonl", "csv"]);
        let message = format!("data can't be read by `{}`", eval.format.value);
        context.report(Diagnostic::error(Code::E0810, message, eval.format.span, "unknown form of data").with_help(
            near.map_or("write `jsonl(\"…\")` or `csv(\"…\")`".into(), |near| format!("did you mean `{near}`?")),
        ));
    }
    if let Some(seeds) = eval.seeds.as_ref().filter(|seeds| !(1..=SEEDS_MAX).contains(&seeds.value)) {
        let message = format!("an eval runs each row 1 to {SEEDS_MAX} times, not {}", seeds.value);
        context.report(Diagnostic::error(Code::E0814, message, seeds.span, "out of range"));
    }
    let mut first = context.program.evals.iter().filter(|other| other.name == eval.name.value);
    if let Some(other) = first.next() {
        let first = other.span;
        context.report(
            Diagnostic::error(
                Code::E0804,
                format!("two evals are called `{}`", eval.name.value),
                eval.name.span,
                "the second one",
            )
            .with_label(first, "the first one")
            .with_help("give one of them another name"),
        );
    }
}

fn format(name: &str) -> Option<DataFormat> {
    match name {
        "jsonl" => Some(DataFormat::JsonLines),
        "csv" => Some(DataFormat::Csv),
        _ => None,
    }
}

/// Adds an eval to the program.
pub(crate) fn add(context: &mut Context<'_>, eval: &EvalItem, function: FunctionId, gates: Vec<FunctionId>) {
    context.program.evals.push(Eval {
        name: eval.name.value.clone(),
        function,
        gates,
        format: format(&eval.format.value).unwrap_or(DataFormat::JsonLines),
        data: eval.path.value.clone(),
        seeds: eval.seeds.as_ref().and_then(|seeds| u32::try_from(seeds.value).ok()).unwrap_or(1),
        metrics: Vec::new(),
        span: eval.name.span,
    });
}

/// The parameter of an eval's prompt: its row, which must be something that data can hold.
pub(crate) fn signature(context: &mut Context<'_>, module: usize, id: usize, eval: &EvalItem) {
    let ty = crate::resolve::ty(context, module, &eval.ty);
    let shape = shape_of(&context.program, &ty).ok();
    if shape.is_none() && ty != crate::types::Type::Error {
        let shown = context.show(&ty);
        context.report(
            Diagnostic::error(
                Code::E0811,
                format!("a row of data can't be a `{shown}`"),
                eval.ty.span,
                "it has no form as data",
            )
            .with_help("use a struct of texts, numbers, enums and lists"),
        );
    }
    let function = &mut context.program.functions[id];
    function.locals = vec![Local { name: eval.row.value.clone(), ty, mutable: false, span: eval.row.span }];
    function.parameters = vec![Parameter { local: LocalId(0), doc: String::new(), default: None, shape }];
}
