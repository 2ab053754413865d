//! `sglc explain FILE[::ENTRY]`: what is known of a program's prompts before they run, and what came of it.

use crate::arguments::{DiagnosticFormat, ExplainArguments};
use crate::compile::Compiled;
use crate::tokens::Tokens;
use crate::{Outcome, compile, report, trace};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sgl_plan::{Beside, Cost, EntryPlan, PrefixTree, cost, follow, html, plan, tree};
use sgl_protocol::Happening;
use sgl_source::lines::position;
use sgl_source::{FileId, Span};

/// An entry's plan, what a call of it can cost, and what a run came to.
type Explained = (EntryPlan, Cost, Option<Beside>);

/// Whether what `explain` was given is a program and not a code.
pub(super) fn is_program(what: &str) -> bool {
    what.split("::").next().is_some_and(|file| file.ends_with(".sgl"))
}

/// Prints the tree of an entry, or of all, as text, JSON or a page.
pub(super) fn run(program: &str, arguments: &ExplainArguments) -> Outcome {
    let (file, wanted) = match program.split_once("::") {
        Some((file, entry)) => (file, Some(entry)),
        None => (program, None),
    };
    let compiled = match compile::from_disk(file) {
        Ok(compiled) => compiled,
        Err(outcome) => return outcome,
    };
    report::diagnostics(&compiled.files, &compiled.diagnostics, DiagnosticFormat::Text);
    let Some(ir) = &compiled.ir else { return Outcome::Failed };
    let ran = match arguments.trace.as_deref().map(trace::read).transpose() {
        Ok(ran) => ran,
        Err(error) => {
            report::failure(&error);
            return Outcome::Failed;
        }
    };
    let traced = ran.as_ref().map(|(ran, _)| ran.entry.as_str());
    let wanted = wanted.or(traced);
    let entries: Vec<_> = ir
        .entries
        .iter()
        .filter(|entry| wanted.is_none_or(|wanted| wanted == entry.name))
        .filter(|entry| wanted.is_some() || ir.functions[entry.function as usize].prompt)
        .collect();
    if let (Some(wanted), true) = (wanted, entries.is_empty()) {
        report::error(&format!("{file} has no entry `{wanted}`"));
        let names: Vec<&str> = ir.entries.iter().map(|entry| entry.name.as_str()).collect();
        report::note(&format!("its entries: {}", names.join(", ")));
        return Outcome::Usage;
    }
    if let Some(unknown) = arguments
        .batch
        .iter()
        .find(|name| !entries.iter().any(|entry| entry.parameters.iter().any(|(parameter, ..)| parameter == *name)))
    {
        report::error(&format!("`--batch {unknown}`: no entry has such a parameter"));
        return Outcome::Usage;
    }
    match explained(&compiled, ir, &entries, ran.as_ref(), arguments) {
        Ok((tokens, plans)) => {
            report::result(&shown(file, arguments, &tokens, &plans));
            Outcome::Fine
        }
        Err(error) => {
            report::failure(&error);
            Outcome::Failed
        }
    }
}

/// The plans of these entries, and the tokens that they are counted in.
fn explained(
    compiled: &Compiled,
    ir: &sgl_ir::Program,
    entries: &[&sgl_ir::program::Entry],
    ran: Option<&(trace::Ran, Vec<Happening>)>,
    arguments: &ExplainArguments,
) -> Result<(Tokens, Vec<Explained>)> {
    let tokens = Tokens::of(&arguments.model)?;
    let mut plans = Vec::new();
    for entry in entries {
        let Ok(plan) = plan(ir, entry, &arguments.batch) else {
            bail!("`{}` calls so much that its plan can't be written out", entry.name);
        };
        let cost = cost(&plan, &tokens);
        let beside = match ran {
            Some((ran, happened)) if ran.entry == entry.name => {
                Some(beside(compiled, &plan, happened, &tokens).with_context(|| ran.program.clone())?)
            }
            Some((ran, _)) => bail!("the trace is of `{}`, not of `{}`", ran.entry, entry.name),
            None => None,
        };
        plans.push((plan, cost, beside));
    }
    Ok((tokens, plans))
}

/// A run beside its plan.
fn beside(compiled: &Compiled, plan: &EntryPlan, happened: &[Happening], tokens: &Tokens) -> Result<Beside> {
    follow(plan, happened, tokens, &mut PrefixTree::default()).map_err(|unfollowed| {
        let site = unfollowed.0.at().unwrap_or_default();
        let span = Span { file: FileId(site.0), start: site.1, end: site.2 };
        let place = match compiled.files.ids().any(|file| file == span.file) {
            true => {
                let at = position(compiled.files.text(span.file), span.start as usize);
                format!("{}:{}:{}", compiled.files.name(span.file), at.line, at.column)
            }
            false => "a file that it does not have".to_string(),
        };
        anyhow::anyhow!(
            "the trace is of another version of the program: nothing is planned at {place} that could happen"
        )
    })
}

fn shown(file: &str, arguments: &ExplainArguments, tokens: &Tokens, plans: &[Explained]) -> String {
    if arguments.json {
        let all: Vec<Value> = plans.iter().map(described).collect();
        let all = json!({ "file": file, "model": arguments.model, "entries": all });
        serde_json::to_string_pretty(&all).unwrap_or_default()
    } else if arguments.html {
        html(file, &arguments.model, plans, tokens).trim_end().to_string()
    } else {
        let all: Vec<String> =
            plans.iter().map(|(plan, cost, beside)| tree(plan, cost, tokens, beside.as_ref())).collect();
        all.join("\n").trim_end().to_string()
    }
}

/// A plan as JSON: the tree as it is, counts as text with symbols.
fn described((plan, cost, beside): &Explained) -> Value {
    let mut object = serde_json::to_value(plan).unwrap_or_default();
    object["cost"] = json!({
        "calls": cost.calls.to_string(),
        "prompt_tokens": cost.prompt.to_string(),
        "read_tokens": cost.read.to_string(),
        "shared_tokens": cost.shared.to_string(),
        "written_tokens_max": cost.written.to_string(),
        "held_tokens_max": cost.held.to_string(),
        "cached_share": cost.cached_share(),
    });
    if let Some(beside) = beside {
        object["run"] = json!({ "total": beside.total, "holes": beside.holes(&plan.steps) });
    }
    object
}
