//! A printing algebra: text with places where a line may break, and groups that break as a whole or not at all.
//!
//! After Christian Lindig, "Strictly Pretty" (2000), which makes Wadler's algebra strict: the renderer keeps a stack of
//! documents with their indentation and mode, and a group is flat if it fits in what is left of its line. Added here are
//! end-of-line comments, which wait for the next newline, and newlines inside texts, which break no group.

use std::borrow::Cow;

/// Columns of a line, in characters.
pub(crate) const WIDTH: usize = 100;
/// Columns of one step of indentation.
const STEP: usize = 4;

/// A document.
#[derive(Clone, Debug)]
pub(crate) enum Document<'a> {
    /// Nothing.
    Nil,
    /// Characters without a newline.
    Text(Cow<'a, str>),
    /// Characters as they are in the source; newlines in them are not indented.
    Verbatim(&'a str),
    /// One after the other.
    Concat(Vec<Document<'a>>),
    /// Lines in it are one step further to the right.
    Nest(Box<Document<'a>>),
    /// Flat if it fits and must not break.
    Group { inner: Box<Document<'a>>, breaks: bool },
    /// On one line, whatever its width.
    Flat(Box<Document<'a>>),
    /// A newline in a broken group; `flat` in a flat one.
    Line { flat: &'static str },
    /// A newline always; groups around it are broken.
    Newline,
    /// A newline of a block text: always, but groups around it may be flat.
    TextNewline,
    /// An empty line in a broken group.
    Blank,
    /// One of two texts, by how the group around it is.
    Choice { broken: &'static str, flat: &'static str },
    /// A comment that goes to the end of its line.
    Suffix(&'a str),
}

/// A line break that is a space in a flat group.
pub(crate) const LINE: Document<'static> = Document::Line { flat: " " };
/// A line break that is nothing in a flat group.
pub(crate) const SOFT: Document<'static> = Document::Line { flat: "" };

/// Characters without a newline.
pub(crate) fn text<'a>(characters: impl Into<Cow<'a, str>>) -> Document<'a> {
    Document::Text(characters.into())
}

/// One after the other.
pub(crate) fn concat<'a>(parts: impl IntoIterator<Item = Document<'a>>) -> Document<'a> {
    Document::Concat(parts.into_iter().collect())
}

/// One step to the right.
pub(crate) fn nest(inner: Document<'_>) -> Document<'_> {
    Document::Nest(Box::new(inner))
}

/// Flat if it fits.
pub(crate) fn group(inner: Document<'_>) -> Document<'_> {
    group_that(inner, false)
}

/// Flat if it fits, unless `breaks`.
pub(crate) fn group_that(inner: Document<'_>, breaks: bool) -> Document<'_> {
    let breaks = breaks || inner.breaks();
    Document::Group { inner: Box::new(inner), breaks }
}

impl Document<'_> {
    /// Whether a group around this can't be flat. Groups know it of themselves, so the walk is short.
    pub(crate) fn breaks(&self) -> bool {
        match self {
            Self::Newline => true,
            Self::Group { breaks, .. } => *breaks,
            Self::Concat(parts) => parts.iter().any(Self::breaks),
            Self::Nest(inner) => inner.breaks(),
            Self::Nil
            | Self::Text(_)
            | Self::Verbatim(_)
            | Self::Flat(_)
            | Self::Line { .. }
            | Self::TextNewline
            | Self::Blank
            | Self::Choice { .. }
            | Self::Suffix(_) => false,
        }
    }
}

impl Document<'_> {
    /// Whether a text of several lines is in this.
    pub(crate) fn has_lines(&self) -> bool {
        match self {
            Self::TextNewline => true,
            Self::Verbatim(characters) => characters.contains('\n'),
            Self::Concat(parts) => parts.iter().any(Self::has_lines),
            Self::Nest(inner) | Self::Flat(inner) | Self::Group { inner, .. } => inner.has_lines(),
            Self::Nil
            | Self::Text(_)
            | Self::Line { .. }
            | Self::Newline
            | Self::Blank
            | Self::Choice { .. }
            | Self::Suffix(_) => false,
        }
    }
}

/// How the group around a document is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

/// The text of a document, with one newline at its end unless it is empty.
pub(crate) fn render(document: &Document<'_>) -> String {
    let mut renderer = Renderer::default();
    renderer.stack.push((0, Mode::Broken, document));
    while let Some((indent, mode, document)) = renderer.stack.pop() {
        renderer.print(indent, mode, document);
    }
    if !renderer.out.is_empty() || !renderer.suffixes.is_empty() {
        renderer.newline(0);
    }
    renderer.out
}

#[derive(Default)]
struct Renderer<'d> {
    out: String,
    stack: Vec<(usize, Mode, &'d Document<'d>)>,
    /// Characters on the line, its indentation included.
    column: usize,
    /// Indentation that is written when something follows on the line, so that empty lines stay empty.
    indent: Option<usize>,
    /// Comments that wait for the end of the line.
    suffixes: Vec<&'d str>,
}

impl<'d> Renderer<'d> {
    fn print(&mut self, indent: usize, mode: Mode, document: &'d Document<'d>) {
        match document {
            Document::Nil => {}
            Document::Text(characters) => self.write(characters),
            Document::Verbatim(characters) => {
                self.write(characters);
                if let Some(last) = characters.rfind('\n') {
                    self.column = characters[last + 1..].chars().count();
                }
            }
            Document::Concat(parts) => self.stack.extend(parts.iter().rev().map(|part| (indent, mode, part))),
            Document::Nest(inner) => self.stack.push((indent + STEP, mode, inner)),
            Document::Flat(inner) => self.stack.push((indent, Mode::Flat, inner)),
            Document::Group { inner, breaks } => {
                let flat = mode == Mode::Flat || (!breaks && self.fits(inner));
                self.stack.push((indent, if flat { Mode::Flat } else { Mode::Broken }, inner));
            }
            Document::Line { flat } if mode == Mode::Flat => self.write(flat),
            Document::Line { .. } | Document::Newline => self.newline(indent),
            // Comments that wait are no part of the text: they go on waiting.
            Document::TextNewline => self.line_feed(indent),
            Document::Blank if mode == Mode::Broken => self.newline(indent),
            Document::Blank => {}
            Document::Choice { flat, .. } if mode == Mode::Flat => self.write(flat),
            Document::Choice { broken, .. } => self.write(broken),
            Document::Suffix(comment) => self.suffixes.push(comment),
        }
    }

    fn write(&mut self, characters: &str) {
        if characters.is_empty() {
            return;
        }
        if let Some(indent) = self.indent.take() {
            self.out.extend(std::iter::repeat_n(' ', indent));
        }
        self.out.push_str(characters);
        self.column += characters.chars().count();
    }

    /// Ends the line. Of several comments that wait, each but the first gets a line of its own.
    fn newline(&mut self, indent: usize) {
        for (index, comment) in std::mem::take(&mut self.suffixes).into_iter().enumerate() {
            if index > 0 {
                self.out.push('\n');
                self.indent = Some(indent);
            } else if self.indent.is_none() && !self.out.is_empty() {
                self.out.push(' ');
            }
            self.write(comment);
        }
        if !self.out.is_empty() {
            self.line_feed(indent);
        }
    }

    fn line_feed(&mut self, indent: usize) {
        self.out.push('\n');
        self.column = indent;
        self.indent = Some(indent);
    }

    /// Whether `document`, flat, and what follows it up to the next place where a line may break, fit on the line.
    fn fits(&self, document: &Document<'_>) -> bool {
        let Some(mut left) = WIDTH.checked_sub(self.column) else { return false };
        let mut rest = self.stack.len();
        let mut stack = vec![(Mode::Flat, document)];
        loop {
            let Some((mode, document)) = stack.pop() else {
                let Some(next) = rest.checked_sub(1) else { return true };
                rest = next;
                let (_, mode, document) = self.stack[rest];
                stack.push((mode, document));
                continue;
            };
            let width = match document {
                Document::Text(characters) => characters.chars().count(),
                Document::Verbatim(characters) => match characters.find('\n') {
                    Some(newline) => return characters[..newline].chars().count() <= left,
                    None => characters.chars().count(),
                },
                Document::Concat(parts) => {
                    stack.extend(parts.iter().rev().map(|part| (mode, part)));
                    0
                }
                Document::Nest(inner) | Document::Group { inner, .. } => {
                    stack.push((mode, inner));
                    0
                }
                Document::Flat(inner) => {
                    stack.push((Mode::Flat, inner));
                    0
                }
                Document::Line { flat } if mode == Mode::Flat => flat.len(),
                Document::Line { .. } | Document::Newline | Document::TextNewline => return true,
                Document::Choice { flat, .. } if mode == Mode::Flat => flat.len(),
                Document::Choice { broken, .. } => broken.len(),
                Document::Nil | Document::Blank | Document::Suffix(_) => 0,
            };
            match left.checked_sub(width) {
                Some(now) => left = now,
                None => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list<'a>(items: &[&'a str]) -> Document<'a> {
        let mut inner = vec![SOFT];
        for (index, item) in items.iter().enumerate() {
            inner.extend((index > 0).then(|| concat([text(","), LINE])));
            inner.push(text(*item));
        }
        inner.push(Document::Choice { broken: ",", flat: "" });
        group(concat([text("["), nest(concat(inner)), SOFT, text("]")]))
    }

    #[test]
    fn a_group_is_flat_if_it_fits_and_breaks_whole_if_not() {
        assert_eq!(render(&list(&["a", "b"])), "[a, b]\n");
        let long = "x".repeat(60);
        assert_eq!(render(&list(&[&long, &long])), format!("[\n    {long},\n    {long},\n]\n"));
    }

    #[test]
    fn what_follows_a_group_up_to_the_next_break_counts() {
        let item = "x".repeat(46);
        let pair = || list(&[&item, &item]);
        assert_eq!(render(&concat([pair(), text("1234")])).lines().count(), 1);
        assert_eq!(render(&concat([pair(), text("12345")])).lines().count(), 4);
        assert_eq!(render(&concat([pair(), Document::Newline, text("12345")])).lines().count(), 2);
    }

    #[test]
    fn comments_wait_for_the_end_of_the_line_and_share_none() {
        let two =
            [text("a"), Document::Suffix("// 1"), text("b"), Document::Suffix("// 2"), Document::Newline, text("c")];
        assert_eq!(render(&concat(two)), "ab // 1\n// 2\nc\n");
    }

    #[test]
    fn a_newline_of_a_text_breaks_no_group_and_empty_lines_have_no_spaces() {
        let block = concat([text("\"\"\""), Document::TextNewline, Document::TextNewline, text("x")]);
        let all = group(concat([text("f("), nest(concat([block, LINE])), text(")")]));
        assert_eq!(render(&all), "f(\"\"\"\n\n    x )\n");
    }
}
