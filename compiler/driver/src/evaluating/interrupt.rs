//! Ctrl-C while an eval runs: what is finished stays, and the person reads how to go on.
//!
//! A signal belongs to the process, so what it has to tell stands in a static. Whoever writes to the journal holds it, so
//! that the process never ends in the middle of a line.

use crate::report;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// What an interruption ends a process with: 128 and the number of the signal, as shells have it.
const INTERRUPTED: i32 = 130;

static UNDER_WAY: Mutex<Option<UnderWay>> = Mutex::new(None);
static WATCHING: Once = Once::new();

/// The eval that runs.
#[derive(Debug)]
struct UnderWay {
    /// The program and the eval, as the command line takes them.
    eval: String,
    journal: String,
    /// Rows with their seeds.
    total: usize,
    finished: usize,
}

/// Says what is under way: from now on an interruption tells of it.
pub(super) fn begin(source: &str, eval: &str, journal: String, total: usize, finished: usize) {
    *state() = Some(UnderWay { eval: format!("{source}::{eval}"), journal, total, finished });
    // Without a handler an interruption still keeps what is finished; it only says nothing.
    WATCHING.call_once(|| {
        ctrlc::set_handler(end).ok();
    });
}

/// While something is written down: an interruption waits for it.
pub(super) fn writing() -> Writing {
    Writing(state())
}

/// Nothing is under way any more.
pub(super) fn over() {
    *state() = None;
}

/// See [`writing`].
pub(super) struct Writing(MutexGuard<'static, Option<UnderWay>>);

impl Writing {
    /// One more is written down.
    pub(super) fn finished(mut self) {
        if let Some(under_way) = self.0.as_mut() {
            under_way.finished += 1;
        }
    }
}

fn state() -> MutexGuard<'static, Option<UnderWay>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::exit, reason = "an interruption ends the process, whatever its threads do")]
fn end() {
    let state = state();
    if let Some(under_way) = state.as_ref() {
        report::note(&told(under_way));
    }
    std::process::exit(INTERRUPTED);
}

fn told(under_way: &UnderWay) -> String {
    let UnderWay { eval, journal, total, finished } = under_way;
    match finished {
        0 => format!("\ninterrupted before any of {total} runs was finished: nothing is kept"),
        _ => format!(
            "\ninterrupted: {finished} of {total} runs are finished and kept in {journal}\n  \
             help: `sglc eval {eval}` with the same options goes on from there; `--fresh` begins anew"
        ),
    }
}
