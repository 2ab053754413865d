//! What the parser expected, in words: a list of tokens helps nobody.

use crate::actions::Fault;
use crate::lexer::Placed;
use crate::token::{KEYWORDS, Token};
use lalrpop_util::ParseError;
use sgl_source::{Code, Diagnostic, FileId, Span, did_you_mean};

/// The diagnostic for a fault of the parser.
pub(crate) fn diagnostic(file: FileId, fault: ParseError<usize, Token, Fault>, tokens: &[Placed]) -> Diagnostic {
    match fault {
        ParseError::User { error } => Diagnostic::error(Code::E0101, error.message, error.span, "here"),
        ParseError::InvalidToken { location } => {
            let span = Span::new(file, location, location);
            Diagnostic::error(Code::E0101, "something that can't be read", span, "here")
        }
        ParseError::UnrecognizedEof { location, expected } => {
            let span = Span::new(file, location, location);
            let message = format!("the definition ends too early: expected {}", words(&expected));
            Diagnostic::error(Code::E0101, message, span, "more must follow")
        }
        ParseError::UnrecognizedToken { token, expected } => unexpected(file, &token, &expected, tokens),
        ParseError::ExtraToken { token } => unexpected(file, &token, &["end".to_string()], tokens),
    }
}

fn unexpected(file: FileId, (start, token, end): &Placed, expected: &[String], tokens: &[Placed]) -> Diagnostic {
    let span = Span::new(file, *start, *end);
    let wanted = words(expected);
    let at = tokens.iter().position(|placed| placed.0 == *start && placed.1 == *token).unwrap_or(0);
    let before = at.checked_sub(1).and_then(|index| tokens.get(index));
    let after = |wanted: &Token| before.is_some_and(|(_, token, _)| token == wanted);
    if *token == Token::Keyword("let") && after(&Token::Keyword("if")) {
        return Diagnostic::error(Code::E0101, "there is no `if let`", span, "a condition is expected here")
            .with_help("take the value apart with `match x { none => …, value => … }`");
    }
    if let (Token::Keyword(word), true) = (token, expects(expected, "lower")) {
        let free = format!("{word}_");
        return Diagnostic::error(Code::E0106, format!("`{word}` is a keyword"), span, format!("expected {wanted}"))
            .with_help(format!("choose another name, such as `{free}`"));
    }
    if let Some((s, _, e)) = before.filter(|(_, t, _)| matches!(t, Token::Symbol(":")) && inside_hole(tokens, at)) {
        let place = Span::new(file, *s, *e);
        if matches!(token, Token::HoleEnd) {
            return Diagnostic::error(Code::E0105, "this hole has no type", place, "a type must follow")
                .with_help("write a type, such as `$[name: Line]`, or leave out the `:`");
        }
    }
    if let (Token::Keyword(word), true) = (token, expects(expected, "end")) {
        let message = format!("`{word}` begins a statement, and the one before it has not ended");
        return Diagnostic::error(Code::E0101, message, span, "a new line or `;` is missing before this")
            .with_help("write it on a line of its own");
    }
    if let Some((s, Token::Lower(word), e)) = before
        && let Some(near) = did_you_mean(word, KEYWORDS.iter().copied())
    {
        let place = Span::new(file, *s, *e);
        return Diagnostic::error(
            Code::E0101,
            format!("unexpected name `{word}`"),
            place,
            "no statement or item begins so",
        )
        .with_help(format!("did you mean `{near}`?"));
    }
    if let Token::Lower(word) = token
        && let Some(near) = did_you_mean(word, KEYWORDS.iter().copied())
        && expected.iter().any(|e| e.trim_matches('"') == near)
    {
        return Diagnostic::error(
            Code::E0101,
            format!("unexpected name `{word}`"),
            span,
            "no statement or item begins so",
        )
        .with_help(format!("did you mean `{near}`?"));
    }
    let help = match token {
        Token::End => Some("the line ends too early; go on, or move the rest of the statement here"),
        Token::Symbol("=") if expects(expected, "==") => Some("compare with `==`"),
        Token::Int(_) if after(&Token::Symbol(".")) => {
            Some("the parts of a tuple have no names; take it apart: `let (first, second) = …`")
        }
        Token::Symbol("?") => {
            Some("`?` stands behind types; take a value apart with `match`, or give a default with `??`")
        }
        Token::TextStart => Some("separate statements by a new line or `;`"),
        _ => None,
    };
    Diagnostic::error(Code::E0101, format!("unexpected {token}"), span, format!("expected {wanted}"))
        .with_help_if(help.map(str::to_string))
}

fn inside_hole(tokens: &[Placed], at: usize) -> bool {
    let mut depth = 0i32;
    for (_, token, _) in tokens[..at].iter().rev() {
        match token {
            Token::HoleEnd => depth -= 1,
            Token::HoleStart => depth += 1,
            Token::TextStart if depth == 0 => return false,
            _ => {}
        }
        if depth > 0 {
            return true;
        }
    }
    false
}

fn expects(expected: &[String], token: &str) -> bool {
    expected.iter().any(|e| e.trim_matches('"') == token)
}

/// The expected tokens, folded into kinds of thing: the most telling first, at most three.
fn words(expected: &[String]) -> String {
    let has = |token: &str| expects(expected, token);
    let mut found: Vec<String> = Vec::new();
    if has("let") {
        found.push("a statement".into());
    } else if has("struct") {
        found.push("a definition".into());
    } else if has("int") && has("transcript") {
        found.push("an expression".into());
    } else if has("matching") && has("upper") && has("[") {
        found.push("a type".into());
    } else if has("lower") && has("upper") {
        found.push("a name".into());
    } else if has("lower") {
        found.push("a lower-case name".into());
    } else if has("upper") {
        found.push("a capitalised name".into());
    }
    let plain = found.is_empty();
    for symbol in ["=", ":", "(", ")", "]", "}", "{", ",", "=>", "->", "in", "else"] {
        let closes = matches!(symbol, ")" | "]" | "}" | "{" | "=" | ":");
        if has(symbol) && (plain || closes) && found.len() < 3 && !(found.len() == 1 && symbol == "(") {
            found.push(format!("`{symbol}`"));
        }
    }
    if has("text_start") && found.is_empty() {
        found.push("a text".into());
    }
    if has("end") && found.len() < 3 {
        found.push("the end of the statement".into());
    }
    match found.as_slice() {
        [] => "something else".into(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}
