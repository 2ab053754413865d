//! What stands in a block.

use super::{Expression, Name, TypeExpression};
use sgl_source::{Span, Spanned};

/// Statements between braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// In order.
    pub statements: Vec<Statement>,
    /// With the braces.
    pub span: Span,
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
    /// `let pattern: T = value`
    Let {
        /// What is bound.
        pattern: Pattern,
        /// `: T`
        ty: Option<TypeExpression>,
        /// From what.
        value: Expression,
    },
    /// `var name: T = value`
    Var {
        /// The variable.
        name: Name,
        /// `: T`
        ty: Option<TypeExpression>,
        /// Its first value.
        value: Expression,
    },
    /// `target = value`, `target += value`: a name, a field or an index.
    Assign {
        /// What changes.
        target: Expression,
        /// `+` of `+=`; `None` for `=`.
        op: Option<super::BinaryOp>,
        /// The new value.
        value: Expression,
    },
    /// `if c { … } else if … else { … }`
    If(If),
    /// `for pattern in xs { … }`
    For {
        /// What is bound each time.
        pattern: Pattern,
        /// Over what.
        iterable: Expression,
        /// What is done.
        body: Block,
    },
    /// `while c { … }`
    While {
        /// As long as.
        condition: Expression,
        /// What is done.
        body: Block,
    },
    /// `while let pattern = value { … }`: as long as the value is not `none` (or fits the pattern).
    WhileLet {
        /// What is bound.
        pattern: Pattern,
        /// From what, anew each time.
        value: Expression,
        /// What is done.
        body: Block,
    },
    /// `match value { … }`
    Match {
        /// Of what.
        value: Expression,
        /// In order.
        arms: Vec<MatchArm>,
    },
    /// `return e`
    Return(Option<Expression>),
    /// `yield e`
    Yield(Option<Expression>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `system "…"`, `user { … }`, `role("tool") "…"`; one text statement is a block of one.
    Role {
        /// Whose turn.
        role: RoleName,
        /// What is written in it.
        body: Block,
    },
    /// `"text ${x} $[hole: T]"`
    Text(Text),
    /// `raw { … }`
    Raw(Block),
    /// `with (temperature: 0) { … }`
    With {
        /// Defaults for holes.
        options: Vec<HoleOption>,
        /// Where they hold.
        body: Block,
    },
    /// `emit e`
    Emit(Expression),
    /// `assert e`
    Assert(Expression),
    /// An expression for its effect, such as `inline f(x)`.
    Expression(Expression),
    /// `try { … } else fault f { … }`
    Try {
        /// What may fail.
        body: Block,
        /// What is done then.
        otherwise: Otherwise,
    },
    /// `retry 3 { … }`
    Retry {
        /// How often it is tried again.
        count: Expression,
        /// What may fail.
        body: Block,
    },
    /// `budget (tokens: 6_000, time: 60s, steps: 8) { … } else { … }`. The names are not judged here.
    Budget {
        /// What may be spent.
        limits: Vec<super::Argument>,
        /// On what.
        body: Block,
        /// What is done when it is spent.
        otherwise: Option<Otherwise>,
    },
    /// What the parser gave up on.
    Error,
}

/// `else fault f { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Otherwise {
    /// The name of the fault.
    pub fault: Option<Name>,
    /// What is done.
    pub body: Block,
}

/// `if`, as a statement or an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct If {
    /// The condition.
    pub condition: Box<Expression>,
    /// If so.
    pub then: Block,
    /// If not; `else if` is a block of one `if`.
    pub otherwise: Option<Block>,
}

/// Whose turn a role block is.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleName {
    /// `system`
    System,
    /// `user`
    User,
    /// `assistant`
    Assistant,
    /// `role("…")`
    Other(Box<Expression>),
}

/// One case of a `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchArm {
    /// What it covers.
    pub pattern: Pattern,
    /// `if c` after the pattern.
    pub guard: Option<Expression>,
    /// What is done: `=> { … }`, or `=> statement` as a block of one.
    pub body: Block,
    /// Where.
    pub span: Span,
}

/// What a value may look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Where.
    pub span: Span,
}

/// The kinds of pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum PatternKind {
    /// `_`
    Wildcard,
    /// `name`: binds, or names a lower-case variant where the value is an enum.
    Bind(Name),
    /// `1`, `"a"`, `true`, `none`: an expression that is a literal.
    Literal(Box<Expression>),
    /// `Finish(answer)`, `Mood.positive`, `Unknown`: a path and, if there are parentheses, what is inside.
    Variant {
        /// The path.
        path: Vec<Name>,
        /// Patterns of the payload, by position or by field name.
        fields: Option<Vec<(Option<Name>, Pattern)>>,
    },
    /// `name: Type` binds where the value is of the type (members of a union).
    Typed(Name, Box<TypeExpression>),
    /// `(a, b)`
    Tuple(Vec<Pattern>),
    /// `A | B`
    Or(Vec<Pattern>),
    /// What the parser gave up on.
    Error,
}

/// A piece of prompt text, or a string value (then without holes).
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// In order; neighbouring literals are joined; no empty literals.
    pub parts: Vec<TextPart>,
    /// With the quotes.
    pub span: Span,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum TextPart {
    /// Characters, with escapes resolved and blocks dedented.
    Literal(Spanned<String>),
    /// `${e}`
    Splice(Expression),
    /// `$[name: T, options]`
    Hole(Hole),
}

/// A hole: `$[name: T, max_tokens: 40]`, or the expression `gen(T, max_tokens: 40)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// What it binds; `None` in `gen(…)` and for `$[_: T]`.
    pub name: Option<Name>,
    /// What it may hold; `None` if not written, which means `Str`.
    pub ty: Option<TypeExpression>,
    /// In order.
    pub options: Vec<HoleOption>,
    /// With the brackets.
    pub span: Span,
}

/// `name: value` in a hole or `with`.
#[derive(Clone, Debug, PartialEq)]
pub struct HoleOption {
    /// Which option.
    pub name: Name,
    /// Its value.
    pub value: Expression,
}
