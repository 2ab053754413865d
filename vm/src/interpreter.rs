//! Runs one task until it ends or waits.
//!
//! An instruction that waits leaves no trace and runs again later, so that "wait" needs no state beside the program counter.

mod warm;

use crate::fits::fits;
use crate::image::{Function, Op, Place, Register};
use crate::machine::Machine;
use crate::observer::Snapshot;
use crate::operation as values;
use crate::shaped::written_as;
use crate::task::{Frame, Returns, Stop};
use crate::text::{shown, text_of};
use crate::trap::{Fault, Trap};
use crate::value::{TaskId, Value, within_depth};

/// Instructions between two looks at the clock, while a budget of time is open.
const LOOK_AT_CLOCK: u64 = 1_024;

/// How far a task came.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It waits, or was cancelled.
    Stopped,
    /// It ended with this value.
    Ended(Value),
    /// The closure that a built-in called returned this value.
    Returned(Value),
}

impl Machine<'_> {
    /// Runs a task until it ends, waits, or (inside a built-in) returns to `depth` frames.
    pub(crate) fn advance(&mut self, id: TaskId) -> Result<Progress, Trap> {
        loop {
            let image = self.image;
            let Some(task) = self.task(id) else { return Ok(Progress::Stopped) };
            let frame = task.frames.last().expect("a task that is alive has a frame");
            let (frame_function, at) = (frame.function, frame.at);
            let function = &image.functions[frame_function as usize];
            if self.fuel == 0 {
                let limit = self.options.limits.steps;
                return Err(self.trap(id, Fault::new(format!("the program took more than {limit} steps"))));
            }
            self.fuel -= 1;
            if self.fuel.is_multiple_of(LOOK_AT_CLOCK) && self.nested == 0 && !self.deadlines.is_empty() {
                self.expire();
                continue;
            }
            if self.watched {
                self.observer.executed(frame_function, at);
            }
            match self.step(id, function, at) {
                Ok(None) => {}
                Ok(Some(progress)) => return Ok(progress),
                Err(Stop::Wait(wait)) => {
                    self.suspend(id, wait);
                    return Ok(Progress::Stopped);
                }
                Err(Stop::Fault(fault)) if fault.world.is_some() && self.nested == 0 => {
                    if let Err(fault) = self.raise(id, fault) {
                        self.fail(id, fault);
                        return Ok(Progress::Stopped);
                    }
                }
                Err(Stop::Fault(fault)) => return Err(self.trap(id, fault)),
            }
        }
    }

    /// A fault with its place and the calls that were open.
    pub(crate) fn trap(&mut self, id: TaskId, fault: Fault) -> Trap {
        if let Some(trap) = self.inner_trap.take() {
            return trap;
        }
        let image = self.image;
        let mut stack = Vec::new();
        let frames = self.task(id).map_or(&[][..], |task| &task.frames);
        for frame in frames.iter().rev() {
            let function = &image.functions[frame.function as usize];
            let place = function.places.get(frame.at).copied().unwrap_or(Place { file: 0, start: 0, end: 0 });
            stack.push((function.name.clone(), place));
        }
        let place = stack.first().map_or(Place { file: 0, start: 0, end: 0 }, |(_, place)| *place);
        Trap {
            message: fault.message,
            help: fault.help,
            compared: fault.compared,
            place,
            stack,
            fault: fault.world.map(|world| world.kind),
        }
    }

    fn frame(&mut self, id: TaskId) -> &mut Frame {
        let task = self.task(id).expect("only a task that is alive takes a step");
        task.frames.last_mut().expect("a task that is alive has a frame")
    }

    /// A register as it is, pending or not.
    pub(crate) fn raw(&mut self, id: TaskId, register: Register) -> Value {
        self.frame(id).registers[usize::from(register)].clone()
    }

    pub(crate) fn raw_all(&mut self, id: TaskId, registers: &[Register]) -> Vec<Value> {
        let frame = self.frame(id);
        registers.iter().map(|r| frame.registers[usize::from(*r)].clone()).collect()
    }

    /// A register whose outermost value is there.
    pub(crate) fn get(&mut self, id: TaskId, register: Register) -> Result<Value, Stop> {
        let value = self.raw(id, register);
        self.force(value)
    }

    /// A register whose value is there to its leaves.
    pub(crate) fn whole(&mut self, id: TaskId, register: Register) -> Result<Value, Stop> {
        let value = self.raw(id, register);
        self.force_whole(&value)
    }

    /// The whole value, which nests no deeper than what goes through it level by level may.
    pub(crate) fn told(&mut self, id: TaskId, register: Register) -> Result<Value, Stop> {
        let value = self.whole(id, register)?;
        within_depth(&value)?;
        Ok(value)
    }

    pub(crate) fn set(&mut self, id: TaskId, register: Register, value: Value) {
        self.frame(id).registers[usize::from(register)] = value;
    }

    /// Goes on to the next instruction.
    pub(crate) fn pass(&mut self, id: TaskId) {
        self.frame(id).at += 1;
    }

    fn step(&mut self, id: TaskId, function: &Function, at: usize) -> Result<Option<Progress>, Stop> {
        let op = function.code.get(at).ok_or_else(|| Fault::new("the code ended without a return"))?;
        match op {
            Op::Jump { target } => {
                let back = *target as usize <= at;
                let frame = self.frame(id);
                frame.at = *target as usize;
                if back && frame.begun.is_some() {
                    return self.went_back(id);
                }
            }
            Op::JumpUnless { condition, target } => {
                let holds = values::bool_of(&self.get(id, *condition)?)?;
                self.frame(id).at = if holds { at + 1 } else { *target as usize };
            }
            Op::Next { to, iterator, end } => {
                let frame = self.frame(id);
                match values::next(&mut frame.registers[usize::from(*iterator)])? {
                    Some(element) => {
                        frame.registers[usize::from(*to)] = element;
                        frame.at = at + 1;
                    }
                    None => frame.at = *end as usize,
                }
            }
            Op::Call { to, function, arguments } => {
                let arguments = self.raw_all(id, arguments);
                self.call_into(id, *function, arguments, *to)?;
            }
            Op::CallClosure { to, closure, arguments } => {
                let callee = self.get(id, *closure)?;
                let arguments = self.raw_all(id, arguments);
                let (function, arguments) = Self::closure_call(&callee, arguments)?;
                self.call_into(id, function, arguments, *to)?;
            }
            Op::Return { value } => return self.leave(id, *value),
            Op::Push { list, item } => {
                let item = self.raw(id, *item);
                let limit = self.options.limits.elements;
                let register = &mut self.frame(id).registers[usize::from(*list)];
                let Value::List(items) = register else {
                    return Err(values::kind_fault("a list", register).into());
                };
                values::within(items.len() + 1, limit, "a list")?;
                items.make_mut().push(item);
                self.pass(id);
            }
            Op::Builtin { to, builtin, arguments } => {
                let arguments = arguments.iter().map(|r| self.whole(id, *r)).collect::<Result<Vec<_>, _>>()?;
                let value = self.builtin(id, builtin, &arguments)?;
                self.set(id, *to, value);
                self.pass(id);
            }
            Op::Guard { .. } | Op::Unguard | Op::Fail { .. } => self.guard(id, op)?,
            Op::CallTool { .. } => self.tool(id, op)?,
            Op::Spawn { .. } | Op::Report { .. } | Op::ForkEach { .. } | Op::ForkNamed { .. } => self.fork(id, op)?,
            Op::OpenRole { .. }
            | Op::OpenNamedRole { .. }
            | Op::CloseRole
            | Op::Append { .. }
            | Op::AppendValue { .. }
            | Op::AppendImage { .. }
            | Op::Generate { .. }
            | Op::Select { .. }
            | Op::Transcript { .. } => self.prompt(id, op)?,
            other => {
                let (to, value) = self.pure(id, other)?;
                if let Some(to) = to {
                    self.set(id, to, value);
                }
                self.pass(id);
            }
        }
        Ok(None)
    }

    /// An instruction that only computes: where its value goes, and the value.
    fn pure(&mut self, id: TaskId, op: &Op) -> Result<(Option<Register>, Value), Stop> {
        let image = self.image;
        let limit = self.options.limits.elements;
        Ok(match op {
            Op::Unit { to } => (Some(*to), Value::Unit),
            Op::None { to } => (Some(*to), Value::None),
            Op::Unknown { to } => (Some(*to), Value::Unknown),
            Op::Bool { to, value } => (Some(*to), Value::Bool(*value)),
            Op::Int { to, value } => (Some(*to), Value::Int(*value)),
            Op::Float { to, value } => (Some(*to), Value::Float(*value)),
            Op::Text { to, text } => (Some(*to), self.text(*text)),
            Op::Copy { to, from } => (Some(*to), self.raw(id, *from)),
            Op::List { to, items } => (Some(*to), Value::list(self.raw_all(id, items))),
            Op::Tuple { to, items } => (Some(*to), Value::Tuple(self.raw_all(id, items).into())),
            Op::Record { to, record, items } => (Some(*to), Value::Record(*record, self.raw_all(id, items).into())),
            Op::Variant { to, of, variant, items } => {
                (Some(*to), Value::Variant(*variant, *of, self.raw_all(id, items).into()))
            }
            Op::Map { to, pairs } => {
                let mut map = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let key = self.whole(id, *key)?;
                    values::insert(&mut map, key, self.raw(id, *value));
                }
                (Some(*to), Value::Map(map.into()))
            }
            Op::Range { to, start, end, inclusive } => {
                let start = values::int_of(&self.get(id, *start)?)?;
                let end = end.map(|end| self.get(id, end)).transpose()?;
                let end = end.as_ref().map(values::int_of).transpose()?;
                (Some(*to), values::range(start, end, *inclusive)?)
            }
            Op::Closure { to, function, captures } => {
                (Some(*to), Value::Closure(*function, self.raw_all(id, captures).into()))
            }
            Op::Field { to, of, index } => (Some(*to), values::field(&self.get(id, *of)?, *index)?),
            Op::WithField { to, of, index, value } => {
                let of = self.get(id, *of)?;
                (Some(*to), values::with_field(&of, *index, self.raw(id, *value))?)
            }
            Op::Index { to, of, at } => {
                let (of, at) = (self.get(id, *of)?, self.whole(id, *at)?);
                (Some(*to), values::index(&of, &at)?)
            }
            Op::WithIndex { to, of, at, value } => {
                let (of, at) = (self.get(id, *of)?, self.whole(id, *at)?);
                (Some(*to), values::with_index(&of, &at, self.raw(id, *value))?)
            }
            Op::Negate { to, of } => (Some(*to), values::negate(&self.get(id, *of)?)?),
            Op::Not { to, of } => (Some(*to), Value::Bool(!values::bool_of(&self.get(id, *of)?)?)),
            Op::Binary { op, to, left, right } => {
                let (left, right) = (self.whole(id, *left)?, self.whole(id, *right)?);
                (Some(*to), values::binary(*op, &left, &right, limit)?)
            }
            Op::WriteAs { to, of, shape } => {
                let value = self.told(id, *of)?;
                let text = written_as(&value, &image.shapes[*shape as usize], image);
                values::within(text.len(), limit, "a text")?;
                (Some(*to), Value::text(text))
            }
            Op::ToText { to, of } => {
                let text = text_of(&self.told(id, *of)?, image);
                values::within(text.len(), limit, "a text")?;
                (Some(*to), Value::text(text))
            }
            Op::Concat { to, items } => {
                let mut text = String::new();
                for item in items {
                    text.push_str(&text_of(&self.told(id, *item)?, image));
                    values::within(text.len(), limit, "a text")?;
                }
                (Some(*to), Value::text(text))
            }
            Op::IsVariant { to, of, variant } => {
                let value = self.get(id, *of)?;
                (Some(*to), Value::Bool(matches!(value, Value::Variant(index, ..) if index == *variant)))
            }
            Op::IsNone { to, of } => (Some(*to), Value::Bool(matches!(self.get(id, *of)?, Value::None))),
            Op::IsShape { to, of, shape } => {
                let value = self.told(id, *of)?;
                (Some(*to), Value::Bool(fits(&value, &image.shapes[*shape as usize], image)))
            }
            Op::Iterate { to, over } => (Some(*to), values::iterate(self.get(id, *over)?)?),
            Op::Assert { condition, text, compared } => {
                if !values::bool_of(&self.get(id, *condition)?)? {
                    let fault = Fault::new(image.texts[*text as usize].clone());
                    let Some((left, right)) = compared else { return Err(fault.into()) };
                    let (left, right) = (self.told(id, *left)?, self.told(id, *right)?);
                    return Err(fault.comparing(shown(&left, image), shown(&right, image)).into());
                }
                (None, Value::Unit)
            }
            Op::Snapshot { of } => {
                let text = shown(&self.told(id, *of)?, image);
                match self.observer.snapshot(&text) {
                    Snapshot::Same => (None, Value::Unit),
                    Snapshot::Different(stored) => {
                        let fault = Fault::new("the value is not the stored one").comparing(stored, text);
                        return Err(fault.with_help("`sglc test --update` stores the new one").into());
                    }
                    Snapshot::Missing => {
                        let fault = Fault::new("no value is stored for this snapshot yet");
                        return Err(fault.with_help("`sglc test --update` stores it").into());
                    }
                    Snapshot::Refused => return Err(Fault::new("snapshots are kept by `sglc test`").into()),
                }
            }
            Op::NoMatch { of } => {
                let value = self.told(id, *of)?;
                return Err(Fault::new(format!("no case of the match fits {}", text_of(&value, image))).into());
            }
            other => unreachable!("{other:?} is no pure instruction"),
        })
    }

    /// A text of the image, made once.
    fn text(&mut self, index: u32) -> Value {
        self.texts[index as usize].clone()
    }

    /// What a call of a closure calls: its function with what it captured before the arguments.
    fn closure_call(closure: &Value, arguments: Vec<Value>) -> Result<(u32, Vec<Value>), Fault> {
        let Value::Closure(function, captures) = closure else {
            return Err(values::kind_fault("a function", closure));
        };
        Ok((*function, captures.iter().cloned().chain(arguments).collect()))
    }

    pub(crate) fn new_frame(&self, function: u32, arguments: Vec<Value>, returns: Returns) -> Result<Frame, Fault> {
        let callee = &self.image.functions[function as usize];
        if arguments.len() != usize::from(callee.parameters) {
            return Err(Fault::new(format!(
                "`{}` takes {} arguments, not {}",
                callee.name,
                callee.parameters,
                arguments.len()
            )));
        }
        let mut registers = arguments;
        registers.resize(usize::from(callee.registers), Value::Unit);
        Ok(Frame { function, at: 0, registers, returns, guards: Vec::new(), begun: None })
    }

    fn enter(&mut self, id: TaskId, function: u32, arguments: Vec<Value>, returns: Returns) -> Result<(), Fault> {
        let begun = self.begun(function, &arguments);
        let mut frame = self.new_frame(function, arguments, returns)?;
        frame.begun = begun;
        let limit = self.options.limits.frames;
        let task = self.task(id).expect("only a task that is alive calls");
        if task.frames.len() >= limit {
            let fault = Fault::new(format!("calls are nested more than {limit} deep"));
            return Err(fault.with_help("a function that calls itself needs a case in which it does not"));
        }
        task.frames.push(frame);
        Ok(())
    }

    /// Ends the innermost function.
    fn leave(&mut self, id: TaskId, register: Register) -> Result<Option<Progress>, Stop> {
        let returns = self.frame(id).returns;
        if returns == Returns::Task {
            let value = self.whole(id, register)?;
            let children = self.task(id).map(|task| task.children.clone()).unwrap_or_default();
            self.settled(&children)?;
            return Ok(Some(Progress::Ended(value)));
        }
        let value = self.raw(id, register);
        let frame = self.task(id).and_then(|task| task.frames.pop());
        if let Some((function, begun)) = frame.and_then(|frame| Some((frame.function, frame.begun?)))
            && let Some(native) = &mut self.native
        {
            native.spent(function, begun.fuel.saturating_sub(self.fuel));
        }
        if let Returns::Register(to) = returns {
            self.set(id, to, value);
            self.pass(id);
            return Ok(None);
        }
        Ok(Some(Progress::Returned(value)))
    }

    /// Calls a closure from inside a built-in or a join. Closures are pure and everything that they read is there, so they
    /// never wait.
    pub(crate) fn call(&mut self, id: TaskId, closure: &Value, arguments: Vec<Value>) -> Result<Value, Stop> {
        let (function, arguments) = Self::closure_call(closure, arguments)?;
        let limit = self.options.limits.nested_calls;
        if self.nested >= limit {
            return Err(Fault::new(format!("closures are nested more than {limit} deep in built-ins")).into());
        }
        self.nested += 1;
        let done = self.natively(id, function, &arguments);
        self.nested -= 1;
        if let Some(value) = done {
            return Ok(value);
        }
        self.enter(id, function, arguments, Returns::Builtin)?;
        self.nested += 1;
        let outcome = self.advance(id);
        self.nested -= 1;
        match outcome {
            Ok(Progress::Returned(value)) => self.force_whole(&value),
            Ok(Progress::Ended(_) | Progress::Stopped) => Err(Fault::new("a closure used the model").into()),
            Err(trap) if trap.fault.is_some() => {
                let kind = trap.fault.unwrap_or_default();
                Err(Fault::world(kind, trap.message.clone()).at(trap).into())
            }
            Err(trap) => {
                self.inner_trap = Some(trap);
                Err(Fault::new("a fault in a closure").into())
            }
        }
    }
}
