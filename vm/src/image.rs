//! The image: everything that a run needs of a program, as data.
//!
//! Code is a list of register instructions per function; types are [`Shape`]s; text is a table. `reader` makes it of
//! bytes, `verify` proves it sound before anything runs, `disassemble` prints it.

mod outside;
mod testing;

pub use outside::{Model, Tool};
pub use testing::{DataFormat, Eval, Gate, Report, Test};

use crate::native::NativeCode;
use serde::{Deserialize, Serialize};
use sgl_protocol::{Role, Shape};

/// A register of a frame.
pub type Register = u16;
/// An index into [`Image::functions`].
pub type FunctionIndex = u32;
/// An index into a function's code.
pub type Target = u32;

/// A compiled program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Names of source files; spans refer to them.
    pub files: Vec<String>,
    /// Per source file, the byte at which each line begins.
    pub lines: Vec<Vec<u32>>,
    /// Texts that the code refers to.
    pub texts: Vec<String>,
    /// Record types, named (structs) and anonymous.
    pub records: Vec<RecordType>,
    /// Enum types.
    pub enums: Vec<EnumType>,
    /// Holes, by the index that [`Op::Generate`] names.
    pub holes: Vec<Hole>,
    /// Shapes that the code refers to, for printing and testing values.
    pub shapes: Vec<Shape>,
    /// Functions, prompts, closures and branches alike.
    pub functions: Vec<Function>,
    /// What can be started from outside.
    pub entries: Vec<Entry>,
    /// Tests, in order.
    pub tests: Vec<Test>,
    /// Evals, in order.
    pub evals: Vec<Eval>,
    /// Tools that are bound outside the program, by the index that [`Op::CallTool`] names.
    pub tools: Vec<Tool>,
    /// Models that the program names.
    pub models: Vec<Model>,
    /// Machine code of its functions, made while it runs. It is no part of the image: who changes functions sets it back.
    #[serde(skip)]
    pub native: NativeCode,
}

impl Image {
    /// A place as a person reads it: `file:line`.
    pub fn place_name(&self, place: Place) -> String {
        let file = place.file as usize;
        let lines = self.lines.get(file).map_or(&[][..], Vec::as_slice);
        let line = lines.partition_point(|start| *start <= place.start).max(1);
        format!("{}:{line}", self.files.get(file).map_or("", String::as_str))
    }
}

/// A record type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordType {
    /// The struct's name; empty for an anonymous record.
    pub name: String,
    /// Keys as generated and printed, in order.
    pub fields: Vec<String>,
}

/// An enum type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumType {
    /// Its name.
    pub name: String,
    /// Its variants, in order.
    pub variants: Vec<VariantType>,
}

impl EnumType {
    /// Whether a variant is an object with a tag, and not a bare name: some variant of the enum has fields.
    pub fn is_tagged(&self) -> bool {
        self.variants.iter().any(|variant| !variant.fields.is_empty())
    }
}

/// A variant of an enum type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantType {
    /// Its name as generated and printed.
    pub name: String,
    /// Keys of its payload as generated and printed, in order.
    pub fields: Vec<String>,
}

/// A hole in a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hole {
    /// The name that it binds, or `_`.
    pub label: String,
    /// What it may hold.
    pub shape: Shape,
    /// The model that fills it, one of `Image::models` by name; none is the run's own.
    pub model: Option<String>,
    /// The literal text right after it in the same text statement; empty if none.
    pub follow: String,
    /// The literal `max_tokens`, if the program writes one; the run's default holds otherwise.
    pub max_tokens: Option<u32>,
    /// Where it is.
    pub at: Place,
}

/// A place in a source file: bytes `start..end` of `Image::files[file]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which file.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A function, prompt, closure body or branch body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// For traces.
    pub name: String,
    /// Registers `0..parameters` hold the arguments (a closure's or branch's captures come first).
    pub parameters: u16,
    /// Registers in all.
    pub registers: u16,
    /// Instructions.
    pub code: Vec<Op>,
    /// Where each instruction comes from; as long as `code`.
    pub places: Vec<Place>,
}

/// What can be started from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Which function.
    pub function: FunctionIndex,
    /// Whether it uses a model (then it runs in a fresh session).
    pub prompt: bool,
    /// Its parameters.
    pub parameters: Vec<EntryParameter>,
    /// What it returns.
    pub result: Shape,
    /// What of the host it may reach (`net`, `stdin`, …).
    pub uses: Vec<String>,
}

/// A parameter of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryParameter {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// What it may hold.
    pub shape: Shape,
    /// A function without parameters that computes its default.
    pub default: Option<FunctionIndex>,
}

/// How a session for a spawned task comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// An empty transcript.
    Fresh,
    /// A fork of the current transcript.
    Fork,
    /// A fork of the transcript in this register.
    On(Register),
}

/// What a guard does with a fault of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuardKind {
    /// Goes on at the handler.
    Try,
    /// Takes the transcript back and begins again.
    Retry {
        /// How often: an `Int`.
        times: Register,
    },
    /// Goes on at the handler when one of these is spent: `Int`s.
    Budget {
        /// Tokens that may be generated.
        tokens: Option<Register>,
        /// Time.
        milliseconds: Option<Register>,
        /// Turns that the model may write.
        steps: Option<Register>,
    },
}

/// How the branches of a fork become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinPolicy {
    /// A list of all, in order (a record for named branches).
    All,
    /// A list of the first `n` (register) to end, in the order they ended.
    First(Register),
    /// The first to end.
    Race,
    /// `(winner, share, votes)`: stops early when one value has `stop` (share of all branches) and `min` have ended.
    Vote {
        /// Register of a `Float`.
        stop: Option<Register>,
        /// Register of an `Int`.
        min: Option<Register>,
        /// The anonymous record type of the result.
        record: u32,
    },
    /// The one for which the closure in the register gives the greatest number; the first of equals.
    Best(Register),
    /// A list of those that have ended when the closure over that list gives `true`, or all.
    Until(Register),
    /// A list of all; the text that the branches wrote is appended to the current transcript, in order.
    Concat,
}

/// Sampling options that an instruction gives by register; the run's defaults hold for the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoleOptions {
    /// Option name as written (`temperature`, `max_tokens`, `top_p`, `top_k`, `min_p`, `stop`, `seed`,
    /// `frequency_penalty`, `presence_penalty`, `repetition_penalty`) and the register of its value.
    pub set: Vec<(String, Register)>,
}

/// What is known of a filled hole beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Metadata {
    /// Sum of log-probabilities: `Float`.
    Logprob,
    /// Count of tokens: `Int`.
    Tokens,
    /// The text as generated: `Str`.
    Text,
    /// Probability of each member: a map from member to `Float`.
    Distribution,
    /// Probability of the likeliest member less that of the second: `Float`.
    Margin,
    /// Whether the budget ended it: `Bool`.
    Truncated,
    /// Time from request to end, in milliseconds: `Int`.
    Milliseconds,
}

/// How `select` ranks its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelectBy {
    /// Greatest mean log-probability per token.
    Mean,
    /// Greatest log-probability of the first token that tells the options apart, then of the next.
    Greedy,
    /// Greatest mean log-probability less that without the transcript.
    Pmi,
}

/// Operators on values. Integer overflow, division by zero and bad indices are traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binary {
    /// `Int`, `Float` (an `Int` operand is converted), `Str` (concatenation) or lists.
    Add,
    /// Numbers.
    Subtract,
    /// Numbers.
    Multiply,
    /// Numbers; of two `Int`s the quotient truncates toward zero.
    Divide,
    /// Numbers; sign of the dividend.
    Remainder,
    /// Any two values of one type.
    Equal,
    /// Any two values of one type.
    NotEqual,
    /// Numbers or `Str` (by scalar value).
    Less,
    /// Numbers or `Str`.
    LessEqual,
    /// Member of a list or range, key of a map, substring of a `Str`.
    In,
}

/// One instruction. `to` is written; other registers are read.
///
/// A register may hold a *pending* value: the result of a task that still runs. Reading it in any instruction but
/// `Copy`, `Return` of a task's own result excepted, waits for the task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the fields say it, and each variant says the rest")]
pub enum Op {
    /// `()`
    Unit { to: Register },
    /// `none`
    None { to: Register },
    /// The value `Unknown`.
    Unknown { to: Register },
    /// A constant.
    Bool { to: Register, value: bool },
    /// A constant.
    Int { to: Register, value: i64 },
    /// A constant.
    Float { to: Register, value: f64 },
    /// `Image::texts[text]`
    Text { to: Register, text: u32 },
    /// `to = from`
    Copy { to: Register, from: Register },
    /// A list of registers.
    List { to: Register, items: Vec<Register> },
    /// A map of pairs; a later equal key wins.
    Map { to: Register, pairs: Vec<(Register, Register)> },
    /// A tuple.
    Tuple { to: Register, items: Vec<Register> },
    /// A record of `Image::records[record]`.
    Record { to: Register, record: u32, items: Vec<Register> },
    /// A variant of `Image::enums[of]`.
    Variant { to: Register, of: u32, variant: u16, items: Vec<Register> },
    /// `start..end`; no end is unbounded.
    Range { to: Register, start: Register, end: Option<Register>, inclusive: bool },
    /// A closure of a function over captured values, which become its first arguments.
    Closure { to: Register, function: FunctionIndex, captures: Vec<Register> },
    /// Field of a record or tuple, or of a variant's payload, by index.
    Field { to: Register, of: Register, index: u16 },
    /// The same value with one field of a record or tuple changed.
    WithField { to: Register, of: Register, index: u16, value: Register },
    /// Element of a list (negative counts from the end), value of a map key; a miss is a trap.
    Index { to: Register, of: Register, at: Register },
    /// The same list or map with one element changed.
    WithIndex { to: Register, of: Register, at: Register, value: Register },
    /// Appends to the list in `list`, in place.
    Push { list: Register, item: Register },
    /// `-x`
    Negate { to: Register, of: Register },
    /// `not x`
    Not { to: Register, of: Register },
    /// An operator.
    Binary { op: Binary, to: Register, left: Register, right: Register },
    /// Text of a value: a `Str` raw, anything else in its canonical form.
    ToText { to: Register, of: Register },
    /// The text of a value as a model writes one of `Image::shapes[shape]`: with its digits, and its tags.
    WriteAs { to: Register, of: Register, shape: u32 },
    /// The texts, one after the other.
    Concat { to: Register, items: Vec<Register> },
    /// Whether the value is this variant of an enum.
    IsVariant { to: Register, of: Register, variant: u16 },
    /// Whether the value is `none`.
    IsNone { to: Register, of: Register },
    /// Whether the value belongs to `Image::shapes[shape]` (members of a union).
    IsShape { to: Register, of: Register, shape: u32 },
    /// Goes on at `target`.
    Jump { target: Target },
    /// Goes on at `target` if the `Bool` is false.
    JumpUnless { condition: Register, target: Target },
    /// An iterator over a list, range, map (pairs as tuples), or the characters of a `Str`.
    Iterate { to: Register, over: Register },
    /// The next element, or goes on at `end`.
    Next { to: Register, iterator: Register, end: Target },
    /// Calls a function in this task; a prompt called so writes into the current transcript (`inline`).
    Call { to: Register, function: FunctionIndex, arguments: Vec<Register> },
    /// Calls a closure in this task.
    CallClosure { to: Register, closure: Register, arguments: Vec<Register> },
    /// Calls a built-in by name (see `builtin`); higher-order ones take closures.
    Builtin { to: Register, builtin: String, arguments: Vec<Register> },
    /// Ends this function with a value. A task's last frame ends the task.
    Return { value: Register },
    /// Starts a task; `to` is pending until it ends. The task's session is closed when it ends.
    Spawn { to: Register, function: FunctionIndex, arguments: Vec<Register>, start: Start },
    /// Starts one task per element of `over` on forks of the current transcript, and joins them. The branch's
    /// arguments are `captures`, then the element.
    ForkEach { to: Register, function: FunctionIndex, captures: Vec<Register>, over: Register, join: JoinPolicy },
    /// Starts one task per branch, and joins them into the record (`All`) or by the policy. Arguments: `captures`.
    ForkNamed { to: Register, functions: Vec<FunctionIndex>, captures: Vec<Register>, record: u32, join: JoinPolicy },
    /// Opens a turn.
    OpenRole { role: Role },
    /// Opens a turn whose role's name is in a register.
    OpenNamedRole { role: Register },
    /// Closes the open turn.
    CloseRole,
    /// Appends `Image::texts[text]` to the transcript.
    Append { text: u32 },
    /// Appends the text of a value to the transcript (a `Str` raw, anything else canonical, a transcript's text).
    AppendValue { of: Register },
    /// Appends an image to the transcript.
    AppendImage { of: Register },
    /// Fills `Image::holes[hole]`; waits. `metadata` are written too.
    Generate { to: Register, hole: u32, options: HoleOptions, metadata: Vec<(Metadata, Register)> },
    /// The element of the list (texts of values) that the model finds likeliest; waits.
    Select { to: Register, hole: u32, options: Register, by: SelectBy, metadata: Vec<(Metadata, Register)> },
    /// The current transcript as an immutable value.
    Transcript { to: Register },
    /// A trap with the message unless the `Bool` is true; it shows the values that were compared.
    Assert { condition: Register, text: u32, compared: Option<(Register, Register)> },
    /// A trap: no case of a `match` fitted.
    NoMatch { of: Register },
    /// Guards what follows, up to `Unguard`. A fault that it catches is written to `to`, a record of type `record`
    /// (kind, message, place).
    Guard { kind: GuardKind, to: Register, record: u32, handler: Option<Target> },
    /// Ends the innermost guard of this frame, when all that was started in it has ended.
    Unguard,
    /// A fault of the world with this message.
    Fail { message: Register },
    /// Calls `Image::tools[tool]`; waits.
    CallTool { to: Register, tool: u32, arguments: Vec<Register> },
    /// Starts a prompt on an empty transcript; `to` is pending until it ends, and then what is reported of it.
    Report { to: Register, function: FunctionIndex, arguments: Vec<Register>, report: Report },
    /// A trap unless the value is what is stored for this place in the order of the test.
    Snapshot { of: Register },
}
