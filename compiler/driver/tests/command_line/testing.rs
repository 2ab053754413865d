//! `sglc test`, `sglc fix` and `sglc explain` as a person calls them.

use std::fs;

use crate::rig::{err, folder_with, out, sglc};

const RATE: &str = "pub prompt rate(text: Str) -> Int {\n    user \"Rate <${text}>\"\n    assistant \"$[score: Int in 1..=10]\"\n    \
    if score > 5 { return score }\n    return 0\n}\n\ntest \"a good one\" with mock { \"score\" => \"9\" } {\n    \
    assert rate(\"fine\") == 9\n}\n";
const WRONG: &str = "\ntest \"a <bad> one\" with mock { \"score\" => \"2\" } {\n    assert rate(\"poor\") == 2\n}\n";

#[test]
fn results_come_in_the_order_of_the_files_and_a_failure_is_code_1() {
    let folder = folder_with(&[("b.sgl", &format!("{RATE}{WRONG}")), ("sub/a.sgl", RATE)]);
    let good = sglc(folder.path(), &["test", "sub"]);
    assert_eq!(good.status.code(), Some(0), "{}{}", out(&good), err(&good));
    assert!(out(&good).contains("sub/a.sgl\n  ok   a good one\n\n1 passed, 0 failed"), "{}", out(&good));
    let all = sglc(folder.path(), &["test", "--jobs", "4"]);
    assert_eq!(all.status.code(), Some(1), "{}", out(&all));
    let text = out(&all);
    assert!(text.contains("b.sgl\n  ok   a good one\n  FAIL a <bad> one\nsub/a.sgl\n"), "{text}");
    assert!(text.contains("left:  0\n  right: 2\n"), "{text}");
    assert!(text.contains("│ user: Rate <poor>\n  │ assistant: 2"), "{text}");
    let filtered = sglc(folder.path(), &["test", "--filter", "good"]);
    assert_eq!(filtered.status.code(), Some(0), "{}", out(&filtered));
    assert_eq!(sglc(folder.path(), &["test", "no/such/file.sgl"]).status.code(), Some(2));
    assert_eq!(sglc(folder.path(), &["test", "--record", "--replay"]).status.code(), Some(2));
}

#[test]
fn results_for_tools_are_xml_and_json() {
    let folder = folder_with(&[("b.sgl", &format!("{RATE}{WRONG}"))]);
    let run = sglc(folder.path(), &["test", "--junit", "out.xml", "--format", "json", "--coverage"]);
    let lines: Vec<serde_json::Value> =
        out(&run).lines().map(|line| serde_json::from_str(line).expect("JSON per line")).collect();
    assert_eq!(lines[0]["passed"], true);
    assert_eq!((&lines[1]["failure"]["left"], &lines[1]["line"]), (&"0".into(), &12.into()));
    assert_eq!(lines[2]["ways"][0]["ran"], true);
    assert_eq!(lines[3]["failed"], 1);
    let xml = fs::read_to_string(folder.path().join("out.xml")).expect("written");
    assert!(xml.contains("<testcase name=\"a &lt;bad&gt; one\" classname=\"b.sgl\""), "{xml}");
    assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
}

#[test]
fn coverage_names_the_ways_that_were_never_taken() {
    let folder = folder_with(&[("a.sgl", &RATE.replace("    return 0", "    else { return 0 }\n    return 0"))]);
    let run = sglc(folder.path(), &["test", "--coverage"]);
    assert!(out(&run).contains("prompt `rate`: 1 of 2 ways ran\n  never line 5: `else`"), "{}", out(&run));
    assert!(out(&run).contains("coverage of prompts: 1 of 2 ways (50 %)"), "{}", out(&run));
}

#[test]
fn snapshots_are_stored_compared_and_updated() {
    let program = "fn f() -> (a: Int, b: Str) { return (a: 1, b: \"x\") }\ntest \"f\" { assert_snapshot(f()) }\n";
    let folder = folder_with(&[("a.sgl", program)]);
    let first = sglc(folder.path(), &["test"]);
    assert_eq!(first.status.code(), Some(1), "{}", out(&first));
    assert!(out(&first).contains("no value is stored"), "{}", out(&first));
    assert_eq!(sglc(folder.path(), &["test", "--update"]).status.code(), Some(0));
    let stored = fs::read_to_string(folder.path().join("a.snap.md")).expect("stored beside the source");
    assert!(stored.contains("## f\n\n```\n{\n  \"a\": 1,\n  \"b\": \"x\"\n}\n```\n"), "{stored}");
    assert_eq!(sglc(folder.path(), &["test"]).status.code(), Some(0));
    fs::write(folder.path().join("a.sgl"), program.replace("a: 1", "a: 2")).expect("written");
    let changed = sglc(folder.path(), &["test"]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(out(&changed).contains("-   \"a\": 1,\n  +   \"a\": 2,\n"), "{}", out(&changed));
}

#[test]
fn a_replay_without_a_record_says_how_to_make_one() {
    let folder = folder_with(&[("a.sgl", &RATE.replace(" with mock { \"score\" => \"9\" }", ""))]);
    let run = sglc(folder.path(), &["test", "--replay"]);
    assert_eq!(run.status.code(), Some(1), "{}", out(&run));
    assert!(
        out(&run).contains("there is no record a.record.jsonl; record it with `sglc test --record a.sgl`"),
        "{}",
        out(&run)
    );
}

#[test]
fn a_test_that_comes_to_no_hole_needs_neither_weights_nor_records() {
    let program = "prompt rate(x: Str) -> Int {\n    user \"${x}\"\n    assistant \"$[n: Int]\"\n    return n\n}\n\
        pub prompt all(xs: [Str]) -> [Int] { return [rate(x) for x in xs] }\n\
        test \"nothing to rate\" { assert_eq(all([]), []) }\n";
    let folder = folder_with(&[("a.sgl", program)]);
    for how in [&["test"][..], &["test", "--replay"]] {
        let run = sglc(folder.path(), how);
        assert_eq!(
            (run.status.code(), out(&run).contains("  ok   nothing to rate\n")),
            (Some(0), true),
            "{}",
            err(&run)
        );
    }
}

#[test]
fn a_wrong_file_fails_and_the_others_run() {
    let folder = folder_with(&[("a.sgl", "fn f() -> Int { return \"a\" }\n"), ("b.sgl", RATE)]);
    let run = sglc(folder.path(), &["test"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(err(&run).contains("[E0301]") && out(&run).contains("1 passed"), "{}{}", err(&run), out(&run));
}

#[test]
fn fixes_are_shown_and_then_applied() {
    let program = "pub fn f() -> Int {\n    let count = 3\n    return 1\n}\n";
    let folder = folder_with(&[("a.sgl", program)]);
    let dry = sglc(folder.path(), &["fix", "--dry-run", "a.sgl"]);
    assert!(out(&dry).contains("-    let count = 3\n+    let _count = 3\n"), "{}", out(&dry));
    assert_eq!(fs::read_to_string(folder.path().join("a.sgl")).expect("there"), program);
    let run = sglc(folder.path(), &["fix", "a.sgl"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    assert!(fs::read_to_string(folder.path().join("a.sgl")).expect("there").contains("let _count = 3"));
    fs::write(folder.path().join("a.sgl"), "pub fn f() -> Int { return \"a\" }\n").expect("written");
    assert_eq!(sglc(folder.path(), &["fix", "a.sgl"]).status.code(), Some(1));
}

#[test]
fn a_code_is_explained_and_a_misspelt_one_answered() {
    let folder = folder_with(&[]);
    let page = sglc(folder.path(), &["explain", "e0304"]);
    assert!(out(&page).starts_with("# E0304: operator that its operands do not have\n"), "{}", out(&page));
    let near = sglc(folder.path(), &["explain", "E0340"]);
    assert_eq!(near.status.code(), Some(2));
    assert!(err(&near).contains("there is no diagnostic `E0340`; did you mean `E03"), "{}", err(&near));
    assert!(out(&sglc(folder.path(), &["explain", "--list"])).contains("W0201  value that nobody reads\n"));
}

#[test]
fn diagnostics_for_tools_carry_their_fixes() {
    let folder = folder_with(&[("a.sgl", "pub fn f() -> Int {\n    let count = 3\n    return 1\n}\n")]);
    let json = sglc(folder.path(), &["check", "--format", "json", "a.sgl"]);
    let line: serde_json::Value = serde_json::from_str(out(&json).trim()).expect("JSON");
    assert_eq!(line["fixes"][0]["applicability"], "safe");
    assert_eq!(line["fixes"][0]["edits"][0]["replacement"], "_count");
    let github = sglc(folder.path(), &["check", "--format", "github", "a.sgl"]);
    assert!(
        out(&github).starts_with("::warning file=a.sgl,line=2,endLine=2,col=9,endColumn=14,title=W0201"),
        "{}",
        out(&github)
    );
}
