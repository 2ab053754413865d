//! What a model thinks of a text: for each token, the log-probability of the next one and the most likely one.
//!
//! ```text
//! cargo run --release -p sgl_model --example teacher_forced -- MODEL stored|exact TEXT.txt TOKENS RESULT.json
//! ```
//! `scripts/parity_llama_cpp.py` compares the result with llama.cpp's.

use serde_json::json;
use sgl_kernels::{AttentionSpan, KvFormat, ThreadPool};
use sgl_model::{Batch, Output, OutputRows, Precision, Scratch, load_in};
use std::error::Error;
use std::path::Path;

/// Tokens of a batch: large enough to be fast, small enough for its logits to fit in a cache-friendly 25 MB.
const CHUNK: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, precision, text, count, result] = &arguments[..] else {
        return Err("usage: teacher_forced MODEL stored|exact TEXT.txt TOKENS RESULT.json".into());
    };
    let threads = std::thread::available_parallelism()?.get();
    let pool = ThreadPool::new(threads);
    let precision = match precision.as_str() {
        "stored" => Precision::Stored,
        "exact" => Precision::Exact,
        other => return Err(format!("`{other}` is no precision: `stored` or `exact`").into()),
    };
    let model = load_in(Path::new(model), precision, &pool)?;
    let mut tokens = model.tokenizer.encode(&std::fs::read_to_string(text)?);
    tokens.truncate(count.parse()?);

    let transformer = &model.transformer;
    let mut kv = transformer.new_cache(tokens.len(), KvFormat::F16);
    let (mut scratch, mut logits) = (Scratch::default(), Vec::new());
    let places: Vec<u32> = (0..).take(tokens.len()).collect();
    let (mut log_probs, mut argmax) = (Vec::new(), Vec::new());
    for start in (0..tokens.len()).step_by(CHUNK) {
        let end = tokens.len().min(start + CHUNK);
        let outputs: Vec<Output<'_>> = (0..end - start).map(|row| Output { row, rows: OutputRows::All }).collect();
        let batch = Batch {
            tokens: &tokens[start..end],
            positions: &places[start..end],
            slots: &places[start..end],
            spans: &[AttentionSpan { rows: 0..end - start, context: &places[..end] }],
            outputs: &outputs,
        };
        transformer.forward(&pool, &mut scratch, &mut kv, &batch, &mut logits)?;
        let rows = logits.chunks_exact(transformer.config().vocabulary);
        for (row, &next) in rows.zip(&tokens[start + 1..]) {
            let (best, log_prob) = judge(row, next);
            argmax.push(best);
            log_probs.push(log_prob);
        }
    }
    let answer = json!({"tokens": tokens, "log_probs": log_probs, "argmax": argmax});
    Ok(std::fs::write(result, answer.to_string())?)
}

/// The most likely token, and the log-probability of `next`.
fn judge(logits: &[f32], next: u32) -> (usize, f64) {
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    let best = best.expect("a vocabulary has tokens");
    let top = f64::from(logits[best]);
    let mass: f64 = logits.iter().map(|&logit| (f64::from(logit) - top).exp()).sum();
    (best, f64::from(logits[next as usize]) - top - mass.ln())
}
