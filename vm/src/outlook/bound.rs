//! How many tokens can still be generated in a transcript from an instruction on.
//!
//! Per function the longest way through the code, where a hole weighs its `max_tokens` and a call what its function comes to. Sweeps from the
//! end settle what has no loop at once; what still grows after [`SWEEPS_MAX`] goes round a hole, and has no bound. Branches
//! generate in transcripts of their own.

use crate::image::{Function, HoleOptions, Image, Op, Register};
use crate::native::flow::written;
use crate::options::RunOptions;

/// After so many sweeps what still grows grows without end: a change crosses a jump back in one.
const SWEEPS_MAX: usize = 8;

/// Tokens, if they are bounded.
type Bound = Option<u32>;

/// By function and instruction: the tokens from there on; one place more for the end.
#[derive(Debug, Default)]
pub(super) struct Bounds(Vec<Vec<Bound>>);

impl Bounds {
    pub(super) fn new(image: &Image, options: &RunOptions) -> Self {
        let mut bounds = Self(image.functions.iter().map(|function| vec![Some(0); function.code.len() + 1]).collect());
        for sweep in 0.. {
            let mut settled = true;
            for (index, function) in image.functions.iter().enumerate() {
                settled &= !bounds.sweep(image, options, index, function, sweep >= SWEEPS_MAX);
            }
            if settled {
                break;
            }
        }
        bounds
    }

    /// The bound from an instruction of a function on; that its code has no such place is no bound.
    pub(super) fn from(&self, function: u32, at: usize) -> Bound {
        self.0.get(function as usize).and_then(|bounds| bounds.get(at)).copied().flatten()
    }

    /// Looks once at each instruction, the last first. Gives whether any bound grew; with `endless` what grows has none.
    fn sweep(&mut self, image: &Image, options: &RunOptions, index: usize, function: &Function, endless: bool) -> bool {
        let mut grew = false;
        for (at, op) in function.code.iter().enumerate().rev() {
            let own = match op {
                Op::Generate { hole, options: set, .. } => tokens(image, options, function, *hole, set),
                Op::Call { function, .. } => self.from(*function, 0),
                // A retry begins again; a handler comes after a part of what is guarded.
                Op::Guard { .. } => None,
                _ => Some(0),
            };
            let after = |at: usize| self.0[index].get(at).copied().flatten();
            let rest = match op {
                Op::Return { .. } | Op::Fail { .. } | Op::NoMatch { .. } => Some(0),
                Op::Jump { target } => after(*target as usize),
                Op::JumpUnless { target, .. } => greater(after(at + 1), after(*target as usize)),
                Op::Next { end, .. } => greater(after(at + 1), after(*end as usize)),
                _ => after(at + 1),
            };
            let found = own.zip(rest).and_then(|(own, rest)| own.checked_add(rest));
            if found != self.0[index][at] {
                grew = true;
                self.0[index][at] = found.filter(|_| !endless);
            }
        }
        grew
    }
}

fn greater(a: Bound, b: Bound) -> Bound {
    a.zip(b).map(|(a, b)| a.max(b))
}

/// Most tokens of a hole, if that is written in the code.
fn tokens(image: &Image, options: &RunOptions, function: &Function, hole: u32, set: &HoleOptions) -> Bound {
    let cap = |most: u32| options.max_tokens_cap.map_or(most, |cap| most.min(cap));
    match set.set.iter().find(|(name, _)| name == "max_tokens") {
        Some((_, register)) => constant(function, *register).and_then(|most| u32::try_from(most).ok()).map(cap),
        None => Some(cap(image.holes[hole as usize].max_tokens.unwrap_or(options.max_tokens_default))),
    }
}

/// What a register always holds: one number that is written in the code.
fn constant(function: &Function, register: Register) -> Option<i64> {
    if register < function.parameters {
        return None;
    }
    let mut numbers = function.code.iter().filter(|op| writes(op, register));
    match (numbers.next(), numbers.next()) {
        (Some(Op::Int { value, .. }), None) => Some(*value),
        _ => None,
    }
}

/// Whether an instruction writes a register.
fn writes(op: &Op, register: Register) -> bool {
    match op {
        Op::Generate { to, metadata, .. } | Op::Select { to, metadata, .. } => {
            *to == register || metadata.iter().any(|(_, about)| *about == register)
        }
        Op::Spawn { to, .. }
        | Op::ForkEach { to, .. }
        | Op::ForkNamed { to, .. }
        | Op::Transcript { to }
        | Op::Guard { to, .. }
        | Op::CallTool { to, .. }
        | Op::Report { to, .. } => *to == register,
        _ => written(op) == Some(register),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{GuardKind, Hole, Place};
    use sgl_protocol::Shape;

    /// Functions of this code, each with so many parameters, and holes of 10, 20 and the run's own tokens.
    fn bounds(functions: Vec<(u16, Vec<Op>)>, options: &RunOptions) -> Bounds {
        let at = Place { file: 0, start: 0, end: 0 };
        let hole = |max_tokens| Hole {
            label: "x".into(),
            shape: Shape::free_text(),
            model: None,
            follow: String::new(),
            max_tokens,
            at,
        };
        let function = |(parameters, code): (u16, Vec<Op>)| Function {
            name: "f".into(),
            parameters,
            registers: 8,
            places: vec![at; code.len()],
            code,
        };
        let image = Image {
            holes: vec![hole(Some(10)), hole(Some(20)), hole(None)],
            functions: functions.into_iter().map(function).collect(),
            ..Image::default()
        };
        Bounds::new(&image, options)
    }

    fn ask(hole: u32, max_tokens: Option<Register>) -> Op {
        let set = max_tokens.map(|register| ("max_tokens".to_string(), register)).into_iter().collect();
        Op::Generate { to: 7, hole, options: HoleOptions { set }, metadata: Vec::new() }
    }

    const RETURN: Op = Op::Return { value: 7 };

    #[test]
    fn the_longest_way_counts_and_what_is_behind_does_not() {
        let code = vec![ask(0, None), Op::JumpUnless { condition: 0, target: 4 }, ask(1, None), ask(0, None), RETURN];
        let found = bounds(vec![(1, code)], &RunOptions::default());
        let from: Vec<Bound> = (0..6).map(|at| found.from(0, at)).collect();
        assert_eq!(from, [Some(40), Some(30), Some(30), Some(10), Some(0), Some(0)]);
        assert_eq!(found.from(0, 99), None);
    }

    #[test]
    fn a_loop_round_a_hole_has_no_bound_and_one_of_pure_code_has() {
        let around = |inner: Op| {
            vec![Op::Next { to: 1, iterator: 0, end: 3 }, inner, Op::Jump { target: 0 }, ask(1, None), RETURN]
        };
        let found = bounds(vec![(1, around(ask(0, None))), (1, around(Op::Unit { to: 2 }))], &RunOptions::default());
        assert_eq!((found.from(0, 0), found.from(0, 3)), (None, Some(20)));
        assert_eq!((found.from(1, 0), found.from(1, 1)), (Some(20), Some(20)));
    }

    #[test]
    fn calls_count_and_a_function_that_calls_itself_has_no_bound() {
        let call = |function| Op::Call { to: 1, function, arguments: Vec::new() };
        let functions = vec![
            (0, vec![call(1), call(1), RETURN]),
            (0, vec![ask(0, None), RETURN]),
            (0, vec![Op::JumpUnless { condition: 0, target: 3 }, ask(0, None), call(2), RETURN]),
            (0, vec![call(2), RETURN]),
        ];
        let found = bounds(functions, &RunOptions::default());
        let whole: Vec<Bound> = (0..4).map(|function| found.from(function, 0)).collect();
        assert_eq!(whole, [Some(20), Some(10), None, None]);
    }

    #[test]
    fn options_count_where_they_are_numbers_of_the_code() {
        let number = |to, value| Op::Int { to, value };
        let functions = vec![
            (0, vec![number(1, 5), ask(0, Some(1)), RETURN]),
            (2, vec![ask(0, Some(1)), RETURN]),
            (0, vec![number(1, 5), number(1, 6), ask(0, Some(1)), RETURN]),
            (0, vec![ask(2, None), RETURN]),
            (0, vec![ask(0, None), Op::Guard { kind: GuardKind::Try, to: 1, record: 0, handler: None }, RETURN]),
        ];
        let whole = |options: &RunOptions| {
            let found = bounds(functions.clone(), options);
            (0..5).map(|function| found.from(function, 0)).collect::<Vec<Bound>>()
        };
        assert_eq!(whole(&RunOptions::default()), [Some(5), None, None, Some(256), None]);
        let capped = RunOptions { max_tokens_cap: Some(3), ..RunOptions::default() };
        assert_eq!(whole(&capped), [Some(3), None, None, Some(3), None]);
    }
}
