//! Fixes as changes of a text: which of them go together, and the text after them.

use crate::{Applicability, FileId, Fix};

/// The fixes that a machine may apply to `file`, of which no two touch the same bytes: the earlier in the text wins.
pub fn compatible<'a>(fixes: impl IntoIterator<Item = &'a Fix>, file: FileId) -> Vec<&'a Fix> {
    let mut safe: Vec<&Fix> = fixes
        .into_iter()
        .filter(|fix| fix.applicability == Applicability::Safe && !fix.edits.is_empty())
        .filter(|fix| fix.edits.iter().all(|edit| edit.span.file == file))
        .collect();
    safe.sort_by_key(|fix| fix.edits.iter().map(|edit| edit.span).min());
    let mut chosen: Vec<&Fix> = Vec::new();
    for fix in safe {
        if !chosen.iter().any(|other| clash(fix, other)) {
            chosen.push(fix);
        }
    }
    chosen
}

/// Whether two fixes touch the same bytes, or insert at the same place.
fn clash(a: &Fix, b: &Fix) -> bool {
    a.edits.iter().any(|one| {
        b.edits.iter().any(|two| {
            let (one, two) = (one.span, two.span);
            one.start == two.start || (one.start < two.end && two.start < one.end)
        })
    })
}

/// The text after fixes that go together.
pub fn applied(text: &str, fixes: &[&Fix]) -> String {
    let mut edits: Vec<_> = fixes.iter().flat_map(|fix| &fix.edits).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    let mut out = text.to_string();
    for edit in edits {
        out.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.replacement);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edit, Span};

    fn fix(applicability: Applicability, start: usize, end: usize, replacement: &str) -> Fix {
        let edits = vec![Edit { span: Span::new(FileId(0), start, end), replacement: replacement.into() }];
        Fix { title: "change it".into(), applicability, edits }
    }

    #[test]
    fn only_safe_fixes_that_do_not_touch_each_other_are_applied() {
        let all = [
            fix(Applicability::Safe, 4, 5, "bb"),
            fix(Applicability::Safe, 0, 1, "A"),
            fix(Applicability::Safe, 0, 3, "clash"),
            fix(Applicability::Probable, 2, 3, "never"),
        ];
        let chosen = compatible(&all, FileId(0));
        assert_eq!(applied("a c b", &chosen), "A c bb");
        assert!(compatible(&all, FileId(1)).is_empty(), "the fixes are of another file");
    }
}
