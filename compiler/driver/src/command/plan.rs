//! `sglc explain FILE[::ENTRY]`: what is known of a program's prompts before they run.

use crate::arguments::{DiagnosticFormat, ExplainArguments};
use crate::{Outcome, compile, constraints, report};
use serde_json::{Value, json};
use sgl_plan::{Cost, EntryPlan, cost, html, plan, tree};

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
    let tokens = match constraints::Tokens::of(&arguments.model) {
        Ok(tokens) => tokens,
        Err(error) => {
            report::failure(&error);
            return Outcome::Failed;
        }
    };
    let mut plans = Vec::new();
    for entry in entries {
        let Ok(plan) = plan(ir, entry, &arguments.batch) else {
            report::error(&format!("`{}` calls so much that its plan can't be written out", entry.name));
            return Outcome::Failed;
        };
        let cost = cost(&plan, &tokens);
        plans.push((plan, cost));
    }
    report::result(&if arguments.json {
        let all: Vec<Value> = plans.iter().map(|(plan, cost)| described(plan, cost)).collect();
        serde_json::to_string_pretty(&json!({ "file": file, "model": arguments.model, "entries": all }))
            .unwrap_or_default()
    } else if arguments.html {
        html(file, &arguments.model, &plans, &tokens).trim_end().to_string()
    } else {
        let all: Vec<String> = plans.iter().map(|(plan, cost)| tree(plan, cost, &tokens)).collect();
        all.join("\n").trim_end().to_string()
    });
    Outcome::Fine
}

/// A plan as JSON: the tree as it is, counts as text with symbols.
fn described(plan: &EntryPlan, cost: &Cost) -> Value {
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
    object
}

impl sgl_plan::Tokens for constraints::Tokens {
    fn text(&self, text: &str) -> u64 {
        self.count(text)
    }

    fn opening(&self, role: &str, previous: Option<&str>) -> u64 {
        self.around(|template| template.opening(role, previous).map(str::to_string).ok())
    }

    fn closing(&self, role: &str) -> u64 {
        self.around(|template| template.closing(role).map(str::to_string).ok())
    }

    fn hole_max(&self) -> u64 {
        u64::from(sgl_vm::RunOptions::default().max_tokens_default)
    }
}
