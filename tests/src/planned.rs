//! Plans of a test's program: the tree, and what another file of the test changes of it.
//!
//! A token is a word with the blanks before it here, and a turn has one before and one after it.

use crate::page::Case;
use sglc::compile::{Compiled, compile};
use sglc::differences::{sides, text};
use sglc::sources::Memory;

/// The file that the program is compared with.
const AFTER: &str = "after.sgl";

/// Words as tokens.
#[derive(Clone, Copy, Debug)]
pub struct Words;

impl sgl_plan::Tokens for Words {
    fn text(&self, text: &str) -> u64 {
        text.split_whitespace().count() as u64
    }

    fn opening(&self, _: &str, _: Option<&str>) -> u64 {
        1
    }

    fn closing(&self, _: &str) -> u64 {
        1
    }

    fn hole_max(&self) -> u64 {
        256
    }
}

/// The trees of all entries.
pub fn tree(compiled: &Compiled) -> String {
    let Some(ir) = &compiled.ir else { return "(the program is wrong)\n".into() };
    let trees = ir.entries.iter().map(|entry| match sgl_plan::plan(ir, entry, &[]) {
        Ok(plan) => sgl_plan::tree(&plan, &sgl_plan::cost(&plan, &Words), &Words, None),
        Err(_) => format!("{} is too large\n", entry.name),
    });
    trees.collect::<Vec<_>>().join("\n")
}

/// The plan as it is lowered, or after a pass.
pub fn after(compiled: &Compiled, pass: &str) -> Option<String> {
    let lowered = sgl_ir::lower(compiled.hir.as_ref()?);
    match pass {
        "lowered" => Some(sgl_ir::print(&lowered)),
        pass if sgl_ir::PASSES.iter().any(|known| known.name == pass) => {
            Some(sgl_ir::print(&sgl_ir::optimize_until(lowered, pass)))
        }
        _ => None,
    }
}

/// What `after.sgl` changes of the program.
pub fn diff(case: &Case, before: &Compiled) -> String {
    let Some(after) = case.fence(&format!("sgl {AFTER}")) else { return format!("(there is no `sgl {AFTER}`)\n") };
    let files = Memory(vec![(AFTER.to_string(), after.text.clone())]);
    let compared =
        compile(&files, AFTER).and_then(|after| Ok((sides(before, None, &Words)?, sides(&after, None, &Words)?)));
    match compared {
        Ok((before, after)) => {
            let found = text(&sgl_plan::diff::diff(&before, &after, &Words));
            if found.is_empty() { "(nothing)\n".into() } else { found }
        }
        Err(message) => format!("({message})\n"),
    }
}
