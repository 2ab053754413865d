//! Constraints of a file on a real vocabulary: time to compile, per mask, memory, and tokens that need no choice.
//!
//! One JSON object per case. `cold` is the first pass over the instances, `warm` are later ones; times are of one mask, as the engine asks
//! for it before each token. A run counts as canonical if its tokens are those of the instance.

use crate::median;
use serde_json::{Value, json};
use sgl_constrain::schema::{self, SchemaOptions};
use sgl_constrain::{Grammar, TokenMasks, Vocabulary};
use sgl_kernels::ThreadPool;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Passes over each instance after the first.
const WARM_PASSES: usize = 20;
/// Times a constraint is made, of which the median counts.
const BUILDS: usize = 3;
/// Times an image of it is opened, of which the median counts.
const LOADS: usize = 25;

/// Prints a line per case.
pub(crate) fn run(model: &Path, cases: &Path) -> Result<(), String> {
    let cases = read(cases)?;
    let pool = ThreadPool::new(1);
    let tokenizer = sgl_model::load(model, &pool).map_err(|error| error.to_string())?.tokenizer;
    let vocabulary = Arc::new(Vocabulary::new(tokenizer.vocabulary_bytes()));
    for case in &cases {
        let mut line = json!({ "name": case["name"] });
        let start = Instant::now();
        match measured(case, &vocabulary, &|text| tokenizer.encode(text)) {
            Ok(figures) => line["figures"] = figures,
            Err(error) => {
                line["refused"] = error.into();
                line["after_ms"] = (start.elapsed().as_secs_f64() * 1e3).into();
            }
        }
        println!("{line}");
    }
    Ok(())
}

/// The cases of a file.
pub(crate) fn read(cases: &Path) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(cases).map_err(|error| format!("{}: {error}", cases.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", cases.display()))
}

/// The masks of a case: a regular expression, a grammar or a JSON Schema.
pub(crate) fn constraint(case: &Value, vocabulary: &Arc<Vocabulary>) -> Result<TokenMasks, String> {
    if let Some(schema) = case.get("schema") {
        let grammar = schema::compile(schema, SchemaOptions::default()).map_err(|error| error.to_string())?;
        return TokenMasks::of_grammar(&grammar, vocabulary).map_err(|error| error.to_string());
    }
    let grammar = match (case["regex"].as_str(), case["lark"].as_str()) {
        (Some(regex), _) => {
            let mut grammar = Grammar::new();
            let whole = grammar.regex(regex).map_err(|error| error.to_string())?;
            grammar.set_start(whole);
            grammar
        }
        (None, Some(lark)) => Grammar::of_lark(lark).map_err(|error| error.to_string())?,
        (None, None) => return Err("a case has a regex, a grammar or a schema".into()),
    };
    TokenMasks::of_grammar(&grammar, vocabulary).map_err(|error| error.to_string())
}

fn measured(case: &Value, vocabulary: &Arc<Vocabulary>, encode: &dyn Fn(&str) -> Vec<u32>) -> Result<Value, String> {
    let mut builds = Vec::new();
    for _ in 0..BUILDS {
        let start = Instant::now();
        black_box(constraint(case, vocabulary)?);
        builds.push(start.elapsed());
    }
    builds.sort_unstable();
    let masks = constraint(case, vocabulary)?;
    let image = Arc::new(masks.to_image());
    let load = median::seconds(LOADS, || drop(black_box(TokenMasks::of_image(image.clone(), vocabulary))));
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    let (mut tokens, mut forced, mut runs, mut strange) = (0, 0, 0, 0);
    for instance in case["instances"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let ids = encode(instance);
        pass(&masks, &ids, &mut cold)?;
        for _ in 0..WARM_PASSES {
            pass(&masks, &ids, &mut warm)?;
        }
        tokens += ids.len();
        let mut at = 0;
        let mut state = masks.start();
        while at < ids.len() {
            let last = at.checked_sub(1).map(|last| ids[last]);
            let run = masks.run(state, last, encode);
            let took = if run.is_empty() { 1 } else { run.len().min(ids.len() - at) };
            if !run.is_empty() {
                runs += 1;
                forced += run.len();
                strange += usize::from(ids[at..at + took] != run[..]);
            }
            for id in &ids[at..at + took] {
                state = masks.advance(state, *id).ok_or("an instance is not allowed")?;
            }
            at += took;
        }
    }
    Ok(json!({
        "compile_ms": builds[BUILDS / 2].as_secs_f64() * 1e3,
        "ahead": masks.is_ahead(), "states": masks.state_count(), "masks": masks.mask_count(),
        "image_kilobytes": image.len() / 128, "load_us": load * 1e6,
        "kilobytes": masks.bytes() / 1024, "need": masks.need(masks.start()),
        "cold_us": quantiles(&mut cold), "warm_us": quantiles(&mut warm),
        "tokens": tokens, "forced": forced, "runs": runs, "not_canonical": strange,
    }))
}

/// Times the mask before each token.
fn pass(masks: &TokenMasks, ids: &[u32], times: &mut Vec<Duration>) -> Result<(), String> {
    let mut state = masks.start();
    for id in ids {
        let start = Instant::now();
        let allowed = black_box(masks.allowed(state, u32::MAX));
        times.push(start.elapsed());
        if !allowed.contains(*id) {
            return Err(format!("token {id} of an instance is not allowed"));
        }
        state = masks.advance(state, *id).ok_or("an allowed token leads nowhere")?;
    }
    if masks.is_accepting(state) { Ok(()) } else { Err("an instance is not complete".into()) }
}

/// The median, the 99th of 100, and the greatest, in microseconds.
fn quantiles(times: &mut [Duration]) -> [f64; 3] {
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    [at(0.5), at(0.99), at(1.0)]
}
