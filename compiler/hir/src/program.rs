//! A checked program: names are ids, every expression has a type, sugar is gone.
//!
//! What a later stage must not need to know is not here: modules, imports, aliases, generics (monomorphised), options
//! inherited from `with` (copied to each hole), named arguments (in order, defaults filled in).

mod expression;
mod statement;
pub(crate) mod visit;

pub use expression::{BinaryOp, Branches, Expression, ExpressionKind, Fork, Join, SelectBy};
pub use statement::{Arm, Block, Budget, Hole, HoleOption, Pattern, Place, Role, Statement, StatementKind, TextPart};

use crate::types::Type;
use sgl_protocol::{Form, Shape};
use sgl_source::Span;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into its table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// An index into [`Program::structs`].
    StructId
    /// An index into [`Program::enums`].
    EnumId
    /// An index into [`Program::functions`].
    FunctionId
    /// An index into [`Program::constants`].
    ConstId
    /// An index into [`Function::locals`].
    LocalId
    /// An index into [`Program::generics`].
    GenericId
}

/// All modules, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Structs.
    pub structs: Vec<Struct>,
    /// Enums.
    pub enums: Vec<Enum>,
    /// Functions and prompts (bodies of tests too).
    pub functions: Vec<Function>,
    /// Models by name.
    pub models: Vec<Model>,
    /// Constants; none depends on itself.
    pub constants: Vec<Constant>,
    /// Exported functions of the root module that can be started from outside, in order.
    pub entries: Vec<FunctionId>,
    /// Tests of the root module, in order.
    pub tests: Vec<Test>,
    /// Names of generic items, for messages; each use of one is an item of its own.
    pub generics: Vec<String>,
    /// Evals of the root module, in order.
    pub evals: Vec<Eval>,
}

/// A struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// In order.
    pub fields: Vec<Field>,
    /// How its values are laid out in text; JSON on one line if nothing else is said.
    pub form: Option<Form>,
    /// Its name in the source.
    pub span: Span,
    /// The generic item and the types that it is made of.
    pub origin: Option<(GenericId, Vec<Type>)>,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in code.
    pub name: String,
    /// Its name in generated text.
    pub generated: String,
    /// Its doc comment.
    pub doc: String,
    /// What it holds.
    pub ty: Type,
}

/// An enum.
#[derive(Clone, Debug, PartialEq)]
pub struct Enum {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// In order.
    pub variants: Vec<Variant>,
    /// How its values are laid out in text; JSON on one line if nothing else is said.
    pub form: Option<Form>,
    /// Its name in the source.
    pub span: Span,
    /// The generic item and the types that it is made of.
    pub origin: Option<(GenericId, Vec<Type>)>,
}

/// A variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name in code.
    pub name: String,
    /// Its name in generated text.
    pub generated: String,
    /// Its doc comment.
    pub doc: String,
    /// Its payload; empty if none.
    pub fields: Vec<Field>,
}

/// A model that the program names.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What it is where `sgl.toml` does not say.
    pub of: Option<String>,
    /// Its name in the source.
    pub span: Span,
}

/// A constant: computed once, on first use.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// A pure function without parameters that computes it.
    pub function: FunctionId,
}

/// A test.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// A prompt without parameters.
    pub function: FunctionId,
    /// Answers by hole name.
    pub mocks: Vec<(String, String)>,
    /// Tools, each with a pure function without parameters that gives what the tool gives.
    pub tools: Vec<(FunctionId, FunctionId)>,
}

/// The form of a file of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFormat {
    /// A JSON value per line.
    JsonLines,
    /// Comma-separated values; the first line names the fields.
    Csv,
}

/// An eval.
#[derive(Clone, Debug, PartialEq)]
pub struct Eval {
    /// Its name.
    pub name: String,
    /// A prompt with one parameter, the row; it returns a record of the metrics.
    pub function: FunctionId,
    /// Pure functions of one record per metric: `mean`, `lower95`, `upper95`, `std_dev`, `count`. Each gives a `Bool`.
    pub gates: Vec<FunctionId>,
    /// The form of its data.
    pub format: DataFormat,
    /// The file of its data, beside the source.
    pub data: String,
    /// How often each row is run.
    pub seeds: u32,
    /// The metrics, and whether each is true or false of a row.
    pub metrics: Vec<(String, bool)>,
    /// Its name in the source.
    pub span: Span,
}

/// What a function may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Only compute.
    Pure,
    /// Use a model.
    Prompt,
    /// Compute, and reach the host as far as it says so.
    Tool,
}

/// A function or prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// What it may do.
    pub effect: Effect,
    /// What of the host it may reach: `net`, `stdin`, …
    pub uses: Vec<String>,
    /// Whether it is a tool that is bound outside the program; it has no body.
    pub bound: bool,
    /// The first locals, in order.
    pub parameters: Vec<Parameter>,
    /// What it returns.
    pub result: Type,
    /// Every local of the body, of closures and branches in it too.
    pub locals: Vec<Local>,
    /// Its statements. Falling off the end returns `()`.
    pub body: Block,
    /// Metadata that is read of holes: each is a local of its own, written when the hole is filled.
    pub metadata: Vec<MetadataUse>,
    /// Its name in the source.
    pub span: Span,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its local.
    pub local: LocalId,
    /// Its doc comment.
    pub doc: String,
    /// A pure function without parameters that computes its default.
    pub default: Option<FunctionId>,
    /// How it is given from outside, if it can be.
    pub shape: Option<Shape>,
}

/// A local: `let`, `var`, parameter, pattern or hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// Its name; hidden ones start with `%`.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it is a `var`.
    pub mutable: bool,
    /// Where it is bound.
    pub span: Span,
}

/// Metadata of the hole that binds `hole`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataUse {
    /// The hole's local.
    pub hole: LocalId,
    /// What is read.
    pub kind: MetadataKind,
    /// Where it goes.
    pub local: LocalId,
}

/// `@logprob` and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetadataKind {
    /// `@logprob: Float`
    Logprob,
    /// `@tokens: Int`
    Tokens,
    /// `@text: Str`
    Text,
    /// `@dist: {T: Float}`
    Distribution,
    /// `@margin: Float`
    Margin,
    /// `@truncated: Bool`
    Truncated,
    /// `@ms: Int`
    Milliseconds,
}
