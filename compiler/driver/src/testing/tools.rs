//! Tools of a test: those that it answers for, in the order that it says; the others are whoever's the run has.

use crate::scripted;
use sgl_protocol::Shape;
use sgl_vm::image::{Entry, Image, Test, Tool};
use sgl_vm::{Host, RunOptions, Silent, ToolAnswer, ToolError};
use std::collections::VecDeque;
use std::time::Duration;

/// Tools some of which a test answers for.
pub(super) struct MockedTools<'a> {
    image: &'a Image,
    /// By the tool's index, the functions that give its answers; the last one stays.
    mocks: Vec<(u32, VecDeque<u32>)>,
    others: &'a mut dyn Host,
    waiting: Vec<ToolAnswer>,
}

impl<'a> MockedTools<'a> {
    /// The answers of a test, and who runs the other tools.
    pub(super) fn new(image: &'a Image, test: &Test, others: &'a mut dyn Host) -> Self {
        let mut mocks: Vec<(u32, VecDeque<u32>)> = Vec::new();
        for (tool, gives) in &test.tools {
            match mocks.iter_mut().find(|(known, _)| known == tool) {
                Some((_, answers)) => answers.push_back(*gives),
                None => mocks.push((*tool, VecDeque::from([*gives]))),
            }
        }
        Self { image, mocks, others, waiting: Vec::new() }
    }

    /// The function that gives the next answer of a tool that the test answers for.
    fn next(&mut self, tool: &Tool) -> Option<u32> {
        // Where it is declared is what no two tools share.
        let index = self.image.tools.iter().position(|known| known.at == tool.at && known.name == tool.name)?;
        let (_, answers) = self.mocks.iter_mut().find(|(mocked, _)| *mocked as usize == index)?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }
    }

    /// What a function without parameters gives; a fault of it is one of the tool.
    fn given(&self, tool: &Tool, function: u32) -> Result<serde_json::Value, ToolError> {
        let entry = Entry {
            name: tool.name.clone(),
            doc: String::new(),
            function,
            prompt: false,
            parameters: Vec::new(),
            result: Shape::Null,
            uses: Vec::new(),
        };
        let mut nobody = scripted::model(Vec::new());
        match sgl_vm::run(self.image, &entry, Vec::new(), &mut nobody, &RunOptions::default(), &mut Silent) {
            Ok(value) => Ok(sgl_vm::json_of_value(&value, self.image)),
            Err(trap) if trap.fault.is_some() => Err(ToolError::Failed(trap.message)),
            Err(trap) => Err(ToolError::Refused {
                message: format!("what the test says that `{}` gives can't be computed: {}", tool.name, trap.message),
                help: trap.help.unwrap_or_else(|| "write the value itself".to_string()),
            }),
        }
    }
}

impl Host for MockedTools<'_> {
    fn start(&mut self, number: u64, tool: &Tool, arguments: serde_json::Value) {
        match self.next(tool) {
            Some(function) => {
                let result = self.given(tool, function);
                self.waiting.push(ToolAnswer { number, result });
            }
            None => self.others.start(number, tool, arguments),
        }
    }

    fn poll(&mut self, patience: Duration, answers: &mut Vec<ToolAnswer>) {
        if self.waiting.is_empty() {
            self.others.poll(patience, answers);
        } else {
            answers.append(&mut self.waiting);
        }
    }

    fn cancel(&mut self, number: u64) {
        self.waiting.retain(|answer| answer.number != number);
        self.others.cancel(number);
    }
}
