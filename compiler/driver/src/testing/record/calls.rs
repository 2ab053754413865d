//! Records of tools: what each call gave, by the tool and its arguments.
//!
//! A replay calls nothing, so it needs no grant. Equal calls are answered in their order; the last answer stays.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sgl_vm::image::Tool;
use sgl_vm::{Host, ToolAnswer, ToolError};
use std::collections::VecDeque;
use std::time::Duration;

/// What one call gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The test that called.
    pub test: String,
    /// The tool.
    pub tool: String,
    arguments: Value,
    #[serde(flatten)]
    end: End,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Gave(Value),
    Failed(String),
    Late(String),
}

/// Tools whose answers are kept.
pub struct RecordingTools<'h> {
    inner: &'h mut dyn Host,
    test: String,
    under_way: FxHashMap<u64, (String, Value)>,
    calls: Vec<Call>,
}

impl std::fmt::Debug for RecordingTools<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingTools").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl<'h> RecordingTools<'h> {
    /// Keeps what `inner` gives while the test runs.
    pub fn new(inner: &'h mut dyn Host, test: &str) -> Self {
        Self { inner, test: test.to_string(), under_way: FxHashMap::default(), calls: Vec::new() }
    }

    /// What was given, in order.
    pub fn into_calls(self) -> Vec<Call> {
        self.calls
    }
}

impl Host for RecordingTools<'_> {
    fn start(&mut self, number: u64, tool: &Tool, arguments: Value) {
        self.under_way.insert(number, (tool.name.clone(), arguments.clone()));
        self.inner.start(number, tool, arguments);
    }

    fn poll(&mut self, patience: Duration, answers: &mut Vec<ToolAnswer>) {
        let before = answers.len();
        self.inner.poll(patience, answers);
        for answer in &answers[before..] {
            let Some((tool, arguments)) = self.under_way.remove(&answer.number) else { continue };
            let end = match &answer.result {
                Ok(value) => End::Gave(value.clone()),
                Err(ToolError::Failed(why)) => End::Failed(why.clone()),
                Err(ToolError::Late(why)) => End::Late(why.clone()),
                // Nothing was called.
                Err(ToolError::Refused { .. }) => continue,
            };
            self.calls.push(Call { test: self.test.clone(), tool, arguments, end });
        }
    }

    fn cancel(&mut self, number: u64) {
        self.under_way.remove(&number);
        self.inner.cancel(number);
    }
}

/// Tools that give what was recorded.
#[derive(Debug, Default)]
pub struct ReplayTools {
    calls: Vec<(String, Value, VecDeque<End>)>,
    waiting: Vec<ToolAnswer>,
}

impl ReplayTools {
    /// Tools with these records.
    pub fn new(calls: &[Call]) -> Self {
        let mut tools = Self::default();
        for call in calls {
            let known = tools.calls.iter_mut().find(|(tool, given, _)| *tool == call.tool && *given == call.arguments);
            match known {
                Some((.., ends)) => ends.push_back(call.end.clone()),
                None => {
                    let ends = VecDeque::from([call.end.clone()]);
                    tools.calls.push((call.tool.clone(), call.arguments.clone(), ends));
                }
            }
        }
        tools
    }

    fn next(&mut self, tool: &str, arguments: &Value) -> Result<Value, ToolError> {
        let found = self.calls.iter_mut().find(|(name, given, _)| name == tool && given == arguments);
        let Some((.., ends)) = found else {
            let recorded = self.calls.iter().any(|(name, ..)| name == tool);
            let message = if recorded {
                format!("the record of the tool `{tool}` is stale: it was never called with {arguments}")
            } else {
                format!("the tool `{tool}` was never recorded")
            };
            return Err(ToolError::Refused { message, help: "record it anew with `--record`".to_string() });
        };
        match if ends.len() > 1 { ends.pop_front() } else { ends.front().cloned() } {
            Some(End::Gave(value)) => Ok(value),
            Some(End::Failed(why)) => Err(ToolError::Failed(why)),
            Some(End::Late(why)) => Err(ToolError::Late(why)),
            None => Err(ToolError::Failed("it was recorded without an end".to_string())),
        }
    }
}

impl Host for ReplayTools {
    fn start(&mut self, number: u64, tool: &Tool, arguments: Value) {
        let result = self.next(&tool.name, &arguments);
        self.waiting.push(ToolAnswer { number, result });
    }

    fn poll(&mut self, _patience: Duration, answers: &mut Vec<ToolAnswer>) {
        answers.append(&mut self.waiting);
    }

    fn cancel(&mut self, number: u64) {
        self.waiting.retain(|answer| answer.number != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sgl_protocol::Shape;
    use sgl_vm::image::Place;

    /// A tool that counts its calls, and fails at the second.
    #[derive(Default)]
    struct Counter {
        count: i64,
        waiting: Vec<ToolAnswer>,
    }

    impl Host for Counter {
        fn start(&mut self, number: u64, _tool: &Tool, _arguments: Value) {
            self.count += 1;
            let result = if self.count == 2 { Err(ToolError::Failed("two".into())) } else { Ok(json!(self.count)) };
            self.waiting.push(ToolAnswer { number, result });
        }

        fn poll(&mut self, _patience: Duration, answers: &mut Vec<ToolAnswer>) {
            answers.append(&mut self.waiting);
        }

        fn cancel(&mut self, _number: u64) {}
    }

    fn ask(host: &mut dyn Host, number: u64, given: Value) -> Result<Value, ToolError> {
        let at = Place { file: 0, start: 0, end: 0 };
        let result = Shape::Int { min: None, max: None };
        let tool = Tool { name: "count".into(), uses: Vec::new(), parameters: Vec::new(), result, at };
        host.start(number, &tool, given);
        let mut answers = Vec::new();
        host.poll(Duration::ZERO, &mut answers);
        answers.remove(0).result
    }

    #[test]
    fn calls_are_given_again_in_their_order_and_the_last_one_stays() {
        let mut counter = Counter::default();
        let mut recording = RecordingTools::new(&mut counter, "t");
        let given = json!({"n": 1});
        for number in 0..3 {
            ask(&mut recording, number, given.clone()).ok();
        }
        let lines: Vec<Value> = recording.into_calls().iter().map(|call| json!(call)).collect();
        assert_eq!(lines[1], json!({"test": "t", "tool": "count", "arguments": {"n": 1}, "failed": "two"}));
        let read = |line: Value| serde_json::from_value(line).expect("what was written");
        let calls: Vec<Call> = lines.into_iter().map(read).collect();
        let mut replay = ReplayTools::new(&calls);
        assert_eq!(ask(&mut replay, 0, given.clone()), Ok(json!(1)));
        assert_eq!(ask(&mut replay, 1, given.clone()), Err(ToolError::Failed("two".into())));
        assert_eq!(ask(&mut replay, 2, given.clone()), Ok(json!(3)));
        assert_eq!(ask(&mut replay, 3, given), Ok(json!(3)));
        let Err(ToolError::Refused { message, .. }) = ask(&mut replay, 4, json!({"n": 2})) else { panic!("recorded") };
        assert!(message.contains("never called with {\"n\":2}"), "{message}");
    }
}
