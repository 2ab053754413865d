//! Where an eval's answers come from: a script, a record, or a model that all rows share.

use crate::arguments::EvalArguments;
use crate::compile::Compiled;
use crate::engines::{self, Wanted};
use crate::grants::Grants;
use crate::scripted_tools::ScriptedTools;
use crate::testing::mock::Mocked;
use crate::testing::record::{self, Recording, RecordingTools, Records, Replay, ReplayTools};
use crate::testing::side_by_side;
use crate::together;
use crate::toolhost::Tools;
use crate::{demand, report, scripted, sources};
use anyhow::{Context, Result, anyhow};
use sgl_protocol::LanguageModel;
use sgl_source::{Diagnostic, render};
use sgl_vm::image::{Eval, Image};
use sgl_vm::{Host, RunOptions};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One piece of work: its index, the model that it may ask, and who runs its tools.
pub(super) type Work<'a> = dyn Fn(usize, &mut dyn LanguageModel, &mut dyn Host) + Sync + 'a;

/// An eval, and what answers it.
pub(super) struct Asking<'a> {
    pub(super) compiled: &'a Compiled,
    pub(super) image: &'a Image,
    pub(super) eval: &'a Eval,
    /// The file as the user named it.
    pub(super) source: &'a str,
    pub(super) options: &'a RunOptions,
    pub(super) arguments: &'a EvalArguments,
}

/// What answers, as the journal names it: a script, else models with what the project says of every hole.
pub(super) fn name(asking: &Asking<'_>) -> Result<String> {
    let Asking { arguments, options, .. } = asking;
    Ok(match &arguments.script {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("`--script`: can't read {path}"))?;
            format!("script {}", record::hash(&text))
        }
        None => {
            let (temperature, max_tokens) = (options.temperature, options.max_tokens_default);
            format!("{} {temperature:?} {max_tokens}", wanted(asking)?.shown())
        }
    })
}

fn wanted(asking: &Asking<'_>) -> Result<Wanted> {
    let own = asking.arguments.model.as_deref();
    Wanted::of(asking.compiled, asking.image, [asking.eval.function], own).map_err(|faults| refused(asking, &faults))
}

/// What keeps the eval from being run, as an error.
fn refused(asking: &Asking<'_>, found: &[Diagnostic]) -> anyhow::Error {
    let shown: Vec<String> = found.iter().map(|d| render::text(&asking.compiled.files, d, report::colour())).collect();
    anyhow!("the eval `{}` can't be run\n{}", asking.eval.name, shown.join("\n"))
}

/// The file of an eval's records.
fn path_of(source: &str, eval: &str) -> PathBuf {
    let stem = Path::new(source).with_extension("");
    PathBuf::from(format!("{}.{eval}.record.jsonl", stem.display()))
}

/// Does every piece of work, side by side, with what the command line says answers.
pub(super) fn each(asking: &Asking<'_>, count: usize, work: &Work<'_>) -> Result<()> {
    let Asking { compiled, image, eval, source, arguments, .. } = asking;
    let jobs = arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    let called = demand::tools(image, eval.function);
    let grants = Grants::parse(&arguments.allow).map_err(|message| anyhow!(message))?;
    let mut scripted_tools = None;
    let mut mocks: Option<Vec<(String, String)>> = None;
    if let Some(path) = &arguments.script {
        let text = fs::read_to_string(path).with_context(|| format!("`--script`: can't read {path}"))?;
        let answers = scripted::parse(&text).map_err(|error| anyhow!("`--script` {path}, {error}"))?;
        mocks = Some(answers.into_iter().map(|answer| (answer.hole, answer.text)).collect());
        let (tools, any) = ScriptedTools::parse(&text).map_err(|error| anyhow!("`--script` {path}, {error}"))?;
        scripted_tools = any.then_some(tools);
    }
    let path = path_of(source, &eval.name);
    let replayed = arguments.replay.then(|| recorded(&path, source, &eval.name)).transpose()?;
    if scripted_tools.is_none() && replayed.is_none() {
        let found =
            Tools::new(&compiled.project, grants.clone()).check_tools(image, &eval.name, eval.function, &called);
        if !found.is_empty() {
            return Err(refused(asking, &found));
        }
    }
    let kept: Mutex<Vec<(usize, Records)>> = Mutex::new(Vec::new());
    // Each piece of work has tools of its own.
    let with_tools = |index: usize, model: &mut dyn LanguageModel| {
        let mut host: Box<dyn Host> = match (&replayed, &scripted_tools) {
            (Some(records), _) => Box::new(ReplayTools::new(&of_piece(&records.calls, index, |call| &call.test))),
            (None, Some(tools)) => Box::new(tools.clone()),
            (None, None) => Box::new(Tools::new(&compiled.project, grants.clone())),
        };
        if !arguments.record {
            return work(index, model, host.as_mut());
        }
        let name = index.to_string();
        let (mut model, mut host) = (Recording::new(model, &name), RecordingTools::new(host.as_mut(), &name));
        work(index, &mut model, &mut host);
        let records = Records { answers: model.into_records(), calls: host.into_calls() };
        kept.lock().unwrap_or_else(PoisonError::into_inner).push((index, records));
    };
    if let Some(mocks) = &mocks {
        side_by_side(count, jobs, &|index| with_tools(index, &mut Mocked::new(mocks).taking_first()));
    } else if let Some(records) = &replayed {
        let of = |index| of_piece(&records.answers, index, |record| &record.test);
        side_by_side(count, jobs, &|index| with_tools(index, &mut Replay::new(&of(index))));
    } else if !demand::asks(image, eval.function) {
        side_by_side(count, jobs, &|index| with_tools(index, &mut scripted::model(Vec::new())));
    } else {
        let mut engines = wanted(asking)?.load(engines::options(arguments.threads), None)?;
        let found = engines.check(image, eval.function, asking.options);
        if !found.is_empty() {
            return Err(refused(asking, &found));
        }
        at_a_table(count, jobs, engines.into_model().as_mut(), &with_tools);
    }
    if arguments.record {
        let mut kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        kept.sort_by_key(|(index, _)| *index);
        let mut records = Records::default();
        kept.into_iter().for_each(|(_, of_piece)| records.extend(of_piece));
        let text = record::write(&wanted(asking)?.shown(), &records);
        sources::write(&path.to_string_lossy(), &text).map_err(|message| anyhow!(message))?;
    }
    Ok(())
}

/// Runs side by side with one model, which stays here, where it was made.
fn at_a_table(
    count: usize,
    jobs: usize,
    model: &mut dyn LanguageModel,
    work: &(dyn Fn(usize, &mut dyn LanguageModel) + Sync),
) {
    let (table, seats) = together::table(jobs.min(count.max(1)));
    let jobs = seats.len();
    std::thread::scope(|scope| {
        // When the last seat is gone the model rests.
        scope.spawn(|| {
            let free = Mutex::new(seats);
            let take = || free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            side_by_side(count, jobs, &|index| {
                // As many seats as threads: one is always free.
                if let Some(mut seat) = take() {
                    work(index, &mut seat);
                    free.lock().unwrap_or_else(PoisonError::into_inner).push(seat);
                }
            });
        });
        table.serve(model);
    });
}

/// The records of an eval.
fn recorded(path: &Path, source: &str, eval: &str) -> Result<Records> {
    let how = format!("record it with `sglc eval --record {source}::{eval}`");
    let text = fs::read_to_string(path).map_err(|_| anyhow!("there is no record {}; {how}", path.display()))?;
    record::read(&text).map_err(|why| anyhow!("{} can't be used: {why}", path.display()))
}

/// The records of one piece of work; of another order of rows, all of them.
fn of_piece<T: Clone>(records: &[T], index: usize, name: impl Fn(&T) -> &String) -> Vec<T> {
    let own_name = index.to_string();
    let (own, others): (Vec<T>, Vec<T>) = records.iter().cloned().partition(|record| *name(record) == own_name);
    own.into_iter().chain(others).collect()
}
