//! Rules as they are written.

/// A rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) body: Expression,
    /// Where it is written.
    pub(super) line: usize,
}

/// What a rule is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Text(String),
    Regex(String),
    Range(char, char),
    Name(String),
    Sequence(Vec<Expression>),
    Choice(Vec<Expression>),
    Repeat(Box<Expression>, u32, Option<u32>),
}
