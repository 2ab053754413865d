//! One case of `beside_llama_cpp.py` on our engine: a line of JSON with a rate or a time, and the memory at most.
//!
//! - `prefill`: tokens/s of a 512-token transcript, to its first token.
//! - `decode`: greedy tokens/s after a 32-token transcript, 128 tokens, the first not counted.
//! - `parallel16`, `parallel32`: tokens/s in all of so many greedy texts of 64 tokens, after different transcripts of some 32
//!   tokens, from the first token of the last on.
//! - `shared`: seconds of 16 requests at once, 1,000 tokens that are the same and a few that are not, 32 tokens each.

use crate::engine::{generate, text_of};
use crate::programs::memory_peak_bytes;
use serde_json::{Value, json};
use sgl_engine::{Engine, EngineOptions};
use sgl_protocol::{Command, Event, Generate, LanguageModel, RequestId, Sampling, SessionId, Shape};
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs a case and prints what it came to.
pub(crate) fn run(model: &Path, threads: usize, case: &str) -> Result<(), String> {
    let options = EngineOptions { threads, ..EngineOptions::default() };
    let mut engine = Engine::load(model, options).map_err(|error| error.to_string())?;
    let (long, short) = (text_of(&engine, 512), text_of(&engine, 32));
    generate(&mut engine, 1, "A first word", 4)?;
    let value = match case {
        "prefill" => {
            let (first, _, prompt, _) = generate(&mut engine, 2, &long, 1)?;
            json!(prompt as f64 / first.as_secs_f64())
        }
        "decode" => {
            let (first, total, _, generated) = generate(&mut engine, 2, &short, 128)?;
            json!((generated.saturating_sub(1)) as f64 / (total - first).as_secs_f64())
        }
        "parallel16" => parallel(&mut engine, 16, &short)?,
        "parallel32" => parallel(&mut engine, 32, &short)?,
        "shared" => {
            let text = text_of(&engine, 1_000);
            let started = Instant::now();
            together(&mut engine, (0..16).map(|n| format!("{text}\nQuestion {n}: why? Answer:")), 32)?;
            json!(started.elapsed().as_secs_f64())
        }
        _ => return Err(format!("`{case}` is none of prefill, decode, parallel16, parallel32, shared")),
    };
    crate::print(&json!({ "value": value, "memory_bytes": memory_peak_bytes() }).to_string());
    Ok(())
}

fn parallel(engine: &mut Engine, count: u64, text: &str) -> Result<Value, String> {
    let (pieces, time) = together(engine, (0..count).map(|n| format!("Text number {n}. {text}")), 64)?;
    Ok(json!(pieces as f64 / time.as_secs_f64()))
}

/// Generates greedily after all of these at once. Gives how many pieces of text came after each had its first (a token is one piece
/// or a part of one), and the time from then until the end.
fn together(
    engine: &mut Engine,
    texts: impl Iterator<Item = String>,
    max_tokens: u32,
) -> Result<(u64, Duration), String> {
    let mut waiting = Vec::new();
    for (number, text) in (100..).zip(texts) {
        let (session, request) = (SessionId(number), RequestId(number));
        engine.submit(Command::Open { session });
        engine.submit(Command::Append { session, text });
        engine.submit(Command::Generate(Generate {
            request,
            session,
            shape: Shape::free_text(),
            sampling: Sampling { temperature: 0.0, min_tokens: max_tokens, ..Sampling::default() },
            max_tokens,
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            label: "bench".to_string(),
            model: None,
        }));
        waiting.push(request);
    }
    let mut open = waiting.len();
    let (mut pieces, mut started, mut events) = (0, Instant::now(), Vec::new());
    while open > 0 {
        engine.poll(Duration::from_secs(60), &mut events);
        for event in events.drain(..) {
            match event {
                Event::Token { request, .. } if !waiting.is_empty() => {
                    waiting.retain(|other| *other != request);
                    if waiting.is_empty() {
                        started = Instant::now();
                    }
                }
                Event::Token { .. } => pieces += 1,
                Event::Generated { .. } => open -= 1,
                Event::Failed { error, .. } => return Err(error.to_string()),
                Event::Scored { .. } => {}
            }
        }
    }
    Ok((pieces, started.elapsed()))
}
