//! Markdown pages as tests.

/// A fence: its name and its text, with where the text stands in the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// What follows the opening backticks.
    pub name: String,
    /// Between the backticks, with a newline at the end unless empty.
    pub text: String,
    /// Bytes of the page that `text` takes.
    pub range: std::ops::Range<usize>,
}

/// A test: a heading and its fences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The heading, with those above it.
    pub name: String,
    /// In order.
    pub fences: Vec<Fence>,
}

impl Case {
    /// The first fence with this name.
    pub fn fence(&self, name: &str) -> Option<&Fence> {
        self.fences.iter().find(|fence| fence.name == name)
    }
}

/// The tests of a page: headings that have a fence `sgl`.
pub fn cases(page: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut open: Option<(usize, String, usize)> = None;
    let mut at = 0;
    for line in page.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim_end();
        if let Some((ticks, name, from)) = &open {
            if trimmed.len() == *ticks && trimmed.bytes().all(|b| b == b'`') {
                let range = *from..start;
                let fence = Fence { name: name.clone(), text: page[range.clone()].to_string(), range };
                if let Some(case) = cases.last_mut() {
                    case.fences.push(fence);
                }
                open = None;
            }
            continue;
        }
        if trimmed.starts_with("```") {
            let ticks = trimmed.bytes().take_while(|b| *b == b'`').count();
            open = Some((ticks, trimmed[ticks..].trim().to_string(), at));
        } else if let Some(heading) = trimmed.strip_prefix('#') {
            let name = heading.trim_start_matches('#').trim().to_string();
            cases.push(Case { name, fences: Vec::new() });
        }
    }
    cases.retain(|case| case.fence("sgl").is_some());
    cases
}

/// The page with the text of some fences replaced.
pub fn rewrite(page: &str, mut replacements: Vec<(std::ops::Range<usize>, String)>) -> String {
    replacements.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut out = page.to_string();
    for (range, text) in replacements {
        out.replace_range(range, &text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_with_a_program_is_a_test() {
        let page = "# Page\n\n## One [E0001]\n\nWhy.\n\n```sgl\nlet\n```\n\n```output\n1\n```\n\n## Prose\n";
        let found = cases(page);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "One [E0001]");
        assert_eq!(found[0].fence("output").map(|f| f.text.as_str()), Some("1\n"));
        let range = found[0].fences[1].range.clone();
        assert!(rewrite(page, vec![(range, "2\n".into())]).contains("```output\n2\n```"));
    }
}
