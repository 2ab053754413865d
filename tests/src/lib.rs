//! The corpus: Markdown pages whose headings are tests.
//!
//! A test is a heading, a sentence of why, a fence `sgl` with the program, perhaps `model` with the script and `input`
//! with the parameters, and fences named after stages with what must come out. [`page`] reads and rewrites pages,
//! [`stage`] makes the products. [`explained`] does the same for the pages of `docs/diagnostics`.
//!
//! [`generate`] makes random programs, [`oracle`] says what must hold of them.

pub mod explained;
pub mod generate;
pub mod native;
pub mod oracle;
pub mod page;
pub mod planned;
pub mod random;
pub mod stage;
