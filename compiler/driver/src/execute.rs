//! Image to text: loads the model, checks that every hole can close, runs the entry, prints what came of it.

use crate::admission::Limits;
use crate::arguments::{DiagnosticFormat, RunArguments};
use crate::compile::Compiled;
use crate::engines::Wanted;
use crate::grants::Grants;
use crate::models::DEFAULT_MODEL;
use crate::scripted_tools::ScriptedTools;
use crate::tokens::Tokens;
use crate::toolhost::Tools;
use crate::transcript::Terminal;
use crate::{Outcome, flags, report, scripted, stats, trace};
use anyhow::{Context, Result, anyhow, bail};
use clap::ArgMatches;
use sgl_protocol::LanguageModel;
use sgl_source::render::{self, Colour};
use sgl_source::{Code, Diagnostic, FileId, Span};
use sgl_vm::image::{Entry, Image, Place};
use sgl_vm::{Host, NoHost, Observer, Outside, RunOptions, Silent, Trap, Value};
use std::time::Instant;

/// Why a run has no result.
#[derive(Debug)]
pub enum Failure {
    /// The parameters are wrong.
    Input(String),
    /// The program ended with a fault.
    Trap(Trap),
}

/// Runs an entry with parameters from JSON on any model, without tools; for tests and tools.
pub fn run_entry(
    image: &Image,
    entry: &Entry,
    input: Option<&serde_json::Value>,
    model: &mut dyn LanguageModel,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<serde_json::Value, Failure> {
    run_entry_with(image, entry, input, &mut Outside { model, host: &mut NoHost::default(), observer }, options)
}

/// Runs an entry with parameters from JSON on any model and any tools.
pub fn run_entry_with(
    image: &Image,
    entry: &Entry,
    input: Option<&serde_json::Value>,
    outside: &mut Outside<'_>,
    options: &RunOptions,
) -> Result<serde_json::Value, Failure> {
    let nothing = clap::Command::new("run").get_matches_from([""]);
    let values = flags::values(image, entry, &nothing, input).map_err(Failure::Input)?;
    let value = sgl_vm::run_with(image, entry, values, outside, options).map_err(Failure::Trap)?;
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
        max_tokens_cap: arguments.max_tokens,
        ..compiled.project.defaults.options(arguments.seed, arguments.temperature)
    };
    let asked = arguments.model.as_deref().or(compiled.project.defaults.model.as_deref()).unwrap_or(DEFAULT_MODEL);
    let script = match &arguments.script {
        Some(path) => {
            Some((path, std::fs::read_to_string(path).with_context(|| format!("`--script`: can't read {path}"))?))
        }
        None => None,
    };
    if !arguments.limit.is_empty() {
        let limits = Limits::parse(&arguments.limit)?;
        let tokens = Tokens::of(asked)?;
        limits.admit(compiled, image, entry, &values, &tokens)?;
    }
    let grants = Grants::parse(&arguments.allow).map_err(|message| anyhow!(message))?;
    let mut host: Box<dyn Host> = match &script {
        Some((path, text)) if text.lines().any(|line| line.starts_with("tool ")) => {
            let (tools, _) = ScriptedTools::parse(text).map_err(|error| anyhow!("`--script` {path}, {error}"))?;
            Box::new(tools)
        }
        _ => {
            let tools = Tools::new(&compiled.project, grants);
            if report::diagnostics(&compiled.files, &tools.check(image, entry), DiagnosticFormat::Text) {
                return Ok(Outcome::Failed);
            }
            Box::new(tools)
        }
    };
    let mut model: Box<dyn LanguageModel> = match &script {
        Some((path, text)) => {
            let answers = scripted::parse(text).map_err(|error| anyhow!("`--script` {path}, {error}"))?;
            Box::new(scripted::model(answers))
        }
        None if !entry.prompt => Box::new(scripted::model(Vec::new())),
        None => match engines(compiled, image, entry, arguments, &options)? {
            Some(model) => model,
            None => return Ok(Outcome::Failed),
        },
    };
    let loaded = started.elapsed();
    let trace = match &arguments.trace {
        Some(path) => {
            let asked = if script.is_some() { "script" } else { asked };
            Some(trace::Writing::create(path, &arguments.program, &entry.name, asked)?)
        }
        None => None,
    };
    let mut watch = stats::Watch::new(Terminal::new(report::colour()), !arguments.quiet, trace);
    let mut silent = Silent;
    let observer: &mut dyn Observer = if entry.prompt { &mut watch } else { &mut silent };
    let mut outside = Outside { model: model.as_mut(), host: host.as_mut(), observer };
    let outcome = sgl_vm::run_with(image, entry, values, &mut outside, &options);
    let traced = watch.finish();
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
    traced?;
    if arguments.stats {
        report::note(&watch.summary(model.usage(), loaded));
    }
    Ok(done)
}

/// The run's model, and those that the program names; `None` if the program can't run on them, which was said.
fn engines(
    compiled: &Compiled,
    image: &Image,
    entry: &Entry,
    arguments: &RunArguments,
    options: &RunOptions,
) -> Result<Option<Box<dyn LanguageModel>>> {
    let wanted = match Wanted::of(compiled, image, [entry.function], arguments.model.as_deref()) {
        Ok(wanted) => wanted,
        Err(faults) => {
            report::diagnostics(&compiled.files, &faults, DiagnosticFormat::Text);
            return Ok(None);
        }
    };
    if arguments.max_tokens == Some(0) {
        bail!("`--max-tokens` must be at least 1");
    }
    let mut engines = wanted.load(arguments.engine.options(), arguments.engine.store().as_ref())?;
    engines.adopt(&compiled.constraints)?;
    let found = engines.check(image, entry.function, options);
    if report::diagnostics(&compiled.files, &found, DiagnosticFormat::Text) {
        return Ok(None);
    }
    Ok(Some(engines.into_model()))
}

/// A text as it is, anything else as indented JSON; with `json` everything on one line.
fn shown(value: &serde_json::Value, json: bool) -> String {
    match value {
        serde_json::Value::String(text) if !json => text.clone(),
        value if json => value.to_string(),
        value => format!("{value:#}"),
    }
}
