//! What stands at the top of a file.

use super::{Block, Expression, Name, TypeExpression};
use sgl_source::{Span, Spanned};

/// A file.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// `//!` lines, joined by newlines.
    pub doc: String,
    /// In order.
    pub items: Vec<Item>,
    /// Names of items that were given up, so that nobody reports them as unknown.
    pub lost: Vec<Spanned<String>>,
}

/// A definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `///` lines before it, joined by newlines.
    pub doc: String,
    /// Whether `pub` stands before it.
    pub exported: bool,
    /// What it is.
    pub kind: ItemKind,
    /// From `pub` or the keyword to the end; the doc and attributes are not in it.
    pub span: Span,
}

/// The kinds of definition.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `import std.vote`, `import ./shots as shots`
    Import(Import),
    /// `const SHOTS = …`
    Const(Const),
    /// `type Grade = …`
    Type(TypeAlias),
    /// `struct Item { … }`
    Struct(Struct),
    /// `enum Mood { … }`
    Enum(Enum),
    /// `fn` or `prompt`
    Function(Function),
    /// `test "…" { … }`
    Test(TestItem),
    /// `eval quality over jsonl("…") as row: T { … }`
    Eval(EvalItem),
    /// `model judge = "…"`
    Model(ModelItem),
    /// What the parser gave up on.
    Error,
}

/// An import.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// `["std", "vote"]`, or one path such as `./shots` or `../lib/shots`.
    pub path: Vec<Name>,
    /// Whether the path is relative to this file (starts with `.`).
    pub relative: bool,
    /// `as name`.
    pub alias: Option<Name>,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Const {
    /// `UPPER_CASE` or any other name.
    pub name: Name,
    /// `: T`
    pub ty: Option<TypeExpression>,
    /// Its value.
    pub value: Expression,
}

/// Another name for a type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeAlias {
    /// The new name.
    pub name: Name,
    /// `<T>`
    pub generics: Vec<Name>,
    /// What it stands for.
    pub ty: TypeExpression,
}

/// A record type with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Its name.
    pub name: Name,
    /// `<T>`
    pub generics: Vec<Name>,
    /// In order, which is the order of generation.
    pub fields: Vec<FieldDeclaration>,
    /// `@form(yaml)` before it: how its values are laid out in text.
    pub form: Option<Name>,
}

/// A field of a struct, of a variant, or of a record type.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDeclaration {
    /// `///` lines before it.
    pub doc: String,
    /// `@name("…")`: the name in generated text.
    pub generated_name: Option<Spanned<String>>,
    /// Its name.
    pub name: Name,
    /// What it holds.
    pub ty: TypeExpression,
}

/// A sum type with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Enum {
    /// Its name.
    pub name: Name,
    /// `<T>`
    pub generics: Vec<Name>,
    /// In order.
    pub variants: Vec<EnumVariant>,
    /// `@form(yaml)` before it.
    pub form: Option<Name>,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumVariant {
    /// `///` lines before it.
    pub doc: String,
    /// `@name("…")`
    pub generated_name: Option<Spanned<String>>,
    /// Its name, of either case.
    pub name: Name,
    /// Its payload: `None` without parentheses.
    pub payload: Option<Vec<FieldDeclaration>>,
}

/// A model by name.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelItem {
    /// How the program calls it.
    pub name: Name,
    /// What `sglc run --model` would take, if it is not bound in `sgl.toml`.
    pub of: Option<Spanned<String>>,
}

/// `fn`, `prompt` or `tool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// Pure.
    Function,
    /// Uses a model.
    Prompt,
    /// Can be called by a model; its body is written here.
    Tool,
    /// A tool that is bound outside the program; its body is empty.
    BoundTool,
}

/// A function, a prompt or a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Which of both.
    pub kind: FunctionKind,
    /// Its name.
    pub name: Name,
    /// `<T>`
    pub generics: Vec<Name>,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// `-> T`
    pub result: Option<TypeExpression>,
    /// `uses net, stdin`
    pub uses: Vec<Name>,
    /// `using judge`: the model that fills the holes of a prompt.
    pub using: Option<Name>,
    /// Its body.
    pub body: Block,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `///` lines before it: help of its command-line flag.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpression,
    /// `= value`
    pub default: Option<Expression>,
}

/// A program over rows of data, and what must hold of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalItem {
    /// Its name.
    pub name: Name,
    /// `jsonl` or `csv`.
    pub format: Name,
    /// The file of data, beside the source.
    pub path: Spanned<String>,
    /// What a row is called.
    pub row: Name,
    /// What a row is.
    pub ty: TypeExpression,
    /// How often each row is run.
    pub seeds: Option<Spanned<i64>>,
    /// What is done with a row, what is measured, what must hold.
    pub parts: Vec<EvalPart>,
}

/// A part of an eval.
#[derive(Clone, Debug, PartialEq)]
pub enum EvalPart {
    /// Run for each row.
    Statement(super::Statement),
    /// `metric accuracy = …`: measured of each row, and a name for what follows.
    Metric(Name, Expression),
    /// `require accuracy.lower95 >= 0.85`: judged once, over all rows.
    Require(Expression),
}

/// A test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestItem {
    /// `test "name"`
    pub name: Spanned<String>,
    /// `with mock { "hole" => "answer", tool => value }`
    pub mocks: Vec<Mock>,
    /// Its statements.
    pub body: Block,
}

/// What the model or a tool answers in a test.
#[derive(Clone, Debug, PartialEq)]
pub enum Mock {
    /// `"hole" => "text"`: what a model writes there.
    Hole {
        /// The hole's name, or `*`.
        hole: Spanned<String>,
        /// The text.
        answer: Spanned<String>,
    },
    /// `search => ["found"]`: what a tool gives.
    Tool {
        /// The tool: its name, after those of modules.
        tool: Vec<Name>,
        /// Its result.
        value: Expression,
    },
}
