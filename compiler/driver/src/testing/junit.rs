//! Results in the XML form that continuous integration reads (the schema of Apache Ant's JUnit task).

use super::run::Report;
use super::select::Suite;

/// The whole report: a `testsuite` per file.
pub(super) fn xml(suite: &Suite, reports: &[Report]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = seconds(reports.iter().map(|r| r.seconds).sum());
    let failed = reports.iter().filter(|r| r.failure.is_some()).count();
    out.push_str(&format!(
        "<testsuites name=\"sglc test\" tests=\"{}\" failures=\"{failed}\" time=\"{total}\">\n",
        reports.len()
    ));
    for (index, module) in suite.modules.iter().enumerate() {
        let own: Vec<&Report> = reports.iter().filter(|r| r.module == index).collect();
        if own.is_empty() {
            continue;
        }
        out.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"{}\">\n",
            escape(&module.file),
            own.len(),
            own.iter().filter(|r| r.failure.is_some()).count(),
            seconds(own.iter().map(|r| r.seconds).sum()),
        ));
        for report in own {
            out.push_str(&case(&module.file, report));
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(file: &str, report: &Report) -> String {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{}\"",
        escape(&report.name),
        escape(file),
        escape(file),
        report.line,
        seconds(report.seconds)
    );
    match &report.failure {
        None => format!("{head}/>\n"),
        Some(failure) => format!(
            "{head}>\n      <failure message=\"{}\" type=\"failure\">{}</failure>\n    </testcase>\n",
            escape(&failure.message),
            escape(&failure.text())
        ),
    }
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// A text as XML: the five entities, line breaks of attributes kept, and no character that XML 1.0 does not have.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_xml_is_escaped() {
        assert_eq!(escape("a<b> & \"c\"\n\u{1b}[31m"), "a&lt;b&gt; &amp; &quot;c&quot;&#10;\u{fffd}[31m");
    }
}
