//! Why a constraint can't be made.

use thiserror::Error;

/// Why a constraint can't be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConstrainError {
    /// Beyond a limit of this crate.
    #[error(
        "it is too large: more than {limit} {what}; lower a `max` or a list bound, or split the value over several holes"
    )]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A pattern that can't be read, or uses what no automaton can do.
    #[error("the pattern can't be read: {0}")]
    Pattern(String),
    /// A number with more digits than a 64-bit integer has.
    #[error("{0} digits after the point are too many")]
    Digits(u8),
    /// A delimiter without bytes, which would end every text before it begins.
    #[error("an empty delimiter ends every text before it begins")]
    EmptyDelimiter,
    /// A shape whose language no readable regular expression says.
    #[error("{0} has no readable regular expression")]
    NoNotation(&'static str),
    /// A rule that calls itself before anything else.
    #[error("a rule begins with itself; write the repetition as a list, `a (\"+\" a)*` instead of `b: b \"+\" a | a`")]
    LeftRecursion,
    /// A written grammar that can't be read.
    #[error("line {line} of the grammar: {why}")]
    Notation {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// A rule that is used and not defined.
    #[error("`{0}` is not defined")]
    Undefined(String),
    /// A kind of shape that no automaton of this crate enforces.
    #[error("{0} can't be enforced yet")]
    Unenforced(&'static str),
    /// A JSON Schema that can't be enforced, or that is none.
    #[error("the schema can't be enforced: {0}")]
    Schema(String),
    /// Making it panicked.
    #[error("making it failed, which is a fault of sglc and not of the program")]
    Fault,
    /// No text at all belongs to the shape.
    #[error("no text fits")]
    Empty,
}
