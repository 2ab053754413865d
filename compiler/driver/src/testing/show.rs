//! Results for people and for tools.

use super::coverage::{self, Covered};
use super::run::{Answers, Failure, Report};
use super::select::Suite;
use crate::arguments::{TestArguments, TestFormat};
use crate::report;
use sgl_source::render::Colour;
use similar::{ChangeTag, TextDiff};

/// Longest text that is shown on the line of its label.
const LINE_CHARS_MAX: usize = 100;

/// Prints everything. Says whether all passed.
pub(super) fn results(suite: &Suite, reports: &[Report], arguments: &TestArguments) -> bool {
    let failed = reports.iter().filter(|r| r.failure.is_some()).count();
    match arguments.format {
        TestFormat::Text => text(suite, reports, arguments, failed),
        TestFormat::Json => json(suite, reports, arguments, failed),
    }
    failed == 0
}

fn text(suite: &Suite, reports: &[Report], arguments: &TestArguments, failed: usize) {
    let colour = report::colour();
    for (index, module) in suite.modules.iter().enumerate() {
        let own = reports.iter().filter(|r| r.module == index);
        let mut headed = false;
        for report in own {
            if !std::mem::replace(&mut headed, true) {
                report::result(&module.file);
            }
            let (word, style) = if report.failure.is_some() { ("FAIL", "31") } else { ("ok  ", "32") };
            let from = match report.answers {
                Answers::Pure | Answers::Mocks => "",
                Answers::Replay => " (replayed)",
                Answers::Model => " (model)",
            };
            report::result(&format!("  {} {}{from}", paint(colour, style, word), report.name));
        }
    }
    for report in reports {
        if let Some(failure) = &report.failure {
            let file = &suite.modules[report.module].file;
            let title = format!("\n{file}:{}: {}", report.line, report.name);
            report::result(&paint(colour, "1", &title));
            report::result(self::failure(failure, colour).trim_end());
        }
    }
    if arguments.coverage {
        show_coverage(suite, reports, colour);
    }
    // The sum of nothing is -0.
    let seconds = reports.iter().map(|r| r.seconds).sum::<f64>() + 0.0;
    let passed = reports.len() - failed;
    report::result(&format!("\n{passed} passed, {failed} failed, {seconds:.2} s"));
}

/// A failure as a person wants to see it: the place, the two sides, the end of the transcript.
pub(super) fn failure(failure: &Failure, colour: Colour) -> String {
    let mut out = if failure.shown.is_empty() { format!("{}\n", failure.message) } else { failure.shown.clone() };
    if let Some((left, right)) = &failure.compared {
        out.push_str(&difference(left, right, colour));
    }
    if let Some((branch, lines)) = &failure.excerpt {
        let of = if branch.is_empty() { String::new() } else { format!(" of {branch}") };
        out.push_str(&format!("the transcript{of} ends:\n"));
        for line in lines {
            out.push_str(format!("  │ {line}").trim_end());
            out.push('\n');
        }
    }
    out
}

/// Two values: each on its line, or what differs line by line.
fn difference(left: &str, right: &str, colour: Colour) -> String {
    let short = |text: &str| !text.contains('\n') && text.chars().count() <= LINE_CHARS_MAX;
    if short(left) && short(right) {
        let (left, right) = (paint(colour, "31", left), paint(colour, "32", right));
        return format!("  left:  {left}\n  right: {right}\n");
    }
    let mut out = format!("  {} {}\n", paint(colour, "31", "- left"), paint(colour, "32", "+ right"));
    for group in TextDiff::from_lines(left, right).grouped_ops(2) {
        for op in group {
            for change in TextDiff::from_lines(left, right).iter_changes(&op) {
                let line = change.value().trim_end_matches('\n');
                out.push_str(&match change.tag() {
                    ChangeTag::Delete => format!("  {}\n", paint(colour, "31", &format!("- {line}"))),
                    ChangeTag::Insert => format!("  {}\n", paint(colour, "32", &format!("+ {line}"))),
                    ChangeTag::Equal => format!("    {line}\n"),
                });
            }
        }
    }
    out
}

fn show_coverage(suite: &Suite, reports: &[Report], colour: Colour) {
    let (mut ran, mut all) = (0, 0);
    report::result("");
    for (index, module) in suite.modules.iter().enumerate() {
        for covered in coverage::of_module(suite, reports, index) {
            ran += covered.ran();
            all += covered.arms.len();
            let share = format!("{} of {}", covered.ran(), covered.arms.len());
            report::result(&format!("{}: prompt `{}`: {share} ways ran", module.file, covered.prompt));
            for arm in covered.arms.iter().filter(|arm| !arm.ran) {
                report::result(&format!("  {} line {}: {}", paint(colour, "33", "never"), arm.line, arm.what));
            }
        }
    }
    let percent = if all == 0 { 100.0 } else { 100.0 * f64::from(ran as u32) / f64::from(all as u32) };
    report::result(&format!("coverage of prompts: {ran} of {all} ways ({percent:.0} %)"));
}

fn json(suite: &Suite, reports: &[Report], arguments: &TestArguments, failed: usize) {
    for report in reports {
        let failure = report.failure.as_ref().map(|failure| {
            serde_json::json!({
                "message": failure.message,
                "left": failure.compared.as_ref().map(|(left, _)| left),
                "right": failure.compared.as_ref().map(|(_, right)| right),
                "text": failure.text(),
            })
        });
        let answers = match report.answers {
            Answers::Pure => "none",
            Answers::Mocks => "mocks",
            Answers::Replay => "replay",
            Answers::Model => "model",
        };
        let line = serde_json::json!({
            "file": suite.modules[report.module].file, "test": report.name, "line": report.line, "answers": answers,
            "passed": report.failure.is_none(), "seconds": report.seconds, "failure": failure,
        });
        report::result(&line.to_string());
    }
    if arguments.coverage {
        for (index, module) in suite.modules.iter().enumerate() {
            for covered in coverage::of_module(suite, reports, index) {
                report::result(&coverage_json(&module.file, &covered).to_string());
            }
        }
    }
    let total = serde_json::json!({ "passed": reports.len() - failed, "failed": failed });
    report::result(&total.to_string());
}

fn coverage_json(file: &str, covered: &Covered) -> serde_json::Value {
    let arms: Vec<_> = covered
        .arms
        .iter()
        .map(|arm| serde_json::json!({ "line": arm.line, "way": arm.what, "ran": arm.ran }))
        .collect();
    serde_json::json!({ "file": file, "prompt": covered.prompt, "ways": arms })
}

fn paint(colour: Colour, style: &str, text: &str) -> String {
    match colour {
        Colour::On => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        Colour::Off => text.to_string(),
    }
}
