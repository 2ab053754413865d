//! `sglc test`: runs `test` items, on mocks, on what was recorded, or on a model.
//!
//! ```text
//! files --compile--> images --filter--> tests --run, side by side--> reports --in order--> terminal, JUnit, JSON
//! ```
//!
//! A test with mocks needs nothing else. One without takes its answers from the record beside its file (`--replay`), or
//! from a model, whose answers `--record` writes down. Snapshots and records stand beside the source.

mod coverage;
mod fit;
mod junit;
pub mod mock;
mod observe;
mod probe;
pub mod record;
mod run;
mod select;
mod show;
mod snapshots;
mod tools;

use crate::arguments::TestArguments;
use crate::compile::Compiled;
use crate::{Outcome, report};

pub(crate) use run::side_by_side;

/// The results of a program's tests on their mocks, as text.
pub fn results(compiled: &Compiled) -> String {
    let mut out = String::new();
    for report in run::on_mocks(compiled) {
        match &report.failure {
            None => out.push_str(&format!("ok   {}\n", report.name)),
            Some(failure) => out.push_str(&format!("FAIL {}\n{}", report.name, failure.text())),
        }
    }
    out
}

/// Runs the tests that a command line asks for.
pub(crate) fn test(arguments: &TestArguments) -> Outcome {
    let files = match select::files(&arguments.files) {
        Ok(files) => files,
        Err(message) => {
            report::error(&message);
            return Outcome::Usage;
        }
    };
    let suite = select::suite(&files, arguments);
    let sound = suite.sound;
    if suite.modules.iter().all(|module| module.tests.is_empty()) && sound {
        report::note(&match &arguments.filter {
            Some(filter) => format!("no test has `{filter}` in its name"),
            None => "there is no test in these files".to_string(),
        });
        return Outcome::Fine;
    }
    let reports = match run::all(&suite, arguments) {
        Ok(reports) => reports,
        Err(error) => {
            report::failure(&error);
            return Outcome::Failed;
        }
    };
    let passed = show::results(&suite, &reports, arguments);
    if let Some(path) = &arguments.junit
        && let Err(error) = std::fs::write(path, junit::xml(&suite, &reports))
    {
        report::error(&format!("can't write {path}: {error}"));
        return Outcome::Failed;
    }
    if passed && sound { Outcome::Fine } else { Outcome::Failed }
}
