//! Expressions.

use super::{Arm, Block, ConstId, EnumId, FunctionId, Hole, LocalId, Pattern, StructId};
use crate::types::Type;
use sgl_source::Span;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Its type.
    pub ty: Type,
    /// Where.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// `()`
    Unit,
    /// A constant.
    Int(i64),
    /// A constant.
    Float(f64),
    /// A constant.
    Bool(bool),
    /// `none`
    None,
    /// `Unknown`
    Unknown,
    /// A text.
    Text(String),
    /// The texts of the parts, joined; parts that are not `Str` are printed canonically.
    Join(Vec<Expression>),
    /// A local.
    Local(LocalId),
    /// A constant by name.
    Constant(ConstId),
    /// A function as a value.
    Function(FunctionId),
    /// `[a, b]`
    List(Vec<Expression>),
    /// `["a": 1]`
    Map(Vec<(Expression, Expression)>),
    /// `(a, b)`
    Tuple(Vec<Expression>),
    /// `(a: 1)`: fields in the order of the type.
    Record(Vec<Expression>),
    /// A struct: fields in the order of the type.
    Struct(StructId, Vec<Expression>),
    /// A variant.
    Variant(EnumId, u16, Vec<Expression>),
    /// A range; no end is unbounded.
    Range {
        /// First.
        start: Box<Expression>,
        /// Last, or one past it.
        end: Option<Box<Expression>>,
        /// `..=`
        inclusive: bool,
    },
    /// A field of a struct, record or tuple, by index.
    Field(Box<Expression>, u16),
    /// Element of a list, value of a map.
    Index(Box<Expression>, Box<Expression>),
    /// A call of a pure function, or of a prompt in a fresh transcript.
    Call(FunctionId, Vec<Expression>),
    /// A call of a closure.
    CallValue(Box<Expression>, Vec<Expression>),
    /// A call of a built-in by its name in the VM (`list.map`), the receiver first.
    Builtin(&'static str, Vec<Expression>),
    /// A prompt that writes into the current transcript.
    Inline(FunctionId, Vec<Expression>),
    /// A prompt in a copy of the current transcript.
    ScratchCall(FunctionId, Vec<Expression>),
    /// The transcript that a prompt writes, as text. Only in tests.
    Render(FunctionId, Vec<Expression>),
    /// The share that branches of a prompt's forks have in common, of forks into at least so many. Only in tests.
    PrefixShared(FunctionId, Vec<Expression>, Box<Expression>),
    /// A block in a copy of the current transcript; its value is what it yields.
    Scratch(Block),
    /// A block in a copy of another transcript.
    On(Box<Expression>, Block),
    /// Parallel branches.
    Fork(Box<Fork>),
    /// The current transcript.
    Transcript,
    /// A hole as an expression.
    Generate(Box<Hole>),
    /// The likeliest element of a list.
    Select {
        /// The list.
        options: Box<Expression>,
        /// How it is ranked.
        by: SelectBy,
        /// The hole's name, for transcripts; `select`.
        label: String,
        /// The model that ranks, by index; none is the run's own.
        model: Option<u32>,
    },
    /// `-e`
    Negate(Box<Expression>),
    /// `not e`
    Not(Box<Expression>),
    /// `a and b`, lazily.
    And(Box<Expression>, Box<Expression>),
    /// `a or b`, lazily.
    Or(Box<Expression>, Box<Expression>),
    /// `a ?? b`, lazily.
    Coalesce(Box<Expression>, Box<Expression>),
    /// Any other operator.
    Binary(BinaryOp, Box<Expression>, Box<Expression>),
    /// `if` with a value.
    If(Box<Expression>, Block, Block),
    /// `match` with a value.
    Match(Box<Expression>, Vec<Arm>),
    /// A closure: its parameters are locals of the function around it. `return` in it is its own.
    Closure(Vec<Pattern>, Block),
    /// `[e for x in xs if c]`: the pattern is irrefutable.
    Comprehension {
        /// Each element.
        element: Box<Expression>,
        /// What is bound.
        pattern: Pattern,
        /// Over what.
        iterable: Box<Expression>,
        /// Which are kept.
        condition: Option<Box<Expression>>,
    },
    /// An `Int` where a `Float` is wanted.
    ToFloat(Box<Expression>),
    /// A fault that the program raises, with a message.
    Fail(Box<Expression>),
    /// A fault was reported here. Not in a program that is lowered.
    Error,
}

/// Operators that evaluate both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// Numbers of one type, `Str`, or lists.
    Add,
    /// Numbers of one type.
    Subtract,
    /// Numbers of one type.
    Multiply,
    /// Numbers of one type.
    Divide,
    /// Numbers of one type.
    Remainder,
    /// Values of one type.
    Equal,
    /// Values of one type.
    NotEqual,
    /// Numbers of one type, or `Str`.
    Less,
    /// Numbers of one type, or `Str`.
    LessEqual,
    /// Numbers of one type, or `Str`.
    Greater,
    /// Numbers of one type, or `Str`.
    GreaterEqual,
    /// Element of a list or range, key of a map, part of a `Str`.
    In,
}

/// How `select` ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectBy {
    /// Mean log-probability per token.
    Mean,
    /// Token by token.
    Greedy,
    /// Mean less the prior's.
    Pmi,
}

/// Parallel branches.
#[derive(Clone, Debug, PartialEq)]
pub struct Fork {
    /// What the branches are.
    pub branches: Branches,
    /// How they become one value.
    pub join: Join,
}

/// The branches of a fork. Each body yields on every path.
#[derive(Clone, Debug, PartialEq)]
pub enum Branches {
    /// One per element; `fork 8` is one per element of `0..8` with a wildcard. The pattern is irrefutable.
    Each(Pattern, Box<Expression>, Block),
    /// One per name, which is a field of the result with `Join::All`.
    Named(Vec<(String, Block)>),
}

/// How branches become one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Join {
    /// All, in order.
    All,
    /// The first `n`.
    First(Expression),
    /// The first.
    Race,
    /// `(winner: T, share: Float, votes: Int)`
    Vote {
        /// Share at which it stops early.
        stop: Option<Expression>,
        /// Fewest branches before it does.
        min: Option<Expression>,
    },
    /// Greatest score, by a closure.
    Best(Expression),
    /// Those ended when a closure over their list is true.
    Until(Expression),
    /// All, and their text is appended.
    Concat,
}
