//! What is finished of an eval, so that an interruption costs nothing that was paid for.

use crate::testing::record::hash;
use anyhow::{Context, Result};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One row with one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    key: String,
    pub(super) outcome: Measured,
}

/// What a row came to with one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measured {
    /// A number per metric; true is 1.
    Metrics(Vec<f64>),
    /// The program failed.
    Failed(String),
}

/// The journal of one eval.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    done: FxHashMap<String, Measured>,
    file: Option<File>,
    /// Whether its last line was cut off, so that the next one needs a line of its own.
    is_cut: bool,
}

impl Journal {
    /// Opens the journal of an eval of a source; a line that was cut off is left out.
    pub(super) fn open(source: &str, eval: &str, fresh: bool) -> Result<Self> {
        let stem = Path::new(source).file_stem().unwrap_or_default().to_string_lossy().to_string();
        let folder = Path::new(source).parent().unwrap_or(Path::new("")).join(".sglc");
        let path = folder.join(format!("{stem}.{eval}.journal.jsonl"));
        if fresh {
            fs::remove_file(&path).ok();
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let entries = text.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
        let done = entries.map(|entry| (entry.key, entry.outcome)).collect();
        let is_cut = !text.is_empty() && !text.ends_with('\n');
        Ok(Self { path, done, file: None, is_cut })
    }

    /// The key of a row with a seed.
    pub(super) fn key(program: &str, model: &str, row: &str, seed: u64) -> String {
        hash(&format!("{program}\n{model}\n{seed}\n{row}"))
    }

    /// The file, for messages.
    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// What is known of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Measured> {
        self.done.get(key)
    }

    /// Writes down what a key came to, at once.
    pub(super) fn put(&mut self, key: &str, outcome: &Measured) -> Result<()> {
        let wrong = || format!("can't write {}", self.path.display());
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder).with_context(wrong)?;
            }
            let file = OpenOptions::new().create(true).append(true).open(&self.path).with_context(wrong)?;
            self.file = Some(file);
        }
        let entry = Entry { key: key.to_string(), outcome: outcome.clone() };
        let own_line = if std::mem::take(&mut self.is_cut) { "\n" } else { "" };
        let line = own_line.to_string() + &serde_json::to_string(&entry).context("an entry is plain data")?;
        if let Some(file) = &mut self.file {
            writeln!(file, "{line}").with_context(wrong)?;
        }
        Ok(())
    }

    /// Forgets everything: the eval is complete.
    pub(super) fn close(self) {
        drop(self.file);
        fs::remove_file(&self.path).ok();
        if let Some(folder) = self.path.parent() {
            // Only if nothing else is in it.
            fs::remove_dir(folder).ok();
        }
    }
}
