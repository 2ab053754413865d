//! Why a schema can't be enforced: the place, the keyword, the reason.

use crate::error::ConstrainError;
use thiserror::Error;

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaFault {
    /// The schema is right, but this can't be enforced.
    Unsupported,
    /// It is no JSON Schema.
    Invalid,
    /// It is beyond a limit.
    TooLarge,
    /// No value at all is valid.
    Empty,
}

/// Why a schema can't be enforced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{pointer}: {}{message}", if keyword.is_empty() { String::new() } else { format!("`{keyword}`: ") })]
pub struct SchemaError {
    /// JSON pointer of the schema that has the keyword, as a URI fragment: `#/properties/age`.
    pub pointer: String,
    /// The keyword; empty if it is the schema as a whole.
    pub keyword: String,
    /// What is wrong with it, in words.
    pub message: String,
    /// What kind of reason it is.
    pub fault: SchemaFault,
}

/// A reason that may still lack its place.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// With its place.
    Placed(Box<SchemaError>),
    /// Of an operation on languages, somewhere.
    Bare(ConstrainError),
}

impl From<ConstrainError> for Refusal {
    fn from(error: ConstrainError) -> Self {
        Self::Bare(error)
    }
}

impl Refusal {
    /// The reason with a place, if it had none.
    pub(super) fn at(self, pointer: &str, keyword: &str) -> Self {
        let Self::Bare(error) = self else { return self };
        let fault = match error {
            ConstrainError::TooLarge { .. } => SchemaFault::TooLarge,
            _ => SchemaFault::Unsupported,
        };
        Self::placed(fault, pointer, keyword, reason(&error))
    }

    pub(super) fn placed(fault: SchemaFault, pointer: &str, keyword: &str, message: impl Into<String>) -> Self {
        let (pointer, keyword) = (format!("#{pointer}"), keyword.to_string());
        Self::Placed(Box::new(SchemaError { pointer, keyword, message: message.into(), fault }))
    }

    pub(super) fn unsupported(pointer: &str, keyword: &str, message: impl Into<String>) -> Self {
        Self::placed(SchemaFault::Unsupported, pointer, keyword, message)
    }

    pub(super) fn invalid(pointer: &str, keyword: &str, message: impl Into<String>) -> Self {
        Self::placed(SchemaFault::Invalid, pointer, keyword, message)
    }

    pub(super) fn into_error(self) -> SchemaError {
        match self.at("", "") {
            Self::Placed(error) => *error,
            Self::Bare(error) => SchemaError {
                pointer: "#".into(),
                keyword: String::new(),
                message: error.to_string(),
                fault: SchemaFault::Unsupported,
            },
        }
    }
}

/// A limit without the advice for shapes.
fn reason(error: &ConstrainError) -> String {
    match error {
        ConstrainError::TooLarge { what, limit } => format!("it needs more than {limit} {what}"),
        other => other.to_string(),
    }
}
