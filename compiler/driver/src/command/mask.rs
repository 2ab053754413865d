//! `sglc mask`: what holes may hold, and what one may hold next.

use crate::arguments::MaskArguments;
use crate::constraints::{Tokens, describe, next, program};
use crate::{Outcome, report};
use sgl_vm::image::Hole;

/// Prints what may come after the beginning of a hole, or what all holes may hold.
pub(super) fn run(arguments: &MaskArguments) -> Outcome {
    let (image, holes) = match program(&arguments.program) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let holes: Vec<&Hole> = holes.iter().map(|hole| &image.holes[*hole as usize]).collect();
    let wanted = match &arguments.hole {
        None => None,
        Some(name) => match holes.iter().find(|hole| hole.label == *name) {
            Some(hole) => Some(*hole),
            None => {
                let names: Vec<&str> = holes.iter().map(|hole| hole.label.as_str()).collect();
                report::error(&format!("there is no hole `{name}`; there are: {}", names.join(", ")));
                return Outcome::Usage;
            }
        },
    };
    let shown = Tokens::of(&arguments.model).and_then(|tokens| match wanted {
        Some(hole) => next(hole, &arguments.prefix, arguments.tokens_left, &tokens),
        None => Ok(holes.iter().map(|hole| describe(hole, &tokens)).collect::<Vec<_>>().join("\n")),
    });
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
