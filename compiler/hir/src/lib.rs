//! Syntax tree to meaning: names, types, effects.
//!
//! ```text
//! ast::Module* --declare--> names --resolve--> signatures --infer--> Program + diagnostics
//! ```
//!
//! [`check()`] never stops at a fault and never panics on a tree. `Type::Error` swallows the echoes of a fault that was
//! reported. A program with an error is not lowered; one without has no `Error` node, no type variable, and only ids.

mod alias;
mod assign;
mod body;
mod builtin;
mod check;
mod declare;
mod display;
mod dump;
mod evals;
mod exhaustive;
mod form;
mod generic;
mod imports;
mod join;
pub mod program;
mod refine;
mod resolve;
mod shape;
mod tool;
pub mod types;

pub use body::STATISTICS;
pub use check::{Checked, SourceModule, check};
pub use display::show;
pub use dump::dump;
pub use imports::{ImportRequest, imports};
pub use program::Program;
pub use shape::{WhyNot, hole_shape, json_schema, schema_text, shape_of};
pub use tool::CAPABILITIES;
pub use types::Type;
