//! When calls leave the interpreter: what is called often is code from then on, and what goes round long begins again as code.

use super::Progress;
use crate::image::{FunctionIndex, Register};
use crate::machine::Machine;
use crate::native::{Bounds, Native, Outcome};
use crate::options::Tier;
use crate::task::{Begun, Returns, Stop};
use crate::trap::Fault;
use crate::value::{TaskId, Value};

/// Calls of a function before it may run as code.
const CALLS_MIN: u32 = 3;
/// Times that control goes back in one call before it may begin again as code.
const ROUNDS_MIN: u32 = 64;
/// Steps that code may take at once while a budget of time is open: some tens of milliseconds.
const STEPS_WATCHED: u64 = 20_000_000;

impl Machine<'_> {
    /// Calls a function whose result goes to a register.
    pub(super) fn call_into(
        &mut self,
        id: TaskId,
        function: FunctionIndex,
        arguments: Vec<Value>,
        to: Register,
    ) -> Result<(), Fault> {
        if let Some(value) = self.natively(id, function, &arguments) {
            self.set(id, to, value);
            self.pass(id);
            return Ok(());
        }
        self.enter(id, function, arguments, Returns::Register(to))
    }

    /// The value of a call, if there is code for it that does not give up.
    pub(super) fn natively(&mut self, id: TaskId, function: FunctionIndex, arguments: &[Value]) -> Option<Value> {
        let calls_min = if self.options.native == Tier::Always { 1 } else { CALLS_MIN };
        let image = self.image;
        if !self.native.as_mut()?.is_warm(image, function, calls_min) || self.is_cold(function, 0) {
            return None;
        }
        let open = self.running(id).frames.len();
        self.as_code(function, arguments, self.fuel, open)
    }

    fn is_cold(&self, function: FunctionIndex, steps: u64) -> bool {
        let cold = |native: &Native| native.is_cold(function, steps);
        self.options.native != Tier::Always && self.native.as_ref().is_some_and(cold)
    }

    /// Runs a call as code; `open` calls are open around it, and it begins with so much fuel.
    fn as_code(&mut self, function: FunctionIndex, arguments: &[Value], fuel: u64, open: usize) -> Option<Value> {
        let limits = &self.options.limits;
        let depth = limits.frames.checked_sub(open + 1)?;
        let nesting = limits.nested_calls.checked_sub(self.nested)?;
        let given = if self.deadlines.is_empty() { fuel } else { fuel.min(STEPS_WATCHED) };
        let bounds = Bounds { fuel: given, depth, nesting, limits };
        // Code never waits: what is pending anywhere in its arguments is put in first, or the interpreter does it.
        let whole = arguments.iter().map(|argument| self.force_whole(argument)).collect::<Result<Vec<_>, _>>().ok()?;
        match self.native.as_mut()?.call(self.image, &self.texts, function, &whole, bounds) {
            Outcome::Done(value, left) => {
                self.fuel = fuel - given + left;
                Some(value)
            }
            Outcome::Interpret => None,
        }
    }

    /// Runs a task that has not begun as code, if an earlier run made some of its function.
    pub(crate) fn at_once(&mut self, id: TaskId) -> Option<Progress> {
        let image = self.image;
        let [frame] = &self.task(id)?.frames[..] else { return None };
        let function = frame.function;
        if frame.at > 0 || frame.begun.is_none() || !self.native.as_mut()?.is_warm(image, function, u32::MAX) {
            return None;
        }
        let begun = self.frame(id).begun.take()?;
        self.as_code(function, &begun.arguments, begun.fuel, 0).map(Progress::Ended)
    }

    /// What is kept of a call so that it can begin again.
    pub(crate) fn begun(&self, function: FunctionIndex, arguments: &[Value]) -> Option<Box<Begun>> {
        let native = self.native.as_ref()?;
        let begun = || Box::new(Begun { arguments: arguments.to_vec(), fuel: self.fuel, rounds: 0 });
        (!native.is_never(function)).then(begun)
    }

    /// After control went back: a call that does so often begins again as code, with the fuel that it had then. Nobody can tell.
    pub(super) fn went_back(&mut self, id: TaskId) -> Result<Option<Progress>, Stop> {
        let rounds_min = if self.options.native == Tier::Always { 1 } else { ROUNDS_MIN };
        let frame = self.frame(id);
        let (function, returns) = (frame.function, frame.returns);
        let Some(begun) = &mut frame.begun else { return Ok(None) };
        begun.rounds += 1;
        let (rounds, fuel) = (begun.rounds, begun.fuel);
        if rounds < rounds_min || self.is_cold(function, fuel.saturating_sub(self.fuel)) {
            return Ok(None);
        }
        let Some(begun) = self.frame(id).begun.take() else { return Ok(None) };
        let open = self.running(id).frames.len() - 1;
        let Some(value) = self.as_code(function, &begun.arguments, begun.fuel, open) else { return Ok(None) };
        if returns == Returns::Task {
            return Ok(Some(Progress::Ended(value)));
        }
        self.running(id).frames.pop();
        match returns {
            Returns::Register(to) => {
                self.set(id, to, value);
                self.pass(id);
                Ok(None)
            }
            _ => Ok(Some(Progress::Returned(value))),
        }
    }
}
