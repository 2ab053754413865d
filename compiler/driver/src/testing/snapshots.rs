//! Snapshots: a Markdown file beside the source, one heading per test, one fence per value.

use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// The file of a source's snapshots: `classify.sgl` has `classify.snap.md`.
pub(super) fn path_of(source: &str) -> PathBuf {
    Path::new(source).with_extension("snap.md")
}

/// Snapshots by test, in order.
pub(super) type Stored = IndexMap<String, Vec<String>>;

/// Reads the text of a file of snapshots.
pub(super) fn read(text: &str) -> Stored {
    let mut stored = Stored::new();
    let mut open: Option<(usize, Vec<&str>)> = None;
    for line in text.lines() {
        if let Some((ticks, lines)) = &mut open {
            if line.len() == *ticks && line.bytes().all(|b| b == b'`') {
                if let Some((_, all)) = stored.last_mut() {
                    all.push(lines.join("\n"));
                }
                open = None;
            } else {
                lines.push(line);
            }
        } else if line.starts_with("```") {
            open = Some((line.bytes().take_while(|b| *b == b'`').count(), Vec::new()));
        } else if let Some(name) = line.strip_prefix("## ") {
            stored.entry(name.to_string()).or_default();
        }
    }
    stored
}

/// The text of a file of snapshots.
pub(super) fn write(source: &str, stored: &Stored) -> String {
    let mut out = format!("# Snapshots of `{}`\n\nWritten by `sglc test --update`.\n", name_of(source));
    for (test, values) in stored.iter().filter(|(_, values)| !values.is_empty()) {
        out.push_str(&format!("\n## {test}\n"));
        for value in values {
            let fence = fence(value);
            out.push_str(&format!("\n{fence}\n{value}\n{fence}\n"));
        }
    }
    out
}

fn name_of(source: &str) -> String {
    Path::new(source).file_name().unwrap_or_default().to_string_lossy().to_string()
}

/// More backticks than any line of the value begins with.
fn fence(value: &str) -> String {
    let longest = value.lines().map(|line| line.bytes().take_while(|b| *b == b'`').count()).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut stored = Stored::new();
        stored.insert("a test".into(), vec!["one\ntwo\n".into(), "```\nfenced\n```".into(), String::new()]);
        stored.insert("another".into(), vec!["{\n  \"a\": 1\n}".into()]);
        let text = write("x/classify.sgl", &stored);
        assert!(text.starts_with("# Snapshots of `classify.sgl`\n"), "{text}");
        assert_eq!(read(&text), stored);
        assert_eq!(path_of("x/classify.sgl"), PathBuf::from("x/classify.snap.md"));
    }
}
