//! Traces of runs, laid beside plans. A token is a byte here, and a turn costs one before and one after.

use crate::rig::{folder_with, sglc};
use sgl_plan::{Beside, Encoder, Measured, PrefixTree, Unfollowed, follow, plan};
use sgl_protocol::ScriptedAnswer;
use sgl_vm::RunOptions;
use sglc::compile::{Compiled, compile};
use sglc::execute::run_entry;
use sglc::scripted;
use sglc::sources::Memory;
use sglc::trace::Kept;

struct Bytes;

impl Encoder for Bytes {
    fn text(&self, text: &str) -> Vec<(u32, usize)> {
        text.bytes().map(|byte| (u32::from(byte), 1)).collect()
    }

    fn opening(&self, role: &str, _: Option<&str>) -> Vec<u32> {
        vec![1_000 + role.len() as u32]
    }

    fn closing(&self, _: &str) -> Vec<u32> {
        vec![2_000]
    }

    fn begin(&self) -> Option<u32> {
        None
    }
}

fn compiled(source: &str) -> Compiled {
    let compiled = compile(&Memory(vec![("test.sgl".into(), source.into())]), "test.sgl").expect("it is there");
    assert!(compiled.ir.is_some(), "{:?}", compiled.diagnostics);
    compiled
}

/// Runs the first entry with these answers; gives what happened, beside the plan of another program.
fn beside(ran: &Compiled, planned: &Compiled, answers: &[(&str, &str)], input: &str) -> Result<Beside, Unfollowed> {
    let image = ran.image.as_ref().expect("it is right");
    let answer = |(hole, text): &(&str, &str)| ScriptedAnswer { hole: (*hole).into(), text: (*text).into() };
    let mut model = scripted::model(answers.iter().map(answer).collect());
    let mut kept = Kept::default();
    let input = serde_json::from_str(input).expect("the input is JSON");
    run_entry(image, &image.entries[0], Some(&input), &mut model, &RunOptions::default(), &mut kept)
        .expect("the run has a result");
    let ir = planned.ir.as_ref().expect("it is right");
    let plan = plan(ir, &ir.entries[0], &[]).expect("it is small");
    follow(&plan, &kept.happened, &Bytes, &mut PrefixTree::default())
}

fn predicted(source: &str, answers: &[(&str, &str)], input: &str) -> (u64, u64, u64) {
    let compiled = compiled(source);
    let Measured { asked, predicted_prompt, predicted_cached, .. } =
        beside(&compiled, &compiled, answers, input).expect("each event has a step").total;
    (asked, predicted_prompt, predicted_cached)
}

#[test]
fn branches_find_their_trunk_and_what_they_wrote_before() {
    let source = r#"
pub prompt main(n: Int) -> [Str] {
    user "0123456789"
    return fork i in 0..n {
        user "ab"
        assistant "$[a: Str]"
        yield a
    }
}
"#;
    // The trunk is 12 tokens; a branch has 4 more and 1 before its hole. The second finds all but its last token: branches are alike.
    assert_eq!(predicted(source, &[("a", "xyz"), ("a", "uv")], r#"{"n": 2}"#), (2, 34, 16));
}

#[test]
fn a_loop_finds_its_turns_before_and_reads_the_last_token_that_was_written_if_nothing_came_after_it() {
    let source = r#"
pub prompt main() -> Int {
    var sum = 0
    while sum < 5 {
        user "abc"
        assistant "$[a: Int in 1..=9]"
        sum += a
    }
    return sum
}
"#;
    // A turn is 5 and 1 before its hole, 1 in it and 1 after; the hole's token is read with what comes after it.
    assert_eq!(predicted(source, &[("a", "2"), ("a", "3")], "{}"), (2, 6 + 14, 6));
}

#[test]
fn a_text_that_was_generated_is_the_same_where_it_comes_from_the_same_place() {
    let source = r#"
prompt check(text: Str, what: Str) -> Bool {
    user "${text}|${what}"
    assistant "$[fine: Bool]"
    return fine
}
pub prompt main() -> [Bool] {
    user "go"
    assistant "$[a: Str]"
    return [check(a, what) for what in ["x", "y"]]
}
"#;
    // 4 and 1; then twice 1, the text of 5, `|`, a letter, 1 and 1. The first finds the beginning of the user's turn, the second 1 + 5 + 1.
    let answers = [("a", "hello"), ("fine", "true"), ("fine", "true")];
    assert_eq!(predicted(source, &answers, "{}"), (3, 5 + 2 * 10, 1 + 7));
}

#[test]
fn what_is_tried_again_begins_where_it_began() {
    let source = r#"
pub prompt main() -> Str {
    user "abc"
    retry 2 {
        assistant "$[a: Str]"
        if a != "good" { fail("no") }
    }
    return "done"
}
"#;
    // 5 and 1, twice; the second time all but the last token is there.
    assert_eq!(predicted(source, &[("a", "bad"), ("a", "good")], "{}"), (2, 12, 5));
}

#[test]
fn a_trace_of_another_program_is_refused() {
    let source = "pub prompt main() -> Str {\n    user \"abc\"\n    assistant \"$[a: Str]\"\n    return a\n}\n";
    let other = source.replace("    user \"abc\"\n", "");
    let unfollowed = beside(&compiled(source), &compiled(&other), &[("a", "x")], "{}");
    assert!(unfollowed.is_err(), "{unfollowed:?}");
}

#[test]
fn a_prompt_that_calls_itself_is_followed() {
    let source = r#"
prompt deeper(n: Int) -> Int {
    user "${n}"
    assistant "$[a: Int in 1..=9]"
    if n > 0 { return deeper(n - 1) }
    return a
}
pub prompt main(n: Int) -> Int { return deeper(n) }
"#;
    let (asked, ..) = predicted(source, &[("a", "1"), ("a", "2"), ("a", "3")], r#"{"n": 2}"#);
    assert_eq!(asked, 3);
}

#[test]
fn a_trace_is_written_as_lines_and_says_what_ran() {
    let program = "pub prompt main() -> Str {\n    user \"abc\"\n    assistant \"$[a: Str]\"\n    return a\n}\n";
    let folder = folder_with(&[("main.sgl", program), ("script", "a: hello\n")]);
    let done = sglc(folder.path(), &["run", "main.sgl", "--quiet", "--script", "script", "--trace", "out.jsonl"]);
    assert!(done.status.success(), "{done:?}");
    let text = std::fs::read_to_string(folder.path().join("out.jsonl")).expect("the trace is there");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!((&lines[0]["entry"], &lines[0]["model"]), (&"main".into(), &"script".into()));
    let events: Vec<&str> = lines[1..].iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["started", "opened", "wrote", "closed", "opened", "asked", "answered", "closed", "ended"]);
}
