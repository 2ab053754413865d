//! Types as written.

use super::{Expression, FieldDeclaration, Name};
use sgl_source::{Span, Spanned};

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpression {
    /// What it is.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The kinds of type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `Str`, `Invoice`, `shots.Item`, `List<Int>`: a path of names and type arguments.
    Name {
        /// `["shots", "Item"]`
        path: Vec<Name>,
        /// `<Int>`
        arguments: Vec<TypeExpression>,
    },
    /// `Float(2)`: digits after the point.
    FloatDigits(Spanned<i64>),
    /// `"a"`
    LiteralText(String),
    /// `42`, `-1`
    LiteralInt(i64),
    /// `true`
    LiteralBool(bool),
    /// `T?`
    Optional(Box<TypeExpression>),
    /// `A | B`, at least two.
    Union(Vec<TypeExpression>),
    /// `[T]`, `[T; 1..=5]`; the bound is a range or an integer expression.
    List(Box<TypeExpression>, Option<Box<Expression>>),
    /// `[search, calc]`: tools, as the argument of `ToolCall`.
    Several(Vec<TypeExpression>),
    /// `{Str: T}`
    Map(Box<TypeExpression>, Box<TypeExpression>),
    /// `(A, B)`, `()`
    Tuple(Vec<TypeExpression>),
    /// `(a: A, b: B)`
    Record(Vec<FieldDeclaration>),
    /// `(A, B) -> C`
    Function(Vec<TypeExpression>, Box<TypeExpression>),
    /// `Str max 80`, `Int in 0..=10`: refinements in the order written, at least one.
    Refined(Box<TypeExpression>, Vec<Refinement>),
    /// What the parser gave up on.
    Error,
}

/// What narrows a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Refinement {
    /// `matching re"…"`
    Matching(Box<Expression>),
    /// `until "…"`
    Until(Box<Expression>),
    /// `max 80`
    Max(Box<Expression>),
    /// `in 0..=10`
    In(Box<Expression>),
    /// `from xs`
    From(Box<Expression>),
    /// `as s`
    As(Box<Expression>),
}
