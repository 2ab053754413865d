//! Image to text: loads the model, checks that every hole can close, runs the entry, prints what came of it.

use crate::arguments::{DiagnosticFormat, JumpMode, RunArguments};
use crate::compile::Compiled;
use crate::models::Store;
use crate::transcript::Terminal;
use crate::{Outcome, demand, flags, report, scripted, stats};
use anyhow::{Context, Result, anyhow, bail};
use clap::ArgMatches;
use sgl_engine::{Engine, EngineOptions, Jump};
use sgl_protocol::LanguageModel;
use sgl_source::render::{self, Colour};
use sgl_source::{Code, Diagnostic, FileId, Span};
use sgl_vm::image::{Entry, Image, Place};
use sgl_vm::{Observer, RunOptions, Silent, Trap, Value};
use std::path::Path;
use std::time::Instant;

/// Threads that the engine takes if none are asked for: more gain nothing for models that fit a small machine.
const THREADS_MAX: usize = 16;

/// Why a run has no result.
#[derive(Debug)]
pub enum Failure {
    /// The parameters are wrong.
    Input(String),
    /// The program ended with a fault.
    Trap(Trap),
}

/// Runs an entry with parameters from JSON on any model; for tests and tools.
pub fn run_entry(
    image: &Image,
    entry: &Entry,
    input: Option<&serde_json::Value>,
    model: &mut dyn LanguageModel,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<serde_json::Value, Failure> {
    let nothing = clap::Command::new("run").get_matches_from([""]);
    let values = flags::values(image, entry, &nothing, input).map_err(Failure::Input)?;
    let value = sgl_vm::run(image, entry, values, model, options, observer).map_err(Failure::Trap)?;
    Ok(sgl_vm::json_of_value(&value, image))
}

/// A failure as a person sees it.
pub fn describe(compiled: &Compiled, failure: &Failure, colour: Colour) -> String {
    match failure {
        Failure::Input(message) => format!("{message}\n"),
        Failure::Trap(trap) => {
            // What the world did is no mistake of the program, and can be caught.
            let code = if trap.fault.is_some() { Code::E0702 } else { Code::E0701 };
            let mut fault = Diagnostic::error(code, &trap.message, span(trap.place), "here");
            for (function, place) in trap.stack.iter().skip(1).take(3) {
                fault = fault.with_label(span(*place), format!("called here, in `{function}`"));
            }
            if let Some((left, right)) = trap.compared.as_deref() {
                fault = fault.with_note(format!("left: {left}, right: {right}"));
            }
            let caught = trap.fault.map(|_| "catch it with `try { … } else fault f { … }`".to_string());
            render::text(&compiled.files, &fault.with_help_if(trap.help.clone().or(caught)), colour)
        }
    }
}

fn span(place: Place) -> Span {
    Span { file: FileId(place.file), start: place.start, end: place.end }
}

/// `sglc run` from the parsed command line on.
pub(crate) fn execute(compiled: &Compiled, entry: &Entry, matches: &ArgMatches, arguments: &RunArguments) -> Outcome {
    let Some(image) = &compiled.image else { return Outcome::Failed };
    let values = input_of(arguments)
        .and_then(|input| flags::values(image, entry, matches, input.as_ref()).map_err(|m| anyhow!(m)));
    let values = match values {
        Ok(values) => values,
        Err(error) => {
            report::failure(&error);
            return Outcome::Usage;
        }
    };
    match attempt(compiled, image, entry, values, arguments) {
        Ok(outcome) => outcome,
        Err(error) => {
            report::failure(&error);
            Outcome::Failed
        }
    }
}

fn input_of(arguments: &RunArguments) -> Result<Option<serde_json::Value>> {
    let Some(given) = &arguments.input else { return Ok(None) };
    let text = match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("`--input`: can't read {path}"))?,
        None => given.clone(),
    };
    let value = serde_json::from_str(&text).map_err(|error| anyhow!("`--input` is not JSON: {error}"))?;
    Ok(Some(value))
}

fn attempt(
    compiled: &Compiled,
    image: &Image,
    entry: &Entry,
    values: Vec<Option<Value>>,
    arguments: &RunArguments,
) -> Result<Outcome> {
    let started = Instant::now();
    let options = RunOptions {
        seed: arguments.seed,
        temperature: arguments.temperature,
        max_tokens_cap: arguments.max_tokens,
        ..RunOptions::default()
    };
    let mut model: Box<dyn LanguageModel> = match &arguments.script {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("`--script`: can't read {path}"))?;
            let answers = scripted::parse(&text).map_err(|error| anyhow!("`--script` {path}, {error}"))?;
            Box::new(scripted::model(answers))
        }
        None if !entry.prompt => Box::new(scripted::model(Vec::new())),
        None => {
            let path = Store::of_user()?.resolve(&arguments.model)?;
            if arguments.max_tokens == Some(0) {
                bail!("`--max-tokens` must be at least 1");
            }
            let own = EngineOptions {
                radix_cache: !arguments.no_cache,
                jump: match arguments.jump {
                    JumpMode::Off => Jump::Off,
                    JumpMode::Exact => Jump::Exact,
                    JumpMode::Forced => Jump::Forced,
                },
                device: arguments.device,
                deterministic: arguments.deterministic,
                ..engine_options(arguments.threads)
            };
            let mut engine = load_engine(&path, own)?;
            let found = demand::check(
                image,
                entry.function,
                |shape| engine.need(shape).map_err(|error| error.to_string()),
                options.max_tokens_default,
                arguments.max_tokens,
            );
            if report::diagnostics(&compiled.files, &found, DiagnosticFormat::Text) {
                return Ok(Outcome::Failed);
            }
            Box::new(engine)
        }
    };
    let loaded = started.elapsed();
    let mut watch = stats::Watch::new(Terminal::new(report::colour()), !arguments.quiet);
    let outcome = if entry.prompt {
        sgl_vm::run(image, entry, values, model.as_mut(), &options, &mut watch)
    } else {
        sgl_vm::run(image, entry, values, model.as_mut(), &options, &mut Silent)
    };
    watch.finish();
    let done = match outcome {
        Ok(value) => {
            report::result(&shown(&sgl_vm::json_of_value(&value, image), arguments.json));
            Outcome::Fine
        }
        Err(trap) => {
            report::piece(&describe(compiled, &Failure::Trap(trap), report::colour()));
            Outcome::Failed
        }
    };
    if arguments.stats {
        report::note(&watch.summary(model.usage(), loaded));
    }
    Ok(done)
}

/// What an engine is loaded with if nothing else is said.
pub(crate) fn engine_options(threads: Option<usize>) -> EngineOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    EngineOptions { threads: threads.unwrap_or(cores.min(THREADS_MAX)).max(1), ..EngineOptions::default() }
}

/// An engine with the weights at `path`.
pub(crate) fn load_engine(path: &Path, options: EngineOptions) -> Result<Engine> {
    Engine::load(path, options).with_context(|| format!("can't load the model {}", path.display()))
}

/// A text as it is, anything else as indented JSON; with `json` everything on one line.
fn shown(value: &serde_json::Value, json: bool) -> String {
    match value {
        serde_json::Value::String(text) if !json => text.clone(),
        value if json => value.to_string(),
        value => format!("{value:#}"),
    }
}
