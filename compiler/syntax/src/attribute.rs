//! What stands after an `@` in a declaration: `@name("…")`, and nothing else yet.

use crate::lexer::Placed;
use crate::token::Token;
use sgl_source::{Code, Diagnostic, FileId, Span, did_you_mean};

/// Attributes that fields and variants may have.
const KNOWN: &[&str] = &["name"];

/// Reports attributes that mean nothing; whether there were any, so that the item is given up.
pub(crate) fn judge(file: FileId, tokens: &[Placed], diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut words = tokens.iter().map(|(_, token, _)| token).filter(|t| !matches!(t, Token::Doc(_) | Token::End));
    let of_item = match words.next() {
        Some(Token::Keyword("struct" | "enum")) => false,
        Some(Token::Keyword("pub")) => match words.next() {
            Some(Token::Keyword("struct" | "enum")) => false,
            _ => return false,
        },
        Some(Token::Symbol("@")) => true,
        _ => return false,
    };
    let before = diagnostics.len();
    for pair in tokens.windows(2) {
        if let [(_, Token::Symbol("@"), _), (start, Token::Lower(word), end)] = pair {
            let span = Span::new(file, *start, *end);
            diagnostics.extend(fault(word, of_item, span));
        }
    }
    // A field or variant with an attribute that means nothing is still one; only what can't be parsed is given up.
    diagnostics[before..].iter().any(|fault| of_item || fault.code == Code::E0104)
}

fn fault(word: &str, of_item: bool, span: Span) -> Option<Diagnostic> {
    if word == "form" {
        let message = "surface forms, `@form(…)`, are not built yet";
        let fault = Diagnostic::error(Code::E0104, message, span, "planned, and refused until then");
        return Some(fault.with_help("leave it out: values are written as JSON on one line"));
    }
    if KNOWN.contains(&word) {
        let message = format!("`@{word}` renames a field or a variant, not an item");
        return of_item.then(|| Diagnostic::error(Code::E0209, message, span, "of a whole item"));
    }
    let near = did_you_mean(word, KNOWN.iter().copied()).map(|near| format!("did you mean `@{near}`?"));
    Some(Diagnostic::error(Code::E0209, format!("there is no `@{word}`"), span, "unknown attribute").with_help_if(near))
}
