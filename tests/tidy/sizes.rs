//! Sizes ratchet: a file over the limit may shrink and may not grow.

use super::tree::{demand_none, files};

/// Lines that a file may have.
const LINES_MAX: usize = 450;
/// Lines that half of the files stay under.
const MEDIAN_MAX: usize = 180;

/// Files over the limit: the lines they may have, and why they are one idea.
const EXCEPTIONS: &[(&str, usize, &str)] = &[];

#[test]
fn files_stay_small() {
    let mut violations = Vec::new();
    for (path, text) in files("rs") {
        let lines = text.lines().count();
        let limit = EXCEPTIONS.iter().find(|(p, ..)| *p == path).map_or(LINES_MAX, |(_, limit, _)| *limit);
        if lines > limit {
            violations.push(format!("{path}: {lines} lines, at most {limit}"));
        }
    }
    demand_none("files that are too long: look for the second idea in them", &violations);
}

#[test]
fn exceptions_are_still_needed() {
    let all = files("rs");
    let lines_of = |path: &str| all.iter().find(|(p, _)| p == path).map_or(0, |(_, text)| text.lines().count());
    let stale: Vec<String> = EXCEPTIONS
        .iter()
        .filter(|(path, limit, _)| lines_of(path) <= LINES_MAX || lines_of(path) < limit.saturating_sub(40))
        .map(|(path, ..)| format!("{path} has {} lines: lower or drop its exception", lines_of(path)))
        .collect();
    demand_none("exceptions that can go", &stale);
}

#[test]
fn the_median_file_is_short() {
    let mut sizes: Vec<usize> = files("rs").iter().map(|(_, text)| text.lines().count()).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median <= MEDIAN_MAX, "the median file has {median} lines, at most {MEDIAN_MAX}");
}
