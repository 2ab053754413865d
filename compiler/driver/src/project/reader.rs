//! A TOML document, read with places: what is wrong is said where it stands.

use sgl_source::{Code, Diagnostic, FileId, Span, did_you_mean};
use std::collections::BTreeMap;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads, and collects what is wrong.
pub(super) struct Reader {
    pub(super) file: FileId,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A table and where it stands.
pub(super) struct Table<'a> {
    inner: DeTable<'a>,
    span: Span,
    file: FileId,
}

impl Reader {
    pub(super) fn say(
        &mut self,
        code: Code,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        self.diagnostics.push(Diagnostic::error(code, message, span, label).with_help_if(help));
    }

    /// The document's root.
    pub(super) fn document<'a>(&mut self, text: &'a str) -> Option<Table<'a>> {
        match DeTable::parse(text) {
            Ok(root) => Some(Table { span: Span::new(self.file, 0, 0), inner: root.into_inner(), file: self.file }),
            Err(error) => {
                let range = error.span().unwrap_or(0..0);
                let span = Span::new(self.file, range.start, range.end);
                let message =
                    format!("`sgl.toml` can't be read: {}", error.message().lines().next().unwrap_or_default());
                self.say(Code::E0901, message, span, "here", None);
                None
            }
        }
    }

    /// Reports keys that a table does not have.
    pub(super) fn known(&mut self, table: &Table<'_>, what: &str, names: &[&str]) {
        for key in table.inner.keys() {
            let name: &str = key.get_ref();
            if names.contains(&name) {
                continue;
            }
            let near = did_you_mean(name, names.iter().copied());
            let help =
                near.map_or_else(|| format!("there is {}", names.join(", ")), |n| format!("did you mean `{n}`?"));
            let span = Span::new(self.file, key.span().start, key.span().end);
            self.say(Code::E0902, format!("{what} has no `{name}`"), span, "unknown key", Some(help));
        }
    }

    fn wrong(&mut self, key: &str, wanted: &str, span: Span, help: Option<&str>) {
        self.say(Code::E0903, format!("`{key}` is {wanted}"), span, "this is none", help.map(str::to_string));
    }
}

impl<'a> Table<'a> {
    pub(super) fn span(&self) -> Span {
        self.span
    }

    pub(super) fn span_of(&self, key: &str) -> Span {
        self.get(key).map_or(self.span, |value| Span::new(self.file, value.span().start, value.span().end))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.inner.keys().map(|key| key.get_ref().to_string()).collect()
    }

    fn get(&self, key: &str) -> Option<&Spanned<DeValue<'a>>> {
        self.inner.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// What `read` makes of the value, if it is there; reports if it makes nothing.
    fn read<T>(
        &self,
        key: &str,
        wanted: &str,
        reader: &mut Reader,
        read: impl FnOnce(&DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let found = read(value.get_ref());
        if found.is_none() {
            reader.wrong(key, wanted, self.span_of(key), None);
        }
        found
    }

    pub(super) fn table(&self, key: &str, reader: &mut Reader) -> Option<Self> {
        let at = self.inner.iter().find(|(name, _)| name.get_ref() == key).map(|(name, _)| name.span())?;
        let inner = self.read(key, "a table", reader, |value| value.as_table().cloned())?;
        Some(Self { inner, span: Span::new(self.file, at.start, at.end), file: self.file })
    }

    pub(super) fn text(&self, key: &str, reader: &mut Reader) -> Option<String> {
        self.read(key, "a text", reader, |value| value.as_str().map(str::to_string))
    }

    pub(super) fn texts(&self, key: &str, reader: &mut Reader) -> Option<Vec<String>> {
        self.read(key, "a list of texts, the first of which is the program", reader, |value| {
            let items = value.as_array()?;
            let texts: Option<Vec<String>> = items.iter().map(|i| i.get_ref().as_str().map(str::to_string)).collect();
            texts.filter(|texts| !texts.is_empty())
        })
    }

    pub(super) fn number(&self, key: &str, reader: &mut Reader) -> Option<f64> {
        self.read(key, "a number that is at least 0", reader, |value| {
            let text = value.as_float().map(|f| f.as_str()).or_else(|| value.as_integer().map(|n| n.as_str()))?;
            text.replace('_', "").parse::<f64>().ok().filter(|x| *x >= 0.0)
        })
    }

    pub(super) fn count(&self, key: &str, reader: &mut Reader) -> Option<u64> {
        self.read(key, "a whole number", reader, |value| value.as_integer()?.as_str().replace('_', "").parse().ok())
    }

    /// `"30s"`, `"500ms"`, `"2m"`.
    pub(super) fn duration(&self, key: &str, reader: &mut Reader) -> Option<Duration> {
        self.read(key, "a duration, such as \"500ms\", \"30s\" or \"2m\"", reader, |value| {
            let text = value.as_str()?;
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let scale = match &text[digits.len()..] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                _ => return None,
            };
            digits.parse::<u64>().ok()?.checked_mul(scale).map(Duration::from_millis)
        })
    }

    pub(super) fn url(&self, reader: &mut Reader) -> Option<String> {
        self.read("url", "an address that begins with `http://` or `https://`", reader, |value| {
            let text = value.as_str()?;
            (text.starts_with("http://") || text.starts_with("https://")).then(|| text.to_string())
        })
    }

    /// Headers as written.
    pub(super) fn headers(&self, reader: &mut Reader) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        let Some(table) = self.table_if_there("headers", reader) else { return headers };
        for name in table.names() {
            if let Some(value) = table.text(&name, reader) {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn table_if_there(&self, key: &str, reader: &mut Reader) -> Option<Self> {
        self.has(key).then(|| self.table(key, reader)).flatten()
    }
}
