//! Tools that answer from a table, so that a program can be tested without the world.
//!
//! Lines of a script that begin with `tool` are its: `tool search: "found"` is a result as JSON, `tool search: ! why` a
//! failure, `tool search: ? why` one that is too late. Each answer is taken once, in order, by name. A tool without an
//! answer gives `none` where its type has that, so that what is read to its end ends, else the shortest value of its type.

use crate::scripted::shortest;
use sgl_protocol::Shape;
use sgl_vm::image::Tool;
use sgl_vm::{Host, ToolAnswer, ToolError};
use std::time::Duration;

/// The tools of a script.
#[derive(Clone, Debug, Default)]
pub struct ScriptedTools {
    answers: Vec<(String, Result<serde_json::Value, ToolError>)>,
    waiting: Vec<ToolAnswer>,
    log: Vec<String>,
}

impl ScriptedTools {
    /// The tools of a script, and whether it names any. The error names the line.
    ///
    /// # Errors
    /// A line that is no answer.
    pub fn parse(script: &str) -> Result<(Self, bool), String> {
        let mut tools = Self::default();
        for (number, line) in script.lines().enumerate() {
            let Some(rest) = line.trim().strip_prefix("tool ") else { continue };
            let Some((name, answer)) = rest.split_once(':') else {
                return Err(format!("line {}: expected `tool name: JSON`, found `{line}`", number + 1));
            };
            let answer = answer.trim();
            let answer = match (answer.strip_prefix('!'), answer.strip_prefix('?')) {
                (Some(why), _) => Err(ToolError::Failed(why.trim().to_string())),
                (_, Some(why)) => Err(ToolError::Late(why.trim().to_string())),
                _ => Ok(serde_json::from_str(answer)
                    .map_err(|error| format!("line {}: `{answer}` is not JSON: {error}", number + 1))?),
            };
            tools.answers.push((name.trim().to_string(), answer));
        }
        let any = !tools.answers.is_empty();
        Ok((tools, any))
    }

    /// The calls in order: the tool and its arguments.
    pub fn log(&self) -> &[String] {
        &self.log
    }
}

/// Whether `none` is a value of a shape.
fn has_none(shape: &Shape) -> bool {
    match shape {
        Shape::Null => true,
        Shape::Union(variants) => variants.iter().any(|variant| has_none(&variant.shape)),
        _ => false,
    }
}

impl Host for ScriptedTools {
    fn start(&mut self, number: u64, tool: &Tool, arguments: serde_json::Value) {
        self.log.push(format!("{}({arguments})", tool.name));
        let found = self.answers.iter().position(|(name, _)| *name == tool.name);
        let result = match found {
            Some(index) => self.answers.remove(index).1,
            None if has_none(&tool.result) => Ok(serde_json::Value::Null),
            None => {
                let text = shortest(&tool.result).unwrap_or_default();
                Ok(serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)))
            }
        };
        self.waiting.push(ToolAnswer { number, result });
    }

    fn poll(&mut self, _patience: Duration, answers: &mut Vec<ToolAnswer>) {
        answers.append(&mut self.waiting);
    }

    fn cancel(&mut self, number: u64) {
        self.waiting.retain(|answer| answer.number != number);
    }
}
