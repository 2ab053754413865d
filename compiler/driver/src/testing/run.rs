//! Runs the tests of a suite: those that need no weights side by side, those of a model one after the other.

use super::mock::Mocked;
use super::observe::Watcher;
use super::probe::Probe;
use super::record::{self, Call, Record, Recording, RecordingTools, Records, Replay, ReplayTools};
use super::select::{Module, Suite};
use super::snapshots::{self, Stored};
use super::tools::MockedTools;
use crate::arguments::TestArguments;
use crate::compile::Compiled;
use crate::engines::{self, Engines, Wanted};
use crate::grants::Grants;
use crate::toolhost::Tools;
use crate::{demand, execute, scripted, sources};
use anyhow::{Context, Result, anyhow};
use rustc_hash::FxHashSet;
use sgl_protocol::{LanguageModel, Shape};
use sgl_source::render::{self, Colour};
use sgl_source::{Diagnostic, FileId, lines};
use sgl_vm::image::{Entry, Test};
use sgl_vm::{Host, Outside, RunOptions, Trap};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
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

    /// What keeps a test from being run.
    fn of_diagnostics(compiled: &Compiled, found: &[Diagnostic]) -> Option<Self> {
        let message = found.first()?.message.clone();
        let shown: Vec<String> = found.iter().map(|found| render::text(&compiled.files, found, Colour::Off)).collect();
        Some(Self { shown: shown.join("\n"), ..Self::plain(message) })
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
    records: Result<Records, String>,
    recorded: bool,
}

/// How a test is run.
#[derive(Debug)]
struct Plan<'a> {
    test: &'a Test,
    answers: Answers,
    /// Tools that it calls and does not answer for.
    tools: BTreeSet<u32>,
    /// Whether these give what was recorded.
    tools_replayed: bool,
}

/// Runs everything, in the order of the suite. An error only where no test is at fault.
pub(super) fn all(suite: &Suite, arguments: &TestArguments) -> Result<Vec<Report>> {
    let grants = Grants::parse(&arguments.allow).map_err(|message| anyhow!(message))?;
    let beside: Vec<Beside> = suite.modules.iter().map(beside).collect::<Result<_>>()?;
    let mut plans: Vec<(usize, Plan<'_>)> = suite
        .tests()
        .map(|(module, test)| (module, plan(&suite.modules[module].compiled, &beside[module], test, arguments)))
        .collect();
    for (module, plan) in &mut plans {
        let open = matches!(plan.answers, Answers::Model | Answers::Replay) && plan.tools.is_empty();
        if open && !asks(&suite.modules[*module].compiled, plan, arguments) {
            plan.answers = Answers::Pure;
        }
    }
    let reports: Vec<Mutex<Option<Report>>> = plans.iter().map(|_| Mutex::new(None)).collect();
    let calls: Mutex<Vec<(usize, Vec<Call>)>> = Mutex::new(Vec::new());
    let run = |at: usize, model: &mut dyn LanguageModel, fault: Option<Failure>| {
        let (module, plan) = &plans[at];
        let compiled = &suite.modules[*module].compiled;
        let stored = beside[*module].snapshots.get(&plan.test.name).cloned().unwrap_or_default();
        let watcher = Watcher::new(stored, arguments.update);
        let options = compiled.project.defaults.options(arguments.seed, None);
        let tools = Tools::new(&compiled.project, grants.clone());
        let fault = fault.or_else(|| not_granted(compiled, &tools, plan));
        let mut host: Box<dyn Host> = match &beside[*module].records {
            Ok(records) if plan.tools_replayed => Box::new(ReplayTools::new(&records.calls)),
            _ => Box::new(tools),
        };
        let mut recording = RecordingTools::new(host.as_mut(), &plan.test.name);
        let report = one(compiled, *module, plan, model, &mut recording, watcher, fault, &options);
        let kept = recording.into_calls();
        calls.lock().unwrap_or_else(PoisonError::into_inner).push((at, kept));
        *reports[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    };
    let light: Vec<usize> = (0..plans.len()).filter(|at| plans[*at].1.answers != Answers::Model).collect();
    side_by_side(light.len(), jobs(arguments), &|index| {
        let at = light[index];
        let (module, plan) = &plans[at];
        match plan.answers {
            Answers::Mocks => run(at, &mut Mocked::new(&plan.test.mocks), None),
            Answers::Replay => match &beside[*module].records {
                Ok(records) => run(at, &mut Replay::new(&records.answers), None),
                Err(why) => run(at, &mut Replay::new(&[]), Some(Failure::plain(why.clone()))),
            },
            Answers::Pure | Answers::Model => run(at, &mut scripted::model(Vec::new()), None),
        }
    });
    let answers = on_models(suite, &plans, arguments, &run)?;
    if arguments.record {
        let calls = calls.into_inner().unwrap_or_else(PoisonError::into_inner);
        keep(suite, &plans, answers, calls, arguments)?;
    }
    let reports: Vec<Report> =
        reports.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
    if arguments.update {
        for (index, module) in suite.modules.iter().enumerate() {
            update(module, &beside[index], reports.iter().filter(|r| r.module == index))?;
        }
    }
    Ok(reports)
}

/// Whether a test without tools comes to a hole: it runs until it asks. One that does not needs neither weights nor records.
fn asks(compiled: &Compiled, plan: &Plan<'_>, arguments: &TestArguments) -> bool {
    let (mut probe, mut host) = (Probe::new(), ReplayTools::default());
    let options = compiled.project.defaults.options(arguments.seed, None);
    one(compiled, 0, plan, &mut probe, &mut host, Watcher::default(), None, &options);
    probe.asked
}

/// Why the tools that a test needs may not be called.
fn not_granted(compiled: &Compiled, tools: &Tools<'_>, plan: &Plan<'_>) -> Option<Failure> {
    let image = compiled.image.as_ref().filter(|_| !plan.tools_replayed)?;
    let mut found = tools.check_tools(image, &plan.test.name, plan.test.function, &plan.tools);
    if let (Some(first), Some(tool)) = (found.first_mut(), plan.tools.first()) {
        let name = &image.tools[*tool as usize].name;
        let also = format!("or say what the tool gives: `with mock {{ {name} => … }}`");
        first.help = Some(first.help.take().map_or(also.clone(), |help| format!("{help}, {also}")));
    }
    Failure::of_diagnostics(compiled, &found)
}

/// Runs the test with this index on a model, unless something is wrong before it begins.
type Run<'a> = dyn Fn(usize, &mut dyn LanguageModel, Option<Failure>) + 'a;
/// By test, what a model answered.
type Answered = Vec<(usize, Vec<Record>)>;

/// Runs the tests that need models, those that need the same ones together; gives what was answered if it is to be kept.
fn on_models(suite: &Suite, plans: &[(usize, Plan<'_>)], arguments: &TestArguments, run: &Run<'_>) -> Result<Answered> {
    let mut groups: Vec<(Wanted, Vec<usize>)> = Vec::new();
    for (at, (module, plan)) in plans.iter().enumerate().filter(|(_, (_, plan))| plan.answers == Answers::Model) {
        let compiled = &suite.modules[*module].compiled;
        let Some(image) = &compiled.image else { continue };
        match Wanted::of(compiled, image, [plan.test.function], arguments.model.as_deref()) {
            Ok(wanted) => match groups.iter_mut().find(|(known, _)| *known == wanted) {
                Some((_, tests)) => tests.push(at),
                None => groups.push((wanted, vec![at])),
            },
            Err(faults) => run(at, &mut scripted::model(Vec::new()), Failure::of_diagnostics(compiled, &faults)),
        }
    }
    let mut kept = Vec::new();
    for (wanted, tests) in groups {
        let mut engines = match wanted.load(engines::options(arguments.threads), None) {
            Ok(engines) => engines,
            Err(error) => {
                // The other tests have results all the same.
                let why = format!("it asks a model, and there is none: {error:#}");
                tests
                    .iter()
                    .for_each(|at| run(*at, &mut scripted::model(Vec::new()), Some(Failure::plain(why.clone()))));
                continue;
            }
        };
        let faults: Vec<Option<Failure>> =
            tests.iter().map(|at| too_small(suite, &plans[*at], arguments, &mut engines)).collect();
        let mut model = engines.into_model();
        for (at, fault) in tests.into_iter().zip(faults) {
            let mut recording = Recording::new(model.as_mut(), &plans[at].1.test.name);
            run(at, &mut recording, fault);
            kept.push((at, recording.into_records()));
        }
    }
    Ok(kept)
}

/// What to say of holes that can't close in their budgets.
fn too_small(
    suite: &Suite,
    (module, plan): &(usize, Plan<'_>),
    arguments: &TestArguments,
    engines: &mut Engines,
) -> Option<Failure> {
    let compiled = &suite.modules[*module].compiled;
    let options = compiled.project.defaults.options(arguments.seed, None);
    let found = engines.check(compiled.image.as_ref()?, plan.test.function, &options);
    Failure::of_diagnostics(compiled, &found)
}

/// Writes down what models answered and tools gave; what is known of tests that did not run stays.
fn keep(
    suite: &Suite,
    plans: &[(usize, Plan<'_>)],
    mut answers: Answered,
    mut calls: Vec<(usize, Vec<Call>)>,
    arguments: &TestArguments,
) -> Result<()> {
    answers.sort_by_key(|(at, _)| *at);
    calls.sort_by_key(|(at, _)| *at);
    for (index, module) in suite.modules.iter().enumerate() {
        let own = |at: usize| plans[at].0 == index;
        let mut records = Records {
            answers: answers.iter().filter(|(at, _)| own(*at)).flat_map(|(_, all)| all.clone()).collect(),
            calls: calls.iter().filter(|(at, _)| own(*at)).flat_map(|(_, all)| all.clone()).collect(),
        };
        let path = record_path(&module.file);
        if let Ok(text) = fs::read_to_string(&path)
            && module.filtered
        {
            let mut old = record::read(&text).map_err(|why| anyhow!("{}: {why}", path.display()))?;
            old.retain(|name| module.tests.iter().all(|test| test.name != name));
            records.extend(old);
        }
        if records == Records::default() {
            continue;
        }
        let compiled = &module.compiled;
        let functions = module.tests.iter().map(|test| test.function);
        let wanted = compiled.image.as_ref().map(|image| {
            Wanted::of(compiled, image, functions, arguments.model.as_deref())
                .map_or_else(|_| String::new(), |w| w.shown())
        });
        let text = record::write(&wanted.unwrap_or_default(), &records);
        sources::write(&path.to_string_lossy(), &text).map_err(|message| anyhow!(message))?;
    }
    Ok(())
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

/// Where a test's answers come from: its mocks, else what was recorded, else a model; likewise those of its tools.
fn plan<'t>(compiled: &Compiled, beside: &Beside, test: &'t Test, arguments: &TestArguments) -> Plan<'t> {
    let image = compiled.image.as_ref();
    let asks = image.is_some_and(|image| demand::asks(image, test.function));
    let answers = if !test.mocks.is_empty() {
        Answers::Mocks
    } else if !asks {
        Answers::Pure
    } else if arguments.replay || (beside.recorded && !arguments.record) {
        Answers::Replay
    } else {
        Answers::Model
    };
    let mut tools = image.map(|image| demand::tools(image, test.function)).unwrap_or_default();
    tools.retain(|tool| test.tools.iter().all(|(mocked, _)| mocked != tool));
    let recorded = beside.records.as_ref().is_ok_and(|all| all.calls.iter().any(|call| call.test == test.name));
    let tools_replayed = arguments.replay || (recorded && !arguments.record);
    Plan { test, answers, tools, tools_replayed }
}

/// Runs the tests of one program on their mocks, without anything that stands beside it.
pub(super) fn on_mocks(compiled: &Compiled) -> Vec<Report> {
    let tests = compiled.image.as_ref().map_or(&[][..], |image| &image.tests);
    let run = |test: &Test| {
        let called = compiled.image.as_ref().map(|image| demand::tools(image, test.function)).unwrap_or_default();
        let tools = called.into_iter().filter(|tool| test.tools.iter().all(|(mocked, _)| mocked != tool)).collect();
        let plan = Plan { test, answers: Answers::Mocks, tools, tools_replayed: false };
        let mut host = Tools::new(&compiled.project, Grants::default());
        let fault = not_granted(compiled, &host, &plan);
        let (mut model, watcher) = (Mocked::new(&test.mocks), Watcher::default());
        one(compiled, 0, &plan, &mut model, &mut host, watcher, fault, &RunOptions::default())
    };
    tests.iter().map(run).collect()
}

#[expect(clippy::too_many_arguments, reason = "what makes one run of a test")]
fn one(
    compiled: &Compiled,
    index: usize,
    plan: &Plan<'_>,
    model: &mut dyn LanguageModel,
    host: &mut dyn Host,
    mut watcher: Watcher,
    fault: Option<Failure>,
    options: &RunOptions,
) -> Report {
    let started = Instant::now();
    let test = plan.test;
    let failure = match (fault, &compiled.image) {
        (Some(fault), _) => Some(fault),
        (None, None) => Some(Failure::plain("the file has no program".to_string())),
        (None, Some(image)) => {
            let mut host = MockedTools::new(image, test, host);
            let mut outside = Outside { model, host: &mut host, observer: &mut watcher };
            let outcome = sgl_vm::run_with(image, &entry(test), Vec::new(), &mut outside, options);
            outcome.err().map(|trap| failed(compiled, trap, &watcher))
        }
    };
    let line = lines::position(compiled.files.text(FileId(test.at.file)), test.at.start as usize).line;
    Report {
        module: index,
        name: test.name.clone(),
        line,
        answers: plan.answers,
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
