//! Runs tools that live outside a program: commands, HTTP endpoints, MCP servers, lines of the standard input.
//!
//! [`Toolbox::start`] starts a call and returns at once, [`Toolbox::poll`] gives what came, as JSON. Each call has a
//! deadline. What may be called at all is not decided here.
//!
//! Only this crate knows the Model Context Protocol.

mod binding;
mod command;
mod endpoint;
mod limits;
mod lines;
mod mcp;
mod toolbox;

pub use binding::{Binding, Server};
pub use mcp::MCP;
pub use toolbox::{Answer, Failure, Toolbox};
