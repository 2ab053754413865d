//! The seam between programs and the world outside: who runs tools.

use crate::image::Tool;
use std::time::Duration;

/// Anything that runs tools that are bound outside a program.
pub trait Host {
    /// Starts a call. `arguments` is a JSON object by parameter name. Never blocks; the answer comes from [`Host::poll`].
    fn start(&mut self, number: u64, tool: &Tool, arguments: serde_json::Value);

    /// Appends answers that came. Waits at most `patience` for the first.
    fn poll(&mut self, patience: Duration, answers: &mut Vec<ToolAnswer>);

    /// Nobody waits for this call any more.
    fn cancel(&mut self, number: u64);
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolAnswer {
    /// Which call.
    pub number: u64,
    /// What it gave, as JSON of the tool's result type.
    pub result: Result<serde_json::Value, ToolError>,
}

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolError {
    /// The program may not, or can't, call it at all; nothing catches this.
    Refused {
        /// Why.
        message: String,
        /// What to do about it.
        help: String,
    },
    /// It ran, and failed.
    Failed(String),
    /// It took too long.
    Late(String),
}

/// Runs no tool: every call is refused.
#[derive(Debug, Default)]
pub struct NoHost {
    refused: Vec<ToolAnswer>,
}

impl Host for NoHost {
    fn start(&mut self, number: u64, tool: &Tool, _arguments: serde_json::Value) {
        let message = format!("the tool `{}` can't be called here", tool.name);
        let help = "no tools are bound in tests; give the prompt what the tool would give".to_string();
        self.refused.push(ToolAnswer { number, result: Err(ToolError::Refused { message, help }) });
    }

    fn poll(&mut self, _patience: Duration, answers: &mut Vec<ToolAnswer>) {
        answers.append(&mut self.refused);
    }

    fn cancel(&mut self, number: u64) {
        self.refused.retain(|answer| answer.number != number);
    }
}
