//! `sglc mask`: what a hole may hold next.

use crate::arguments::MaskArguments;
use crate::constraints::{next, program};
use crate::tokens::Tokens;
use crate::{Outcome, report};

/// Prints what may come after the beginning of a hole.
pub(super) fn run(arguments: &MaskArguments) -> Outcome {
    let (image, holes) = match program(&arguments.program) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let named = holes.iter().map(|hole| &image.holes[*hole as usize]);
    let Some(hole) = named.clone().find(|hole| hole.label == arguments.hole) else {
        let names: Vec<&str> = named.map(|hole| hole.label.as_str()).collect();
        report::error(&format!("there is no hole `{}`; there are: {}", arguments.hole, names.join(", ")));
        return Outcome::Usage;
    };
    let shown =
        Tokens::of(&arguments.model).and_then(|tokens| next(hole, &arguments.prefix, arguments.tokens_left, &tokens));
    match shown {
        Ok(text) => {
            report::result(text.trim_end());
            Outcome::Fine
        }
        Err(error) => {
            report::error(&format!("{error:#}"));
            Outcome::Failed
        }
    }
}
