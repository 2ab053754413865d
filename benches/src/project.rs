//! `check` of a generated project, cold and warm: the whole way from text to image, as an editor or a build waits for it.

use crate::median;
use sglc::compile::compile;
use sglc::sources::Memory;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

/// Calls of which the median counts.
const ROUNDS: usize = 9;
/// Lines of one module.
const MODULE_LINES: usize = 500;

/// Prints a line per size.
pub(crate) fn run() -> Result<(), String> {
    for (lines, target_ms) in [(1_000, 10.0), (10_000, 100.0)] {
        let (project, lines) = project(lines);
        let started = Instant::now();
        let compiled = compile(&project, "main.sgl")?;
        let cold_ms = started.elapsed().as_secs_f64() * 1e3;
        if let Some(error) = compiled.diagnostics.iter().find(|d| d.is_error()) {
            return Err(format!("the generated project is wrong: {}", error.message));
        }
        let warm_ms = median::seconds(ROUNDS, || drop(black_box(compile(&project, "main.sgl")))) * 1e3;
        println!(
            "check of {lines} lines: {warm_ms:.1} ms warm (target {target_ms} ms), {cold_ms:.1} ms the first time"
        );
    }
    Ok(())
}

/// A project of about so many lines, and how many it has.
fn project(lines: usize) -> (Memory, usize) {
    let modules = (lines / MODULE_LINES).max(1);
    let mut files = Vec::new();
    let mut main = String::from("//! A generated project.\n\n");
    for module in 0..modules {
        writeln!(main, "import ./part{module}").expect("a string takes all");
        let mut text = format!("//! Part {module}.\n\n");
        let mut part = 0;
        while text.lines().count() < MODULE_LINES {
            text.push_str(&piece(module, part));
            part += 1;
        }
        files.push((format!("part{module}.sgl"), text));
    }
    main.push_str("\npub fn main() -> Int {\n    return [");
    let calls: Vec<String> = (0..modules).map(|module| format!("part{module}.total0([1, 2])")).collect();
    writeln!(main, "{}].sum()\n}}", calls.join(", ")).expect("a string takes all");
    files.push(("main.sgl".to_string(), main));
    let lines = files.iter().map(|(_, text)| text.lines().count()).sum();
    (Memory(files), lines)
}

/// Types, functions and prompts as people write them; bounds differ from part to part.
fn piece(module: usize, part: usize) -> String {
    let (low, high) = (part % 7, 10 + (module * 31 + part) % 90);
    format!(
        r#"/// A record of part {part}.
struct Item{part} {{
    name: Str max {width}
    count: Int in {low}..={high}
    price: Float(2) in 0.0..=999.0
    kind: "new" | "used" | "kind{part}"
}}

enum Mood{part} {{ good, bad, mixed{part} }}

/// Adds up.
pub fn total{part}(xs: [Int]) -> Int {{
    var sum = 0
    for x in xs {{
        if x % 2 == 0 {{ sum += x * {high} }} else {{ sum -= x }}
    }}
    let best = xs.map(x => x + {low}).filter(x => x > 3).sort().last() ?? 0
    return match sum {{
        0 => best
        1 | 2 => xs.len()
        _ => sum + best
    }}
}}

fn shown{part}(items: [Item{part}]) -> Str {{
    let lines = [
        "${{item.name}}: ${{item.count}} at ${{item.price}} (${{item.kind}})" for item in items if item.count > {low}
    ]
    return lines.join("\n")
}}

/// Asks about part {part}.
pub prompt ask{part}(question: Str, count: Int = {low}) -> (mood: Mood{part}, item: Item{part}?) {{
    system "You judge fairly. Today's number is ${{count}}."
    user "${{question}}"
    assistant "It is $[mood: Mood{part}, temperature: 0], by $[score: Int in 0..={high}] points."
    if score < {low} {{ return (mood: mood, item: none) }}
    user "Fill the record."
    assistant "$[item: Item{part}, max_tokens: 200]"
    let second = fork 2 {{
        assistant "$[line: Line, max_tokens: 40]"
        yield line
    }} join best(line => line.len())
    let all = shown{part}([item]) + second
    return (mood: mood, item: if all.is_empty() {{ none }} else {{ item }})
}}

"#,
        width = 8 + part % 5,
    )
}
