//! Plans of small programs: binding times, sharing, and costs that are checked by hand. A token is a character here, and a turn
//! costs one before and one after.

use sgl_plan::{Binding, Cost, EntryPlan, Step, Tokens, cost, plan, tree};
use sgl_source::FileId;

struct Characters;

impl Tokens for Characters {
    fn text(&self, text: &str) -> u64 {
        text.chars().count() as u64
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

fn planned(source: &str, batch: &[&str]) -> (EntryPlan, Cost) {
    let file = FileId(0);
    let parsed = sgl_syntax::parse(file, source);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let module = sgl_hir::SourceModule { file, name: "test".into(), ast: parsed.module, targets: Vec::new() };
    let checked = sgl_hir::check(&module, &[]);
    assert!(checked.diagnostics.iter().all(|d| !d.is_error()), "{:?}", checked.diagnostics);
    let ir = sgl_ir::optimize(sgl_ir::lower(&checked.program));
    let batch: Vec<String> = batch.iter().map(|name| (*name).to_string()).collect();
    let plan = plan(&ir, &ir.entries[0], &batch).expect("it is small");
    let cost = cost(&plan, &Characters);
    (plan, cost)
}

/// Every splice of a plan, in order: what it comes from, and when it is known.
fn splices(steps: &[Step], found: &mut Vec<(String, Binding)>) {
    for step in steps {
        match step {
            Step::Splice { of, binding, .. } => found.push((of.clone(), *binding)),
            Step::Turn { steps, .. } | Step::Repeat { steps, .. } | Step::Guarded { steps, .. } => {
                splices(steps, found);
            }
            Step::Branches { branches, .. } => branches.iter().for_each(|branch| splices(&branch.steps, found)),
            Step::Choice { then, otherwise, .. } => {
                splices(then, found);
                splices(otherwise, found);
            }
            _ => {}
        }
    }
}

#[test]
fn each_splice_has_the_moment_at_which_it_is_known() {
    let source = r#"
const YEAR = 2026
fn label(n: Int) -> Str { return "no. ${n}" }
pub prompt main(topic: Str, style: Str) -> Str {
    user "In ${YEAR}, ${label(3)}: ${topic} as ${style}."
    assistant "$[first: Str, max_tokens: 5]"
    user "Again: ${first}, ${if first == topic { 1 } else { 2 }}"
    assistant "$[second: Str, max_tokens: 5]"
    return second
}
"#;
    let mut found = Vec::new();
    splices(&planned(source, &["style"]).0.steps, &mut found);
    let times: Vec<Binding> = found.iter().map(|(_, binding)| *binding).collect();
    assert!(times[0] <= Binding::Build && times[1] <= Binding::Build, "{found:?}");
    assert_eq!(times[2..4], [Binding::Call, Binding::Batch]);
    assert_eq!(times[4], Binding::Generated);
    assert_eq!(found[2].0, "topic");
}

#[test]
fn branches_read_their_trunk_once() {
    let source = r#"
pub prompt main() -> [Str] {
    user "0123456789"
    return fork i in 0..4 {
        user "ab"
        assistant "$[a: Str, max_tokens: 7]"
        yield a
    }
}
"#;
    let cost = planned(source, &[]).1;
    // The trunk is 12 tokens; a branch reads 4 + 1 before its hole and 1 after.
    assert_eq!(cost.calls.known(), Some(4));
    assert_eq!(cost.read.known(), Some(12 + 4 * 6));
    assert_eq!(cost.prompt.known(), Some(4 * (12 + 5)));
    assert_eq!(cost.shared.known(), Some(12));
    assert_eq!(cost.written.known(), Some(28));
    assert_eq!(cost.held.known(), Some(12 + 4 * (6 + 7)));
}

#[test]
fn calls_that_begin_anew_read_once_what_is_the_same_in_each() {
    let source = r#"
prompt one(name: Str) -> Str {
    system "0123456789"
    user "${name}?"
    assistant "$[a: Str, max_tokens: 3]"
    return a
}
pub prompt main(names: [Str]) -> [Str] {
    return [one(name) for name in names]
}
"#;
    let cost = planned(source, &[]).1;
    // System turn 12, then the template's token of the user turn: the same for all. Then the name, and 1 + 1 + 1, and 1 after the hole.
    assert_eq!(cost.read.at(&|name| Some(if name == "names" { 4 } else { 10 })), Some(13 + 10 * (4 + 4)));
    assert_eq!(cost.calls.to_string(), "|names|");
}

#[test]
fn a_loop_reads_each_turn_once_and_asks_with_all_before() {
    let source = r#"
pub prompt main() -> Str {
    var last = ""
    for i in 0..3 {
        user "abc"
        assistant "$[a: Str, max_tokens: 4]"
        last = a
    }
    return last
}
"#;
    let cost = planned(source, &[]).1;
    // A turn adds 5, 1, 4 and 1; before its hole stand 6 of its own.
    assert_eq!(cost.read.known(), Some(3 * 7));
    assert_eq!(cost.prompt.known(), Some(6 + (11 + 6) + (22 + 6)));
    assert_eq!(cost.written.known(), Some(12));
}

#[test]
fn recursion_ends_in_a_step_of_its_own() {
    let source = r#"
prompt deeper(n: Int) -> Int {
    user "${n}"
    assistant "$[a: Int in 1..=9]"
    if a < n { return inline deeper(n - 1) }
    return a
}
pub prompt main(n: Int) -> Int { return deeper(n) }
"#;
    let (plan, cost) = planned(source, &[]);
    assert!(format!("{:?}", plan.steps).contains("Again"));
    assert_eq!(cost.written.known(), None);
}

#[test]
fn the_tree_shows_turns_branches_and_numbers() {
    let source = r#"
pub prompt main(essay: Str) -> [Int] {
    user "Judge: ${essay}"
    return fork what in ["style", "clarity"] {
        user "Rate ${what}."
        assistant "$[score: Int in 1..=10, max_tokens: 3]"
        yield score
    }
}
"#;
    let (plan, cost) = planned(source, &[]);
    let text = tree(&plan, &cost, &Characters, None);
    for expected in
        ["main(essay)", "├─ user Judge: ${essay}", "fork ×2: shares all above", "$[score]", "asks     2 times"]
    {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let page = sgl_plan::html("main.sgl", "test", &[(plan, cost, None)], &Characters);
    assert!(page.contains("<svg") && page.contains("class=\"call\"") && !page.contains("http"));
}
