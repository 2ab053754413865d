//! Options of the commands that look at plans.

use clap::Args;

/// Options of `sglc explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// A code, or a program, `FILE[::ENTRY]`
    #[arg(value_name = "CODE|PROGRAM")]
    #[arg(required_unless_present = "list")]
    pub code: Option<String>,
    /// List every code
    #[arg(long)]
    pub list: bool,
    /// Of a program, explain the constraints of its holes instead: what they hold, states, masks, tokens needed and forced
    #[arg(long)]
    pub constraints: bool,
    /// Print the plan of a program as JSON
    #[arg(long, conflicts_with = "constraints")]
    pub json: bool,
    /// Print the plan of a program as a page to look at in a browser
    #[arg(long, conflicts_with_all = ["constraints", "json"])]
    pub html: bool,
    /// Lay a run beside the plan: a file that `sglc run --trace` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "constraints")]
    pub trace: Option<String>,
    /// A parameter that is the same over many calls; can be given again
    #[arg(long, value_name = "PARAMETER")]
    pub batch: Vec<String>,
    /// Whose tokens count
    #[arg(long, value_name = "PATH|NAME", env = "SGLC_MODEL", default_value = crate::models::DEFAULT_MODEL)]
    pub model: String,
}

/// Options of `sglc diff`.
#[derive(Debug, Args)]
pub struct DiffArguments {
    /// The program as it was
    #[arg(value_name = "FILE[::ENTRY]")]
    pub before: String,
    /// The program as it is
    #[arg(value_name = "FILE[::ENTRY]")]
    pub after: String,
    /// Print what changed as JSON
    #[arg(long)]
    pub json: bool,
    /// Whose tokens count
    #[arg(long, value_name = "PATH|NAME", env = "SGLC_MODEL", default_value = crate::models::DEFAULT_MODEL)]
    pub model: String,
}
