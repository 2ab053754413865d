//! The command line.

mod engine;
mod plan;

pub use engine::{EngineArguments, JumpMode, LoadMode};
pub use plan::{DiffArguments, ExplainArguments};

use crate::Outcome;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;

/// Compiles and runs `.sgl`, a language for programs that use language models.
#[derive(Debug, Parser)]
#[command(name = "sglc", version, max_term_width = 100, arg_required_else_help = true)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program: its transcript goes to the terminal, its result to the standard output
    ///
    /// An entry's parameters are flags: `sglc run FILE --help` shows them.
    #[command(disable_help_flag = true)]
    Run {
        /// `FILE[::ENTRY]`, options, and the entry's own flags
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FILE[::ENTRY]")]
        arguments: Vec<OsString>,
    },
    /// Run the tests of programs
    Test(TestArguments),
    /// Run a program over rows of data, and say whether it is good enough
    Eval(EvalArguments),
    /// Make one file of a program, that `sglc run` runs without its source
    Build(BuildArguments),
    /// Say what is in such a file: entries, what they take, give, ask and reach, and who signed it
    Inspect(InspectArguments),
    /// Say what is wrong with programs, without running them
    Check(CheckArguments),
    /// Apply the fixes that are safe, and say what was done
    Fix(FixArguments),
    /// Explain a diagnostic by its code, such as `E0304`, or a program: what its prompts share, and what they can cost
    Explain(ExplainArguments),
    /// Say what an edit changes of what a program sends, may hold, reaches and can cost
    Diff(DiffArguments),
    /// Put programs into the one style, comments and all
    Fmt(FormatArguments),
    /// Make a new project
    New(NewArguments),
    /// Print a program as one of its stages sees it
    Dump(DumpArguments),
    /// Say what this machine offers to programs: processors, devices, libraries, models
    Doctor,
    /// Show what a hole may hold next after a beginning
    Mask(MaskArguments),
    /// List, fetch and remove models
    Model {
        /// What to do.
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Say what of JSON Schemas can be enforced
    Schema {
        /// What to do.
        #[command(subcommand)]
        command: SchemaCommand,
    },
}

/// What to do with JSON Schemas.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Say whether every value a model writes under a schema will be valid, and if not, which keywords stand in the way
    Check(SchemaArguments),
}

/// Options of `sglc schema check`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Schemas; `-` is the standard input
    #[arg(required = true)]
    pub files: Vec<String>,
    /// Take formats that no specification defines as notes
    #[arg(long)]
    pub lenient: bool,
}

/// Options of `sglc test`.
#[derive(Debug, Args)]
pub struct TestArguments {
    /// Files, and folders with all that is below them; this folder if none is given
    pub files: Vec<String>,
    /// Only tests whose name has this in it
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Ask the model, and keep what it answers beside the source
    #[arg(long, conflicts_with = "replay")]
    pub record: bool,
    /// Answer only from what was recorded: no weights are needed
    #[arg(long)]
    pub replay: bool,
    /// Store new snapshots instead of comparing with the old ones
    #[arg(long)]
    pub update: bool,
    /// Tests that run at once; as many as there are cores if not given
    #[arg(long, value_name = "COUNT")]
    pub jobs: Option<usize>,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<String>,
    /// Show which ways through the prompts were taken
    #[arg(long)]
    pub coverage: bool,
    /// How to print results
    #[arg(long, value_enum, default_value = "text")]
    pub format: TestFormat,
    /// What the tools may use: `net`, `net=example.org`, `files`, `process`, `stdin`, `clock`; several with commas
    #[arg(long, value_name = "WHAT,…")]
    pub allow: Vec<String>,
    /// The model of tests that have neither mocks nor a record
    #[arg(long, value_name = "PATH|NAME", env = "SGLC_MODEL")]
    pub model: Option<String>,
    /// Threads of the engine; the cores that are free to it if not given
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,
    /// Seed of all sampling
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// Options of `sglc eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// The program, and which of its evals; all of them if none is named
    #[arg(value_name = "FILE[::NAME]")]
    pub program: String,
    /// Only the first rows
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<usize>,
    /// Rows that run at once; as many as there are cores if not given
    #[arg(long, value_name = "COUNT")]
    pub jobs: Option<usize>,
    /// Print the result as one JSON object per eval
    #[arg(long)]
    pub json: bool,
    /// Begin anew, whatever an interrupted run has finished
    #[arg(long)]
    pub fresh: bool,
    /// Answer holes from this file instead of a model: lines `hole: text`, taken in order, the last one again and
    /// again, for each row anew; `select: text` says what `select` chooses, else it takes the first
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "replay"])]
    pub script: Option<String>,
    /// Ask the model, and keep what it answers beside the source
    #[arg(long, conflicts_with = "replay")]
    pub record: bool,
    /// Answer only from what was recorded: no weights are needed
    #[arg(long)]
    pub replay: bool,
    /// What the tools may use: `net`, `net=example.org`, `files`, `process`, `stdin`, `clock`; several with commas
    #[arg(long, value_name = "WHAT,…")]
    pub allow: Vec<String>,
    /// A GGUF file, a Hugging Face folder, or a name that `sglc model list` shows
    #[arg(long, value_name = "PATH|NAME", env = "SGLC_MODEL")]
    pub model: Option<String>,
    /// Threads of the engine; the cores that are free to it if not given
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,
    /// The first seed
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// Options of `sglc build`.
#[derive(Debug, Args)]
pub struct BuildArguments {
    /// The program
    pub file: String,
    /// Where to write; beside the program, with the ending `.sglb`, if not given
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<String>,
    /// Sign it with the secret key in this file: 64 hexadecimal digits, as `openssl rand -hex 32` makes them
    #[arg(long, value_name = "KEYFILE")]
    pub sign: Option<String>,
    /// Carry the masks of its holes over the tokens of this model, so that a run on it need not make them; may be given again
    #[arg(long, value_name = "MODEL")]
    pub constraints: Vec<String>,
    /// Leave the text of the program out; messages then name lines and do not show them
    #[arg(long)]
    pub strip: bool,
}

/// Options of `sglc inspect`.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// The image
    pub image: String,
    /// Print everything as JSON, with schemas
    #[arg(long)]
    pub json: bool,
    /// Fail unless it is signed by this public key: 64 hexadecimal digits, or @FILE with them
    #[arg(long, value_name = "KEY")]
    pub trust: Option<String>,
}

/// Options of `sglc check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Programs
    #[arg(required = true)]
    pub files: Vec<String>,
    /// How to print what is found
    #[arg(long, value_enum, default_value = "text")]
    pub format: DiagnosticFormat,
}

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiagnosticFormat {
    /// For people
    Text,
    /// One JSON object per line, with the edits that would mend it
    Json,
    /// Workflow commands of GitHub: annotations beside the lines of a pull request
    Github,
}

/// Options of `sglc fix`.
#[derive(Debug, Args)]
pub struct FixArguments {
    /// Programs; each file is mended on its own
    #[arg(required = true)]
    pub files: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `sglc mask`.
#[derive(Debug, Args)]
pub struct MaskArguments {
    /// The program, and which of its entries
    #[arg(value_name = "FILE[::ENTRY]")]
    pub program: String,
    /// The name of the hole
    pub hole: String,
    /// What the hole holds so far
    #[arg(default_value = "")]
    pub prefix: String,
    /// Whose tokens: a GGUF file, a Hugging Face folder, or a name that `sglc model list` shows
    #[arg(long, value_name = "PATH|NAME", env = "SGLC_MODEL", default_value = crate::models::DEFAULT_MODEL)]
    pub model: String,
    /// Tokens that the hole may still take
    #[arg(long, value_name = "COUNT")]
    pub tokens_left: Option<u32>,
}

/// Options of `sglc fmt`.
#[derive(Debug, Args)]
pub struct FormatArguments {
    /// Programs, folders of programs, or - for the standard input
    #[arg(default_value = ".", value_name = "FILE|FOLDER|-")]
    pub files: Vec<String>,
    /// Write nothing; show what would change, and fail if anything would
    #[arg(long)]
    pub check: bool,
    /// The name that messages give the standard input
    #[arg(long, value_name = "PATH")]
    pub stdin_path: Option<String>,
}

/// Options of `sglc new`.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// The new folder; its last part is the name of the project
    pub name: String,
}

/// Options of `sglc dump`.
#[derive(Debug, Args)]
pub struct DumpArguments {
    /// The stage
    #[arg(value_enum)]
    pub stage: Stage,
    /// The program
    pub file: String,
}

/// The stages of compilation, by their products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// Tokens, with where lines end statements
    Tokens,
    /// The syntax tree
    Ast,
    /// Names and types
    Hir,
    /// The plan
    Ir,
    /// The instructions of the virtual machine
    Image,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// List the models that have a name, and which are on this machine
    List,
    /// Fetch a model
    Pull {
        /// Its name
        #[arg(default_value = crate::models::DEFAULT_MODEL)]
        name: String,
    },
    /// Remove a model from this machine
    Rm {
        /// Its name
        name: String,
    },
}

/// Options of `sglc run`, beside the entry's own flags.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// The program or its image, and which of its entries
    #[arg(value_name = "FILE[::ENTRY]")]
    pub program: String,
    /// Refuse an image that this public key did not sign: 64 hexadecimal digits, or @FILE with them
    #[arg(long, value_name = "KEY", help_heading = "Run options")]
    pub trust: Option<String>,
    /// All parameters as one JSON object, or @FILE with one
    #[arg(long, value_name = "JSON|@FILE", help_heading = "Run options")]
    pub input: Option<String>,
    /// A GGUF file, a Hugging Face folder, or a name that `sglc model list` shows
    #[arg(long, value_name = "PATH|NAME", env = "SGLC_MODEL", help_heading = "Run options")]
    pub model: Option<String>,
    /// Answer holes from this file instead of a model: lines `hole: text`
    #[arg(long, value_name = "FILE", help_heading = "Run options")]
    pub script: Option<String>,
    /// What the program may use: `net`, `net=example.org`, `files`, `process`, `stdin`, `clock`; several with commas
    #[arg(long, value_name = "WHAT,…", help_heading = "Run options")]
    pub allow: Vec<String>,
    /// Seed of all sampling
    #[arg(long, value_name = "NUMBER", help_heading = "Run options")]
    pub seed: Option<u64>,
    /// Temperature of holes that set none
    #[arg(long, value_name = "NUMBER", help_heading = "Run options")]
    pub temperature: Option<f64>,
    /// Most tokens per hole, whatever the program says
    #[arg(long, value_name = "COUNT", help_heading = "Run options")]
    pub max_tokens: Option<u32>,
    /// How the engine works.
    #[command(flatten)]
    pub engine: EngineArguments,
    /// Do not show the transcript
    #[arg(long, short, help_heading = "Run options")]
    pub quiet: bool,
    /// Print the result as JSON on one line, text too
    #[arg(long, help_heading = "Run options")]
    pub json: bool,
    /// Print token counts, times and memory
    #[arg(long, help_heading = "Run options")]
    pub stats: bool,
    /// Refuse to run if the plan's bounds exceed these: `calls`, `read`, `written`, `held` in tokens; several with commas
    #[arg(long, value_name = "WHAT=COUNT,…", value_delimiter = ',', help_heading = "Run options")]
    pub limit: Vec<String>,
    /// Write what happens to this file, a line of JSON each; `sglc explain --trace` reads it
    #[arg(long, value_name = "FILE", help_heading = "Run options")]
    pub trace: Option<String>,
}

/// The command of a command line, or how it ended already (help, version, a mistake).
pub fn parse(arguments: Vec<OsString>) -> Result<Command, Outcome> {
    match CommandLine::try_parse_from(arguments) {
        Ok(line) => Ok(line.command),
        Err(error) => Err(finish(&error)),
    }
}

/// Prints what clap has to say, which is help or a mistake.
pub(crate) fn finish(error: &clap::Error) -> Outcome {
    error.print().ok();
    if error.use_stderr() { Outcome::Usage } else { Outcome::Fine }
}
