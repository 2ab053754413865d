//! The plan's data model.

pub use sgl_hir::program::HoleOption;
use sgl_hir::program::{BinaryOp, DataFormat, MetadataKind, SelectBy};
use sgl_protocol::Shape;
use sgl_source::Span;

/// A name as generated, and those of its fields.
pub type Named = (String, Vec<String>);

/// A value: assigned once, by the instruction or region that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

/// A place that may be assigned many times: a `var`, or where branches of control meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// A whole program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Record types: name (empty if anonymous) and generated names of fields.
    pub records: Vec<Named>,
    /// Enum types: name, and generated names of variants with those of their fields.
    pub enums: Vec<(String, Vec<Named>)>,
    /// Functions, by the id that calls name.
    pub functions: Vec<Function>,
    /// What can be started from outside.
    pub entries: Vec<Entry>,
    /// Constants: name, and the function that computes it.
    pub constants: Vec<(String, u32)>,
    /// Models: name, what each is where the project does not say, and where it is declared.
    pub models: Vec<(String, Option<String>, Span)>,
    /// Tools that are bound outside the program.
    pub tools: Vec<Tool>,
    /// Tests.
    pub tests: Vec<Test>,
    /// Evals.
    pub evals: Vec<Eval>,
}

/// A function or prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Whether it writes a transcript.
    pub prompt: bool,
    /// Its parameters.
    pub parameters: Vec<Value>,
    /// How many values there are.
    pub values: u32,
    /// How many slots there are.
    pub slots: u32,
    /// Its body; falling off the end returns `()`.
    pub body: Region,
    /// Its name in the source.
    pub span: Span,
}

/// A tool that is bound outside the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What of the host it reaches.
    pub uses: Vec<String>,
    /// Names of its parameters.
    pub parameters: Vec<String>,
    /// What it gives.
    pub result: Shape,
    /// Its name in the source.
    pub span: Span,
}

/// What can be started from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Its function.
    pub function: u32,
    /// Per parameter: name, doc, shape, and the function that computes its default.
    pub parameters: Vec<(String, String, Shape, Option<u32>)>,
    /// What it returns, where that has a shape.
    pub result: Option<Shape>,
    /// What of the host it may reach.
    pub uses: Vec<String>,
}

/// A test.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// A function without parameters.
    pub function: u32,
    /// Answers by hole name.
    pub mocks: Vec<(String, String)>,
    /// Answers of tools: which of [`Program::tools`], and the function that gives what it gives.
    pub tools: Vec<(u32, u32)>,
}

/// An eval.
#[derive(Clone, Debug, PartialEq)]
pub struct Eval {
    /// Its name.
    pub name: String,
    /// A prompt of one row.
    pub function: u32,
    /// What a row is.
    pub row: Shape,
    /// Functions of one record of statistics per metric.
    pub gates: Vec<u32>,
    /// The form of its data.
    pub format: DataFormat,
    /// The file of its data.
    pub data: String,
    /// How often each row is run.
    pub seeds: u32,
    /// The metrics, and whether each is true or false of a row.
    pub metrics: Vec<(String, bool)>,
    /// Its name in the source.
    pub span: Span,
}

/// Instructions in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    /// The instructions.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// What it defines; most define one value, `gen` one more per metadata.
    pub results: Vec<Value>,
    /// What it does.
    pub op: Op,
    /// Where it comes from.
    pub span: Span,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// `()`
    Unit,
    /// `none`
    None,
    /// `Unknown`
    Unknown,
    /// A `Bool`.
    Bool(bool),
    /// An `Int`.
    Int(i64),
    /// A `Float`.
    Float(f64),
    /// A `Str`.
    Text(String),
}

/// A hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// Its name, or `_`.
    pub label: String,
    /// What it may hold.
    pub shape: Shape,
    /// The model that fills it, by name; none is the run's own.
    pub model: Option<String>,
    /// The literal text right after it.
    pub follow: String,
    /// `max_tokens`, where it is a literal.
    pub max_tokens: Option<u32>,
}

/// Whose transcript a branch starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// An empty one.
    Fresh,
    /// A copy of the current one.
    Fork,
    /// A copy of a transcript value.
    On(Value),
}

/// How branches become one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Join {
    /// All, in order.
    All,
    /// The first so many.
    First(Value),
    /// The first.
    Race,
    /// The most frequent, into this record type.
    Vote {
        /// Share at which it stops early.
        stop: Option<Value>,
        /// Fewest branches before it does.
        min: Option<Value>,
        /// The record type of the result.
        record: u32,
    },
    /// The greatest by a closure.
    Best(Value),
    /// Those ended when a closure holds.
    Until(Value),
    /// All, and their text is appended.
    Concat,
}

/// What a block may spend: `Int`s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Tokens that may be generated.
    pub tokens: Option<Value>,
    /// Time.
    pub milliseconds: Option<Value>,
    /// Turns that the model may write.
    pub steps: Option<Value>,
}

/// What stands around instructions and looks at their faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Guard {
    /// Takes the transcript back and begins again, so often.
    Retry(Value),
    /// Lets no more be spent.
    Budget(Limits),
}

/// A region whose fault is caught.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Only the fault of having spent this is caught.
    pub budget: Option<Limits>,
    /// What may fail.
    pub body: Region,
    /// The fault in `otherwise`, and the record type that it is of.
    pub fault: Value,
    /// The record type of faults.
    pub record: u32,
    /// What is done then.
    pub otherwise: Region,
}

/// A body that runs as a function of its own: it sees outer values by value, and its `yield` or `return` ends it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// What it is called with.
    pub parameters: Vec<Value>,
    /// What it does.
    pub region: Region,
}

/// What is reported of the run of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Its transcript.
    Transcript,
    /// What branches of forks into at least so many have in common.
    Shared(Value),
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A constant.
    Constant(Constant),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(Vec<(Value, Value)>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A record of a type.
    Record(u32, Vec<Value>),
    /// A variant of an enum.
    Variant(u32, u16, Vec<Value>),
    /// A range: start, end, whether the end is included.
    Range(Value, Option<Value>, bool),
    /// A field by index.
    Field(Value, u16),
    /// The same value with another field.
    WithField(Value, u16, Value),
    /// An element.
    Index(Value, Value),
    /// The same value with another element.
    WithIndex(Value, Value, Value),
    /// Appends to the list in a slot.
    Push(Slot, Value),
    /// `-x`
    Negate(Value),
    /// `not x`
    Not(Value),
    /// An operator.
    Binary(BinaryOp, Value, Value),
    /// An `Int` as a `Float`.
    ToFloat(Value),
    /// The text of a value.
    ToText(Value),
    /// Texts, joined.
    Concat(Vec<Value>),
    /// Whether a value is this variant.
    IsVariant(Value, u16),
    /// Whether a value is `none`.
    IsNone(Value),
    /// Whether a value belongs to a shape.
    IsShape(Value, Shape),
    /// The text of a value as a model writes one of this shape.
    WriteAs(Value, Shape),
    /// What a slot holds.
    Load(Slot),
    /// Sets a slot.
    Store(Slot, Value),
    /// One region or the other.
    If(Value, Region, Region),
    /// A region over and over, until `break`.
    Loop(Region),
    /// A region per element: the list, the element, the region.
    Each(Value, Value, Region),
    /// Leaves the innermost loop.
    Break,
    /// Goes on with the innermost loop.
    Continue,
    /// Ends the function.
    Return(Value),
    /// Ends the branch.
    Yield(Value),
    /// A function as a value.
    Function(u32),
    /// A closure.
    Closure(Body),
    /// A call in this transcript: of pure code, or `inline`.
    Call(u32, Vec<Value>),
    /// A call of a closure.
    CallClosure(Value, Vec<Value>),
    /// A call of a built-in.
    Builtin(&'static str, Vec<Value>),
    /// A prompt as a task of its own; awaited where its value is read.
    Spawn(u32, Vec<Value>, Start),
    /// A block on a copy of a transcript.
    Scratch(Start, Body),
    /// A branch per element: the list, the branch (its parameter is the element), the join.
    Fork(Value, Body, Join),
    /// A branch per name, into this record type.
    ForkNamed(Vec<(String, Body)>, u32, Join),
    /// Opens a turn of a fixed role: `system`, `user`, `assistant`.
    OpenRole(&'static str),
    /// Opens a turn of a named role.
    OpenNamedRole(Value),
    /// Closes the turn.
    CloseRole,
    /// Appends text.
    Append(String),
    /// Appends the text of a value.
    AppendValue(Value),
    /// Appends an image.
    AppendImage(Value),
    /// Fills a hole: options, and metadata in the order of the results after the first.
    Generate(Hole, Vec<(HoleOption, Value)>, Vec<MetadataKind>),
    /// Chooses an element: of what, how, the hole's name, and the model.
    Select(Value, SelectBy, String, Option<String>),
    /// The current transcript.
    Transcript,
    /// A fault unless true; it shows the two values that were compared.
    Assert(Value, String, Option<(Value, Value)>),
    /// A fault unless the value is the stored one.
    Snapshot(Value),
    /// A prompt as a task of its own, of which something is reported instead of its value.
    Report(u32, Vec<Value>, Report),
    /// A fault: no case fitted this value.
    NoMatch(Value),
    /// A region whose fault is caught.
    Attempt(Box<Attempt>),
    /// A guard begins; `CloseGuard` in the same region ends it.
    OpenGuard(Guard),
    /// The innermost guard or attempt ends.
    CloseGuard,
    /// A fault of the world, with this message.
    Fail(Value),
    /// A call of a tool that is bound outside the program.
    CallTool(u32, Vec<Value>),
}
