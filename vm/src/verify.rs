//! Whether an image can be run: one pass over everything that an index may point at.
//!
//! Registers, targets and table entries are in range; calls have as many arguments as parameters; code ends in `Return` or
//! `Jump`; places match code and lie in files. What is left (kinds of values) is checked where it is used, and is a trap.

use crate::image::{Function, GuardKind, Image, JoinPolicy, Op, Place, Register, Report, Start};

/// What is wrong, one line each; nothing if the image is sound.
pub fn verify(image: &Image) -> Vec<String> {
    let mut found = places(image);
    for (index, function) in image.functions.iter().enumerate() {
        let mut check = Check { image, function, index, at: 0, found: &mut found };
        check.function();
    }
    let count = image.functions.len();
    let exists = |id: u32| (id as usize) < count;
    for entry in &image.entries {
        let parameters = image.functions.get(entry.function as usize).map(|f| usize::from(f.parameters));
        if parameters != Some(entry.parameters.len()) {
            found.push(format!("entry {} does not match its function", entry.name));
        }
        for default in entry.parameters.iter().filter_map(|p| p.default) {
            if image.functions.get(default as usize).is_none_or(|f| f.parameters != 0) {
                found.push(format!("a default of entry {} is no function without parameters", entry.name));
            }
        }
    }
    for test in &image.tests {
        if !exists(test.function) || image.functions[test.function as usize].parameters != 0 {
            found.push(format!("test {} has no function without parameters", test.name));
        }
        for (tool, gives) in &test.tools {
            let known = (*tool as usize) < image.tools.len();
            if !known || image.functions.get(*gives as usize).is_none_or(|f| f.parameters != 0) {
                found.push(format!("test {} answers for a tool that is not there", test.name));
            }
        }
    }
    for eval in &image.evals {
        let takes = |function: u32, count: usize| {
            image.functions.get(function as usize).is_some_and(|f| usize::from(f.parameters) == count)
        };
        if !takes(eval.function, 1) || !eval.gates.iter().all(|gate| takes(gate.function, eval.metrics.len())) {
            found.push(format!("eval {} does not match its functions", eval.name));
        }
    }
    found
}

/// Places that are in no file.
fn places(image: &Image) -> Vec<String> {
    let of_code = image.functions.iter().flat_map(|function| &function.places);
    let others = image.holes.iter().map(|hole| &hole.at).chain(image.tools.iter().map(|tool| &tool.at));
    let others =
        others.chain(image.models.iter().map(|model| &model.at)).chain(image.tests.iter().map(|test| &test.at));
    let others =
        others.chain(image.evals.iter().flat_map(|eval| eval.gates.iter().map(|gate| &gate.at).chain([&eval.at])));
    let wrong = |place: &&Place| place.file as usize >= image.files.len() || place.start > place.end;
    let first = of_code.chain(others).find(wrong);
    first.map(|place| format!("a place that is in no file: {place:?}")).into_iter().collect()
}

struct Check<'a> {
    image: &'a Image,
    function: &'a Function,
    index: usize,
    at: usize,
    found: &'a mut Vec<String>,
}

impl Check<'_> {
    fn say(&mut self, what: &str) {
        self.found.push(format!("function {} instruction {}: {what}", self.index, self.at));
    }

    fn function(&mut self) {
        let function = self.function;
        if function.parameters > function.registers {
            self.say("more parameters than registers");
        }
        if function.places.len() != function.code.len() {
            self.say("code and places differ in length");
        }
        if !matches!(function.code.last(), Some(Op::Return { .. } | Op::Jump { .. })) {
            self.say("the code does not end");
        }
        for (at, op) in function.code.iter().enumerate() {
            self.at = at;
            self.op(op);
        }
    }

    fn register(&mut self, register: Register) {
        if register >= self.function.registers {
            self.say("a register beyond the last");
        }
    }

    fn all(&mut self, registers: &[Register]) {
        registers.iter().for_each(|r| self.register(*r));
    }

    fn target(&mut self, target: u32) {
        if target as usize >= self.function.code.len() {
            self.say("a jump beyond the code");
        }
    }

    fn entry_of(&mut self, index: u32, len: usize, what: &str) {
        if index as usize >= len {
            self.say(&format!("a {what} beyond the last"));
        }
    }

    fn callee(&mut self, function: u32, arguments: usize) {
        match self.image.functions.get(function as usize) {
            None => self.say("a function beyond the last"),
            Some(callee) if usize::from(callee.parameters) != arguments => {
                self.say("arguments that differ from the parameters");
            }
            Some(_) => {}
        }
    }

    fn join(&mut self, join: JoinPolicy) {
        match join {
            JoinPolicy::First(r) | JoinPolicy::Best(r) | JoinPolicy::Until(r) => self.register(r),
            JoinPolicy::Vote { stop, min, record } => {
                stop.iter().chain(&min).for_each(|r| self.register(*r));
                self.entry_of(record, self.image.records.len(), "record type");
            }
            JoinPolicy::All | JoinPolicy::Race | JoinPolicy::Concat => {}
        }
    }

    fn op(&mut self, op: &Op) {
        match op {
            Op::Unit { to }
            | Op::None { to }
            | Op::Unknown { to }
            | Op::Bool { to, .. }
            | Op::Int { to, .. }
            | Op::Float { to, .. }
            | Op::Transcript { to } => self.register(*to),
            Op::Text { to, text } => {
                self.register(*to);
                self.entry_of(*text, self.image.texts.len(), "text");
            }
            Op::Copy { to, from: other }
            | Op::Field { to, of: other, .. }
            | Op::Negate { to, of: other }
            | Op::Not { to, of: other }
            | Op::ToText { to, of: other }
            | Op::IsVariant { to, of: other, .. }
            | Op::IsNone { to, of: other }
            | Op::Iterate { to, over: other }
            | Op::Push { list: to, item: other } => self.all(&[*to, *other]),
            Op::List { to, items } | Op::Tuple { to, items } | Op::Concat { to, items } => {
                self.register(*to);
                self.all(items);
            }
            Op::Map { to, pairs } => {
                self.register(*to);
                pairs.iter().for_each(|(k, v)| self.all(&[*k, *v]));
            }
            Op::Record { to, record, items } => {
                self.register(*to);
                self.all(items);
                let fields = self.image.records.get(*record as usize).map(|r| r.fields.len());
                if fields != Some(items.len()) {
                    self.say("a record that differs from its type");
                }
            }
            Op::Variant { to, of, variant, items } => {
                self.register(*to);
                self.all(items);
                let known = self.image.enums.get(*of as usize).and_then(|e| e.variants.get(usize::from(*variant)));
                if known.map(|known| known.fields.len()) != Some(items.len()) {
                    self.say("a variant that differs from its type");
                }
            }
            Op::Range { to, start, end, .. } => {
                self.all(&[*to, *start]);
                self.all(end.as_slice());
            }
            Op::Closure { to, function, captures } => {
                self.register(*to);
                self.all(captures);
                if self
                    .image
                    .functions
                    .get(*function as usize)
                    .is_none_or(|f| usize::from(f.parameters) < captures.len())
                {
                    self.say("a closure that captures more than it takes");
                }
            }
            Op::WithField { to, of, value, .. } => self.all(&[*to, *of, *value]),
            Op::Index { to, of, at } => self.all(&[*to, *of, *at]),
            Op::WithIndex { to, of, at, value } => self.all(&[*to, *of, *at, *value]),
            Op::Binary { to, left, right, .. } => self.all(&[*to, *left, *right]),
            Op::IsShape { to, of, shape } | Op::WriteAs { to, of, shape } => {
                self.all(&[*to, *of]);
                self.entry_of(*shape, self.image.shapes.len(), "shape");
            }
            Op::Jump { target } => self.target(*target),
            Op::JumpUnless { condition, target } => {
                self.register(*condition);
                self.target(*target);
            }
            Op::Next { to, iterator, end } => {
                self.all(&[*to, *iterator]);
                self.target(*end);
            }
            Op::Call { to, function, arguments } => {
                self.register(*to);
                self.all(arguments);
                self.callee(*function, arguments.len());
            }
            Op::CallClosure { to, closure, arguments } => {
                self.all(&[*to, *closure]);
                self.all(arguments);
            }
            Op::Builtin { to, builtin, arguments } => {
                self.register(*to);
                self.all(arguments);
                if crate::builtin::arity(builtin) != Some(arguments.len()) {
                    self.say("a built-in that does not exist, or takes other arguments");
                }
            }
            Op::Return { value } => self.register(*value),
            Op::Spawn { to, function, arguments, start } => {
                self.register(*to);
                self.all(arguments);
                self.callee(*function, arguments.len());
                if let Start::On(register) = start {
                    self.register(*register);
                }
            }
            Op::ForkEach { to, function, captures, over, join } => {
                self.all(&[*to, *over]);
                self.all(captures);
                self.join(*join);
                // A branch that does not use its element does not take it.
                self.callee(*function, captures.len() + 1);
            }
            Op::ForkNamed { to, functions, captures, record, join } => {
                self.register(*to);
                self.all(captures);
                self.join(*join);
                functions.iter().for_each(|f| self.callee(*f, captures.len()));
                let fields = self.image.records.get(*record as usize).map(|r| r.fields.len());
                if fields != Some(functions.len()) {
                    self.say("branches that differ from their record");
                }
            }
            Op::OpenRole { .. } | Op::CloseRole => {}
            Op::OpenNamedRole { role: register }
            | Op::AppendValue { of: register }
            | Op::AppendImage { of: register }
            | Op::NoMatch { of: register } => {
                self.register(*register);
            }
            Op::Append { text } => self.entry_of(*text, self.image.texts.len(), "text"),
            Op::Generate { to, hole, options, metadata } => {
                self.register(*to);
                self.entry_of(*hole, self.image.holes.len(), "hole");
                options.set.iter().for_each(|(_, r)| self.register(*r));
                metadata.iter().for_each(|(_, r)| self.register(*r));
            }
            Op::Select { to, hole, options, metadata, .. } => {
                self.all(&[*to, *options]);
                self.entry_of(*hole, self.image.holes.len(), "hole");
                metadata.iter().for_each(|(_, r)| self.register(*r));
            }
            Op::Guard { kind, to, record, handler } => {
                self.register(*to);
                if let Some(target) = handler {
                    self.target(*target);
                    self.entry_of(*record, self.image.records.len(), "record type");
                }
                match kind {
                    GuardKind::Try => {}
                    GuardKind::Retry { times } => self.register(*times),
                    GuardKind::Budget { tokens, milliseconds, steps } => {
                        tokens.iter().chain(milliseconds).chain(steps).for_each(|r| self.register(*r));
                    }
                }
            }
            Op::Unguard => {}
            Op::Fail { message } => self.register(*message),
            Op::CallTool { to, tool, arguments } => {
                self.register(*to);
                self.all(arguments);
                let parameters = self.image.tools.get(*tool as usize).map(|tool| tool.parameters.len());
                if parameters != Some(arguments.len()) {
                    self.say("a tool that does not exist, or takes other arguments");
                }
            }
            Op::Report { to, function, arguments, report } => {
                self.register(*to);
                self.all(arguments);
                self.callee(*function, arguments.len());
                if let Report::Shared(register) = report {
                    self.register(*register);
                }
            }
            Op::Snapshot { of } => self.register(*of),
            Op::Assert { condition, text, compared } => {
                self.register(*condition);
                compared.iter().for_each(|(a, b)| self.all(&[*a, *b]));
                self.entry_of(*text, self.image.texts.len(), "text");
            }
        }
    }
}
