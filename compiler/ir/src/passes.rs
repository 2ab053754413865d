//! The passes, in order. After each the plan verifies, and the program means the same.

mod dead;
mod join_appends;

use crate::program::Program;

/// The plan after all passes.
#[must_use]
pub fn optimize(mut program: Program) -> Program {
    for function in &mut program.functions {
        join_appends::run(function);
        dead::run(function);
    }
    debug_assert_eq!(crate::verify(&program), Vec::<String>::new(), "passes keep the plan sound");
    program
}
