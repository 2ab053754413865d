//! The syntax tree: what was written, with its places, and no judgement.
//!
//! Wherever the parser recovered from a fault there is an `Error` node, whose diagnostic has been reported already;
//! later stages pass over it in silence.

pub mod expression;
pub mod item;
pub mod statement;
pub mod type_expression;

pub use expression::{
    Argument, BinaryOp, ClosureBody, Comprehension, Expression, ExpressionKind, ForkExpression, ForkHeader, Join,
    NamedBranch, UnaryOp,
};
pub use item::{
    Const, Enum, EnumVariant, EvalItem, EvalPart, FieldDeclaration, Function, FunctionKind, Import, Item, ItemKind,
    Mock, ModelItem, Module, Parameter, Struct, TestItem, TypeAlias,
};
pub use statement::{
    Block, Hole, HoleOption, If, MatchArm, Otherwise, Pattern, PatternKind, RoleName, Statement, StatementKind, Text,
    TextPart,
};
pub use type_expression::{Refinement, TypeExpression, TypeKind};

use sgl_source::Spanned;

/// A name as written.
pub type Name = Spanned<String>;
