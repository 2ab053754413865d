//! The white space of values.

use crate::ConstrainError;
use crate::automaton::Automaton;
use crate::grammar::{Grammar, Layout};

/// How values are laid out. Each but `Flexible` gives one text per value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SchemaLayout {
    /// `{"a": 1, "b": [true, null]}`, as everywhere in sglc.
    #[default]
    OneLine,
    /// `{"a":1,"b":[true,null]}`
    Compact,
    /// Members and elements on lines of their own, indented by so many spaces per level, 16 levels at most.
    Pretty(u8),
    /// Up to so many spaces, tabs and line feeds wherever JSON allows them between tokens.
    Flexible(u8),
}

/// Levels that are indented one deeper than the last.
pub(super) const LEVELS_MAX: u8 = 16;

impl SchemaLayout {
    /// Whether a value is laid out differently one level deeper.
    pub(super) fn has_levels(self) -> bool {
        matches!(self, Self::Pretty(_))
    }

    /// What stands between two members, after a key, after an opening and before a closing bracket.
    pub(super) fn separators(self, level: u8) -> Option<[String; 4]> {
        let line = |width: u8, level: u8| format!("\n{}", " ".repeat(usize::from(width) * usize::from(level)));
        Some(match self {
            Self::OneLine => [", ".into(), ": ".into(), String::new(), String::new()],
            Self::Compact => [",".into(), ":".into(), String::new(), String::new()],
            Self::Pretty(width) => {
                let inner = line(width, level + 1);
                [format!(",{inner}"), ": ".into(), inner, line(width, level)]
            }
            Self::Flexible(_) => return None,
        })
    }

    /// The same as parts of a grammar.
    pub(super) fn parts(self, level: u8, grammar: &mut Grammar) -> Result<Layout, ConstrainError> {
        if let Self::Flexible(most) = self {
            let space = format!("[ \\t\\n]{{0,{most}}}");
            let mut leaf = |pattern: &str| Ok::<_, ConstrainError>(grammar.leaf(Automaton::of_regex(pattern)?));
            let (comma, colon) = (leaf(&format!("{space},{space}"))?, leaf(&format!("{space}:{space}"))?);
            let edge = leaf(&space)?;
            return Ok(Layout { comma, colon, open: edge, close: edge });
        }
        let [comma, colon, open, close] = self.separators(level).unwrap_or_default();
        let mut part = |text: &str| if text.is_empty() { grammar.sequence(&[]) } else { grammar.literal(text) };
        Ok(Layout { comma: part(&comma), colon: part(&colon), open: part(&open), close: part(&close) })
    }
}
