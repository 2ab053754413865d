//! GGUF, versions 2 and 3: metadata and tensors in one little-endian file.
//!
//! ```text
//! "GGUF" | version u32 | tensors u64 | keys u64 | (key, type, value)* | (name, dims, type, offset)* | pad | data
//! ```
//! Written by hand from the format's description; every length is checked against the file before it is believed.

mod cursor;
mod header;
mod value;

pub use header::{Gguf, TensorInfo};
pub use value::Value;

/// Why a file is not a GGUF that we read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GgufError {
    /// The file does not begin as a GGUF does.
    #[error("not a GGUF file")]
    Magic,
    /// A version that we don't read.
    #[error("GGUF version {version}; readable are 2 and 3")]
    Version {
        /// The file's.
        version: u32,
    },
    /// The file ends too early, or a length in it is nonsense.
    #[error("the file ends inside {what}, at byte {offset}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where it began.
        offset: usize,
    },
    /// A count is beyond reason.
    #[error("{count} {what}, at most {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u64,
        /// The bound.
        max: u64,
    },
    /// A string is not UTF-8.
    #[error("a string at byte {offset} is not UTF-8")]
    Text {
        /// Where.
        offset: usize,
    },
    /// A metadata value has a type that does not exist.
    #[error("metadata value type {code} at byte {offset} does not exist")]
    ValueType {
        /// Its number.
        code: u32,
        /// Where.
        offset: usize,
    },
    /// A key or tensor occurs twice.
    #[error("`{name}` occurs twice")]
    Duplicate {
        /// Its name.
        name: String,
    },
    /// The alignment of the data is not a power of two.
    #[error("alignment {alignment} is not a power of two")]
    Alignment {
        /// What the file says.
        alignment: u64,
    },
    /// A tensor is stored in a way that we don't read.
    #[error("tensor `{tensor}` is stored as {format}; readable are F32, F16, BF16, Q4_0, Q4_1, Q8_0")]
    Format {
        /// Its name.
        tensor: String,
        /// The format's name.
        format: String,
    },
    /// A tensor's shape does not fit its format, or its bytes are outside the file.
    #[error("tensor `{tensor}` of shape {shape:?} is not inside the file")]
    Outside {
        /// Its name.
        tensor: String,
        /// Its shape, rows first.
        shape: Vec<usize>,
    },
}
