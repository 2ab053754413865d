//! A task: frames, a transcript, and what it waits for.

use crate::budget::Budget;
use crate::guard::Guard;
use crate::host::ToolError;
use crate::image::FunctionIndex;
use crate::observer::BranchPath;
use crate::trap::Fault;
use crate::value::{TaskId, Value};
use crate::written::{Piece, Written};
use rustc_hash::FxHashMap;
use sgl_protocol::{Generated, ModelError, RequestId, Scored, SessionId};
use std::rc::Rc;
use std::time::Instant;

/// A call that is open.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) function: FunctionIndex,
    /// The next instruction.
    pub(crate) at: usize,
    pub(crate) registers: Vec<Value>,
    pub(crate) returns: Returns,
    /// Guards that are open in it, outermost first.
    pub(crate) guards: Vec<Guard>,
    /// How it began, while it may still be done natively.
    pub(crate) begun: Option<Box<Begun>>,
}

/// The beginning of a call of pure code.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) arguments: Vec<Value>,
    pub(crate) fuel: u64,
    /// How often control went back.
    pub(crate) rounds: u32,
}

/// Where a frame's result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    /// A register of the frame below.
    Register(u16),
    /// The task's result.
    Task,
    /// The built-in that called the closure.
    Builtin,
}

/// Why an instruction did not complete.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The program is at fault.
    Fault(Fault),
    /// It has to wait; it runs again when what it waits for is there.
    Wait(Wait),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The end of a task.
    Task(TaskId),
    /// The model.
    Answer,
    /// A branch of its fork.
    Branch,
    /// A tool.
    Tool,
}

/// What the model answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Generated(Generated),
    Scored(Scored),
    Failed(ModelError),
}

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: RequestId,
    pub(crate) at: Instant,
    /// Whether its text is shown as it comes, or as a whole.
    pub(crate) streams: bool,
    pub(crate) answer: Option<Answer>,
}

/// A call of a tool that is under way.
#[derive(Debug)]
pub(crate) struct Calling {
    pub(crate) number: u64,
    pub(crate) answer: Option<Result<serde_json::Value, ToolError>>,
}

/// What a test wants to know of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Transcript,
    Shared { branches_min: usize },
}

/// The branches of the fork that a task is in.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) members: Vec<TaskId>,
    /// Results by branch.
    pub(crate) results: Vec<Option<Value>>,
    /// Branches in the order they ended.
    pub(crate) ended: Vec<usize>,
    /// Faults of branches that failed, in the order they did.
    pub(crate) failed: Vec<Fault>,
    /// What each branch wrote, where the join keeps it.
    pub(crate) written: Vec<Vec<Piece>>,
}

/// A task that has not ended.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) frames: Vec<Frame>,
    pub(crate) session: Option<SessionId>,
    /// What its transcript holds.
    pub(crate) written: Written,
    /// Where its own part of that begins, if somebody will want it.
    pub(crate) kept: Option<usize>,
    pub(crate) role_open: bool,
    pub(crate) branch: BranchPath,
    /// The way to this task as a hash; with a hole and its occurrence it makes the seed.
    pub(crate) path: u64,
    pub(crate) spawned: u64,
    pub(crate) occurrences: FxHashMap<u32, u64>,
    pub(crate) children: Vec<TaskId>,
    /// The fork that it is a branch of: the parent, and which branch.
    pub(crate) branch_of: Option<(TaskId, usize)>,
    /// What a test wants to know of it instead of its value: for a share, of forks into at least so many.
    pub(crate) report: Option<Wanted>,
    /// As a branch that has not asked yet: which fork, and into how many.
    pub(crate) fork: Option<(u64, usize)>,
    pub(crate) asked: Option<Asked>,
    pub(crate) group: Option<Group>,
    pub(crate) call: Option<Calling>,
    /// What it may spend, outermost first.
    pub(crate) budgets: Vec<Rc<Budget>>,
    /// Whether the open turn was counted as a step.
    pub(crate) turn_charged: bool,
    /// Retries that are under way.
    pub(crate) attempt: u64,
    /// How much happened to its transcript, as far as the observer wants to know.
    pub(crate) happened: u64,
    pub(crate) waits: Option<Wait>,
}

/// A task's place in the table.
#[derive(Debug)]
pub(crate) enum Slot {
    Alive(Box<Task>),
    Done(Value),
    Failed(Fault),
    Cancelled,
}

/// Two numbers as one (the finaliser of SplitMix64; Steele, Lea, Flood 2014).
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.rotate_left(23) ^ b.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A text as a number.
pub(crate) fn mix_text(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed, text.len() as u64), |hash, byte| mix(hash, u64::from(byte)))
}
