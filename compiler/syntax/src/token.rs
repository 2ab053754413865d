//! The tokens of code. Text between quotes is lexed by hand in `lexer`, because it nests.

use logos::Logos;

/// What logos finds in code.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\f]+")]
pub(crate) enum Raw {
    #[token("\n")]
    Newline,
    #[regex(r"///[^\n]*", allow_greedy = true)]
    Doc,
    #[regex(r"//![^\n]*", allow_greedy = true)]
    FileDoc,
    #[regex(r"//([^/!\n][^\n]*)?", allow_greedy = true)]
    Comment,
    #[regex(r"////[^\n]*", allow_greedy = true)]
    LongComment,
    #[regex(r"[\p{L}_][\p{L}\p{N}_]*")]
    Word,
    #[regex(r"[0-9][0-9_]*")]
    Int,
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9_]*([eE][+-]?[0-9]+)?")]
    Float,
    #[regex(r"[0-9][0-9_]*(ms|s|m|h)")]
    Duration,
    #[token("\"\"\"")]
    Block,
    #[token("\"")]
    Quote,
    #[token("r\"")]
    Verbatim,
    #[token("re\"")]
    RegexQuote,
    #[regex(r"\.\.=|\.\.|=>|->|==|!=|<=|>=|\?\?|\+=|-=|\*=|/=|%=|[(){}\[\],:;.=<>+\-*/%?|@!$]")]
    Symbol,
}

/// A token as the grammar sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `snake_case` or `UPPER_CASE`
    Lower(String),
    /// `UpperCamel`
    Upper(String),
    /// A keyword.
    Keyword(&'static str),
    /// A symbol.
    Symbol(&'static str),
    /// `42`
    Int(i64),
    /// `0.7`, with its text
    Float(f64, String),
    /// In milliseconds.
    Duration(u64),
    /// `re"…"`
    Regex(String),
    /// `"` or `"""`
    TextStart,
    /// Characters of a text, escapes resolved.
    Chunk(String),
    /// `${`
    SpliceStart,
    /// `}` of a splice.
    SpliceEnd,
    /// `$[`
    HoleStart,
    /// `]` of a hole.
    HoleEnd,
    /// The closing quotes.
    TextEnd,
    /// `/// …`, without the slashes.
    Doc(String),
    /// End of a statement.
    End,
    /// Something that is no token, and was reported.
    Error,
}

/// Words that can't be names.
pub(crate) const KEYWORDS: &[&str] = &[
    "and",
    "assert",
    "break",
    "budget",
    "const",
    "continue",
    "else",
    "emit",
    "enum",
    "eval",
    "false",
    "fn",
    "for",
    "fork",
    "gen",
    "if",
    "import",
    "in",
    "inline",
    "join",
    "let",
    "match",
    "model",
    "none",
    "not",
    "on",
    "or",
    "prompt",
    "pub",
    "raw",
    "require",
    "retry",
    "return",
    "scratch",
    "select",
    "struct",
    "test",
    "tool",
    "transcript",
    "true",
    "try",
    "type",
    "uses",
    "using",
    "var",
    "while",
    "with",
    "yield",
];

/// Words that mean something in some places and are names elsewhere.
pub(crate) const CONTEXTUAL: &[&str] =
    &["as", "assistant", "from", "matching", "max", "metric", "over", "role", "seeds", "system", "until", "user"];

/// Every symbol.
pub(crate) const SYMBOLS: &[&str] = &[
    "..=", "..", "=>", "->", "==", "!=", "<=", ">=", "??", "+=", "-=", "*=", "/=", "%=", "(", ")", "{", "}", "[", "]",
    ",", ":", ";", ".", "=", "<", ">", "+", "-", "*", "/", "%", "?", "|", "@", "!", "$",
];

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lower(name) | Self::Upper(name) => write!(f, "`{name}`"),
            Self::Keyword(word) => write!(f, "keyword `{word}`"),
            Self::Symbol(symbol) => write!(f, "`{symbol}`"),
            Self::Int(value) => write!(f, "`{value}`"),
            Self::Float(_, text) => write!(f, "`{text}`"),
            Self::Duration(ms) => write!(f, "`{ms}ms`"),
            Self::Regex(_) => f.write_str("a regular expression"),
            Self::TextStart | Self::Chunk(_) => f.write_str("text"),
            Self::TextEnd => f.write_str("the end of the text"),
            Self::SpliceStart => f.write_str("`${`"),
            Self::SpliceEnd => f.write_str("the `}` of a splice"),
            Self::HoleStart => f.write_str("`$[`"),
            Self::HoleEnd => f.write_str("the `]` of a hole"),
            Self::Doc(_) => f.write_str("a doc comment"),
            Self::End => f.write_str("the end of the statement"),
            Self::Error => f.write_str("something that can't be read"),
        }
    }
}
