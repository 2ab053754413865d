//! The tour is whole: twelve lessons in order, each listed, each with programs, exercises and solutions.

use super::tree::{demand_none, root};
use std::fs;
use std::path::Path;

/// Lessons of the tour.
const LESSONS: usize = 12;
/// Lines that a lesson may have: about two pages, and what the programs print.
const LINES_MAX: usize = 260;

fn pages(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the tour is readable");
    let names = entries.map(|entry| entry.expect("the tour is readable").file_name().to_string_lossy().to_string());
    let mut found: Vec<String> = names.filter(|name| name.ends_with(".md") && name != "README.md").collect();
    found.sort();
    found
}

#[test]
fn every_lesson_is_listed_and_has_exercises_and_solutions() {
    let tour = root().join("docs/tour");
    let lessons = pages(&tour);
    assert_eq!(lessons.len(), LESSONS, "{lessons:?}");
    assert_eq!(lessons, pages(&tour.join("solutions")), "every lesson has a page of solutions");
    let list = fs::read_to_string(tour.join("README.md")).expect("the tour has a page");
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).expect("the book has a summary");
    let mut violations = Vec::new();
    for (index, lesson) in lessons.iter().enumerate() {
        let text = fs::read_to_string(tour.join(lesson)).expect("a lesson is readable");
        let solutions = fs::read_to_string(tour.join("solutions").join(lesson)).expect("solutions are readable");
        let holds = [
            (lesson.starts_with(&format!("{:02}_", index + 1)), "is out of order"),
            (list.contains(&format!("({lesson})")), "is not in docs/tour/README.md"),
            (summary.contains(&format!("(tour/{lesson})")), "is not in docs/SUMMARY.md"),
            (
                summary.contains(&format!("(tour/solutions/{lesson})")),
                "has solutions that docs/SUMMARY.md does not list",
            ),
            (text.contains("```sgl\n"), "has no program"),
            (text.contains("```output\n") || text.contains("```tests\n"), "shows no output"),
            (text.contains("\n## Exercises\n"), "has no exercises"),
            (solutions.contains("```sgl\n"), "has no program among its solutions"),
            (text.lines().count() <= LINES_MAX, "is too long"),
        ];
        violations.extend(holds.iter().filter(|(holds, _)| !holds).map(|(_, what)| format!("{lesson} {what}")));
    }
    demand_none("lessons that are not whole", &violations);
}
