//! Rules that begin with themselves, which a machine that reads from left to right can't follow.

use super::program::{Op, Place, Program};
use crate::error::ConstrainError;

/// An error if a rule calls itself before it takes a byte.
pub(crate) fn check(program: &Program) -> Result<(), ConstrainError> {
    let nullable = nullable(program);
    let component = components(program, &nullable);
    for (at, op) in program.ops.iter().enumerate() {
        if let Op::Call { to, .. } = op
            && component[at] == component[*to as usize]
        {
            return Err(ConstrainError::LeftRecursion);
        }
    }
    Ok(())
}

/// From which places the end of the rule can be reached without a byte.
fn nullable(program: &Program) -> Vec<bool> {
    let mut nullable = vec![false; program.ops.len()];
    loop {
        let mut changed = false;
        for (at, op) in program.ops.iter().enumerate() {
            let is = |place: &Place| nullable[*place as usize];
            let now = match op {
                Op::Bytes { .. } => false,
                Op::Split(ways) => program.ways_of(*ways).iter().any(is),
                Op::Push { next, .. } | Op::Tick(next) | Op::Pop(next) => is(next),
                Op::Call { to, back } => is(to) && is(back),
                Op::Return | Op::Accept => true,
            };
            if now && !nullable[at] {
                nullable[at] = true;
                changed = true;
            }
        }
        if !changed {
            return nullable;
        }
    }
}

/// Where a place leads without a byte.
fn empty_steps(program: &Program, nullable: &[bool], at: Place) -> Vec<Place> {
    match &program.ops[at as usize] {
        Op::Bytes { .. } | Op::Return | Op::Accept => Vec::new(),
        Op::Split(ways) => program.ways_of(*ways).to_vec(),
        Op::Push { next, .. } | Op::Tick(next) | Op::Pop(next) => vec![*next],
        Op::Call { to, back } if nullable[*to as usize] => vec![*to, *back],
        Op::Call { to, .. } => vec![*to],
    }
}

/// Names the strongly connected component of each place (Tarjan 1972, with a stack of its own).
fn components(program: &Program, nullable: &[bool]) -> Vec<u32> {
    const NONE: u32 = u32::MAX;
    let count = program.ops.len();
    let (mut index, mut low, mut component) = (vec![NONE; count], vec![0u32; count], vec![NONE; count]);
    let (mut open, mut fresh) = (Vec::new(), 0);
    for root in (0..).take(count) {
        if index[root as usize] != NONE {
            continue;
        }
        let mut path: Vec<(Place, Vec<Place>)> = Vec::new();
        let mut enter = Some(root);
        loop {
            if let Some(at) = enter.take() {
                (index[at as usize], low[at as usize]) = (fresh, fresh);
                fresh += 1;
                open.push(at);
                path.push((at, empty_steps(program, nullable, at)));
            }
            let Some((at, steps)) = path.last_mut() else { break };
            let at = *at as usize;
            match steps.pop() {
                Some(to) if index[to as usize] == NONE => enter = Some(to),
                Some(to) => {
                    if component[to as usize] == NONE {
                        low[at] = low[at].min(index[to as usize]);
                    }
                }
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        low[*parent as usize] = low[*parent as usize].min(low[at]);
                    }
                    if low[at] == index[at] {
                        while let Some(member) = open.pop() {
                            component[member as usize] = index[at];
                            if member as usize == at {
                                break;
                            }
                        }
                    }
                }
            }
        }
    }
    component
}
