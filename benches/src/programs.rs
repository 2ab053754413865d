//! A program of the suite on an engine of its own: one line of JSON about what its calls took.
//!
//! The calls of a load run together on one engine, as the clients of a server do. The model is loaded and asked once before
//! the clock starts; the cache is cold otherwise.

mod gbnf;
mod replay;
mod watch;

use serde_json::{Value, json};
use sgl_engine::Engine;
use sgl_protocol::{Command, Event, Generate, LanguageModel, RequestId, Sampling, SessionId, Shape};
use sgl_vm::image::Image;
use sgl_vm::{RunOptions, Silent};
use sglc::arguments::EngineArguments;
use sglc::compile::{Compiled, compile};
use sglc::sources::Disk;
use sglc::{execute, together};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use watch::Watched;

/// Ticks of the kernel's clock: 100 on every Linux that runs on the machines we know.
const TICKS_PER_S: f64 = 100.0;

/// What is asked of a program.
#[derive(Debug)]
struct Load {
    program: String,
    /// Entries and what they are called with.
    calls: Vec<(String, Value)>,
    max_tokens: Option<u32>,
}

/// Runs a load, given as JSON; with `record` writes what another server has to be asked to that file.
pub(crate) fn run(model: &Path, load: &str, record: Option<&str>, switches: &[&str]) -> Result<(), String> {
    let load = read(load)?;
    let arguments = EngineArguments::parse(switches)?;
    let compiled = compile(&Disk, &load.program)?;
    let image =
        compiled.image.as_ref().ok_or_else(|| format!("{} has errors: `sglc check` says which", load.program))?;
    let mut engine = Engine::load(model, arguments.options()).map_err(|error| error.to_string())?;
    warm(&mut engine)?;
    if record.is_some() {
        engine.record_beginnings();
    }
    let (cache, trace) = (engine.cache_metrics(), engine.trace());
    let (started, worked) = (Instant::now(), cpu_ticks());
    let mut watched = Watched::new(&mut engine);
    let failures = call_all(&compiled, image, &load, &mut watched);
    let wall = started.elapsed();
    let ticks = cpu_ticks().zip(worked).map(|(after, before)| after - before);
    let watched = watched.finish();
    if let Some(path) = record {
        let lines = replay::lines(&watched);
        fs::write(path, lines).map_err(|error| format!("{path}: {error}"))?;
    }
    let (after, spent) = (engine.cache_metrics(), engine.trace().since(&trace));
    let since = |after: u64, before: u64| after - before;
    let prompt = since(after.prompt_tokens, cache.prompt_tokens);
    let cached = since(after.cached_tokens, cache.cached_tokens);
    let reusable = after.reusable_tokens.zip(cache.reusable_tokens).map(|(after, before)| after - before);
    let latencies = watched.latencies();
    let line = json!({
        "wall_s": wall.as_secs_f64(),
        "cpu_s": ticks.map(|ticks| ticks as f64 / TICKS_PER_S),
        "requests": watched.asked.len(),
        "failed": failures,
        "latency_ms_p50": quantile(&latencies, 50).as_secs_f64() * 1e3,
        "latency_ms_p99": quantile(&latencies, 99).as_secs_f64() * 1e3,
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "reusable_tokens": reusable,
        "generated_tokens": watched.usage.generated_tokens,
        "forced_tokens": watched.usage.forced_tokens,
        "passes": spent.passes,
        "device_busy_s": spent.busy.as_secs_f64(),
        "device_waited_s": spent.waited.as_secs_f64(),
        "memory_bytes": memory_peak_bytes(),
    });
    crate::print(&line.to_string());
    Ok(())
}

fn read(text: &str) -> Result<Load, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("the load is no JSON: {error}"))?;
    let program = value["program"].as_str().ok_or("the load names no `program`")?.to_string();
    let calls = value["calls"].as_array().ok_or("the load has no `calls`")?;
    let calls = calls.iter().map(|call| {
        let entry = call["entry"].as_str().ok_or("a call has no `entry`")?;
        Ok((entry.to_string(), call.get("input").cloned().unwrap_or_else(|| json!({}))))
    });
    let max_tokens = value["max_tokens"].as_u64().and_then(|count| u32::try_from(count).ok());
    Ok(Load { program, calls: calls.collect::<Result<_, String>>()?, max_tokens })
}

/// Runs all calls at once. Gives what went wrong.
fn call_all(compiled: &Compiled, image: &Image, load: &Load, model: &mut dyn LanguageModel) -> Vec<String> {
    let (table, seats) = together::table(load.calls.len());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (number, (mut seat, (name, input))) in seats.into_iter().zip(&load.calls).enumerate() {
            let failures = &failures;
            scope.spawn(move || {
                let options =
                    RunOptions { seed: number as u64, max_tokens_cap: load.max_tokens, ..RunOptions::default() };
                let entry = image.entries.iter().find(|entry| entry.name == *name);
                let outcome = entry.ok_or_else(|| format!("there is no entry `{name}`")).and_then(|entry| {
                    let run = execute::run_entry(image, entry, Some(input), &mut seat, &options, &mut Silent);
                    run.map(drop)
                        .map_err(|failure| execute::describe(compiled, &failure, sgl_source::render::Colour::Off))
                });
                if let (Err(message), Ok(mut failures)) = (outcome, failures.lock()) {
                    failures.push(message);
                }
            });
        }
        table.serve(model);
    });
    failures.into_inner().unwrap_or_default()
}

/// Touches the weights once.
fn warm(engine: &mut Engine) -> Result<(), String> {
    let (session, request) = (SessionId(u64::MAX), RequestId(u64::MAX));
    engine.submit(Command::Open { session });
    engine.submit(Command::Append { session, text: "A first word".into() });
    engine.submit(Command::Generate(Generate {
        request,
        session,
        shape: Shape::free_text(),
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        max_tokens: 2,
        stop: Vec::new(),
        follow: String::new(),
        top_logprobs: None,
        distribution: false,
        label: "warm".into(),
        model: None,
    }));
    let mut events = Vec::new();
    loop {
        engine.poll(Duration::from_secs(1), &mut events);
        for event in events.drain(..) {
            match event {
                Event::Generated { .. } => {
                    engine.submit(Command::Close { session });
                    return Ok(());
                }
                Event::Failed { error, .. } => return Err(error.to_string()),
                Event::Token { .. } | Event::Scored { .. } => {}
            }
        }
    }
}

fn quantile(sorted: &[Duration], share: usize) -> Duration {
    sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Processor time that this process has used, in ticks; unknown elsewhere than on Linux.
fn cpu_ticks() -> Option<u64> {
    let facts = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which is in parentheses: user time is the 12th, system time the 13th.
    let mut rest = facts.rsplit(')').next()?.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (rest.next()?.parse().ok()?, rest.next()?.parse().ok()?);
    Some(user + system)
}

/// The most memory that this process held, as the kernel tells it; unknown elsewhere than on Linux.
pub(crate) fn memory_peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}
