//! Cache hits: what the plan of each program of the suite predicts, beside what the engine had in its cache.
//!
//! Every entry runs on a cache that is empty. What is predicted is how many tokens of its requests are there already, given how long the
//! texts were that the model wrote; how many there were is what the engine says. Both are tokens; the bound is on their difference, as a
//! share of those that were there, and on that of their shares of the prompts.

use sgl_engine::{Engine, EngineOptions};
use sgl_plan::{Measured, PrefixTree, follow, plan};
use sgl_vm::RunOptions;
use sglc::compile::compile;
use sglc::execute::run_entry;
use sglc::sources::Disk;
use sglc::tokens::Tokens;
use sglc::trace::Kept;
use std::fs;
use std::path::{Path, PathBuf};

/// Most that predicted and measured may differ.
const DIFFERENCE_MAX: f64 = 0.02;
/// Most tokens per hole: what is shared does not depend on it.
const TOKENS_MAX: u32 = 48;

/// Prints a line per program and entry; an error if any differs by more than the bound.
pub(crate) fn run(model: &Path, named: &[&str]) -> Result<(), String> {
    let tokens = Tokens::load(model).map_err(|error| format!("{error:#}"))?;
    let mut wrong = Vec::new();
    println!(
        "entry                                     asks   prompt  predicted   cached  predicted   hits  predicted  differ"
    );
    for path in programs(named)? {
        let mut sum = Measured::default();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_string();
        for (entry, measured) in entries(&path, model, &tokens)? {
            line(&format!("{name}::{entry}"), &measured);
            sum += measured;
        }
        line(&name, &sum);
        if difference(&sum) > DIFFERENCE_MAX {
            wrong.push(name);
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("off by more than {} %: {}", DIFFERENCE_MAX * 100.0, wrong.join(", "))),
    }
}

fn programs(named: &[&str]) -> Result<Vec<PathBuf>, String> {
    if !named.is_empty() {
        return Ok(named.iter().map(PathBuf::from).collect());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let found = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut programs: Vec<PathBuf> = found.filter_map(|entry| Some(entry.ok()?.path())).collect();
    programs.retain(|path| path.extension().is_some_and(|e| e == "sgl"));
    programs.sort();
    Ok(programs)
}

/// What each entry of a program that asks a model comes to.
fn entries(path: &Path, model: &Path, tokens: &Tokens) -> Result<Vec<(String, Measured)>, String> {
    let compiled = compile(&Disk, &path.to_string_lossy())?;
    let (Some(ir), Some(image)) = (&compiled.ir, &compiled.image) else {
        return Err(format!("{} is wrong", path.display()));
    };
    let mut found = Vec::new();
    for (entry, planned) in image.entries.iter().zip(&ir.entries).filter(|(entry, _)| entry.prompt) {
        let at = format!("{}::{}", path.display(), entry.name);
        let plan = plan(ir, planned, &[]).map_err(|_| format!("{at} can't be written out"))?;
        let mut engine = Engine::load(model, EngineOptions { threads: 2, ..EngineOptions::default() })
            .map_err(|error| error.to_string())?;
        let mut kept = Kept::default();
        let capped = RunOptions { max_tokens_cap: Some(TOKENS_MAX), ..RunOptions::default() };
        let mut done = run_entry(image, entry, None, &mut engine, &capped, &mut kept);
        if done.is_err() {
            // A hole can't close within so few tokens.
            engine = Engine::load(model, EngineOptions { threads: 2, ..EngineOptions::default() })
                .map_err(|error| error.to_string())?;
            kept = Kept::default();
            done = run_entry(image, entry, None, &mut engine, &RunOptions::default(), &mut kept);
        }
        done.map_err(|failure| format!("{at}: {failure:?}"))?;
        let beside = follow(&plan, &kept.happened, tokens, &mut PrefixTree::default())
            .map_err(|unfollowed| format!("{at}: the plan has no step for {:?}", unfollowed.0))?;
        found.push((entry.name.clone(), beside.total));
    }
    Ok(found)
}

/// By how much the predicted share of hits differs from the measured one, and the predicted hits from the measured ones: the larger.
fn difference(measured: &Measured) -> f64 {
    let hits = measured.cached.abs_diff(measured.predicted_cached) as f64 / measured.cached.max(1) as f64;
    (measured.hit_rate() - measured.predicted_hit_rate()).abs().max(hits)
}

fn line(name: &str, measured: &Measured) {
    println!(
        "{name:<40} {:>5} {:>8} {:>10} {:>8} {:>10} {:>5.1}% {:>9.1}% {:>6.2}%",
        measured.asked,
        measured.prompt,
        measured.predicted_prompt,
        measured.cached,
        measured.predicted_cached,
        measured.hit_rate() * 100.0,
        measured.predicted_hit_rate() * 100.0,
        difference(measured) * 100.0,
    );
}
