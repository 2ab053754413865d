//! The passes, in order. After each the plan verifies, and the program means the same.
//!
//! What is not here, and why. *Literal text into the constraint after it*: text before a hole goes out with the hole's own request, and the
//! text after it is the hole's `follow`, so that nothing is left to save. *A hole of few values into a `select`*: a hole draws among them
//! under its temperature, `select` takes the likeliest as a whole, and these differ. *Inlining of pure functions*: the machine compiles
//! them (`vm/src/native`), and the plan's walk already writes calls out. *Calls of prompts that nobody reads*: their faults are their
//! caller's, what they ask is seen, and each counts among the tasks by whose number the seeds of later ones are made. *Calls moved up, to be issued
//! early*: a call of a prompt begins where control comes to it and control goes on until its value is read, so that the calls of a block and
//! the turns of a loop that don't read each other are under way together already. What stands behind a read of an answer is another
//! matter: whether that read faults, or what it decides, says whether the call is made at all. Moved up it would be paid for where
//! it was never wanted, and it would change places among the tasks. W0429 shows such calls, and its fix is a person's to
//! take. *Prefixes hoisted out of loops and branches*: the engine reads what transcripts have in common once, wherever it is written (its
//! cache is by content), so that text in a loop costs what text before it does; W0407 shows where an order of texts spoils that.

mod dead;
mod fold_text;
mod join_appends;

use crate::program::Program;

/// A pass.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    run: fn(&mut Program),
}

/// All of them, in order.
pub const PASSES: &[Pass] = &[
    Pass { name: "fold_text", run: |program| program.functions.iter_mut().for_each(fold_text::run) },
    Pass { name: "join_appends", run: |program| program.functions.iter_mut().for_each(join_appends::run) },
    Pass { name: "dead", run: |program| program.functions.iter_mut().for_each(dead::run) },
];

/// The plan after all passes.
#[must_use]
pub fn optimize(program: Program) -> Program {
    optimize_until(program, "")
}

/// The plan after the passes up to the named one, and that one.
#[must_use]
pub fn optimize_until(mut program: Program, last: &str) -> Program {
    for pass in PASSES {
        (pass.run)(&mut program);
        debug_assert_eq!(crate::verify(&program), Vec::<String>::new(), "`{}` keeps the plan sound", pass.name);
        if pass.name == last {
            break;
        }
    }
    program
}
