//! Plan to image: regions become jumps, values become registers, bodies become functions.
//!
//! ```text
//! ir::Program --emit--> vm::image::Image
//! ```
//!
//! A closure or branch body becomes a function whose first parameters are what it captures. Equal texts, shapes and record
//! types are stored once. The same plan gives the same image.

mod emit;
mod fold;
mod function;
mod operation;
mod tables;

pub use emit::emit;
pub use fold::fold;
