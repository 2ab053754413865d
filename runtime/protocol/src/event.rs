//! What an engine answers.

use crate::RequestId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// More text of a hole. The concatenation of all pieces is a prefix of the final text.
    Token {
        /// The request.
        request: RequestId,
        /// Valid UTF-8, possibly several tokens' worth; never empty.
        text: String,
    },
    /// A hole is filled.
    Generated {
        /// The request.
        request: RequestId,
        /// Text and measurements.
        result: Generated,
    },
    /// Options are scored.
    Scored {
        /// The request.
        request: RequestId,
        /// One entry per option, in order.
        result: Scored,
    },
    /// A request ended without a result. Its session holds what it held before the request.
    Failed {
        /// The request.
        request: RequestId,
        /// Why.
        error: ModelError,
    },
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// The model ended its turn, the shape was complete, or the following literal began.
    Stop,
    /// A stop text or the shape's `until` was met.
    Delimiter,
    /// The token budget ended; the text still belongs to the shape.
    Length,
}

/// A filled hole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// The text, which belongs to the shape.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Whether the budget, and not the model, made it end where it did.
    pub truncated: bool,
    /// Sum of the log-probabilities (natural, under the unmasked model at temperature 1) of its tokens.
    pub logprob: f64,
    /// The text of each token, and its log-probability, if asked for.
    pub tokens: Vec<(String, f32)>,
    /// Likeliest tokens per position with their log-probabilities, if asked for.
    pub top_logprobs: Vec<Vec<(String, f32)>>,
    /// Probability of each member of the shape, normalised to 1, if asked for.
    pub distribution: Vec<f64>,
    /// What it cost.
    pub usage: Usage,
}

/// Scored options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Per option: log-probability of each of its tokens after the transcript.
    pub logprobs: Vec<Vec<f32>>,
    /// Per option: log-probability of each of its tokens after an empty transcript; empty unless asked for.
    pub unconditional: Vec<Vec<f32>>,
    /// What it cost.
    pub usage: Usage,
}

/// Token counts of one request, or of a whole run when added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the transcript before the hole (for scores: with the options).
    pub prompt_tokens: u64,
    /// Of these, how many were in the cache already.
    pub cached_tokens: u64,
    /// Tokens that the shape forced, without sampling.
    pub forced_tokens: u64,
    /// Tokens that were generated, forced ones included.
    pub generated_tokens: u64,
}

impl Usage {
    /// Adds another request's counts.
    pub fn add(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.cached_tokens += other.cached_tokens;
        self.forced_tokens += other.forced_tokens;
        self.generated_tokens += other.generated_tokens;
    }
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// [`crate::Command::Cancel`] or [`crate::Command::Close`].
    #[error("cancelled")]
    Cancelled,
    /// It took longer than [`crate::Hint::Deadline`] allows.
    #[error("the deadline is over")]
    DeadlineExceeded,
    /// The session was never opened, or was closed.
    #[error("session {0} is not open")]
    UnknownSession(u64),
    /// The transcript and the budget together exceed the model's context.
    #[error("{needed} tokens are needed, but the model's context is {limit}")]
    ContextOverflow {
        /// Tokens of the transcript and the hole's budget.
        needed: u64,
        /// The context, in tokens.
        limit: u64,
    },
    /// Even the shortest value of the shape takes more tokens than the budget.
    #[error("the shortest value takes {need} tokens, but `max_tokens` is {max_tokens}")]
    BudgetTooSmall {
        /// Tokens of the shortest value.
        need: u32,
        /// The budget.
        max_tokens: u32,
    },
    /// The shape can't be made an automaton within the limits.
    #[error("the constraint can't be enforced: {0}")]
    Constraint(String),
    /// An option is out of its range.
    #[error("{0}")]
    Invalid(String),
    /// The cache is full of transcripts that are in use.
    #[error("out of cache: {needed} more slots are needed, and {capacity} are all in use")]
    OutOfCache {
        /// Slots that the request lacks.
        needed: u64,
        /// Slots in all.
        capacity: u64,
    },
    /// The model has no chat template, or the template refuses the role.
    #[error("{0}")]
    Template(String),
    /// The scripted model has no answer for this hole.
    #[error("{0}")]
    Script(String),
    /// The device failed.
    #[error("device: {0}")]
    Device(String),
}
