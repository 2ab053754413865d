//! Tools of a random program, and a test that answers for them and for holes.

use super::{Callable, Generator};

impl Generator {
    /// A tool: bound outside, or with a body of pure code.
    pub(super) fn tool(&mut self) -> String {
        let name = self.name("look");
        let (text, callable) = self.scoped(true, |g| {
            let (parameters, types) = g.parameters();
            let result = g.ty(1);
            let uses = g.chance(60);
            let head = format!("tool {name}({parameters}) -> {}", g.written(&result));
            let text = if uses {
                format!("{head} uses net")
            } else {
                g.fuel = 2;
                let body = g.block_of_code(1);
                format!("{head} {{\n{body}return {}\n}}", g.value(&result, 2))
            };
            (text, Callable { name, parameters: types, result, turns: None, uses })
        });
        self.tools.push(callable);
        text
    }

    /// A call of a tool, where a prompt may make it.
    pub(super) fn tool_call(&mut self) -> String {
        let tools = self.tools.clone();
        if tools.is_empty() {
            return self.turn();
        }
        let tool = self.pick(&tools);
        self.uses |= tool.uses;
        self.called.insert(tool.name.clone());
        let (name, arguments) = (self.name("s"), self.arguments(&tool, 2));
        let text = format!("let {name}: {} = {}({arguments})", self.written(&tool.result), tool.name);
        self.bind(&name, &tool.result, false);
        text
    }

    /// A test that calls every prompt so far, and answers for all of their holes and tools.
    pub(super) fn test(&mut self) -> String {
        let mut mocks: Vec<String> = Vec::new();
        for mock in self.mocks.clone() {
            mocks.push(format!("\"{}\" => \"{}\"", mock.hole, escaped(&mock.text)));
        }
        for tool in self.tools.clone().iter().filter(|tool| tool.uses) {
            if !self.called.contains(&tool.name) {
                continue;
            }
            for _ in 0..1 + self.random.below(2) {
                let value = self.scoped(true, |g| g.value(&tool.result, 1));
                mocks.push(format!("{} => {value}", tool.name));
            }
        }
        let prompts: Vec<Callable> = self.callables.iter().filter(|c| c.turns.is_some()).cloned().collect();
        let mut body = String::new();
        for prompt in &prompts {
            let (name, arguments) = (self.name("r"), self.scoped(true, |g| g.arguments(prompt, 1)));
            body.push_str(&format!("let {name} = {}({arguments})\n", prompt.name));
            body.push_str(&format!("assert_eq({name}, {name})\n"));
        }
        let mocks = if mocks.is_empty() { String::new() } else { format!(" with mock {{\n{}\n}}", mocks.join("\n")) };
        format!("test \"prompts\"{mocks} {{\n{body}}}")
    }
}

/// A text as it stands between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('\n', "\\n")
}
