//! What `sglc test` and `sglc eval` start of an image.

use super::{FunctionIndex, Place, Register};
use serde::{Deserialize, Serialize};
use sgl_protocol::Shape;

/// A test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// A prompt without parameters.
    pub function: FunctionIndex,
    /// Answers by hole name.
    pub mocks: Vec<(String, String)>,
    /// Answers of tools, in order: which of the image's tools, and a pure function without parameters that gives what it
    /// gives.
    pub tools: Vec<(u32, FunctionIndex)>,
    /// Its name in the source.
    pub at: Place,
}

/// An eval: a program over rows of data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eval {
    /// Its name.
    pub name: String,
    /// A prompt with one parameter, the row; it returns a record of the metrics.
    pub function: FunctionIndex,
    /// What a row is.
    pub row: Shape,
    /// The form of the data.
    pub format: DataFormat,
    /// The file of the data, beside the source.
    pub data: String,
    /// How often each row is run.
    pub seeds: u32,
    /// The metrics in order, and whether each is true or false of a row.
    pub metrics: Vec<(String, bool)>,
    /// What must hold of all rows.
    pub gates: Vec<Gate>,
    /// Its name in the source.
    pub at: Place,
}

/// A condition on the metrics over all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// A pure function of one record per metric (`mean`, `lower95`, `upper95`, `std_dev`, `count`) that gives a `Bool`.
    pub function: FunctionIndex,
    /// The condition in the source.
    pub at: Place,
}

/// The form of a file of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataFormat {
    /// A JSON value per line.
    JsonLines,
    /// Comma-separated values; the first line names the fields.
    Csv,
}

/// What a test wants to know of the run of a prompt, instead of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The transcript that it wrote: `Str`.
    Transcript,
    /// Of what the branches of its forks into at least so many (register) read before their first hole, the share that
    /// all branches of a fork have in common: `Float`.
    Shared(Register),
}
