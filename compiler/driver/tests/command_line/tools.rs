//! The real binary with a project: tools that are bound, what is granted, models by name.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::rig::{command, err, fed, folder_with, out, sglc};

/// Runs `sglc` on `main.sgl` of a folder, with lines on its standard input.
fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder);
    command.arg("run").arg(folder.join("main.sgl")).args(["--quiet", "--script"]).arg(folder.join("answers"));
    fed(command.args(arguments), input)
}

/// A folder with a program, a project and a script of answers.
fn project(program: &str, toml: &str, answers: &str) -> tempfile::TempDir {
    folder_with(&[("main.sgl", program), ("sgl.toml", toml), ("answers", answers)])
}

const COUNT: &str = "tool count(text: Str) -> Int uses files\npub prompt main() -> Int uses files {\n    return count(\"a b\") + 1\n}\n";
const BOUND: &str = "[tools.count]\ncommand = [\"sh\", \"-c\", \"cat >/dev/null; echo 41\"]\n";

#[test]
fn a_tool_that_is_granted_runs() {
    let folder = project(COUNT, BOUND, "");
    let done = run(folder.path(), &["--allow", "files,process"], "");
    assert_eq!((out(&done).as_str(), done.status.code()), ("42\n", Some(0)), "{}", err(&done));
}

#[test]
fn what_is_not_granted_is_refused_before_anything_runs() {
    let folder = project(COUNT, BOUND, "");
    let nothing = run(folder.path(), &[], "");
    assert_eq!(nothing.status.code(), Some(1));
    let said = err(&nothing);
    assert!(said.contains("[E0904]") && said.contains("--allow files"), "{said}");
    assert_eq!(code("E0904"), "E0904");
    let half = run(folder.path(), &["--allow", "files"], "");
    let said = err(&half);
    assert!(said.contains("[E0904]") && said.contains("--allow process"), "{said}");
    let unknown = run(folder.path(), &["--allow", "file"], "");
    assert!(err(&unknown).contains("did you mean `files`?"), "{}", err(&unknown));
}

/// A code, where `tests/tidy` looks for those that only a run shows.
fn code(name: &'static str) -> &'static str {
    name
}

#[test]
fn a_tool_that_is_bound_to_nothing_is_refused_before_anything_runs() {
    let folder = project(COUNT, "[tools.cuont]\nstdin = true\n", "");
    let done = run(folder.path(), &["--allow", "files"], "");
    let said = err(&done);
    assert!(said.contains(&format!("[{}]", code("E0905"))) && said.contains("`sgl.toml` binds `cuont`"), "{said}");
}

#[test]
fn a_tool_that_fails_is_a_fault_that_the_program_can_catch() {
    let program = "tool count(text: Str) -> Int uses files\npub prompt main() -> Str uses files {\n    try { return \"${count(\"x\")}\" } else fault f { return f.message }\n}\n";
    let toml = "[tools.count]\ncommand = [\"sh\", \"-c\", \"echo broken >&2; exit 1\"]\n";
    let folder = project(program, toml, "");
    let done = run(folder.path(), &["--allow", "files,process"], "");
    assert_eq!(out(&done), "the tool `count` failed: broken\n", "{}", err(&done));
}

#[test]
fn a_tool_that_is_too_late_is_a_deadline() {
    let program = "tool slow() -> Int uses files\npub prompt main() -> Str uses files {\n    try { return \"${slow()}\" } else fault f { return f.kind }\n}\n";
    let toml = "[tools.slow]\ncommand = [\"sh\", \"-c\", \"exec sleep 30\"]\ntimeout = \"100ms\"\n";
    let folder = project(program, toml, "");
    let done = run(folder.path(), &["--allow", "files,process"], "");
    assert_eq!(out(&done), "deadline\n", "{}", err(&done));
}

#[test]
fn a_budget_of_time_ends_a_tool() {
    let program = "tool slow() -> Int uses files\npub prompt main() -> Str uses files {\n    budget (time: 200ms) { return \"${slow()}\" } else { return \"spent\" }\n}\n";
    let toml = "[tools.slow]\ncommand = [\"sh\", \"-c\", \"exec sleep 30\"]\n";
    let folder = project(program, toml, "");
    let done = run(folder.path(), &["--allow", "files,process"], "");
    assert_eq!(out(&done), "spent\n", "{}", err(&done));
}

#[test]
fn branches_wait_for_their_tools_side_by_side() {
    let program = "tool nap(n: Int) -> Int uses files\npub prompt main() -> [Int] uses files {\n    user \"Go.\"\n    return fork n in 0..4 { yield nap(n) }\n}\n";
    let toml = "[tools.nap]\ncommand = [\"sh\", \"-c\", \"cat >/dev/null; sleep 2; echo 1\"]\n";
    let folder = project(program, toml, "");
    let started = std::time::Instant::now();
    let done = run(folder.path(), &["--allow", "files,process", "--json"], "");
    assert_eq!(out(&done), "[1,1,1,1]\n", "{}", err(&done));
    // One after the other they would take 8 seconds.
    assert!(started.elapsed() < std::time::Duration::from_secs(7), "{:?}", started.elapsed());
}

#[test]
fn the_chat_program_reads_lines_until_there_are_none() {
    let program = "tool read_line() -> Str? uses stdin\npub prompt chat() -> Int uses stdin {\n    system \"You are terse.\"\n    var turns = 0\n    while let line = read_line() {\n        user \"${line}\"\n        assistant \"$[_reply: Line, max_tokens: 40]\"\n        turns += 1\n    }\n    return turns\n}\n";
    let folder = project(program, "", "_reply: Hi.\n_reply: Bye.\n");
    let done = run(folder.path(), &["--allow", "stdin"], "Hello\nGoodbye\n");
    assert_eq!(out(&done), "2\n", "{}", err(&done));
}

#[test]
fn a_project_is_found_in_a_folder_above_and_its_faults_have_places() {
    let folder = project("", "[tools.count]\ncomand = [\"x\"]\n", "");
    let inner = folder.path().join("programs");
    fs::create_dir(&inner).expect("made");
    fs::write(inner.join("main.sgl"), COUNT).expect("written");
    let check = sglc(&inner, &["check", "main.sgl"]);
    let said = err(&check) + &out(&check);
    assert!(said.contains("sgl.toml:2:1") && said.contains("did you mean `command`?"), "{said}");
    assert_eq!(check.status.code(), Some(1));
}

#[test]
fn a_model_that_is_bound_to_nothing_is_refused_before_any_is_loaded() {
    let program =
        "model judge\npub prompt main() -> Bool using judge {\n    assistant \"$[b: Bool]\"\n    return b\n}\n";
    let folder = project(program, "", "");
    let done = sglc(folder.path(), &["run", "--quiet", "main.sgl"]);
    let said = err(&done);
    assert!(said.contains(&format!("[{}]", code("E0906"))) && said.contains("[models]"), "{said}");
}

const TESTED: &str = "tool count(text: Str) -> Int uses files\npub prompt size(text: Str) -> Str uses files {\n    user \"Say how long ${count(text)} is.\"\n    assistant \"$[word: Line]\"\n    return \"${word}: ${count(text)}\"\n}\n\ntest \"the world\" with mock { \"word\" => \"long\" } { assert_eq(size(\"a b\"), \"long: 41\") }\ntest \"no world\" with mock { \"word\" => \"short\", count => 3 } { assert_eq(size(\"a b\"), \"short: 3\") }\n";

#[test]
fn a_test_reaches_what_is_granted_and_replays_what_was_recorded() {
    let folder = project(TESTED, BOUND, "");
    let nothing = sglc(folder.path(), &["test"]);
    let said = out(&nothing);
    assert!(said.contains("[E0904]") && said.contains("1 passed, 1 failed"), "{said}{}", err(&nothing));
    assert!(said.contains("`--allow files`, or say what the tool gives: `with mock { count => … }`"), "{said}");
    let granted = sglc(folder.path(), &["test", "--allow", "files,process", "--record"]);
    assert!(out(&granted).contains("2 passed, 0 failed"), "{}{}", out(&granted), err(&granted));
    let record = fs::read_to_string(folder.path().join("main.record.jsonl")).expect("written");
    let call: serde_json::Value = serde_json::from_str(record.lines().nth(1).expect("a call")).expect("JSON");
    let expected = serde_json::json!({"test": "the world", "tool": "count", "arguments": {"text": "a b"}, "gave": 41});
    assert_eq!(call, expected);
    // What was recorded needs no grant, and no tool.
    fs::write(folder.path().join("sgl.toml"), "").expect("written");
    let replayed = sglc(folder.path(), &["test", "--replay"]);
    assert!(out(&replayed).contains("2 passed, 0 failed"), "{}{}", out(&replayed), err(&replayed));
    let again = sglc(folder.path(), &["test"]);
    assert!(out(&again).contains("2 passed, 0 failed"), "{}{}", out(&again), err(&again));
    fs::write(folder.path().join("main.sgl"), TESTED.replace("\"a b\"", "\"c\"")).expect("written");
    let stale = sglc(folder.path(), &["test", "--replay"]);
    assert!(out(&stale).contains("stale: it was never called with {\"text\":\"c\"}"), "{}", out(&stale));
}

const MEASURED: &str = "tool count(text: Str) -> Int uses files\nprompt size(text: Str) -> Int uses files { return count(text) }\neval sizes over jsonl(\"rows.jsonl\") as row: (text: Str, size: Int) {\n    let found = size(row.text)\n    metric right = found == row.size\n    require right.mean > 0.9\n}\n";

#[test]
fn an_eval_reaches_what_is_granted_and_replays_what_was_recorded() {
    let folder = project(MEASURED, BOUND, "tool count: 41\n");
    fs::write(folder.path().join("rows.jsonl"), "{\"text\": \"a\", \"size\": 41}\n{\"text\": \"b\", \"size\": 41}\n")
        .expect("written");
    let nothing = sglc(folder.path(), &["eval", "main.sgl"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(err(&nothing).contains("[E0904]") && err(&nothing).contains("`--allow files`"), "{}", err(&nothing));
    let scripted = sglc(folder.path(), &["eval", "main.sgl", "--script", "answers"]);
    assert_eq!(scripted.status.code(), Some(0), "{}{}", out(&scripted), err(&scripted));
    let granted = sglc(folder.path(), &["eval", "main.sgl", "--allow", "files,process", "--record"]);
    assert_eq!(granted.status.code(), Some(0), "{}{}", out(&granted), err(&granted));
    fs::write(folder.path().join("sgl.toml"), "").expect("written");
    let replayed = sglc(folder.path(), &["eval", "main.sgl", "--replay"]);
    assert_eq!(replayed.status.code(), Some(0), "{}{}", out(&replayed), err(&replayed));
}

#[test]
fn tests_and_evals_take_the_defaults_and_models_of_the_project() {
    let program = "model judge\nstruct Row { q: Str }\npub prompt main(q: Str) -> Bool using judge {\n    user \"${q}\"\n    assistant \"$[b: Bool]\"\n    return b\n}\ntest \"asks\" { assert main(\"x\") or true }\neval asks over jsonl(\"rows.jsonl\") as row: Row {\n    metric yes = main(row.q)\n}\n";
    let folder = project(program, "[defaults]\nmodel = \"judge\"\n", "");
    fs::write(folder.path().join("rows.jsonl"), "{\"q\": \"a\"}\n").expect("written");
    for arguments in [["test", "main.sgl"], ["eval", "main.sgl"]] {
        let unbound = sglc(folder.path(), &arguments);
        let said = out(&unbound) + &err(&unbound);
        assert!(said.contains(&format!("[{}]", code("E0906"))), "{said}");
    }
    fs::write(folder.path().join("sgl.toml"), "[defaults]\nmodel = \"judge\"\n[models]\njudge = \"nowhere.gguf\"\n")
        .expect("written");
    for arguments in [["test", "main.sgl"], ["eval", "main.sgl"]] {
        let missing = sglc(folder.path(), &arguments);
        let said = out(&missing) + &err(&missing);
        assert!(said.contains("nowhere.gguf"), "{said}");
    }
}
