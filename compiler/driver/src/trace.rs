//! Traces: `sglc run --trace FILE` writes one, `sglc explain --trace FILE` reads it.
//!
//! JSON, a line each: first what ran, then what happened, with milliseconds since the run began.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sgl_protocol::Happening;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::time::Instant;

/// The form that this version writes and reads.
const VERSION: u32 = 1;

/// What ran: the first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// The form of the lines.
    pub trace: u32,
    /// The program, as it was named.
    pub program: String,
    /// The entry.
    pub entry: String,
    /// The model that was asked, or `script`.
    pub model: String,
}

/// A line after the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    ms: f64,
    #[serde(flatten)]
    what: Happening,
}

/// A trace that is being written.
#[derive(Debug)]
pub(crate) struct Writing {
    path: String,
    out: BufWriter<File>,
    started: Instant,
    failed: Option<std::io::Error>,
}

impl Writing {
    /// Begins a trace.
    ///
    /// # Errors
    /// A file that can't be written.
    pub(crate) fn create(path: &str, program: &str, entry: &str, model: &str) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("`--trace`: can't write {path}"))?;
        let ran = Ran { trace: VERSION, program: program.into(), entry: entry.into(), model: model.into() };
        let mut writing = Self { path: path.into(), out: BufWriter::new(file), started: Instant::now(), failed: None };
        writing.line(&ran);
        Ok(writing)
    }

    /// Writes what happened.
    pub(crate) fn happened(&mut self, what: Happening) {
        let ms = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        self.line(&Line { ms, what });
    }

    fn line(&mut self, line: &impl Serialize) {
        if self.failed.is_some() {
            return;
        }
        let text = serde_json::to_string(line).unwrap_or_default();
        self.failed = writeln!(self.out, "{text}").err();
    }

    /// Ends it.
    ///
    /// # Errors
    /// A line that could not be written.
    pub(crate) fn finish(mut self) -> Result<()> {
        let flushed = self.out.flush();
        self.failed.map_or(flushed, Err).with_context(|| format!("`--trace`: can't write {}", self.path))
    }
}

/// Reads a trace.
///
/// # Errors
/// A file that can't be read, or is no trace of this form; the message names the line.
pub(crate) fn read(path: &str) -> Result<(Ran, Vec<Happening>)> {
    let file = File::open(path).with_context(|| format!("`--trace`: can't read {path}"))?;
    let mut lines = BufReader::new(file).lines();
    let first = lines.next().transpose().with_context(|| format!("`--trace`: can't read {path}"))?.unwrap_or_default();
    let ran: Ran = serde_json::from_str(&first)
        .with_context(|| format!("{path} is no trace: `sglc run --trace {path} PROGRAM` writes one"))?;
    if ran.trace != VERSION {
        bail!("{path} is a trace of form {}, and this version reads form {VERSION}", ran.trace);
    }
    let mut happened = Vec::new();
    for (number, line) in lines.enumerate() {
        let line = line.with_context(|| format!("`--trace`: can't read {path}"))?;
        let line: Line = serde_json::from_str(&line)
            .with_context(|| format!("{path}, line {}: not a line of a trace", number + 2))?;
        happened.push(line.what);
    }
    Ok((ran, happened))
}

/// An observer that keeps what happened.
#[derive(Debug, Default)]
pub struct Kept {
    /// What happened, in order.
    pub happened: Vec<Happening>,
}

impl sgl_vm::Observer for Kept {
    fn open_role(&mut self, _: &sgl_vm::BranchPath, _: &sgl_protocol::Role) {}
    fn close_role(&mut self, _: &sgl_vm::BranchPath) {}
    fn text(&mut self, _: &sgl_vm::BranchPath, _: sgl_vm::TextKind, _: &str) {}
    fn wants_happenings(&self) -> bool {
        true
    }
    fn happened(&mut self, what: Happening) {
        self.happened.push(what);
    }
}
