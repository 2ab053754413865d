//! Runs an eval: every row with every seed, then the means, then the gates.

use super::answers::{self, Asking};
use super::data::{self, Row};
use super::interrupt;
use super::journal::{Journal, Measured};
use super::statistics::{Estimate, estimate};
use crate::arguments::EvalArguments;
use crate::compile::Compiled;
use crate::sources::Sources;
use crate::testing::record::hash;
use crate::{execute, scripted, sources};
use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use sgl_protocol::{Field, LanguageModel, Shape};
use sgl_source::render::Colour;
use sgl_source::{FileId, Span};
use sgl_vm::image::{Entry, EntryParameter, Eval, Gate, Image, Place};
use sgl_vm::{Host, Outside, RunOptions, Silent, Value};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A gate, and whether it holds.
#[derive(Debug)]
pub(super) struct Judged {
    /// As written.
    pub(super) text: String,
    pub(super) holds: bool,
}

/// What an eval came to.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) name: String,
    pub(super) data: String,
    pub(super) rows: usize,
    pub(super) seeds: u32,
    /// Rows that a journal already had, with their seeds.
    pub(super) resumed: usize,
    pub(super) metrics: Vec<(String, Estimate)>,
    pub(super) gates: Vec<Judged>,
    /// Rows on which the program failed: the line, the seed, and why.
    pub(super) failures: Vec<(usize, u64, String)>,
}

impl Summary {
    /// Whether it is good enough: every gate holds, and no row failed.
    pub(super) fn passed(&self) -> bool {
        self.failures.is_empty() && self.gates.iter().all(|gate| gate.holds)
    }
}

/// Runs one eval of a program.
pub(super) fn run(
    compiled: &Compiled,
    image: &Image,
    source: &str,
    eval: &Eval,
    arguments: &EvalArguments,
) -> Result<Summary> {
    let path = Path::new(source).parent().unwrap_or(Path::new("")).join(&eval.data).to_string_lossy().to_string();
    let folder = Path::new(&path).parent().unwrap_or(Path::new(""));
    let text = sources::Disk.read(&path).map_err(|message| anyhow!(message))?;
    let mut rows = data::read(&path, &text, eval.format, &eval.row, image).map_err(|faults| anyhow!(faults))?;
    rows.truncate(arguments.limit.unwrap_or(usize::MAX));
    let options = compiled.project.defaults.options(arguments.seed, None);
    let first = options.seed;
    let pieces: Vec<(usize, u64)> = (0..rows.len())
        .flat_map(|row| (0..u64::from(eval.seeds)).map(move |seed| (row, first.wrapping_add(seed))))
        .collect();
    let asking = Asking { compiled, image, eval, source, options: &options, arguments };
    let (program, model) = (hash_of(image), answers::name(&asking)?);
    let keys: Vec<String> =
        pieces.iter().map(|(row, seed)| Journal::key(&program, &model, &rows[*row].text, *seed)).collect();
    let journal = Journal::open(source, &eval.name, arguments.fresh)?;
    let mut outcomes: Vec<Option<Measured>> = keys.iter().map(|key| journal.get(key).cloned()).collect();
    let open: Vec<usize> = (0..pieces.len()).filter(|at| outcomes[*at].is_none()).collect();
    let resumed = pieces.len() - open.len();
    let progress = bar(pieces.len(), resumed, &eval.name);
    interrupt::begin(source, &eval.name, journal.path(), pieces.len(), resumed);
    let finished = Mutex::new((journal, Vec::<(usize, Measured)>::new(), None::<anyhow::Error>));
    let work = |index: usize, model: &mut dyn LanguageModel, host: &mut dyn Host| {
        let at = open[index];
        let (row, seed) = pieces[at];
        let options = RunOptions { seed, ..options.clone() };
        let outside = &mut Outside { model, host, observer: &mut Silent };
        let outcome = one(compiled, image, eval, (folder, &rows[row]), outside, &options);
        let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
        let writing = interrupt::writing();
        match finished.0.put(&keys[at], &outcome) {
            Ok(()) => writing.finished(),
            Err(error) => {
                finished.2.get_or_insert(error);
            }
        }
        finished.1.push((at, outcome));
        progress.inc(1);
    };
    let done = answers::each(&asking, open.len(), &work);
    interrupt::over();
    done?;
    progress.finish_and_clear();
    let (journal, done, fault) = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = fault {
        return Err(error);
    }
    for (at, outcome) in done {
        outcomes[at] = Some(outcome);
    }
    let summary = summarize(compiled, image, eval, &path, &rows, &pieces, &outcomes, resumed)?;
    journal.close();
    Ok(summary)
}

fn hash_of(image: &Image) -> String {
    let bytes = sgl_vm::encode(image);
    hash(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn bar(total: usize, done: usize, name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total as u64).with_style(style).with_prefix(name.to_string());
    bar.set_position(done as u64);
    bar
}

/// One row with one seed.
fn one(
    compiled: &Compiled,
    image: &Image,
    eval: &Eval,
    (folder, row): (&Path, &Row),
    outside: &mut Outside<'_>,
    options: &RunOptions,
) -> Measured {
    let value = match row.value(folder, eval.format, &eval.row, image) {
        Ok(value) => value,
        Err(why) => return Measured::Failed(why),
    };
    let parameter = EntryParameter { name: "row".into(), doc: String::new(), shape: eval.row.clone(), default: None };
    let entry = Entry {
        name: eval.name.clone(),
        doc: String::new(),
        function: eval.function,
        prompt: true,
        parameters: vec![parameter],
        result: Shape::Null,
        uses: Vec::new(),
    };
    match sgl_vm::run_with(image, &entry, vec![Some(value)], outside, options) {
        Ok(value) => Measured::Metrics(numbers(&sgl_vm::json_of_value(&value, image), eval)),
        Err(trap) => Measured::Failed(execute::describe(compiled, &execute::Failure::Trap(trap), Colour::Off)),
    }
}

/// The metrics of a row, in their order; true is 1.
fn numbers(json: &serde_json::Value, eval: &Eval) -> Vec<f64> {
    let number = |(name, _): &(String, bool)| match &json[name] {
        serde_json::Value::Bool(true) => 1.0,
        serde_json::Value::Bool(false) => 0.0,
        other => other.as_f64().unwrap_or(f64::NAN),
    };
    eval.metrics.iter().map(number).collect()
}

#[expect(clippy::too_many_arguments, reason = "everything that an eval has come to")]
fn summarize(
    compiled: &Compiled,
    image: &Image,
    eval: &Eval,
    path: &str,
    rows: &[Row],
    pieces: &[(usize, u64)],
    outcomes: &[Option<Measured>],
    resumed: usize,
) -> Result<Summary> {
    let mut failures = Vec::new();
    // Per row the metrics of each seed that came to something.
    let mut by_row: Vec<Vec<&Vec<f64>>> = vec![Vec::new(); rows.len()];
    for ((row, seed), outcome) in pieces.iter().zip(outcomes) {
        match outcome {
            Some(Measured::Metrics(numbers)) => by_row[*row].push(numbers),
            Some(Measured::Failed(why)) => failures.push((rows[*row].line, *seed, why.clone())),
            None => failures.push((rows[*row].line, *seed, "it was not run".to_string())),
        }
    }
    let mut metrics = Vec::new();
    for (index, (name, proportion)) in eval.metrics.iter().enumerate() {
        let means: Vec<f64> = by_row
            .iter()
            .filter(|seeds| !seeds.is_empty())
            .map(|seeds| seeds.iter().map(|numbers| numbers[index]).sum::<f64>() / seeds.len() as f64)
            .collect();
        metrics.push((name.clone(), estimate(&means, *proportion && eval.seeds == 1)));
    }
    let mut gates = Vec::new();
    for gate in &eval.gates {
        let holds = holds(image, eval, gate, &metrics).with_context(|| format!("`require` of `{}`", eval.name))?;
        gates.push(Judged { text: text_of(compiled, gate.at), holds });
    }
    let (name, data) = (eval.name.clone(), path.to_string());
    Ok(Summary { name, data, rows: rows.len(), seeds: eval.seeds, resumed, metrics, gates, failures })
}

fn text_of(compiled: &Compiled, at: Place) -> String {
    let span = Span { file: FileId(at.file), start: at.start, end: at.end };
    compiled.files.text(span.file).get(span.range()).unwrap_or_default().to_string()
}

/// Whether a gate holds: a function of one record per metric.
fn holds(image: &Image, eval: &Eval, gate: &Gate, metrics: &[(String, Estimate)]) -> Result<bool> {
    let number = || Shape::Float { decimals: None, min: None, max: None };
    let field = |name: &str, shape: Shape| Field { name: name.into(), shape };
    let shape = Shape::Record {
        name: String::new(),
        fields: vec![
            field("mean", number()),
            field("lower95", number()),
            field("upper95", number()),
            field("std_dev", number()),
            field("count", Shape::Int { min: None, max: None }),
        ],
    };
    // Nothing was measured: nothing can be required of it.
    if metrics.iter().any(|(_, estimate)| estimate.count == 0) {
        return Ok(false);
    }
    let mut values: Vec<Option<Value>> = Vec::new();
    for (name, estimate) in metrics {
        let json = serde_json::json!({
            "mean": estimate.mean, "lower95": estimate.lower95, "upper95": estimate.upper95,
            "std_dev": estimate.std_dev, "count": estimate.count,
        });
        let value = sgl_vm::value_of_json(&json, &shape, image);
        values.push(Some(value.map_err(|_| anyhow!("the metric `{name}` of `{}` is no number", eval.name))?));
    }
    let parameter = |(name, _): &(String, Estimate)| EntryParameter {
        name: name.clone(),
        doc: String::new(),
        shape: shape.clone(),
        default: None,
    };
    let entry = Entry {
        name: eval.name.clone(),
        doc: String::new(),
        function: gate.function,
        prompt: false,
        parameters: metrics.iter().map(parameter).collect(),
        result: Shape::Bool,
        uses: Vec::new(),
    };
    let mut model = scripted::model(Vec::new());
    match sgl_vm::run(image, &entry, values, &mut model, &RunOptions::default(), &mut Silent) {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(_) => Err(anyhow!("it is no condition")),
        Err(trap) => Err(anyhow!(trap.message)),
    }
}
