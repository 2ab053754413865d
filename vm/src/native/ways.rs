//! Which blocks are reached on which ways: jumps to jumps go to where they end, and a choice between two numbers is no jump at all.
//!
//! ```text
//! if a == b { before } else { before + 1 }    both are computed, and one is taken
//! ```
//!
//! Where the sides of a choice are a few operations on numbers, computing both costs less than guessing wrong which one is next. What the
//! side that is not taken would have given up for, both give up for: the interpreter then does the call, which is right though slower.

use super::flow::{Flow, written};
use super::kind::Kind;
use crate::image::{Binary, Function, Op, Register};

/// Instructions of a side that are computed whether they are wanted or not.
const SIDE_OPS_MAX: usize = 5;

/// A choice between two blocks that both go on to the same one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Where the condition holds.
    pub(super) then: usize,
    /// Where it does not; none if that is the block after both.
    pub(super) other: Option<usize>,
    pub(super) join: usize,
}

/// The ways between the blocks of a function.
#[derive(Debug)]
pub(super) struct Ways {
    /// Per block, the choice that it ends with.
    choices: Vec<Option<Choice>>,
    /// Per block, how many ways lead to it.
    into: Vec<usize>,
    /// Per block, where one comes that goes there, and the steps that this takes.
    ends: Vec<(usize, i64)>,
}

impl Ways {
    pub(super) fn of(function: &Function, flow: &Flow, kinds: &[Kind]) -> Self {
        let count = flow.blocks.len();
        let mut before = vec![0usize; count];
        flow.blocks.iter().flat_map(|block| &block.next).for_each(|next| before[*next] += 1);
        let choices: Vec<Option<Choice>> =
            (0..count).map(|index| choice(function, flow, kinds, &before, index)).collect();
        let ends = (0..count).map(|index| end_of(function, flow, index)).collect();
        let mut ways = Self { choices, into: vec![0; count], ends };
        let mut open = vec![0];
        ways.into[0] = 1;
        while let Some(index) = open.pop() {
            let next = match ways.choices[index] {
                Some(choice) => vec![choice.join],
                None => flow.blocks[index].next.clone(),
            };
            for to in next {
                let (to, _) = ways.ends[to];
                if ways.into[to] == 0 {
                    open.push(to);
                }
                ways.into[to] += 1;
            }
        }
        ways
    }

    pub(super) fn choice(&self, index: usize) -> Option<Choice> {
        self.choices[index]
    }

    /// Whether a block is come to, and not only computed as a side of a choice or jumped over.
    pub(super) fn is_reached(&self, index: usize) -> bool {
        self.into[index] > 0
    }

    /// Whether one way leads to a block, so that all that holds at its beginning holds in it.
    pub(super) fn is_single(&self, index: usize, flow: &Flow) -> bool {
        index > 0 && self.into[index] == 1 && !flow.blocks[index].is_loop
    }

    /// Where one comes who goes to a block, and the steps that the way takes.
    pub(super) fn end(&self, index: usize) -> (usize, i64) {
        self.ends[index]
    }
}

/// Goes through blocks that do nothing but jump. Places that control comes back to are not gone through: fuel is looked at there.
fn end_of(function: &Function, flow: &Flow, mut index: usize) -> (usize, i64) {
    let mut steps = 0;
    loop {
        let block = &flow.blocks[index];
        let only_jumps = block.end == block.start + 1 && matches!(function.code[block.start], Op::Jump { .. });
        if !only_jumps || block.is_loop {
            return (index, steps);
        }
        (index, steps) = (block.next[0], steps + 1);
    }
}

fn choice(function: &Function, flow: &Flow, kinds: &[Kind], before: &[usize], index: usize) -> Option<Choice> {
    let block = &flow.blocks[index];
    let (Op::JumpUnless { .. }, [then, away]) = (&function.code[block.end - 1], &block.next[..]) else { return None };
    let is_side = |side: usize| {
        let block = &flow.blocks[side];
        let code = &function.code[block.start..block.end];
        let work = match code {
            [work @ .., Op::Jump { .. }] => work,
            all => all,
        };
        let fits = before[side] == 1 && !block.is_loop && work.len() <= SIDE_OPS_MAX;
        (fits && work.iter().all(|op| is_quick(op, kinds))).then(|| block.next[0])
    };
    let join = is_side(*then)?;
    if join == *away {
        return Some(Choice { then: *then, other: None, join });
    }
    (then != away && is_side(*away)? == join).then_some(Choice { then: *then, other: Some(*away), join })
}

/// Whether an instruction makes a number of numbers, in about a cycle.
fn is_quick(op: &Op, kinds: &[Kind]) -> bool {
    let number = |register: &Register| matches!(kinds[usize::from(*register)], Kind::Int | Kind::Float | Kind::Bool);
    let int = |register: &Register| kinds[usize::from(*register)] == Kind::Int;
    let quick = match op {
        Op::Bool { .. } | Op::Int { .. } | Op::Float { .. } => true,
        Op::Copy { from, .. } => number(from),
        Op::Not { of, .. } => kinds[usize::from(*of)] == Kind::Bool,
        Op::Binary { op, left, right, .. } => {
            int(left) && int(right) && !matches!(op, Binary::Multiply | Binary::Divide | Binary::Remainder | Binary::In)
        }
        Op::Builtin { builtin, arguments, .. } => {
            matches!(builtin.as_str(), "int.min" | "int.max") && arguments.iter().all(int)
        }
        _ => false,
    };
    quick && written(op).is_some_and(|to| number(&to))
}
