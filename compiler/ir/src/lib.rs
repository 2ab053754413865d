//! Meaning to plan: prompt operations as instructions.
//!
//! ```text
//! hir::Program --lower--> Program --passes--> Program --verify--> (a bug, if anything)
//! ```
//!
//! The plan is structured: control flow is nested regions, values are assigned once, `var`s are slots. What a prompt does
//! (`append`, `open_role`, `gen`, `fork`, …) are ordinary instructions in the order of the transcript, so that what is
//! shared, what runs in parallel and what it may cost are walks over this tree.

mod lower;
mod passes;
mod print;
pub mod program;
mod uses;
mod verify;

pub use lower::lower;
pub use passes::{PASSES, Pass, optimize, optimize_until};
pub use print::print;
pub use program::Program;
pub use uses::{captures, for_each_region, operands};
pub use verify::verify;
