//! `sglc run` and its neighbours: `check`, `fmt`, `new`, `build`, `explain`.

use std::fs;
use std::process::Output;

use crate::rig::{self, command, err, fed, out};

/// `sglc` in a folder that has nothing to do with the files named.
fn sglc(arguments: &[&str]) -> Output {
    rig::sglc(&std::env::temp_dir(), arguments)
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("written");
    path.to_string_lossy().to_string()
}

const HELLO: &str = "/// Greets.\npub prompt main(\n    /// who\n    name: Str,\n) -> Line {\n    user \"I am ${name}.\"\n    assistant \"$[greeting: Line]\"\n    return greeting\n}\n";

#[test]
fn a_run_prints_its_result_to_the_standard_output_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = file(&folder, "hello.sgl", HELLO);
    let script = file(&folder, "answers", "greeting: Hi Ada\n");
    let run = sglc(&["run", &program, "--script", &script, "--name", "Ada"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    assert_eq!(out(&run), "Hi Ada\n");
    assert!(err(&run).contains("I am Ada."), "the transcript is shown: {}", err(&run));
    let quiet = sglc(&["run", &program, "--script", &script, "--name", "Ada", "--quiet", "--json"]);
    assert_eq!((out(&quiet).as_str(), err(&quiet).as_str()), ("\"Hi Ada\"\n", ""));
}

#[test]
fn parameters_come_from_flags_or_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = file(&folder, "hello.sgl", HELLO);
    let script = file(&folder, "answers", "greeting: Hi\n");
    let input = file(&folder, "input.json", "{\"name\": \"Grace\"}");
    for how in [vec!["--input", "{\"name\": \"Grace\"}"], vec!["--input", &format!("@{input}")]] {
        let mut line = vec!["run", program.as_str(), "--script", script.as_str()];
        line.extend(how);
        let run = sglc(&line);
        assert!(err(&run).contains("I am Grace."), "{}", err(&run));
    }
    let missing = sglc(&["run", &program, "--script", &script]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(err(&missing).contains("add `--name <TEXT>`"), "{}", err(&missing));
}

#[test]
fn help_on_a_program_shows_its_parameters_with_their_docs() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = file(&folder, "hello.sgl", HELLO);
    let help = sglc(&["run", &program, "--help"]);
    assert_eq!(help.status.code(), Some(0), "{}", err(&help));
    assert!(out(&help).contains("--name <TEXT>") && out(&help).contains("who"), "{}", out(&help));
    assert!(out(&help).contains("Greets."), "{}", out(&help));
}

#[test]
fn exit_codes_tell_a_wrong_program_from_a_wrong_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = file(&folder, "wrong.sgl", "pub fn f() -> Int { return \"a\" }\n");
    assert_eq!(sglc(&["check", &wrong]).status.code(), Some(1));
    assert_eq!(sglc(&["run", &wrong]).status.code(), Some(1));
    assert_eq!(sglc(&["check", "/no/such/file.sgl"]).status.code(), Some(1));
    assert_eq!(sglc(&["check"]).status.code(), Some(2));
    assert_eq!(sglc(&["frobnicate"]).status.code(), Some(2));
    assert_eq!(sglc(&["run"]).status.code(), Some(2));
    let right = file(&folder, "right.sgl", "pub fn f() -> Int { return 1 }\n");
    assert_eq!(sglc(&["check", &right]).status.code(), Some(0));
    let unknown = sglc(&["run", &right, "--nmae", "x"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", err(&unknown));
}

#[test]
fn check_reports_as_json_lines_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = file(&folder, "wrong.sgl", "pub fn f() -> Int { return \"a\" }\n");
    let check = sglc(&["check", "--format", "json", &wrong]);
    let line: serde_json::Value = serde_json::from_str(out(&check).trim()).expect("one JSON object");
    assert_eq!(line["code"], "E0301");
    assert_eq!(line["labels"][0]["at"]["line"], 1);
}

#[test]
fn a_schema_that_cannot_be_enforced_is_told_with_every_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let right = file(&folder, "right.json", r#"{"type": "object", "properties": {"a": {"type": "integer"}}}"#);
    let checked = sglc(&["schema", "check", &right]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    let wrong = r#"{"properties": {"a": {"uniqueItems": true}, "b": {"format": "shoe-size"}}}"#;
    let wrong = file(&folder, "wrong.json", wrong);
    let checked = sglc(&["schema", "check", &wrong]);
    assert_eq!(checked.status.code(), Some(1));
    for part in ["#/properties/a: `uniqueItems`", "#/properties/b: `format`: the format `shoe-size` is not known"] {
        assert!(err(&checked).contains(part), "{}", err(&checked));
    }
    assert_eq!(sglc(&["schema", "check", "--lenient", &right, "nowhere.json"]).status.code(), Some(1));
}

#[test]
fn a_missing_model_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = file(&folder, "hello.sgl", HELLO);
    let run = sglc(&["run", &program, "--name", "Ada", "--model", "smollm2-135m-instrukt"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(err(&run).contains("did you mean `smollm2-135m-instruct`?"), "{}", err(&run));
}

fn has(output: &Output, code: &str) -> bool {
    err(output).contains(&format!("[{code}]"))
}

#[test]
fn a_function_of_too_many_values_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let zeros = vec!["0"; 70_000].join(", ");
    let large = file(&folder, "large.sgl", &format!("pub fn f() -> Int {{ return [{zeros}].len() }}\n"));
    let check = sglc(&["check", &large]);
    assert_eq!(check.status.code(), Some(1));
    assert!(has(&check, "E0601"), "{}", &err(&check)[err(&check).len().saturating_sub(2_000)..]);
}

#[test]
fn what_can_only_be_seen_at_run_time_has_a_code_and_a_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = file(&folder, "none.sgl", "fn f() -> Int { return 1 }\nconst A = f()\n");
    let run = sglc(&["run", &none]);
    assert_eq!(run.status.code(), Some(1));
    assert!(has(&run, "E0413") && err(&run).contains("pub prompt main"), "{}", err(&run));
    let trap = file(&folder, "trap.sgl", "pub fn f(xs: [Int] = []) -> Int {\n    return xs[3]\n}\n");
    let run = sglc(&["run", &trap]);
    assert_eq!(run.status.code(), Some(1));
    assert!(has(&run, "E0701") && err(&run).contains("trap.sgl:2:"), "{}", err(&run));
}

#[test]
fn a_value_that_nests_deep_is_a_value_and_too_deep_to_be_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "struct Node { below: [Node] }\npub fn f() -> Int {\n    var n = Node(below: [])\n    \
        for _i in 0..200000 {\n        n = Node(below: [n])\n    }\n    return n.below.len()\n}\n";
    let run = sglc(&["run", &file(&folder, "deep.sgl", text)]);
    assert_eq!((run.status.code(), out(&run).as_str()), (Some(0), "1\n"), "{}", err(&run));
    let told = text.replace("n.below.len()", "n.json().len()");
    let run = sglc(&["run", &file(&folder, "told.sgl", &told)]);
    assert_eq!(run.status.code(), Some(1));
    assert!(has(&run, "E0701") && err(&run).contains("told.sgl:7:"), "{}", err(&run));
}

const UGLY: &str = "// kept\npub fn  f( x:Int )->Int{return x+1}  // too\n";
const PRETTY: &str = "// kept\npub fn f(x: Int) -> Int { return x + 1 } // too\n";

#[test]
fn fmt_writes_files_and_folders_and_check_only_looks() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().to_string_lossy().to_string();
    let program = file(&folder, "a.sgl", UGLY);
    let check = sglc(&["fmt", "--check", &name]);
    assert_eq!(check.status.code(), Some(1), "{}", err(&check));
    assert!(out(&check).contains("+pub fn f(x: Int) -> Int { return x + 1 } // too"), "{}", out(&check));
    assert_eq!(fs::read_to_string(&program).expect("there"), UGLY, "`--check` writes nothing");
    assert_eq!(sglc(&["fmt", &name]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&program).expect("there"), PRETTY);
    let again = sglc(&["fmt", "--check", &program]);
    assert_eq!((again.status.code(), out(&again).as_str()), (Some(0), ""));
    assert_eq!(sglc(&["fmt", "--frob"]).status.code(), Some(2));
    assert_eq!(sglc(&["fmt", "/no/such/file.sgl"]).status.code(), Some(1));
}

#[test]
fn fmt_leaves_a_wrong_program_alone_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = file(&folder, "wrong.sgl", "pub fn f( -> Int { 1 }\n");
    let run = sglc(&["fmt", &wrong]);
    assert_eq!(run.status.code(), Some(1));
    assert!(err(&run).contains("wrong.sgl has errors and stays as it is"), "{}", err(&run));
    assert_eq!(fs::read_to_string(&wrong).expect("there"), "pub fn f( -> Int { 1 }\n");
}

#[test]
fn fmt_reads_the_standard_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = fed(command(folder.path()).args(["fmt", "-", "--stdin-path", "a.sgl"]), UGLY);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), PRETTY));
}

#[test]
fn new_makes_a_project_that_checks_runs_and_stands_as_formatted() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().join("greeter").to_string_lossy().to_string();
    let made = sglc(&["new", &name]);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    let main = format!("{name}/main.sgl");
    assert_eq!(sglc(&["check", &main]).status.code(), Some(0));
    assert_eq!(sglc(&["fmt", "--check", &name]).status.code(), Some(0));
    let script = file(&folder, "answers", "greeting: Welcome!\n");
    assert_eq!(out(&sglc(&["run", &main, "--script", &script, "--quiet"])), "Welcome!\n");
    fs::write(&main, "mine").expect("written");
    let again = sglc(&["new", &name]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&main).expect("there"), "mine", "nothing is overwritten");
    assert_eq!(sglc(&["new", "a b"]).status.code(), Some(1));
}

#[test]
fn a_plan_is_asked_for_by_entry_and_parameter() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = file(&folder, "hello.sgl", HELLO);
    let unknown = sglc(&["explain", &format!("{program}::mian")]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("its entries: main"), "{}", err(&unknown));
    let parameter = sglc(&["explain", &program, "--batch", "nome"]);
    assert_eq!(parameter.status.code(), Some(2));
    assert!(err(&parameter).contains("`--batch nome`"), "{}", err(&parameter));
}

#[test]
fn an_image_runs_like_its_source_and_is_trusted_only_where_it_is_signed() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = file(&folder, "hello.sgl", HELLO);
    let script = file(&folder, "answers", "greeting: Hi Ada\n");
    let (secret, image) = (file(&folder, "secret", &"07".repeat(32)), file(&folder, "hello.sglb", ""));
    let built = sglc(&["build", &program, "-o", &image, "--sign", &secret]);
    assert_eq!(built.status.code(), Some(0), "{}", err(&built));
    fs::remove_file(&program).expect("the source is not needed");
    let run = |more: &[&str]| sglc(&[&["run", &image, "--script", &script, "--name", "Ada"], more].concat());
    assert_eq!(out(&run(&[])), "Hi Ada\n", "{}", err(&run(&[])));
    let inspected = sglc(&["inspect", &image]);
    let told = out(&inspected);
    assert!(told.contains("prompt main") && told.contains("asks greeting"), "{told}{}", err(&inspected));
    let signer = told.lines().find_map(|line| line.strip_prefix("signed by ")).expect("it is signed").to_string();
    assert_eq!(run(&["--trust", &signer]).status.code(), Some(0));
    let other = run(&["--trust", &"00".repeat(32)]);
    assert_eq!(other.status.code(), Some(1));
    assert!(err(&other).contains("which `--trust` does not name"), "{}", err(&other));
    let mut bytes = fs::read(&image).expect("it was built");
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs::write(&image, bytes).expect("writable");
    let damaged = run(&[]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(err(&damaged).contains("the image is damaged"), "{}", err(&damaged));
}

#[test]
fn an_image_carries_its_constraints_and_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = [env!("CARGO_MANIFEST_DIR"), "..", "..", "runtime", "model", "tests", "data", "tiny_llama"];
    let model = model.iter().collect::<std::path::PathBuf>().to_string_lossy().to_string();
    let text = "pub prompt main() -> Int in 10..100 {\n    user \"hi\"\n    assistant \"$[n: Int in 10..100, max_tokens: 9]\"\n    return n\n}\n";
    let program = file(&folder, "number.sgl", text);
    let image = file(&folder, "number.sglb", "");
    let run = |program: &str| sglc(&["run", program, "--model", &model, "--quiet"]);
    let wanted = out(&run(&program));
    assert!(wanted.trim().parse::<u32>().is_ok_and(|n| (10..100).contains(&n)), "{wanted}");
    for more in [&[][..], &["--constraints", model.as_str()]] {
        let built = sglc(&[&["build", &program, "-o", &image], more].concat());
        assert_eq!(built.status.code(), Some(0), "{}", err(&built));
        assert!(out(&sglc(&["inspect", &image])).contains("constraints of 1 shapes"));
        assert_eq!(out(&run(&image)), wanted, "{more:?}");
        let package = sgl_vm::unpack(&fs::read(&image).expect("it was built")).expect("it is sound");
        let repacked = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut carried = package.constraints.clone();
            carried.iter_mut().for_each(|(_, bytes)| change(bytes));
            let bytes = sgl_vm::pack_with(&package.image, &package.sources, &carried, None).expect("it is small");
            fs::write(&image, bytes).expect("writable");
            run(&image)
        };
        let damages: [fn(&mut Vec<u8>); 2] = [|bytes| bytes[300] ^= 1, |bytes| bytes.truncate(77)];
        for damage in damages {
            let damaged = repacked(&damage);
            assert_eq!(damaged.status.code(), Some(1));
            assert!(err(&damaged).contains("carries a constraint that can't be used"), "{}", err(&damaged));
        }
        // One of another version is made anew.
        let older = repacked(&|bytes| bytes[7] ^= 64);
        assert_eq!(out(&older), wanted, "{}", err(&older));
    }
}
