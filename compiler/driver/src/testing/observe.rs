//! Watches a test: its transcripts for the excerpt of a failure, its snapshots, what ran of the program.

use indexmap::IndexMap;
use rustc_hash::FxHashSet;
use sgl_protocol::Role;
use sgl_vm::{BranchPath, Observer, Snapshot, TextKind};

/// Most lines of a transcript that a failure shows.
const EXCERPT_LINES_MAX: usize = 12;

/// What was seen of a test.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    /// Stored snapshots of this test, in order.
    stored: Vec<String>,
    /// Whether new ones replace them.
    update: bool,
    /// The snapshots that it took.
    pub(super) taken: Vec<String>,
    /// Per branch what it wrote.
    transcripts: IndexMap<String, String>,
    /// Who wrote last.
    last: String,
    /// Instructions that ran.
    pub(super) executed: FxHashSet<(u32, usize)>,
}

impl Watcher {
    /// With the snapshots that are stored.
    pub(super) fn new(stored: Vec<String>, update: bool) -> Self {
        Self { stored, update, ..Self::default() }
    }

    /// The end of the transcript that was written last: its branch, and its last lines.
    pub(super) fn excerpt(&self) -> Option<(String, Vec<String>)> {
        let text = self.transcripts.get(&self.last)?;
        let lines: Vec<String> = text.lines().map(str::to_string).collect();
        let from = lines.len().saturating_sub(EXCERPT_LINES_MAX);
        let mut shown = lines[from..].to_vec();
        if from > 0 {
            shown.insert(0, format!("… {from} line{} before", if from == 1 { "" } else { "s" }));
        }
        Some((self.last.clone(), shown))
    }

    fn write(&mut self, branch: &BranchPath, text: &str) {
        self.last = branch.to_string();
        self.transcripts.entry(self.last.clone()).or_default().push_str(text);
    }
}

impl Observer for Watcher {
    fn open_role(&mut self, branch: &BranchPath, role: &Role) {
        self.write(branch, &format!("{}: ", role.name()));
    }

    fn close_role(&mut self, branch: &BranchPath) {
        self.write(branch, "\n");
    }

    fn text(&mut self, branch: &BranchPath, _kind: TextKind, text: &str) {
        self.write(branch, text);
    }

    fn snapshot(&mut self, text: &str) -> Snapshot {
        let stored = self.stored.get(self.taken.len()).cloned();
        self.taken.push(text.to_string());
        match stored {
            _ if self.update => Snapshot::Same,
            Some(stored) if stored == text => Snapshot::Same,
            Some(stored) => Snapshot::Different(stored),
            None => Snapshot::Missing,
        }
    }

    fn wants_executed(&self) -> bool {
        true
    }

    fn executed(&mut self, function: u32, at: usize) {
        self.executed.insert((function, at));
    }
}
