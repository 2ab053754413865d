//! What mending saves: the programs of `tests/corpus/lint/planted.md`, as they stand and with every fix applied, on a model.
//!
//! The calls of a case run one after the other on one engine. Tokens that are read are those of the prompts that were not in the cache: as the
//! engine counts them, and as the plan predicts them. An error if a saving differs from the predicted one by more than the bound.

use sgl_engine::{Engine, EngineOptions};
use sgl_plan::{PrefixTree, follow, plan};
use sgl_source::{Diagnostic, FileId, edits};
use sgl_vm::RunOptions;
use sglc::compile::{Compiled, compile};
use sglc::execute::run_entry;
use sglc::sources::Memory;
use sglc::tokens::Tokens;
use sglc::trace::Kept;
use std::fs;
use std::path::Path;

/// Most that measured and predicted savings may differ, as a share of what was read before.
const DIFFERENCE_MAX: f64 = 0.02;
/// Most tokens per hole: what is saved does not depend on it.
const TOKENS_MAX: u32 = 48;
const FILE: &str = "planted.sgl";

/// Tokens that are read.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    measured: i64,
    predicted: i64,
}

/// Prints a line per program.
pub(crate) fn run(model: &Path) -> Result<(), String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/lint/planted.md");
    let text = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let tokens = Tokens::load(model).map_err(|error| format!("{error:#}"))?;
    let mut wrong = Vec::new();
    println!("{:<58} found                 read  predicted   mended  predicted   saved  predicted", "program");
    for case in text.split("\n## ").skip(1) {
        let name = case.lines().next().unwrap_or_default();
        let (Some(program), Some(calls)) = (fence(case, "sgl"), fence(case, "calls")) else { continue };
        let before = compiled(program)?;
        let codes: Vec<&str> = before.diagnostics.iter().map(|found| found.code.name()).collect();
        let after = mended(&before)?;
        let read =
            |compiled: &Compiled| read(compiled, calls, model, &tokens).map_err(|error| format!("{name}: {error}"));
        let (was, is) = (read(&before)?, read(&after)?);
        let (saved, predicted) = (was.measured - is.measured, was.predicted - is.predicted);
        println!(
            "{name:<58} {:<18} {:>7} {:>10} {:>8} {:>10} {saved:>7} {predicted:>10}",
            codes.join(" "),
            was.measured,
            was.predicted,
            is.measured,
            is.predicted,
        );
        if (saved - predicted).abs() as f64 > DIFFERENCE_MAX * was.measured as f64 {
            wrong.push(name);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("savings are not as predicted: {}", wrong.join(", "))) }
}

/// The text of the first fence of this name.
fn fence<'a>(case: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = case.split_once(&format!("\n```{name}\n"))?;
    after.split_once("\n```").map(|(text, _)| text)
}

fn compiled(text: &str) -> Result<Compiled, String> {
    let compiled = compile(&Memory(vec![(FILE.into(), text.into())]), FILE)?;
    match compiled.diagnostics.iter().find(|found| found.is_error()) {
        Some(error) => Err(format!("{}\n{text}", error.message)),
        None => Ok(compiled),
    }
}

/// The program with every fix, also those that a person should look at.
fn mended(before: &Compiled) -> Result<Compiled, String> {
    let fixes: Vec<_> = before.diagnostics.iter().filter_map(|found: &Diagnostic| found.fixes.first()).collect();
    compiled(&edits::applied(before.files.text(FileId(0)), &fixes))
}

/// What the calls read, one after the other on one engine.
fn read(compiled: &Compiled, calls: &str, model: &Path, tokens: &Tokens) -> Result<Read, String> {
    let (Some(ir), Some(image)) = (&compiled.ir, &compiled.image) else { return Err("there is no image".into()) };
    let mut engine = Engine::load(model, EngineOptions { threads: 2, ..EngineOptions::default() })
        .map_err(|error| error.to_string())?;
    let options = RunOptions { max_tokens_cap: Some(TOKENS_MAX), ..RunOptions::default() };
    let (mut cache, mut read) = (PrefixTree::default(), Read::default());
    for call in calls.lines() {
        let (name, input) = call.split_once(' ').ok_or("a call is an entry and its input")?;
        let input = serde_json::from_str(input).map_err(|error| error.to_string())?;
        let at = image.entries.iter().position(|entry| entry.name == name).ok_or("no such entry")?;
        let mut kept = Kept::default();
        run_entry(image, &image.entries[at], Some(&input), &mut engine, &options, &mut kept)
            .map_err(|failure| format!("{call}: {failure:?}"))?;
        let plan = plan(ir, &ir.entries[at], &[]).map_err(|_| format!("{name} can't be written out"))?;
        let beside = follow(&plan, &kept.happened, tokens, &mut cache)
            .map_err(|unfollowed| format!("{name}: the plan has no step for {:?}", unfollowed.0))?;
        read.measured += beside.total.prompt as i64 - beside.total.cached as i64;
        read.predicted += beside.total.predicted_prompt as i64 - beside.total.predicted_cached as i64;
    }
    Ok(read)
}
