//! Many requests, one device.
//!
//! ```text
//! Command --apply--> Transcript --tokenise--> Request: Sequences --queue, plan--> Flight --begin, ask, read--> replies
//!    replies --take--> Hole --news, answer--> Event
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
//! In reading order: `pool`, `radix`, `arena`, `sequence` say where keys and values are; `transcript`, `session`, `hole`, `sampler`, `jump`, `habit`, `guess` what
//! is said; `request`, `engine`, `compiling` who asks; `queue`, `order`, `schedule` who runs; `flight`, `forward`, `step` how; [`simulate`] plays all of
//! it under a seed, with faults.

mod arena;
mod check;
mod clock;
mod compiling;
mod doubt;
mod engine;
mod error;
mod flight;
mod forward;
mod guess;
mod habit;
mod hole;
mod jump;
mod keep;
mod language_model;
mod metrics;
mod options;
mod order;
mod pool;
mod queue;
mod radix;
mod random;
mod record;
mod request;
mod sampler;
mod schedule;
mod sequence;
mod session;
pub mod simulate;
mod step;
mod stops;
mod store;
#[cfg(test)]
mod tests;
mod trace;
mod transcript;

pub use engine::Engine;
pub use error::LoadError;
pub use metrics::CacheMetrics;
pub use options::{DeviceChoice, EngineOptions, Jump, LoadFormat, Overlap};
pub use record::Beginning;
pub use store::StoreOptions;
pub use trace::Trace;
