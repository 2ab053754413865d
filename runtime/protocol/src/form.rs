//! The forms that structures have in text: JSON on one line, JSON over lines, YAML.
//!
//! A form says what stands before, between and after the parts of a list or an object. Whoever writes, reads or constrains
//! a value asks a [`Layout`], so that all of them mean the same text:
//!
//! ```text
//! one line             pretty                    yaml
//! {"a": 1, "b": [2]}   {                         a: 1
//!                        "a": 1,                 b:
//!                        "b": [                    - 2
//!                          2
//!                        ]
//!                      }
//! ```
//!
//! A value has one text in each form. What is empty is `[]` or `{}` in all of them. In YAML texts stand in quotes, as in
//! JSON, and names without where [`is_plain`] allows it. What contains itself is laid out once: further in it stands as
//! JSON on one line, which is YAML, too.

use crate::shape::Shape;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Spaces of one level.
const INDENT: usize = 2;

/// A form over several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Form {
    /// JSON with every part on its own line.
    Pretty,
    /// Blocks of YAML.
    Yaml,
}

impl Form {
    /// The name of the form that is none of these: JSON on one line.
    pub const ONE_LINE: &'static str = "json";

    /// The forms by the names that programs call them.
    pub const NAMES: &'static [(&'static str, Option<Self>)] =
        &[(Self::ONE_LINE, None), ("pretty", Some(Self::Pretty)), ("yaml", Some(Self::Yaml))];
}

/// How the structure at some depth is laid out; the default is JSON on one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    form: Option<Form>,
    level: usize,
}

/// What holds the parts of a list or an object together, where it has some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Before the first part.
    pub open: Cow<'static, str>,
    /// Between two parts.
    pub between: Cow<'static, str>,
    /// After the last part.
    pub close: Cow<'static, str>,
}

impl Layout {
    /// What stands between a key and a value on the same line: one that is no structure, or an empty one.
    pub const BESIDE_KEY: &'static str = ": ";

    /// The layout of a whole value.
    pub fn of(form: Form) -> Self {
        Self { form: Some(form), level: 0 }
    }

    /// The form; `None` is JSON on one line.
    pub fn form(self) -> Option<Form> {
        self.form
    }

    /// The layout of the parts.
    #[must_use]
    pub fn inside(self) -> Self {
        Self { level: self.level + 1, ..self }
    }

    /// What holds the elements of a list that is not empty.
    pub fn list(self) -> Frame {
        match self.form {
            None => Frame { open: "[".into(), between: ", ".into(), close: "]".into() },
            Some(Form::Pretty) => self.braced("[", "]"),
            Some(Form::Yaml) => {
                Frame { open: "- ".into(), between: format!("{}- ", self.line()).into(), close: "".into() }
            }
        }
    }

    /// What holds the members of an object that is not empty.
    pub fn object(self) -> Frame {
        match self.form {
            None => Frame { open: "{".into(), between: ", ".into(), close: "}".into() },
            Some(Form::Pretty) => self.braced("{", "}"),
            Some(Form::Yaml) => Frame { open: "".into(), between: self.line().into(), close: "".into() },
        }
    }

    /// What stands between a key and this structure, which is not empty.
    pub fn under_key(self) -> Cow<'static, str> {
        match self.form {
            None | Some(Form::Pretty) => Self::BESIDE_KEY.into(),
            Some(Form::Yaml) => format!(":{}", self.line()).into(),
        }
    }

    /// Whether a name stands without quotes.
    pub fn is_bare(self, name: &str) -> bool {
        self.form == Some(Form::Yaml) && is_plain(name)
    }

    fn braced(self, open: &str, close: &str) -> Frame {
        let line = self.inside().line();
        Frame {
            open: format!("{open}{line}").into(),
            between: format!(",{line}").into(),
            close: format!("{}{close}", self.line()).into(),
        }
    }

    /// The beginning of a line at this level.
    fn line(self) -> String {
        format!("\n{}", " ".repeat(self.level * INDENT))
    }
}

impl Shape {
    /// Whether values of the shape are structures, so that they stand under their key and not beside it.
    pub fn is_structure(&self) -> bool {
        matches!(
            self,
            Self::List { .. } | Self::Tuple(_) | Self::Record { .. } | Self::Map { .. } | Self::Tagged { .. }
        )
    }
}

/// Whether YAML reads a name as that text where it stands without quotes: words of letters, digits, `_`, `-` and spaces
/// that begin with a letter and are no word of YAML's own (those of version 1.1, too).
pub fn is_plain(name: &str) -> bool {
    const TAKEN: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(inner)
        && !name.ends_with(' ')
        && !TAKEN.contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_plain_and_what_yaml_reads_otherwise_is_not() {
        for name in ["Act", "good enough", "item-name", "a_1", "nullable", "Norway"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "null", "No", "YES", "1st", "-x", "a: b", "a #b", "a ", " a", "~", "é", "a\nb", "[a", "\"a\""]
        {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn what_stands_between_parts_knows_its_depth() {
        let pretty = Layout::of(Form::Pretty).inside().object();
        assert_eq!((&*pretty.open, &*pretty.between, &*pretty.close), ("{\n    ", ",\n    ", "\n  }"));
        let yaml = Layout::of(Form::Yaml).inside();
        assert_eq!((&*yaml.list().open, &*yaml.list().between), ("- ", "\n  - "));
        assert_eq!(yaml.inside().under_key(), ":\n    ");
        assert_eq!(&*Layout::default().object().between, ", ");
    }
}
