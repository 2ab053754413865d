//! Whether every hole can close within its token budget, before anything runs.

use sgl_source::{Code, Diagnostic, FileId, Span};
use sgl_vm::image::{Hole, Image, Op, Place};
use std::collections::BTreeSet;

/// What keeps a function from being run on models that read text: an E0907 if it shows an image, and
/// one E0440 per hole that a function can reach and whose shortest value needs more tokens than the hole may have. `need`
/// gives the fewest tokens of a hole, of the model that fills it; its error becomes an E0409.
pub fn check(
    image: &Image,
    function: u32,
    mut need: impl FnMut(&Hole) -> Result<u32, String>,
    max_tokens_default: u32,
    cap: Option<u32>,
) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = shown_image(image, function).map(sees_none).into_iter().collect();
    // What is computed when the hole is reached is checked there.
    for hole in known_holes(image, function) {
        let own = hole.max_tokens.unwrap_or(max_tokens_default);
        let budget = cap.map_or(own, |cap| own.min(cap));
        match need(hole) {
            Ok(need) if need > budget => found.push(too_small(hole, need, budget, cap)),
            Ok(_) => {}
            Err(error) => found.push(Diagnostic::error(
                Code::E0409,
                format!("the constraint of hole `{}` can't be enforced", hole.label),
                span(hole),
                error,
            )),
        }
    }
    found
}

/// The holes that a function can reach, through calls, closures and branches, in the order of the image.
pub(crate) fn holes(image: &Image, function: u32) -> BTreeSet<u32> {
    let mut holes = BTreeSet::new();
    reach(image, function, &mut |op| {
        if let Op::Generate { hole, .. } = op {
            holes.insert(*hole);
        }
    });
    holes
}

/// The holes that a function can reach and whose shapes are known before it runs.
pub(crate) fn known_holes(image: &Image, function: u32) -> impl Iterator<Item = &Hole> {
    let known = |hole: &&Hole| hole.shape.computed(&[]).is_some();
    holes(image, function).into_iter().map(|hole| &image.holes[hole as usize]).filter(known)
}

/// The models that a function can ask by name.
pub(crate) fn models(image: &Image, function: u32) -> BTreeSet<&str> {
    let mut holes = BTreeSet::new();
    reach(image, function, &mut |op| {
        if let Op::Generate { hole, .. } | Op::Select { hole, .. } = op {
            holes.insert(*hole);
        }
    });
    holes.into_iter().filter_map(|hole| image.holes[hole as usize].model.as_deref()).collect()
}

/// The tools that a function can call and that are bound outside the program, in the order of the image.
pub(crate) fn tools(image: &Image, function: u32) -> BTreeSet<u32> {
    let mut tools = BTreeSet::new();
    reach(image, function, &mut |op| {
        if let Op::CallTool { tool, .. } = op {
            tools.insert(*tool);
        }
    });
    tools
}

/// Whether a function can reach a hole or a `select`.
pub(crate) fn asks(image: &Image, function: u32) -> bool {
    let mut asks = false;
    reach(image, function, &mut |op| asks |= matches!(op, Op::Generate { .. } | Op::Select { .. }));
    asks
}

/// Calls `visit` with every instruction that a function can reach.
fn reach(image: &Image, function: u32, visit: &mut dyn FnMut(&Op)) {
    reach_at(image, function, &mut |op, _| visit(op));
}

/// Calls `visit` with every instruction that a function can reach, and its place.
fn reach_at(image: &Image, function: u32, visit: &mut dyn FnMut(&Op, Place)) {
    let mut seen = BTreeSet::from([function]);
    let mut open = vec![function];
    while let Some(function) = open.pop() {
        let function = &image.functions[function as usize];
        for (op, place) in function.code.iter().zip(&function.places) {
            visit(op, *place);
            let called = match op {
                Op::Call { function, .. }
                | Op::Closure { function, .. }
                | Op::Spawn { function, .. }
                | Op::Report { function, .. }
                | Op::ForkEach { function, .. } => std::slice::from_ref(function),
                Op::ForkNamed { functions, .. } => functions,
                _ => continue,
            };
            open.extend(called.iter().filter(|called| seen.insert(**called)));
        }
    }
}

/// Where a function can show an image first.
fn shown_image(image: &Image, function: u32) -> Option<Place> {
    let mut place = None;
    reach_at(image, function, &mut |op, at| {
        if matches!(op, Op::AppendImage { .. }) {
            place = place.or(Some(at));
        }
    });
    place
}

fn sees_none(place: Place) -> Diagnostic {
    let span = Span { file: FileId(place.file), start: place.start, end: place.end };
    let message = "an image is shown to a model that reads text only";
    Diagnostic::error(Code::E0907, message, span, "it would see nothing here").with_help(
        "no model that `sglc` runs sees images yet; `--script FILE` answers in its place, as a test with mocks does",
    )
}

fn too_small(hole: &Hole, need: u32, budget: u32, cap: Option<u32>) -> Diagnostic {
    let origin = match cap {
        Some(cap) if cap == budget => "`--max-tokens` allows",
        _ => "its `max_tokens` allows",
    };
    Diagnostic::error(
        Code::E0440,
        format!("hole `{}` can't close within {budget} tokens", hole.label),
        span(hole),
        format!("the shortest value takes {need} tokens; {origin} {budget}"),
    )
    .with_help(format!("allow at least {need} tokens here, or make the type shorter"))
}

fn span(hole: &Hole) -> Span {
    Span { file: FileId(hole.at.file), start: hole.at.start, end: hole.at.end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::sources::Memory;
    use sgl_protocol::Shape;

    const PROGRAM: &str = "pub prompt main() -> Int {\n    user \"A number.\"\n    assistant \"$[n: Int in 100..=999]\"\n    \
        return n\n}\npub prompt other() -> Bool {\n    user \"Yes or no?\"\n    assistant \"$[b: Bool]\"\n    return b\n}\n";

    #[test]
    fn a_hole_that_no_budget_closes_is_told_before_the_run() {
        let compiled = compile(&Memory(vec![("main.sgl".into(), PROGRAM.into())]), "main.sgl").expect("it can be read");
        let image = compiled.image.expect("a sound program");
        let need = |hole: &Hole| Ok(if matches!(hole.shape, Shape::Int { .. }) { 3 } else { 1 });
        let entry = |name: &str| image.entries.iter().find(|entry| entry.name == name).expect("an entry").function;
        let codes = |function, cap| {
            check(&image, function, need, 256, cap).iter().map(|found| found.code.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(codes(entry("main"), Some(2)), ["E0440"]);
        assert_eq!(codes(entry("main"), Some(3)), [""; 0]);
        assert_eq!(codes(entry("other"), Some(2)), [""; 0], "holes of other entries do not count");
    }

    #[test]
    fn an_image_is_refused_before_a_model_that_sees_none_is_asked() {
        let program = "pub prompt look(photo: Image) -> Bool {\n    user \"${photo}A cat?\"\n    assistant \"$[b: Bool]\"\n    \
            return b\n}\npub prompt blind() -> Bool {\n    user \"Yes?\"\n    assistant \"$[b: Bool]\"\n    return b\n}\n";
        let compiled = compile(&Memory(vec![("main.sgl".into(), program.into())]), "main.sgl").expect("it can be read");
        let image = compiled.image.expect("a sound program");
        let codes = |name: &str| {
            let function = image.entries.iter().find(|entry| entry.name == name).expect("an entry").function;
            let found = check(&image, function, |_| Ok(1), 256, None);
            found.iter().map(|found| found.code.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(codes("look"), ["E0907"]);
        assert_eq!(codes("blind"), [""; 0]);
    }
}
