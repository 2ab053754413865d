//! A checked program: names are ids, every expression has a type, sugar is gone.
//!
//! What a later stage must not need to know is not here: modules, imports, aliases, generics (monomorphised), options
//! inherited from `with` (copied to each hole), named arguments (in order, defaults filled in).

pub(crate) mod visit;

use crate::types::Type;
use sgl_protocol::Shape;
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
    /// Constants; none depends on itself.
    pub constants: Vec<Constant>,
    /// Exported functions of the root module that can be started from outside, in order.
    pub entries: Vec<FunctionId>,
    /// Tests of the root module, in order.
    pub tests: Vec<Test>,
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
    /// Its name in the source.
    pub span: Span,
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
    /// Its name in the source.
    pub span: Span,
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
}

/// What a function may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Only compute.
    Pure,
    /// Use a model.
    Prompt,
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
    /// A trap unless true; the text says what was asserted.
    Assert(Expression, String),
    /// For its effect.
    Expression(Expression),
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
        Self::Seed,
        Self::FrequencyPenalty,
        Self::PresencePenalty,
        Self::RepetitionPenalty,
        Self::Stream,
    ];

    /// As written in a program.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::TopK => "top_k",
            Self::MinP => "min_p",
            Self::Stop => "stop",
            Self::Seed => "seed",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::PresencePenalty => "presence_penalty",
            Self::RepetitionPenalty => "repetition_penalty",
            Self::Stream => "stream",
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
