//! The seam between scheduling and computing: passes are begun, asked, and read.
//!
//! ```text
//! begin(N+1) ── may come before read(N): a token that N draws is named by its output there (`drawn_by`)
//! read(N)    ── waits; what N drew is known
//! ask(N+1)   ── what is wanted of its outputs, now that N is known; the device has been computing N+1 since N ended
//! ```
//! At most two passes are begun and not read. A device runs them in order: a slot that is free when a pass is begun may be
//! written by it, whatever an earlier pass does with it.

mod cpu;
mod cuda;

pub(crate) use cpu::Cpu;
pub(crate) use cuda::Cuda;

use crate::sampler::{Drawing, log_sum_exp, sample, top};
use sgl_model::Batch;
use std::time::Duration;

/// What is wanted of an output.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// Nothing: what would have come there was decided otherwise.
    Nothing,
    /// The log-probability of a token; and the likeliest tokens, if so many are to be reported.
    Score { token: u32, top: Option<u8> },
    /// A token.
    Draw(Box<Drawing>),
}

/// What an output gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Nothing,
    Score {
        logprob: f32,
        top: Vec<(u32, f32)>,
    },
    /// A token; its log-probability and the likeliest tokens if those were to be reported, else NaN and nothing.
    Token {
        token: u32,
        logprob: f32,
        top: Vec<(u32, f32)>,
    },
}

/// How the device spent its time on a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Computing.
    pub(crate) busy: Duration,
    /// With nothing to compute, though the engine had work: waiting for the engine.
    pub(crate) waited: Duration,
}

/// What runs passes: the model with its cache. Tests have one that computes nothing.
pub(crate) trait Forward: std::fmt::Debug {
    /// Most tokens of a sequence.
    fn context(&self) -> usize;

    /// Most sequences of a pass.
    fn sequences(&self) -> usize {
        usize::MAX
    }

    /// Whether a pass may be begun before the one before it is read.
    fn overlaps(&self) -> bool;

    /// Begins a pass. `questions` are those of its outputs; none if they come later, by [`Forward::ask`]. `goes_on` says whether
    /// the engine has had work all the time since the pass before.
    fn begin(&mut self, batch: &Batch<'_>, questions: Option<Vec<Question>>, goes_on: bool) -> Result<(), String>;

    /// Asks the pass that was begun last.
    fn ask(&mut self, questions: Vec<Question>) -> Result<(), String>;

    /// Waits for the replies of the first pass that was not read, one per question. After an error every pass that was
    /// begun is lost.
    fn read(&mut self, replies: &mut Vec<Reply>) -> Result<Pace, String>;

    /// Bytes of keys and values of a slot; nothing if they can't be read.
    fn slot_bytes(&self) -> Option<usize> {
        None
    }

    /// Reads what slots hold, after all passes that were begun, and gives it to `done`.
    fn save(&mut self, _slots: Vec<u32>, _done: Box<dyn FnOnce(Vec<u8>) + Send>) {}

    /// Writes what [`Forward::save`] read to slots, before all passes that will be begun.
    fn restore(&mut self, _slots: Vec<u32>, _bytes: Vec<u8>) {}

    /// Forgets all passes that were begun and not read.
    fn forget(&mut self);
}

/// Answers a question from the row of logits; penalties change the row.
pub(crate) fn reply(question: &Question, row: &mut [f32]) -> Reply {
    match question {
        Question::Nothing => Reply::Nothing,
        Question::Score { token, top: count } => {
            let norm = log_sum_exp(row);
            let logprob = row[*token as usize] - norm;
            Reply::Score { logprob, top: count.map_or(Vec::new(), |count| top(row, norm, usize::from(count))) }
        }
        Question::Draw(drawing) => {
            let Some(count) = drawing.top else {
                return Reply::Token { token: sample(row, drawing), logprob: f32::NAN, top: Vec::new() };
            };
            let norm = log_sum_exp(row);
            let plain = row.to_vec();
            let token = sample(row, drawing);
            let logprob = plain.get(token as usize).map_or(f32::NAN, |logit| logit - norm);
            Reply::Token { token, logprob, top: top(&plain, norm, usize::from(count)) }
        }
    }
}
