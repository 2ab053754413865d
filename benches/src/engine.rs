//! Prefill and decode of the whole engine, as one JSON line: what `beside_llama_cpp.py` compares.
//!
//! Prefill: the time to the first token of a 512-token transcript. Decode: greedy free text after a 32-token transcript,
//! 128 tokens, the first not counted. Then batches, with and without overlap: how long the device waits for the engine.

use sgl_engine::{Engine, EngineOptions, Overlap};
use sgl_protocol::{Command, Event, Generate, LanguageModel, RequestId, Sampling, SessionId, Shape};
use std::path::Path;
use std::time::{Duration, Instant};

/// Tokens of the transcript that is prefilled.
const PREFILL_TOKENS: usize = 512;
/// Tokens that are decoded.
const DECODE_TOKENS: u32 = 128;
/// How long a poll may wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loads the model and prints tokens per second.
pub(crate) fn run(model: &Path, threads: usize) -> Result<(), String> {
    let options = EngineOptions { threads, radix_cache: false, ..EngineOptions::default() };
    let mut engine = Engine::load(model, options).map_err(|error| error.to_string())?;
    let text = text_of(&engine, PREFILL_TOKENS);
    let warm = text_of(&engine, 32);
    generate(&mut engine, 1, &warm, 4)?;
    let (first, _, prompt, _) = generate(&mut engine, 2, &text, 1)?;
    let prefill = prompt as f64 / first.as_secs_f64();
    let (first, total, _, generated) = generate(&mut engine, 3, &warm, DECODE_TOKENS)?;
    let decode = (generated.saturating_sub(1)) as f64 / (total - first).as_secs_f64();
    println!("{}", serde_json::json!({ "prefill": prefill, "decode": decode }));
    drop(engine);
    for batch in [1, 4, 16, 64] {
        for overlap in [Overlap::Off, Overlap::On, Overlap::Auto] {
            let options = EngineOptions { threads, overlap, ..EngineOptions::default() };
            let mut engine = Engine::load(model, options).map_err(|error| error.to_string())?;
            for constrained in [false, true] {
                println!("{}", together(&mut engine, batch, constrained)?);
            }
        }
    }
    Ok(())
}

/// The scheduler alone, on a device that takes no time.
pub(crate) fn scheduler() {
    for (running, waiting) in [(1, 0), (64, 100), (1_000, 0), (1_000, 10_000)] {
        println!("{:?}", sgl_engine::simulate::crowd(running, waiting, 60));
    }
}

/// Decodes so many transcripts together, drawing at temperature 1; what the trace says of it, as a line of JSON.
fn together(engine: &mut Engine, batch: u64, constrained: bool) -> Result<String, String> {
    let shape = if constrained {
        Shape::List { item: Box::new(Shape::Int { min: Some(0), max: Some(99_999) }), min: 24, max: Some(24) }
    } else {
        Shape::free_text()
    };
    let base = 1_000 + engine.forward_passes() * 1_000;
    for index in 0..batch {
        let (session, request) = (SessionId(base + index), RequestId(base + index));
        engine.submit(Command::Open { session });
        engine.submit(Command::Append { session, text: format!("A list of numbers, the {index}th of its kind:\n") });
        engine.submit(Command::Generate(Generate {
            request,
            session,
            shape: shape.clone(),
            sampling: Sampling { seed: index, ..Sampling::default() },
            max_tokens: if constrained { 256 } else { 96 },
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            label: "bench".to_string(),
            model: None,
        }));
    }
    let (before, start) = (engine.trace(), Instant::now());
    let (mut open, mut tokens, mut events) = (batch, 0, Vec::new());
    while open > 0 {
        engine.poll(PATIENCE, &mut events);
        for event in events.drain(..) {
            match event {
                Event::Generated { result, .. } => {
                    tokens += result.usage.generated_tokens;
                    open -= 1;
                }
                Event::Failed { error, .. } => return Err(error.to_string()),
                _ => {}
            }
        }
    }
    let (trace, seconds) = (engine.trace().since(&before), start.elapsed().as_secs_f64());
    let passes = trace.passes.max(1) as f64;
    Ok(serde_json::json!({
        "batch": batch,
        "constrained": constrained,
        "tokens_per_s": tokens as f64 / seconds,
        "passes": trace.passes,
        "overlapped": trace.overlapped,
        "device_ms_per_pass": trace.busy.as_secs_f64() * 1e3 / passes,
        "host_us_per_pass": trace.host.as_secs_f64() * 1e6 / passes,
        "device_waited": trace.waited_share(),
    })
    .to_string())
}

/// English text of about so many tokens.
pub(crate) fn text_of(engine: &Engine, tokens: usize) -> String {
    let sentence = "The quick brown fox jumps over the lazy dog and runs along the river. ";
    let mut text = String::new();
    while engine.count_tokens(&text) < tokens {
        text.push_str(sentence);
    }
    text
}

/// Time to the first text, time to the end, prompt tokens and generated tokens of one hole in a fresh transcript.
pub(crate) fn generate(
    engine: &mut Engine,
    id: u64,
    text: &str,
    max_tokens: u32,
) -> Result<(Duration, Duration, u64, u64), String> {
    let (session, request) = (SessionId(id), RequestId(id));
    engine.submit(Command::Open { session });
    engine.submit(Command::Append { session, text: text.to_string() });
    let start = Instant::now();
    engine.submit(Command::Generate(Generate {
        request,
        session,
        shape: Shape::free_text(),
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        max_tokens,
        stop: Vec::new(),
        follow: String::new(),
        top_logprobs: None,
        distribution: false,
        label: "bench".to_string(),
        model: None,
    }));
    let mut first = None;
    let mut events = Vec::new();
    loop {
        engine.poll(PATIENCE, &mut events);
        for event in events.drain(..) {
            match event {
                Event::Token { .. } => {
                    first.get_or_insert(start.elapsed());
                }
                Event::Generated { result, .. } => {
                    let total = start.elapsed();
                    engine.submit(Command::Close { session });
                    let usage = result.usage;
                    return Ok((first.unwrap_or(total), total, usage.prompt_tokens, usage.generated_tokens));
                }
                Event::Failed { error, .. } => return Err(error.to_string()),
                Event::Scored { .. } => {}
            }
        }
    }
}
