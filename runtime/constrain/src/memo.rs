//! Automata by shape, so that a thread makes each once: a check asks for the same few over and over.
//!
//! A memo of a pure function: nobody can tell, but by the clock. It forgets everything when it is full.

use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::limits::{MEMO_CELLS_MAX, MEMO_ENTRIES_MAX};
use rustc_hash::FxHashMap;
use sgl_protocol::Shape;
use std::cell::RefCell;

type Made = Result<Automaton, ConstrainError>;

#[derive(Default)]
struct Memo {
    made: FxHashMap<Shape, Made>,
    /// Cells of all tables.
    cells: usize,
}

thread_local! {
    static MEMO: RefCell<Memo> = RefCell::default();
}

/// What `make` makes of the shape, or made of it before.
pub(crate) fn automaton(shape: &Shape, make: impl FnOnce(&Shape) -> Made) -> Made {
    if let Some(made) = MEMO.with_borrow(|memo| memo.made.get(shape).cloned()) {
        return made;
    }
    let made = make(shape);
    let cells = made.as_ref().map_or(0, |automaton| automaton.table().next.len());
    MEMO.with_borrow_mut(|memo| {
        if memo.made.len() >= MEMO_ENTRIES_MAX || memo.cells + cells > MEMO_CELLS_MAX {
            *memo = Memo::default();
        }
        if cells <= MEMO_CELLS_MAX {
            memo.cells += cells;
            memo.made.insert(shape.clone(), made.clone());
        }
    });
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_made_once_and_full_memos_start_anew() {
        let shape = |n: i64| Shape::Int { min: Some(0), max: Some(n) };
        let mut made = 0;
        let mut ask = |n: i64| {
            automaton(&shape(n), |_| {
                made += 1;
                Automaton::of_regex("[0-9]")
            })
            .is_ok()
        };
        assert!(ask(1_000_001) && ask(1_000_001));
        for n in 0..MEMO_ENTRIES_MAX as i64 {
            ask(2_000_000 + n);
        }
        assert!(ask(1_000_001));
        assert_eq!(made, MEMO_ENTRIES_MAX + 2);
    }
}
