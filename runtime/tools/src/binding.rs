//! What a tool is bound to.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a tool is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A program: the arguments come as a JSON object on its standard input, its standard output is the result.
    Command {
        /// The program, and its own arguments.
        line: Vec<String>,
        /// Where it runs; the current folder if none is given.
        folder: Option<PathBuf>,
    },
    /// An address: the arguments are posted as a JSON object, the body of the answer is the result.
    Endpoint {
        /// Where.
        url: String,
        /// Further headers.
        headers: BTreeMap<String, String>,
    },
    /// A tool of an MCP server.
    Mcp {
        /// The server.
        server: Server,
        /// The tool's name there.
        tool: String,
    },
    /// The next line of the standard input, or `null` at its end.
    Lines,
}

/// An MCP server. One is started per definition, and serves all calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    /// A program that speaks on its standard input and output.
    Stdio {
        /// The program, and its own arguments.
        line: Vec<String>,
        /// Where it runs; the current folder if none is given.
        folder: Option<PathBuf>,
    },
    /// An address that speaks streamable HTTP.
    Http {
        /// Where.
        url: String,
        /// Further headers.
        headers: BTreeMap<String, String>,
    },
}
