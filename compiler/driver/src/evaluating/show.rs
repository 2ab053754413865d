//! The result of an eval: a table for people, an object for tools.

use super::run::Summary;
use crate::report;
use sgl_source::render::Colour;

/// Most failed rows that are shown.
const FAILURES_MAX: usize = 3;

/// Prints a summary. Says whether it is good enough.
pub(super) fn summary(summary: &Summary, json: bool) -> bool {
    if json {
        report::result(&as_json(summary).to_string());
    } else {
        table(summary);
    }
    summary.passed()
}

fn table(summary: &Summary) {
    let colour = report::colour();
    let paint = |style: &str, text: &str| match colour {
        Colour::On => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        Colour::Off => text.to_string(),
    };
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let seeds = plural(summary.seeds as usize, "seed");
    report::result(&format!("{}: {} of {}, {seeds}", summary.name, plural(summary.rows, "row"), summary.data));
    if summary.resumed > 0 {
        report::result(&format!("  {} taken from the journal", plural(summary.resumed, "result")));
    }
    let width = summary.metrics.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(6);
    report::result(&format!("  {:<width$}  {:>9}  {:>21}  {:>6}", "metric", "mean", "95 % interval", "rows"));
    for (name, estimate) in &summary.metrics {
        let interval = format!("{} … {}", number(estimate.lower95), number(estimate.upper95));
        report::result(&format!(
            "  {name:<width$}  {:>9}  {interval:>21}  {:>6}  {}",
            number(estimate.mean),
            estimate.count,
            estimate.method.name()
        ));
    }
    for gate in &summary.gates {
        let word = if gate.holds { paint("32", "holds") } else { paint("31", "FAILS") };
        report::result(&format!("  {word}  require {}", gate.text));
    }
    for (line, seed, why) in summary.failures.iter().take(FAILURES_MAX) {
        report::result(&format!("  {} line {line}, seed {seed}:", paint("31", "FAILED")));
        for part in why.lines() {
            report::result(&format!("    {part}"));
        }
    }
    if summary.failures.len() > FAILURES_MAX {
        report::result(&format!("  … and {} more failed", summary.failures.len() - FAILURES_MAX));
    }
}

/// Four digits that count.
fn number(x: f64) -> String {
    if x.is_nan() {
        return "?".to_string();
    }
    let digits = if x.abs() >= 1_000.0 {
        0
    } else if x.abs() >= 100.0 {
        1
    } else if x.abs() >= 10.0 {
        2
    } else {
        3
    };
    format!("{x:.digits$}")
}

fn as_json(summary: &Summary) -> serde_json::Value {
    let metrics: serde_json::Map<String, serde_json::Value> = summary
        .metrics
        .iter()
        .map(|(name, estimate)| {
            let value = serde_json::json!({
                "mean": estimate.mean, "lower95": estimate.lower95, "upper95": estimate.upper95,
                "std_dev": estimate.std_dev, "rows": estimate.count, "method": estimate.method.name(),
            });
            (name.clone(), value)
        })
        .collect();
    let gates: Vec<_> =
        summary.gates.iter().map(|gate| serde_json::json!({ "require": gate.text, "holds": gate.holds })).collect();
    let failures: Vec<_> = summary
        .failures
        .iter()
        .map(|(line, seed, why)| serde_json::json!({ "line": line, "seed": seed, "message": why }))
        .collect();
    serde_json::json!({
        "eval": summary.name, "data": summary.data, "rows": summary.rows, "seeds": summary.seeds,
        "resumed": summary.resumed, "metrics": metrics, "gates": gates, "failures": failures,
        "passed": summary.passed(),
    })
}
