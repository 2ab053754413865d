//! What stands after an `@` in a declaration: `@form(…)` before a struct or enum, `@name("…")` before a field or variant.

use crate::lexer::Placed;
use crate::token::Token;
use sgl_source::{Code, Diagnostic, FileId, Span, did_you_mean};

/// Attributes that there are.
const KNOWN: &[&str] = &["form", "name"];

/// Reports attributes that mean nothing; whether one of them can't be parsed, so that the item is given up.
pub(crate) fn judge(file: FileId, tokens: &[Placed], diagnostics: &mut Vec<Diagnostic>) -> bool {
    let is_space = |token: &Token| matches!(token, Token::Doc(_) | Token::End);
    let words: Vec<&Placed> = tokens.iter().filter(|(_, token, _)| !is_space(token)).collect();
    let item = words.iter().position(|(_, token, _)| matches!(token, Token::Keyword(_))).unwrap_or(words.len());
    let kind = words[item..].iter().map(|(_, token, _)| token).find(|token| **token != Token::Keyword("pub"));
    let is_type = matches!(kind, Some(Token::Keyword("struct" | "enum")));
    let (head, body) = words.split_at(item);
    let mut judge = Judge { file, diagnostics, is_lost: false };
    if matches!(head.first(), Some((_, Token::Symbol("@"), _))) {
        judge.head(head, is_type);
    }
    if is_type {
        judge.body(body);
    }
    judge.is_lost
}

struct Judge<'a> {
    file: FileId,
    diagnostics: &'a mut Vec<Diagnostic>,
    is_lost: bool,
}

impl Judge<'_> {
    /// Before an item.
    fn head(&mut self, words: &[&Placed], is_type: bool) {
        let mut forms = 0;
        for (index, pair) in words.windows(2).enumerate() {
            let [(_, Token::Symbol("@"), _), (start, Token::Lower(word), end)] = pair else { continue };
            let span = Span::new(self.file, *start, *end);
            if word != "form" {
                self.is_lost = true;
                let fault = match word.as_str() {
                    "name" => {
                        let message = "`@name` renames a field or a variant, not an item";
                        Diagnostic::error(Code::E0209, message, span, "of a whole item")
                    }
                    _ => unknown(word, span),
                };
                self.diagnostics.push(fault);
                continue;
            }
            forms += 1;
            self.form(&words[index + 2..], span, is_type, forms);
        }
    }

    /// `(yaml)` after `@form`.
    fn form(&mut self, after: &[&Placed], span: Span, is_type: bool, count: usize) {
        let report = |message: &str, span: Span, label: &str, help: &str| {
            Diagnostic::error(Code::E0209, message, span, label).with_help(help)
        };
        let named =
            matches!(after, [(_, Token::Symbol("("), _), (_, Token::Lower(_), _), (_, Token::Symbol(")"), _), ..]);
        let fault = match count {
            _ if !is_type => {
                report("`@form` is of a struct or an enum", span, "nothing of the kind follows", "put it before one")
            }
            1 if named => return,
            1 => report("`@form` takes the name of a form", span, "none stands here", "write `@form(yaml)`"),
            _ => report("a type has one form", span, "another one", "leave one of them out"),
        };
        self.is_lost = true;
        self.diagnostics.push(fault);
    }

    /// Inside of a struct or enum. A field or variant with an attribute that means nothing is still one.
    fn body(&mut self, words: &[&Placed]) {
        for pair in words.windows(2) {
            let [(_, Token::Symbol("@"), _), (start, Token::Lower(word), end)] = pair else { continue };
            let span = Span::new(self.file, *start, *end);
            if word == "form" {
                self.is_lost = true;
                let message = "`@form` is of a whole struct or enum, not of a field or variant";
                self.diagnostics.push(
                    Diagnostic::error(Code::E0209, message, span, "inside a type")
                        .with_help("put it before `struct` or `enum`"),
                );
            } else if word != "name" {
                self.diagnostics.push(unknown(word, span));
            }
        }
    }
}

fn unknown(word: &str, span: Span) -> Diagnostic {
    let near = did_you_mean(word, KNOWN.iter().copied()).map(|near| format!("did you mean `@{near}`?"));
    Diagnostic::error(Code::E0209, format!("there is no `@{word}`"), span, "unknown attribute").with_help_if(near)
}
