//! Many requests, one device.
//!
//! ```text
//! Command --apply--> Transcript --tokenise--> Request: Sequences --admit, plan--> Batch --forward--> logits
//!    logits --mask, sample--> Hole --news, answer--> Event
//! ```
//!
//! Transcripts are text and tokens only. A request makes sequences of them; a sequence takes from the radix cache what is
//! there, computes the rest, and gives it to the tree, so that a fork finds its parent to the token. Every pass carries all
//! sequences that run (continuous batching, Yu et al. 2022), long prompts in chunks.
//!
//! Invariants:
//! - **One owner.** Every slot belongs to the free list, the tree or one sequence: [`Engine::check_ownership`].
//! - **The batch does not matter.** A request's tokens depend on its transcript, options and seed only: kernels are
//!   batch-invariant, and the draw at a position depends on the seed and the position.
//! - **One request harms no other.** What is wrong with a request is its own event.
//!
//! In reading order: `pool`, `radix`, `sequence` say where keys and values are; `transcript`, `hole`, `sampler` what is said;
//! `request`, `engine`, `schedule`, `step` who does what when; [`simulate`] plays all of it under a seed, with faults.

mod check;
mod engine;
mod error;
mod forward;
mod hole;
mod jump;
mod language_model;
mod options;
mod pool;
mod radix;
mod random;
mod request;
mod sampler;
mod schedule;
mod sequence;
pub mod simulate;
mod step;
mod stops;
#[cfg(test)]
mod tests;
mod transcript;

pub use engine::Engine;
pub use error::LoadError;
pub use options::{DeviceChoice, EngineOptions, Jump};
