//! What happened in a run, beside what the plan says.
//!
//! A run tells what each task did, and where in the program ([`sgl_protocol::trace`]). [`follow()`] walks the plan with it: every event
//! belongs to a step, so that turns of loops, ways taken and lengths of what a model wrote are known. Given these, the plan predicts what
//! each request reads: a token of constant text, or of what the caller gave, is itself; of what was generated the plan knows *that* it is
//! the same or not, by where it comes from and the repeats within which it varies. These tokens go into a [`PrefixTree`], as the engine
//! would put them into its cache if that had no end; what a request finds there is the predicted hit.
//!
//! Nothing of the prediction is taken from what the engine says it had in its cache.

mod beside;
mod events;
mod follow;
mod prefix;
mod transcript;

pub use beside::{Beside, Measured};
pub use follow::{Unfollowed, follow};
pub use prefix::PrefixTree;

/// Turns text into tokens, as the run's model does.
pub trait Encoder {
    /// The tokens of a text: which, and how many bytes each is.
    fn text(&self, text: &str) -> Vec<(u32, usize)>;
    /// What the chat template writes before a turn, after one of another role or at the beginning.
    fn opening(&self, role: &str, previous: Option<&str>) -> Vec<u32>;
    /// What it writes after a turn.
    fn closing(&self, role: &str) -> Vec<u32>;
    /// The token that a transcript without turns begins with, if there is one.
    fn begin(&self) -> Option<u32>;
}
