//! `sglc model`: lists, fetches and removes models.

use crate::arguments::ModelCommand;
use crate::models::{CATALOG, CatalogEntry, Store, catalog};
use crate::{Outcome, report};
use anyhow::{Result, bail};

/// Runs the command and reports what fails.
pub(super) fn run(command: &ModelCommand) -> Outcome {
    match attempt(command) {
        Ok(()) => Outcome::Fine,
        Err(error) => {
            report::failure(&error);
            Outcome::Failed
        }
    }
}

fn attempt(command: &ModelCommand) -> Result<()> {
    let store = Store::of_user()?;
    match command {
        ModelCommand::List => {
            for entry in CATALOG {
                let state = if store.has(entry) { "here" } else { "not fetched" };
                let megabytes = entry.bytes as f64 / 1e6;
                report::result(&format!("{:<24} {megabytes:>6.0} MB  {state:<12} {}", entry.name, entry.about));
            }
            report::note(&format!("models are kept in {}", store.folder().display()));
        }
        ModelCommand::Pull { name } => {
            let path = store.pull(known(name)?)?;
            report::result(&path.display().to_string());
        }
        ModelCommand::Rm { name } => {
            let removed = store.remove(known(name)?)?;
            report::note(if removed { "removed" } else { "there was nothing to remove" });
        }
    }
    Ok(())
}

fn known(name: &str) -> Result<&'static CatalogEntry> {
    if let Some(entry) = catalog::find(name) {
        return Ok(entry);
    }
    let names: Vec<&str> = CATALOG.iter().map(|entry| entry.name).collect();
    let hint = report::hint(name, names.iter().copied());
    bail!("no model has the name `{name}`; there is: {}{hint}", names.join(", "))
}
