//! Runs the tests of a suite: those that need no weights side by side, those of a model one after the other.

use super::mock::Mocked;
use super::observe::Watcher;
use super::record::{self, Record, Recording, Replay};
use super::select::{Module, Suite};
use super::snapshots::{self, Stored};
use crate::arguments::TestArguments;
use crate::compile::Compiled;
use crate::models::Store;
use crate::{demand, execute, scripted, sources};
use anyhow::{Context, Result, anyhow};
use rustc_hash::FxHashSet;
use sgl_engine::Engine;
use sgl_protocol::{LanguageModel, Shape};
use sgl_source::render::Colour;
use sgl_source::{FileId, lines};
use sgl_vm::image::{Entry, Image, Test};
use sgl_vm::{RunOptions, Trap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Address space of a thread that runs a test: values nest as deep as a program makes them.
const STACK_BYTES: usize = 256 << 20;

/// Where a test's answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// It asks nothing.
    Pure,
    Mocks,
    Replay,
    Model,
}

/// Why a test failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// In one sentence.
    pub(super) message: String,
    /// With its place, as diagnostics are shown; empty if there is none.
    pub(super) shown: String,
    /// The two sides of what was compared.
    pub(super) compared: Option<(String, String)>,
    /// The end of the transcript: the branch, and its lines.
    pub(super) excerpt: Option<(String, Vec<String>)>,
}

impl Failure {
    fn plain(message: String) -> Self {
        Self { message, shown: String::new(), compared: None, excerpt: None }
    }

    /// All of it, without colour.
    pub(super) fn text(&self) -> String {
        super::show::failure(self, Colour::Off)
    }
}

/// How a test went.
#[derive(Debug)]
pub(super) struct Report {
    /// The index of its module.
    pub(super) module: usize,
    pub(super) name: String,
    /// Where it stands, from 1.
    pub(super) line: usize,
    pub(super) answers: Answers,
    pub(super) seconds: f64,
    pub(super) failure: Option<Failure>,
    pub(super) executed: FxHashSet<(u32, usize)>,
    /// The snapshots that it took.
    pub(super) taken: Vec<String>,
}

/// What stands beside a module.
struct Beside {
    snapshots: Stored,
    /// The file's records; the error says why they can't be read.
    records: Result<Vec<Record>, String>,
    recorded: bool,
}

/// Runs everything, in the order of the suite. An error only where no test is at fault.
pub(super) fn all(suite: &Suite, arguments: &TestArguments) -> Result<Vec<Report>> {
    let beside: Vec<Beside> = suite.modules.iter().map(beside).collect::<Result<_>>()?;
    let tests: Vec<(usize, &Test)> = suite.tests().collect();
    let answers: Vec<Answers> = tests
        .iter()
        .map(|(module, test)| answers_of(&suite.modules[*module], &beside[*module], test, arguments))
        .collect();
    let reports: Vec<Mutex<Option<Report>>> = tests.iter().map(|_| Mutex::new(None)).collect();
    let run = |at: usize, model: &mut dyn LanguageModel, fault: Option<String>| {
        let (module, test) = tests[at];
        let stored = beside[module].snapshots.get(&test.name).cloned().unwrap_or_default();
        let watcher = Watcher::new(stored, arguments.update);
        let report =
            one(&suite.modules[module].compiled, module, test, answers[at], model, watcher, fault, arguments.seed);
        *reports[at].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(report);
    };
    let light: Vec<usize> = (0..tests.len()).filter(|at| answers[*at] != Answers::Model).collect();
    side_by_side(light.len(), jobs(arguments), &|index| {
        let at = light[index];
        let (module, test) = tests[at];
        match answers[at] {
            Answers::Mocks => run(at, &mut Mocked::new(&test.mocks), None),
            Answers::Replay => match &beside[module].records {
                Ok(records) => run(at, &mut Replay::new(records), None),
                Err(why) => run(at, &mut Replay::new(&[]), Some(why.clone())),
            },
            Answers::Pure | Answers::Model => run(at, &mut scripted::model(Vec::new()), None),
        }
    });
    let heavy: Vec<usize> = (0..tests.len()).filter(|at| answers[*at] == Answers::Model).collect();
    if !heavy.is_empty() {
        on_a_model(suite, &tests, &heavy, arguments, &run)?;
    }
    let reports: Vec<Report> = reports
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
        .collect();
    if arguments.update {
        for (index, module) in suite.modules.iter().enumerate() {
            update(module, &beside[index], reports.iter().filter(|r| r.module == index))?;
        }
    }
    Ok(reports)
}

/// Runs the test with this index on a model, unless something is wrong before it begins.
type Run<'a> = dyn Fn(usize, &mut dyn LanguageModel, Option<String>) + 'a;

/// Runs the tests that need a model, and writes down what it answered if that is wanted.
fn on_a_model(
    suite: &Suite,
    tests: &[(usize, &Test)],
    heavy: &[usize],
    arguments: &TestArguments,
    run: &Run<'_>,
) -> Result<()> {
    let path = Store::of_user()?.resolve(&arguments.model)?;
    let mut engine = execute::load_engine(&path, execute::engine_options(arguments.threads))?;
    let mut kept: Vec<(usize, Vec<Record>)> = Vec::new();
    for at in heavy {
        let (module, test) = tests[*at];
        let fault = suite.modules[module].compiled.image.as_ref().and_then(|image| too_small(image, test, &mut engine));
        if !arguments.record {
            run(*at, &mut engine, fault);
            continue;
        }
        let mut recording = Recording::new(&mut engine, &test.name);
        run(*at, &mut recording, fault);
        let records = recording.into_records();
        match kept.iter_mut().find(|(index, _)| *index == module) {
            Some((_, all)) => all.extend(records),
            None => kept.push((module, records)),
        }
    }
    for (index, mut records) in kept {
        let module = &suite.modules[index];
        let path = record_path(&module.file);
        if let Ok(text) = fs::read_to_string(&path)
            && module.filtered
        {
            let ran = |record: &Record| module.tests.iter().any(|test| test.name == record.test);
            let old = record::read(&text).map_err(|why| anyhow!("{}: {why}", path.display()))?;
            records.extend(old.into_iter().filter(|record| !ran(record)));
        }
        let text = record::write(&arguments.model, &records);
        sources::write(&path.to_string_lossy(), &text).map_err(|message| anyhow!(message))?;
    }
    Ok(())
}

/// What to say of a hole that can't close in its budget.
fn too_small(image: &Image, test: &Test, engine: &mut Engine) -> Option<String> {
    let defaults = RunOptions::default();
    let need = |shape: &Shape| engine.need(shape).map_err(|error| error.to_string());
    let found = demand::check(image, test.function, need, defaults.max_tokens_default, None);
    found.first().map(|diagnostic| format!("{}: {}", diagnostic.message, diagnostic.labels[0].text))
}

/// Calls `run` with each index below `count` from several threads.
pub(crate) fn side_by_side(count: usize, jobs: usize, run: &(dyn Fn(usize) + Sync)) {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            run(index);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(count) {
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            if builder.spawn_scoped(scope, work).is_err() {
                // No thread to be had: this one does it.
                work();
            }
        }
    });
}

fn jobs(arguments: &TestArguments) -> usize {
    arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}

fn record_path(source: &str) -> PathBuf {
    Path::new(source).with_extension("record.jsonl")
}

fn beside(module: &Module) -> Result<Beside> {
    let path = snapshots::path_of(&module.file);
    let snapshots = match fs::read_to_string(&path) {
        Ok(text) => snapshots::read(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Stored::new(),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    let path = record_path(&module.file);
    let (records, recorded) = match fs::read_to_string(&path) {
        Ok(text) => (record::read(&text).map_err(|why| format!("{} can't be used: {why}", path.display())), true),
        Err(_) => {
            let how = format!("record it with `sglc test --record {}`", module.file);
            (Err(format!("there is no record {}; {how}", path.display())), false)
        }
    };
    Ok(Beside { snapshots, records, recorded })
}

/// Where a test's answers come from: its mocks, else what was recorded, else a model.
fn answers_of(module: &Module, beside: &Beside, test: &Test, arguments: &TestArguments) -> Answers {
    let asks = module.compiled.image.as_ref().is_some_and(|image| demand::asks(image, test.function));
    if !test.mocks.is_empty() {
        Answers::Mocks
    } else if !asks {
        Answers::Pure
    } else if arguments.replay || (beside.recorded && !arguments.record) {
        Answers::Replay
    } else {
        Answers::Model
    }
}

/// Runs the tests of one program on their mocks, without anything that stands beside it.
pub(super) fn on_mocks(compiled: &Compiled) -> Vec<Report> {
    let tests = compiled.image.as_ref().map_or(&[][..], |image| &image.tests);
    let run = |test: &Test| {
        let (mut model, watcher) = (Mocked::new(&test.mocks), Watcher::default());
        one(compiled, 0, test, Answers::Mocks, &mut model, watcher, None, 0)
    };
    tests.iter().map(run).collect()
}

#[expect(clippy::too_many_arguments, reason = "what makes one run of a test")]
fn one(
    compiled: &Compiled,
    index: usize,
    test: &Test,
    answers: Answers,
    model: &mut dyn LanguageModel,
    mut watcher: Watcher,
    fault: Option<String>,
    seed: u64,
) -> Report {
    let started = Instant::now();
    let failure = match (fault, &compiled.image) {
        (Some(message), _) => Some(Failure::plain(message)),
        (None, None) => Some(Failure::plain("the file has no program".to_string())),
        (None, Some(image)) => {
            let options = RunOptions { seed, ..RunOptions::default() };
            let outcome = sgl_vm::run(image, &entry(test), Vec::new(), model, &options, &mut watcher);
            outcome.err().map(|trap| failed(compiled, trap, &watcher))
        }
    };
    let line = lines::position(compiled.files.text(FileId(test.at.file)), test.at.start as usize).line;
    Report {
        module: index,
        name: test.name.clone(),
        line,
        answers,
        seconds: started.elapsed().as_secs_f64(),
        failure,
        executed: watcher.executed,
        taken: watcher.taken,
    }
}

/// A test as something to start.
fn entry(test: &Test) -> Entry {
    Entry {
        name: test.name.clone(),
        doc: String::new(),
        function: test.function,
        prompt: true,
        parameters: Vec::new(),
        uses: Vec::new(),
        result: Shape::Null,
    }
}

fn failed(compiled: &Compiled, mut trap: Trap, watcher: &Watcher) -> Failure {
    let compared = trap.compared.take().map(|sides| *sides);
    Failure {
        message: trap.message.clone(),
        shown: execute::describe(compiled, &execute::Failure::Trap(trap), Colour::Off),
        compared,
        excerpt: watcher.excerpt(),
    }
}

/// Stores what tests took; what was stored of tests that did not run stays.
fn update<'r>(module: &Module, beside: &Beside, reports: impl Iterator<Item = &'r Report>) -> Result<()> {
    let mut stored = if module.filtered { beside.snapshots.clone() } else { Stored::new() };
    for report in reports {
        stored.insert(report.name.clone(), report.taken.clone());
    }
    stored.retain(|_, values| !values.is_empty());
    let path = snapshots::path_of(&module.file);
    if stored == beside.snapshots {
        return Ok(());
    }
    if stored.is_empty() {
        return fs::remove_file(&path).with_context(|| format!("can't remove {}", path.display()));
    }
    let text = snapshots::write(&module.file, &stored);
    sources::write(&path.to_string_lossy(), &text).map_err(|message| anyhow!(message))
}
