//! What has a value.

use super::{Block, Hole, HoleOption, If, MatchArm, Name, Pattern, Text};
use sgl_source::Span;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// `42`
    Int(i64),
    /// `0.7`, with its text so that it prints back
    Float(f64, String),
    /// `true`
    Bool(bool),
    /// `none`
    None,
    /// `"…"`
    Text(Text),
    /// `re"…"`: the pattern as written
    Regex(String),
    /// `250ms`, in milliseconds
    Duration(u64),
    /// `name`, of either case
    Name(String),
    /// `[a, b]`
    List(Vec<Expression>),
    /// `["a": 1]`, `[:]`
    Map(Vec<(Expression, Expression)>),
    /// `(a, b)`, `()`
    Tuple(Vec<Expression>),
    /// `(a: 1, b: 2)`
    Record(Vec<(Name, Expression)>),
    /// `a..b`, `a..=b`, `a..`
    Range {
        /// First; `None` in `..b`.
        start: Option<Box<Expression>>,
        /// Last, or one past it; `None` in `a..`.
        end: Option<Box<Expression>>,
        /// `..=`
        inclusive: bool,
    },
    /// `e.field`, `Mood.positive`, `module.name`
    Field(Box<Expression>, Name),
    /// `x@logprob`
    Metadata(Box<Expression>, Name),
    /// `e[i]`
    Index(Box<Expression>, Box<Expression>),
    /// `f(a, name: b)`; a method call is a call of a field
    Call(Box<Expression>, Vec<Argument>),
    /// `inline f(x)`
    Inline(Box<Expression>),
    /// `scratch f(x)`
    ScratchCall(Box<Expression>),
    /// `scratch { …; yield v }`
    Scratch(Block),
    /// `fork …`
    Fork(ForkExpression),
    /// `on p { …; yield v }`
    On(Box<Expression>, Block),
    /// `transcript`
    Transcript,
    /// `gen(T, options)`
    Gen(Box<Hole>),
    /// `select(xs, by: mean)`
    Select(Box<Expression>, Vec<HoleOption>),
    /// `-e`, `not e`
    Unary(UnaryOp, Box<Expression>),
    /// `a + b`
    Binary(BinaryOp, Box<Expression>, Box<Expression>),
    /// `if c { a } else { b }` where a value is wanted: each block's value is its last expression
    If(If),
    /// `match e { … }` where a value is wanted
    Match(Box<Expression>, Vec<MatchArm>),
    /// `x => e`, `(a, b) => e`, `x => { … }` (as a block of statements)
    Closure(Vec<Pattern>, Box<ClosureBody>),
    /// `[e for x in xs if c]`
    Comprehension(Box<Comprehension>),
    /// What the parser gave up on.
    Error,
}

/// What a closure does.
#[derive(Clone, Debug, PartialEq)]
pub enum ClosureBody {
    /// `=> e`
    Expression(Expression),
    /// `=> { … }`
    Block(Block),
}

/// `[e for x in xs if c]`
#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    /// Each element.
    pub element: Expression,
    /// What is bound.
    pub pattern: Pattern,
    /// Over what.
    pub iterable: Expression,
    /// Which are kept.
    pub condition: Option<Expression>,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `name:`
    pub name: Option<Name>,
    /// The value.
    pub value: Expression,
}

/// `fork`
#[derive(Clone, Debug, PartialEq)]
pub struct ForkExpression {
    /// How many branches and of what.
    pub header: ForkHeader,
    /// `join …`; `None` means `all`.
    pub join: Option<Join>,
}

/// The three forms of `fork`.
#[derive(Clone, Debug, PartialEq)]
pub enum ForkHeader {
    /// `fork x in xs { … }`
    Each(Pattern, Box<Expression>, Block),
    /// `fork 8 { … }`
    Count(Box<Expression>, Block),
    /// `fork { pros => { … } cons => { … } }`
    Named(Vec<NamedBranch>),
}

/// A branch of a record fork.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedBranch {
    /// Its field in the result.
    pub name: Name,
    /// What it does.
    pub body: Block,
}

/// How branches become one value: `all`, `first(n)`, `race`, `vote(stop: 0.6, min: 5)`, `best(v => score)`,
/// `until(vs => c)`, `concat`. The name is not judged here.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The policy.
    pub policy: Name,
    /// What is in its parentheses.
    pub arguments: Vec<Argument>,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `not`
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `in`
    In,
    /// `??`
    Coalesce,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl BinaryOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Coalesce => "??",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
