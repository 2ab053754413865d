//! Pure functions as machine code, made while a program runs and kept with its image.
//!
//! ```text
//! a function that is called often, or goes round long --kinds of its arguments--> infer --> emit --> code
//! ```
//!
//! The interpreter is what a program means; code only is faster. So code does what is right and usual, and where anything is
//! not — a fault, a value of another kind than the arguments showed, no fuel, calls too deep — it *gives up*, and the
//! interpreter runs the call again from its beginning. Functions here are pure, so that nobody can tell, and every fault has the message, the
//! place and the calls that the interpreter finds. Code counts the same steps as the interpreter and keeps the same bounds.
//!
//! `unsafe` is here and nowhere else in the machine: values as words (`layout`, checked when the process first compiles), helpers
//! that code calls, and the entrance. Code is only made of images that passed the verifier, and none is in an image.

mod alone;
mod arithmetic;
mod borrow;
mod builtin;
mod call;
mod compile;
mod elements;
mod emit;
mod enter;
pub(crate) mod flow;
mod infer;
mod instruction;
mod kind;
mod layout;
mod lend;
mod list;
mod lists;
mod naturals;
mod operand;
mod results;
mod services;
mod ways;

use crate::image::{FunctionIndex, Image};
use crate::limits::Limits;
use crate::value::Value;
use compile::Code;
use kind::Kind;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Instructions of an image that code is made of, all functions together; what is beyond is interpreted.
const OPS_IN_ALL_MAX: usize = 200_000;
/// Times that a function gives up, or is given values of new kinds, before it is interpreted for good.
const FAILURES_MAX: u32 = 4;
/// Steps that a run spends in a function, with all that it calls, before code is made of it: making some takes 1 to 4 ms, and so do
/// these as the interpreter takes them (some 50 ns each). So a short run never pays for code, and no run pays twice what it must.
const STEPS_MIN: u64 = 20_000;

/// The code of an image, which is made when it is first needed. An image that is copied or stored has none.
#[derive(Default)]
pub struct NativeCode(Mutex<Made>);

#[derive(Default)]
struct Made {
    /// By function.
    functions: Vec<State>,
    ops: usize,
    /// Time that was spent on making code.
    spent: Duration,
    /// Whether the image passed the verifier.
    sound: Option<bool>,
}

#[derive(Clone, Default)]
enum State {
    #[default]
    None,
    Ready(Arc<Code>),
    /// There can't be any.
    Never,
}

impl Clone for NativeCode {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for NativeCode {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for NativeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NativeCode")
    }
}

impl NativeCode {
    /// How many functions have code of their own, and the time that making code took.
    pub fn made(&self) -> (usize, Duration) {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = made.functions.iter().filter(|state| matches!(state, State::Ready(_))).count();
        (ready, made.spent)
    }

    /// Whether an earlier run made code of a function.
    fn is_ready(&self, function: FunctionIndex) -> bool {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(made.functions.get(function as usize), Some(State::Ready(_)))
    }

    fn get(&self, image: &Image, function: FunctionIndex, arguments: &[Value], again: bool) -> State {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.functions.resize(image.functions.len(), State::None);
        let state = made.functions[function as usize].clone();
        if matches!(state, State::Never) || (matches!(state, State::Ready(_)) && !again) {
            return state;
        }
        let sound = *made.sound.get_or_insert_with(|| crate::verify(image).is_empty());
        let begun = Instant::now();
        let code = if sound && made.ops < OPS_IN_ALL_MAX { compile::compile(image, function, arguments) } else { None };
        made.spent += begun.elapsed();
        let state = code.map_or(State::Never, |code| {
            made.ops += code.ops;
            State::Ready(Arc::new(code))
        });
        made.functions[function as usize] = state.clone();
        state
    }
}

/// What a call came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A value, and the fuel that is left.
    Done(Value, u64),
    /// Nothing happened: the interpreter has to do it.
    Interpret,
}

/// What a run knows of a function's code.
#[derive(Clone, Default)]
struct Entry {
    code: Option<Arc<Code>>,
    calls: u32,
    /// Whether an earlier run made code of it.
    ready: bool,
    /// Steps that calls of it took in the interpreter.
    steps: u64,
    failures: u32,
    never: bool,
}

/// The native side of a run.
pub(crate) struct Native {
    entries: Vec<Entry>,
    /// A list and a map without elements, which code shares instead of making some.
    empty: [Value; 2],
}

/// What a call may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    pub(crate) fuel: u64,
    /// Calls that may be open inside it.
    pub(crate) depth: usize,
    /// Closures that built-ins may call inside each other.
    pub(crate) nesting: usize,
    pub(crate) limits: &'a Limits,
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").field("functions", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Native {
    pub(crate) fn new(image: &Image) -> Self {
        let empty = [Value::list(Vec::new()), Value::Map(Vec::new().into())];
        Self { entries: vec![Entry::default(); image.functions.len()], empty }
    }

    /// Whether it is worth asking for code of a function that is called now: always where an earlier run made some.
    pub(crate) fn is_warm(&mut self, image: &Image, function: FunctionIndex, calls_min: u32) -> bool {
        let entry = &mut self.entries[function as usize];
        if entry.never {
            return false;
        }
        if entry.calls == 0 {
            entry.ready = image.native.is_ready(function);
        }
        entry.calls = entry.calls.saturating_add(1);
        entry.ready || entry.calls >= calls_min
    }

    /// Notes what an interpreted call of a function took.
    pub(crate) fn spent(&mut self, function: FunctionIndex, steps: u64) {
        let entry = &mut self.entries[function as usize];
        entry.steps = entry.steps.saturating_add(steps);
    }

    /// Whether there is no code yet, and making some would take longer than it may save: a call has taken so many steps.
    pub(crate) fn is_cold(&self, function: FunctionIndex, steps: u64) -> bool {
        let entry = &self.entries[function as usize];
        entry.code.is_none() && !entry.ready && entry.steps.saturating_add(steps) < STEPS_MIN
    }

    pub(crate) fn is_never(&self, function: FunctionIndex) -> bool {
        self.entries[function as usize].never
    }

    /// Calls a function natively, if that is possible. The arguments are only lent.
    pub(crate) fn call(
        &mut self,
        image: &Image,
        texts: &[Value],
        function: FunctionIndex,
        arguments: &[Value],
        bounds: Bounds<'_>,
    ) -> Outcome {
        let entry = &mut self.entries[function as usize];
        if entry.never {
            return Outcome::Interpret;
        }
        let code = match &entry.code {
            Some(code) => Arc::clone(code),
            None => match image.native.get(image, function, arguments, false) {
                State::Ready(code) => {
                    entry.code = Some(Arc::clone(&code));
                    code
                }
                _ => {
                    entry.never = true;
                    return Outcome::Interpret;
                }
            },
        };
        let shared = enter::Shared { texts, empty: &self.empty };
        let outcome = enter::enter(&code, image, shared, arguments, bounds);
        if let Outcome::Interpret = outcome {
            self.failed(image, function, &code, arguments);
        }
        outcome
    }

    /// After code gave up: where the kinds of its arguments were others, it is made again for both.
    fn failed(&mut self, image: &Image, function: FunctionIndex, code: &Code, arguments: &[Value]) {
        let entry = &mut self.entries[function as usize];
        entry.failures += 1;
        if entry.failures >= FAILURES_MAX {
            entry.never = true;
        } else if !arguments.iter().zip(&code.parameters).all(|(value, kind)| fits(value, kind)) {
            entry.code = match image.native.get(image, function, arguments, true) {
                State::Ready(code) => Some(code),
                _ => None,
            };
            entry.never = entry.code.is_none();
        }
    }
}

/// Whether a value is of a kind, from outside: what is inside it is looked at where it is read.
fn fits(value: &Value, kind: &Kind) -> bool {
    match (value, kind) {
        (Value::Iterator(_) | Value::Pending(_) | Value::Image(_), _) => false,
        (_, Kind::Any | Kind::Never) => true,
        (Value::Int(_), Kind::Int)
        | (Value::Float(_), Kind::Float)
        | (Value::Bool(_), Kind::Bool)
        | (Value::Str(_), Kind::Str)
        | (Value::List(_), Kind::List(_))
        | (Value::Map(_), Kind::Map(..))
        | (Value::Tuple(_), Kind::Tuple(_))
        | (Value::None, Kind::Maybe(_)) => true,
        (Value::Record(id, _), Kind::Record(of)) | (Value::Variant(_, id, _), Kind::Variant(of)) => id == of,
        (Value::Closure(function, _), Kind::Closure(of)) => function == of,
        (value, Kind::Maybe(inner)) => fits(value, inner),
        _ => false,
    }
}
