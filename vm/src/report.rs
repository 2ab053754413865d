//! What tests want to know of a prompt's run beside its value: its transcript, and how much its branches share.

use crate::image::{Register, Report, Start};
use crate::machine::Machine;
use crate::operation as values;
use crate::task::{Stop, Wanted};
use crate::trap::{Fault, Trap};
use crate::value::{TaskId, Value};
use crate::written::Piece;

/// What a branch had before it when it first asked.
#[derive(Debug)]
pub(crate) struct Read {
    /// The way to the branch.
    branch: String,
    /// Which fork.
    fork: u64,
    /// Into how many branches.
    count: usize,
    text: String,
}

impl Machine<'_> {
    /// Starts the prompt that is reported on.
    pub(crate) fn report(
        &mut self,
        id: TaskId,
        function: u32,
        arguments: &[Register],
        report: Report,
    ) -> Result<TaskId, Stop> {
        let wanted = match report {
            Report::Transcript => Wanted::Transcript,
            Report::Shared(branches) => {
                let branches = values::int_of(&self.get(id, branches)?)?;
                self.reads.get_or_insert_default();
                Wanted::Shared { branches_min: usize::try_from(branches).unwrap_or(0) }
            }
        };
        let arguments = self.raw_all(id, arguments);
        let name = self.image.functions[function as usize].name.clone();
        let task = self.child(id, function, arguments, Start::Fresh, &name, None)?;
        let child = self.running(task);
        child.report = Some(wanted);
        child.kept = Some(child.written.len());
        self.running(id).children.push(task);
        Ok(task)
    }

    /// Notes what a branch has read when it asks for the first time, if somebody measures.
    pub(crate) fn note_read(&mut self, id: TaskId) {
        let Some((fork, count)) = self.running(id).fork.take() else { return };
        if self.reads.is_some() {
            let task = self.running(id);
            let read = Read { branch: task.branch.to_string(), fork, count, text: task.written.text() };
            self.reads.get_or_insert_default().push(read);
        }
    }

    /// What the task comes to: its value, or what is reported of it.
    pub(crate) fn reported(&mut self, id: TaskId, value: Value) -> Result<Value, Trap> {
        let task = self.running(id);
        match task.report {
            None => Ok(value),
            Some(Wanted::Transcript) => Ok(Value::text(transcript(&task.written.since(task.kept.unwrap_or(0))))),
            Some(Wanted::Shared { branches_min }) => {
                let within = format!("{} ", task.branch);
                match shared(self.reads.as_deref().unwrap_or_default(), &within, branches_min) {
                    Some(share) => Ok(Value::Float(share)),
                    None => {
                        let fault = Fault::new(format!("the prompt never forks into {branches_min} branches that ask"));
                        Err(self.trap(id, fault.with_help("ask for fewer `branches`")))
                    }
                }
            }
        }
    }
}

/// A transcript for people: a line `[role]` before each turn, the text as it is.
fn transcript(pieces: &[Piece]) -> String {
    let mut out = String::new();
    let end_line = |out: &mut String| {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
    };
    for piece in pieces {
        match piece {
            Piece::Open(role) => {
                end_line(&mut out);
                out.push_str(&format!("[{}]\n", role.name()));
            }
            Piece::Text(text) => out.push_str(text),
            Piece::Image(picture) => out.push_str(&picture.to_string()),
            Piece::Close => end_line(&mut out),
        }
    }
    out
}

/// Of all bytes that branches of large enough forks below `within` read, those that all branches of the fork begin with.
fn shared(reads: &[Read], within: &str, branches_min: usize) -> Option<f64> {
    let ours: Vec<&Read> =
        reads.iter().filter(|read| read.count >= branches_min && read.branch.starts_with(within)).collect();
    let (mut common, mut all) = (0, 0);
    for read in &ours {
        let siblings = ours.iter().filter(|other| other.fork == read.fork);
        common += siblings.map(|other| common_prefix(&read.text, &other.text)).min().unwrap_or(0);
        all += read.text.len();
    }
    (!ours.is_empty()).then(|| if all == 0 { 1.0 } else { common as f64 / all as f64 })
}

fn common_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}
