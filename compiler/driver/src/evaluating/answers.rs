//! Where an eval's answers come from: a script, a record, or a model that all rows share.

use super::together;
use crate::arguments::EvalArguments;
use crate::models::Store;
use crate::testing::mock::Mocked;
use crate::testing::record::{self, Record, Recording, Replay};
use crate::testing::side_by_side;
use crate::{execute, scripted, sources};
use anyhow::{Context, Result, anyhow};
use sgl_protocol::LanguageModel;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One piece of work: its index, and the model that it may ask.
pub(super) type Work<'a> = dyn Fn(usize, &mut dyn LanguageModel) + Sync + 'a;

/// What answers, as the journal names it.
pub(super) fn name(arguments: &EvalArguments) -> Result<String> {
    Ok(match &arguments.script {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("`--script`: can't read {path}"))?;
            format!("script {}", record::hash(&text))
        }
        None => arguments.model.clone(),
    })
}

/// The file of an eval's records.
fn path_of(source: &str, eval: &str) -> PathBuf {
    let stem = Path::new(source).with_extension("");
    PathBuf::from(format!("{}.{eval}.record.jsonl", stem.display()))
}

/// Does every piece of work, side by side, with what the command line says answers.
pub(super) fn each(
    source: &str,
    eval: &str,
    count: usize,
    asks: bool,
    arguments: &EvalArguments,
    work: &Work<'_>,
) -> Result<()> {
    let jobs = arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    if let Some(path) = &arguments.script {
        let text = fs::read_to_string(path).with_context(|| format!("`--script`: can't read {path}"))?;
        let answers = scripted::parse(&text).map_err(|error| anyhow!("`--script` {path}, {error}"))?;
        let mocks: Vec<(String, String)> = answers.into_iter().map(|answer| (answer.hole, answer.text)).collect();
        side_by_side(count, jobs, &|index| work(index, &mut Mocked::new(&mocks).taking_first()));
        return Ok(());
    }
    if !asks {
        side_by_side(count, jobs, &|index| work(index, &mut scripted::model(Vec::new())));
        return Ok(());
    }
    let path = path_of(source, eval);
    if arguments.replay {
        let how = format!("record it with `sglc eval --record {source}::{eval}`");
        let text = fs::read_to_string(&path).map_err(|_| anyhow!("there is no record {}; {how}", path.display()))?;
        let records = record::read(&text).map_err(|why| anyhow!("{} can't be used: {why}", path.display()))?;
        side_by_side(count, jobs, &|index| work(index, &mut Replay::new(&of_piece(&records, index))));
        return Ok(());
    }
    let weights = Store::of_user()?.resolve(&arguments.model)?;
    let mut engine = execute::load_engine(&weights, execute::engine_options(arguments.threads))?;
    let kept: Mutex<Vec<(usize, Vec<Record>)>> = Mutex::new(Vec::new());
    let (table, seats) = together::table(jobs.min(count.max(1)));
    let jobs = seats.len();
    let with_seat = |index: usize, seat: &mut together::Seat| {
        if !arguments.record {
            return work(index, seat);
        }
        let mut recording = Recording::new(seat, &index.to_string());
        work(index, &mut recording);
        let records = recording.into_records();
        kept.lock().unwrap_or_else(PoisonError::into_inner).push((index, records));
    };
    std::thread::scope(|scope| {
        // The runs go on threads of their own; the model stays here, where it was made. When the last seat is gone it rests.
        scope.spawn(|| {
            let free = Mutex::new(seats);
            let take = || free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            side_by_side(count, jobs, &|index| {
                // As many seats as threads: one is always free.
                if let Some(mut seat) = take() {
                    with_seat(index, &mut seat);
                    free.lock().unwrap_or_else(PoisonError::into_inner).push(seat);
                }
            });
        });
        table.serve(&mut engine);
    });
    if arguments.record {
        let mut kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        kept.sort_by_key(|(index, _)| *index);
        let records: Vec<Record> = kept.into_iter().flat_map(|(_, records)| records).collect();
        let text = record::write(&arguments.model, &records);
        sources::write(&path.to_string_lossy(), &text).map_err(|message| anyhow!(message))?;
    }
    Ok(())
}

/// The records of one piece of work; of another order of rows, all of them.
fn of_piece(records: &[Record], index: usize) -> Vec<Record> {
    let name = index.to_string();
    let (own, others): (Vec<Record>, Vec<Record>) = records.iter().cloned().partition(|record| record.test == name);
    own.into_iter().chain(others).collect()
}
