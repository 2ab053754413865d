//! Calls of tools that are bound outside the program.

use crate::host::ToolError;
use crate::image::Op;
use crate::json::{json_of_value, value_of_flag, value_of_json};
use crate::machine::Machine;
use crate::task::{Calling, Stop, Wait};
use crate::trap::Fault;
use crate::value::TaskId;

impl Machine<'_> {
    /// Starts the call the first time, and gives its result when that is there. The task waits, so that a program's
    /// calls keep their order; other tasks go on.
    pub(crate) fn tool(&mut self, id: TaskId, op: &Op) -> Result<(), Stop> {
        let Op::CallTool { to, tool, arguments } = op else { unreachable!("{op:?} calls no tool") };
        let image = self.image;
        let described = &image.tools[*tool as usize];
        let Some(call) = self.running(id).call.take() else {
            let mut given = serde_json::Map::new();
            for (name, register) in described.parameters.iter().zip(arguments) {
                given.insert(name.clone(), json_of_value(&self.told(id, *register)?, image));
            }
            self.over_budget(id)?;
            let number = self.new_call(id);
            self.running(id).call = Some(Calling { number, answer: None });
            self.tell_called(id, &described.name);
            self.host.start(number, described, serde_json::Value::Object(given));
            return Err(Stop::Wait(Wait::Tool));
        };
        let Some(answer) = call.answer else {
            self.running(id).call = Some(call);
            return Err(Stop::Wait(Wait::Tool));
        };
        let name = &described.name;
        let json = answer.map_err(|error| match error {
            ToolError::Refused { message, help } => Fault::new(message).with_help(help),
            ToolError::Failed(message) => Fault::world("tool", format!("the tool `{name}` failed: {message}")),
            ToolError::Late(message) => Fault::world("deadline", format!("the tool `{name}` took too long: {message}")),
        })?;
        // Some tools can only give text: then the text is what is read.
        let read = value_of_json(&json, &described.result, image).or_else(|error| match &json {
            serde_json::Value::String(text) => value_of_flag(text, &described.result, image).map_err(|_| error),
            _ => Err(error),
        });
        let value = read.map_err(|error| {
            Fault::world("tool", format!("the tool `{name}` gave what is not of its type: {error}"))
        })?;
        self.set(id, *to, value);
        self.pass(id);
        Ok(())
    }
}
