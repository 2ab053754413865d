//! Whether a text matches a pattern as a whole: for values that no automaton wrote.

use regex::Regex;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Patterns that are kept compiled.
const KEPT_MAX: usize = 256;

thread_local! {
    static COMPILED: RefCell<FxHashMap<String, Option<Regex>>> = RefCell::default();
}

/// Whether the whole text matches. A pattern that can't be compiled matches nothing; the compiler refuses such.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= KEPT_MAX && !compiled.contains_key(pattern) {
            compiled.clear();
        }
        let compile = || Regex::new(&format!(r"\A(?:{pattern})\z")).ok();
        let regex = compiled.entry(pattern.to_string()).or_insert_with(compile);
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    })
}

/// What a text lacks to belong to a [`sgl_protocol::Shape::Text`] with these bounds, in words; `None` if it belongs.
pub(crate) fn lacks(text: &str, pattern: Option<&str>, chars_max: Option<u32>, until: Option<&str>) -> Option<String> {
    if chars_max.is_some_and(|max| text.chars().count() > max as usize) {
        return Some(format!("at most {} characters", chars_max.unwrap_or_default()));
    }
    if until.is_some_and(|delimiter| !delimiter.is_empty() && text.contains(delimiter)) {
        return Some("text without its delimiter".into());
    }
    let pattern = pattern.filter(|pattern| !matches(pattern, text))?;
    Some(format!("text that matches re\"{pattern}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text() {
        assert!(matches("a|ab", "ab") && !matches("a|ab", "abc") && !matches("(", "("));
        assert_eq!(lacks("2026", Some("[0-9]+"), Some(4), Some(";")), None);
        assert!(lacks("20x6", Some("[0-9]+"), None, None).is_some());
        assert!(lacks("20;6", None, None, Some(";")).is_some() && lacks("20", None, Some(1), None).is_some());
    }
}
