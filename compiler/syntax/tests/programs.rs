//! Programs parse, and faults are counted.

use sgl_source::{FileId, Files, render};
use sgl_syntax::parse;

fn report(text: &str) -> (Vec<String>, String) {
    let parsed = parse(FileId(0), text);
    let mut files = Files::default();
    files.add("test.sgl", text);
    let codes = parsed.diagnostics.iter().map(|d| d.code.to_string()).collect();
    let shown = parsed.diagnostics.iter().map(|d| render::text(&files, d, render::Colour::Off)).collect();
    (codes, shown)
}

#[test]
fn every_example_parses_without_a_word() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    for entry in std::fs::read_dir(folder).expect("examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "sgl") {
            let (codes, shown) = report(&std::fs::read_to_string(&path).expect("text"));
            assert!(codes.is_empty(), "{}:\n{shown}", path.display());
        }
    }
}

#[test]
fn each_fault_is_reported_once_and_the_rest_is_parsed() {
    let cases: &[(&str, &[&str])] = &[
        ("fn f() { let x = 3 # 4 }\nfn g() {}\n", &["E0001"]),
        ("fn f() { let x = \"a\n}\nfn g() {}\n", &["E0002"]),
        ("fn f() { let x = \"a\\q\" }\n", &["E0003"]),
        ("fn f() { let x = 99999999999999999999 }\n", &["E0004"]),
        ("fn f() { let = 1 }\n", &["E0101"]),
        ("fn f() { (1 + 2 }\nfn g() {}\n", &["E0102"]),
        ("fn f() { let x = \"a $[y: Line]\" }\n", &["E0103"]),
        ("tool t(a: Str) -> Str uses net\nfn g() {}\n", &[]),
        ("prompt f() { \"$[a: ]\" }\n", &["E0105"]),
        ("fn f() { let match = 3 }\n", &["E0106"]),
        ("fn f() {\n  let = 1\n  let y = 2\n  let z = \n}\nfn g( {}\nfn h() {}\n", &["E0101", "E0101", "E0102"]),
    ];
    for (text, expected) in cases {
        let (codes, shown) = report(text);
        assert_eq!(codes, *expected, "{text}\n{shown}");
    }
}

#[test]
fn a_newline_ends_a_statement_only_where_one_can_end() {
    let text = "fn f() -> Int {\n  let a = [1,\n    2]\n    .len()\n  let b = 1 +\n    2\n  return a\n    ?? b\n}\n";
    let (codes, shown) = report(text);
    assert!(codes.is_empty(), "{shown}");
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    let text = format!("fn f() {{ let x = {}1{} }}\n", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(report(&text).0, ["E0107"]);
}
