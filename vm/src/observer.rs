//! Who watches a run.

use sgl_protocol::{Happening, Role};

/// Which branch of the run: the way from the root, such as `fork[2]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BranchPath {
    steps: Vec<String>,
}

impl BranchPath {
    /// Whether this is the entry's own transcript.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn child(&self, name: &str, index: usize) -> Self {
        let mut steps = self.steps.clone();
        steps.push(format!("{name}[{index}]"));
        Self { steps }
    }
}

impl std::fmt::Display for BranchPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.steps.join(" "))
    }
}

/// Who wrote a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// The program.
    Literal,
    /// The model.
    Generated,
}

/// What a stored value says of a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// They are the same, or the new one was stored.
    Same,
    /// The stored one is this.
    Different(String),
    /// None is stored.
    Missing,
    /// Nothing is stored here at all: the run is no test.
    Refused,
}

/// Is told of every transcript as it grows.
pub trait Observer {
    /// A turn begins.
    fn open_role(&mut self, branch: &BranchPath, role: &Role);
    /// The turn ends.
    fn close_role(&mut self, branch: &BranchPath);
    /// Text is appended.
    fn text(&mut self, branch: &BranchPath, kind: TextKind, text: &str);
    /// The transcript is taken back to an earlier place, after a fault.
    fn rewound(&mut self, branch: &BranchPath) {
        let _ = branch;
    }
    /// `assert_snapshot` has this text; the n-th of a run is asked about n-th.
    fn snapshot(&mut self, _text: &str) -> Snapshot {
        Snapshot::Refused
    }
    /// Whether [`Observer::happened`] is to be called. Asked once, at the beginning.
    fn wants_happenings(&self) -> bool {
        false
    }
    /// Something happened to a transcript.
    fn happened(&mut self, _what: Happening) {}
    /// Whether [`Observer::executed`] is to be called. Asked once, at the beginning.
    fn wants_executed(&self) -> bool {
        false
    }
    /// An instruction runs: the function, and which of its instructions.
    fn executed(&mut self, _function: u32, _at: usize) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn open_role(&mut self, _branch: &BranchPath, _role: &Role) {}
    fn close_role(&mut self, _branch: &BranchPath) {}
    fn text(&mut self, _branch: &BranchPath, _kind: TextKind, _text: &str) {}
}
