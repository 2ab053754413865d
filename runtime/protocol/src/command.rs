//! What a program asks of an engine.

use crate::{Picture, Sampling, Shape};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Names a session. Chosen by the program; unique over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// Names a request for text or scores. Chosen by the program; unique over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// Who speaks in a turn.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Any other role that the model's chat template knows, such as `tool`.
    Other(String),
}

impl Role {
    /// The role's name as chat templates spell it.
    pub fn name(&self) -> &str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Other(name) => name,
        }
    }
}

/// One thing a program asks. Commands on a session take effect in the order they are submitted; an append after a
/// [`Command::Generate`] on the same session waits for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Starts an empty transcript.
    Open {
        /// Its name from now on.
        session: SessionId,
    },
    /// Starts a transcript that equals `parent` as it is now. Shares the parent's cache to the token.
    Fork {
        /// The transcript to start from; it must have no request under way.
        parent: SessionId,
        /// The new one.
        child: SessionId,
    },
    /// Appends text. Special tokens in it are plain text: data can't forge a role.
    Append {
        /// Where.
        session: SessionId,
        /// What.
        text: String,
    },
    /// Appends an image. A model that sees none fails what is asked after it.
    AppendImage {
        /// Where.
        session: SessionId,
        /// What.
        picture: Picture,
    },
    /// Opens a turn, as the model's chat template writes it.
    OpenRole {
        /// Where.
        session: SessionId,
        /// Whose turn.
        role: Role,
    },
    /// Closes the open turn.
    CloseRole {
        /// Where.
        session: SessionId,
    },
    /// Fills a hole at the end of the transcript. Answered by [`crate::Event::Token`]s and one end.
    Generate(Generate),
    /// Scores continuations of the transcript, as one batch, without changing it.
    Score(Score),
    /// Stops a request. Answered by [`crate::Event::Failed`] with [`crate::ModelError::Cancelled`], unless it ended before.
    Cancel {
        /// Which.
        request: RequestId,
    },
    /// Says what will become of a transcript. It changes when things are computed and what is kept, never what is said. Not an
    /// error if unknown.
    Hint {
        /// Which.
        session: SessionId,
        /// What.
        hint: Hint,
    },
    /// Forgets a transcript, cancels what is under way on it, and frees what only it used. Not an error if unknown.
    Close {
        /// Which.
        session: SessionId,
    },
}

/// What a program knows about the future of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// So many branches will be forked from it, perhaps after a request that is under way: its cache is kept until then.
    Forks(u32),
    /// Requests of this session, and of those that are forked from it later, come before those of lower priority. 0 is usual.
    Priority(i8),
    /// From now on a request of this session, and of those that are forked from it later, that takes longer than this ends with
    /// [`crate::ModelError::DeadlineExceeded`].
    Deadline(Duration),
    /// From now on it, and those that are forked from it later, share what is computed with sessions of the same namespace only;
    /// the empty name is that of all sessions that name none.
    Namespace(String),
    /// More will be asked of it after the request that is made next or under way; at most so many tokens will be generated in it then,
    /// if that is known. Its cache goes after that of transcripts of which nobody says so, and room is left for those tokens.
    Remaining(Option<u32>),
    /// Nothing is asked of this transcript itself, but others will soon begin with what it holds: what is kept of that in slower memory
    /// or on disk is brought, and stays until the transcript is closed.
    Next,
    /// Nothing comes after the request that is made next or under way: its cache is the first to go.
    LastUse,
}

/// A hole to fill.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate {
    /// Name of this request.
    pub request: RequestId,
    /// The transcript that it continues.
    pub session: SessionId,
    /// What the text may be; enforced token by token.
    pub shape: Shape,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Most tokens to generate. A shape that can close always closes within it; a shape that can't is refused with
    /// [`crate::ModelError::BudgetTooSmall`].
    pub max_tokens: u32,
    /// Texts that end the hole; they belong neither to the value nor to the transcript.
    pub stop: Vec<String>,
    /// The literal text that follows in the same turn, empty if none: where the shape may end, a token that begins it
    /// also ends the hole.
    pub follow: String,
    /// How many of the likeliest tokens to report per position; `None` reports no log-probabilities.
    pub top_logprobs: Option<u8>,
    /// For a shape with [`Shape::members`]: also report the probability of each member.
    pub distribution: bool,
    /// Where in the program this is, for transcripts and traces.
    pub label: String,
    /// The model that the program names; `None` is the run's own.
    pub model: Option<String>,
}

/// Continuations to score.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Name of this request.
    pub request: RequestId,
    /// The transcript that each option continues.
    pub session: SessionId,
    /// The continuations.
    pub options: Vec<String>,
    /// Also score each option after an empty transcript, for normalisation by prior (PMI).
    pub unconditional: bool,
    /// Where in the program this is, for transcripts and traces.
    pub label: String,
    /// The model that the program names; `None` is the run's own.
    pub model: Option<String>,
}
