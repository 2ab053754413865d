//! Blocks, statements, holes, patterns.

use super::{EnumId, Expression, LocalId};
use crate::types::Type;
use sgl_protocol::Shape;
use sgl_source::Span;

/// Statements, and the value of the last one where a value is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// In order.
    pub statements: Vec<Statement>,
    /// The value of a block that is an expression.
    pub value: Option<Box<Expression>>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// Binds. The pattern is irrefutable.
    Let(Pattern, Expression),
    /// Changes a `var`, or a place in it.
    Assign(LocalId, Vec<Place>, Expression),
    /// `if`
    If(Expression, Block, Block),
    /// `for`: the pattern is irrefutable.
    For(Pattern, Expression, Block),
    /// `while`
    While(Expression, Block),
    /// `while let`: as long as the value fits the pattern.
    WhileLet(Pattern, Expression, Block),
    /// `match`, exhaustive.
    Match(Expression, Vec<Arm>),
    /// `return`, of the innermost function.
    Return(Option<Expression>),
    /// `yield`, of the innermost branch, `scratch` or `on`.
    Yield(Option<Expression>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// A turn.
    Role(Role, Block),
    /// Prompt text.
    Text(Vec<TextPart>),
    /// Statements in a scope of their own (`raw`, `with`, a bare block).
    Block(Block),
    /// Appends a value's text.
    Emit(Expression),
    /// `try`: the block, where its fault goes, and what is done then.
    Try(Block, Option<LocalId>, Block),
    /// `retry`: how often, and what. Its names are visible after it.
    Retry(Expression, Block),
    /// `budget`: without what is done when it is spent, its names are visible after it.
    Budget(Budget, Block, Option<(Option<LocalId>, Block)>),
    /// A trap unless true; the text says what was asserted.
    Assert(Expression, String),
    /// A trap unless the value is the stored one. Only in tests.
    Snapshot(Expression),
    /// For its effect.
    Expression(Expression),
}

/// What a block may spend; each an `Int`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// Tokens that may be generated.
    pub tokens: Option<Expression>,
    /// Time.
    pub milliseconds: Option<Expression>,
    /// Turns that the model may write.
    pub steps: Option<Expression>,
}

impl Budget {
    /// The limits that are set.
    pub fn limits(&self) -> impl Iterator<Item = &Expression> {
        self.tokens.iter().chain(&self.milliseconds).chain(&self.steps)
    }
}

/// A step into a place that is assigned to.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// `.field`, by index.
    Field(u16),
    /// `[i]`
    Index(Expression),
}

/// Whose turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// `system`
    System,
    /// `user`
    User,
    /// `assistant`
    Assistant,
    /// `role(e)`: a `Str`.
    Named(Expression),
}

/// A part of prompt text.
#[derive(Clone, Debug, PartialEq)]
pub enum TextPart {
    /// As it is.
    Literal(String),
    /// The text of a value.
    Splice(Expression),
    /// A hole.
    Hole(Hole),
}

/// A hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// What it binds.
    pub local: Option<LocalId>,
    /// Its name, or `_`.
    pub label: String,
    /// What it may hold.
    pub ty: Type,
    /// The same as text.
    pub shape: Shape,
    /// The model that fills it, by index; none is the run's own.
    pub model: Option<u32>,
    /// Options, those of enclosing `with` blocks included, each name at most once.
    pub options: Vec<(HoleOption, Expression)>,
    /// Where.
    pub span: Span,
}

/// The options of a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HoleOption {
    /// `Int`, at least 1.
    MaxTokens,
    /// `Float`, at least 0.
    Temperature,
    /// `Float` in (0, 1].
    TopP,
    /// `Int`, at least 0.
    TopK,
    /// `Float` in [0, 1].
    MinP,
    /// `Str` or `[Str]`.
    Stop,
    /// `Str` or `[Str]`: regular expressions.
    StopRegex,
    /// `Int`, at least 0.
    MinTokens,
    /// `Int`.
    Seed,
    /// `Float`.
    FrequencyPenalty,
    /// `Float`.
    PresencePenalty,
    /// `Float` above 0.
    RepetitionPenalty,
    /// `Bool`: whether the text is shown as it comes. It always is on a terminal.
    Stream,
    /// `Int` from 0 to 20: how many of the likeliest tokens are reported per position.
    Logprobs,
    /// What the hole's type has computed, by number; not written as an option.
    Part(u8),
}

impl HoleOption {
    /// All options.
    pub const ALL: &'static [Self] = &[
        Self::MaxTokens,
        Self::Temperature,
        Self::TopP,
        Self::TopK,
        Self::MinP,
        Self::Stop,
        Self::StopRegex,
        Self::MinTokens,
        Self::Seed,
        Self::FrequencyPenalty,
        Self::PresencePenalty,
        Self::RepetitionPenalty,
        Self::Stream,
        Self::Logprobs,
    ];

    /// Computed parts of one hole.
    pub const PARTS_MAX: u8 = 8;

    /// As written in a program.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::TopK => "top_k",
            Self::MinP => "min_p",
            Self::Stop => "stop",
            Self::StopRegex => "stop_regex",
            Self::MinTokens => "min_tokens",
            Self::Seed => "seed",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::PresencePenalty => "presence_penalty",
            Self::RepetitionPenalty => "repetition_penalty",
            Self::Stream => "stream",
            Self::Logprobs => "logprobs",
            Self::Part(index) => {
                const NAMES: [&str; HoleOption::PARTS_MAX as usize] =
                    ["part 0", "part 1", "part 2", "part 3", "part 4", "part 5", "part 6", "part 7"];
                NAMES[usize::from(index)]
            }
        }
    }
}

/// A case of a `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// What it covers.
    pub pattern: Pattern,
    /// And only if.
    pub guard: Option<Expression>,
    /// What is done.
    pub body: Block,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Anything.
    Wildcard,
    /// Anything, bound.
    Bind(LocalId),
    /// A value that equals this literal expression.
    Literal(Box<Expression>),
    /// `none`
    None,
    /// `Unknown`
    Unknown,
    /// A variant and what is in it, one pattern per payload field.
    Variant(EnumId, u16, Vec<Pattern>),
    /// A struct, record or tuple: one pattern per field.
    Fields(Vec<Pattern>),
    /// A member of a union: a value of this type that fits the inner pattern. The shape tells it apart at run time.
    Member(Type, Shape, Box<Pattern>),
    /// Any of these; they bind nothing.
    Or(Vec<Pattern>),
}
