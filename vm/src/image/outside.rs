//! What a program names and does not hold: models and tools.

use super::Place;
use serde::{Deserialize, Serialize};
use sgl_protocol::Shape;

/// A model that the program names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What it is where the project does not say.
    pub of: Option<String>,
    /// Where it is declared.
    pub at: Place,
}

/// A tool that is bound outside the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What of the host it uses (`net`, `stdin`, …).
    pub uses: Vec<String>,
    /// Names of its parameters, in order.
    pub parameters: Vec<String>,
    /// What it gives back.
    pub result: Shape,
    /// Where it is declared.
    pub at: Place,
}
