//! Formats of strings, as languages. Each is a subset of what its specification allows that needs no tables: names of hosts
//! and mail boxes are written in ASCII, labels in Punycode are left out.

use crate::automaton::Automaton;
use crate::error::ConstrainError;

/// What a format says.
pub(super) enum Format {
    /// Strings of a language, with at most so many characters.
    Strings(Automaton, Option<u32>),
    /// Integers between bounds.
    Integers(&'static str, &'static str),
    /// Nothing that a value could break.
    Nothing,
}

/// The language of a format; `None` if no specification that is known defines it.
pub(super) fn format(name: &str) -> Option<Result<Format, ConstrainError>> {
    let whole = |pattern: &str, max| Some(Automaton::of_regex(pattern).map(|language| Format::Strings(language, max)));
    match name {
        "date" => whole(&date(), None),
        "time" => whole(&time(), None),
        "date-time" => whole(&format!("({})[Tt]({})", date(), time()), None),
        "duration" => whole(&duration(), None),
        "email" | "idn-email" => Some(mailbox().map(|language| Format::Strings(language, Some(254)))),
        "hostname" | "host-name" | "idn-hostname" => whole(&host(), Some(253)),
        "ipv4" | "ip-address" => whole(&ipv4(), None),
        "ipv6" => whole(&ipv6(), None),
        "uri" | "url" => whole(&Uri::new(false).absolute(), None),
        "iri" => whole(&Uri::new(true).absolute(), None),
        "uri-reference" => whole(&Uri::new(false).reference(), None),
        "iri-reference" => whole(&Uri::new(true).reference(), None),
        "uri-template" => whole(&uri_template(), None),
        "uuid" => whole("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}", None),
        "json-pointer" => whole(POINTER, None),
        "relative-json-pointer" => whole(&format!("(0|[1-9][0-9]*)(#|{POINTER})"), None),
        "regex" => whole(&regex(), None),
        // Of the registry of OpenAPI, beside those above.
        "int32" => Some(Ok(Format::Integers("-2147483648", "2147483647"))),
        "int64" => Some(Ok(Format::Integers("-9223372036854775808", "9223372036854775807"))),
        "float" | "double" | "password" | "binary" => Some(Ok(Format::Nothing)),
        "byte" => whole("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", None),
        // Of draft 3: a number of milliseconds.
        "utc-millisec" => Some(Ok(Format::Nothing)),
        _ => None,
    }
}

/// RFC 3339's full-date, with as many days as the month has.
fn date() -> String {
    // Years divisible by 4, but by 100 only if by 400.
    let leap = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
    let month_31 = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])";
    let month_30 = "(0[469]|11)-(0[1-9]|[12][0-9]|30)";
    format!("[0-9]{{4}}-({month_31}|{month_30}|02-(0[1-9]|1[0-9]|2[0-8]))|{leap}-02-29")
}

/// RFC 3339's full-time; a leap second only where UTC has it.
fn time() -> String {
    let hour = "([01][0-9]|2[0-3])";
    let fraction = r"(\.[0-9]+)?";
    let zone = format!("([Zz]|[+-]{hour}:[0-5][0-9])");
    format!("{hour}:[0-5][0-9]:[0-5][0-9]{fraction}{zone}|23:59:60{fraction}([Zz]|[+-]00:00)")
}

/// ISO 8601's durations as RFC 3339 has them: units in order, none left out between.
fn duration() -> String {
    let time = "T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S)";
    let days = format!("[0-9]+D({time})?");
    let months = format!("[0-9]+M({days}|{time})?");
    let years = format!("[0-9]+Y({months}|{time})?");
    format!("P([0-9]+W|{years}|{months}|{days}|{time})")
}

/// RFC 1123's names, without a hyphen at the third and fourth place of a label, which Punycode has.
fn host() -> String {
    let (first, inner) = ("[A-Za-z0-9]", "[A-Za-z0-9-]");
    let start = format!("{first}{inner}({first}{inner}|-{first})");
    let label = format!("({first}|{first}{{2}}|{first}{inner}{{1,2}}{first}|{start}{inner}{{0,58}}{first})");
    format!("{label}(\\.{label})*")
}

/// RFC 5321's mailbox with a plain local part of at most 64 characters.
fn mailbox() -> Result<Automaton, ConstrainError> {
    let atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    let local = Automaton::of_regex(&format!("{atom}(\\.{atom})*"))?;
    let local = local.intersection(&Automaton::of_regex("(?s:.){1,64}")?)?;
    Automaton::concatenation(&[local, Automaton::of_regex("@")?, Automaton::of_regex(&host())?])
}

fn ipv4() -> String {
    let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    format!("{byte}(\\.{byte}){{3}}")
}

/// RFC 4291's addresses, by how many groups stand before and after the `::`.
fn ipv6() -> String {
    let group = "[0-9A-Fa-f]{1,4}";
    // The last 32 bits may be written as an IPv4 address.
    let last = format!("({group}:{group}|{})", ipv4());
    let mut ways = vec![format!("({group}:){{6}}{last}")];
    for before in 0..=7usize {
        let head = if before == 0 { String::new() } else { format!("({group}:){{0,{}}}{group}", before - 1) };
        let head = if before == 0 { head } else { format!("({head})?") };
        // `::` stands for one group at least.
        let after = 7 - before;
        let tail = match after {
            0 => String::new(),
            1 => format!("({group})?"),
            2 => format!("({group}|{last})?"),
            _ => format!("({group}|({group}:){{0,{}}}{last})?", after - 2),
        };
        ways.push(format!("{head}::{tail}"));
    }
    ways.join("|")
}

/// The parts of RFC 3986's grammar; with `international`, of RFC 3987's.
struct Uri {
    character: String,
    international: &'static str,
}

impl Uri {
    fn new(international: bool) -> Self {
        let more = if international {
            r"\u{a0}-\u{d7ff}\u{f900}-\u{fdcf}\u{fdf0}-\u{ffef}\u{10000}-\u{1fffd}\u{20000}-\u{2fffd}\u{30000}-\u{3fffd}"
        } else {
            ""
        };
        Self { character: format!("([A-Za-z0-9._~!$&'()*+,;=:@{more}-]|%[0-9A-Fa-f]{{2}})"), international: more }
    }

    fn authority(&self) -> String {
        let more = self.international;
        let name = format!("[A-Za-z0-9._~!$&'()*+,;={more}-]|%[0-9A-Fa-f]{{2}}");
        let literal = format!(r"\[({}|v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]", ipv6());
        format!("(({name}|:)*@)?({literal}|({name})*)(:[0-9]*)?")
    }

    fn ends(&self) -> String {
        let text = format!("({}|[/?])*", self.character);
        format!(r"(\?{text})?(#{text})?")
    }

    fn absolute(&self) -> String {
        let (c, authority, ends) = (&self.character, self.authority(), self.ends());
        format!("[A-Za-z][A-Za-z0-9+.-]*:(//{authority}(/{c}*)*|/({c}+(/{c}*)*)?|{c}+(/{c}*)*|){ends}")
    }

    fn relative(&self) -> String {
        let (c, authority, ends, more) = (&self.character, self.authority(), self.ends(), self.international);
        let no_colon = format!("([A-Za-z0-9._~!$&'()*+,;=@{more}-]|%[0-9A-Fa-f]{{2}})");
        format!("(//{authority}(/{c}*)*|/({c}+(/{c}*)*)?|{no_colon}+(/{c}*)*|){ends}")
    }

    fn reference(&self) -> String {
        format!("({})|({})", self.absolute(), self.relative())
    }
}

/// RFC 6570's templates.
fn uri_template() -> String {
    let literal = "([\\x21\\x23\\x24\\x26\\x28-\\x3b\\x3d\\x3f-\\x5b\\x5d\\x5f\\x61-\\x7a\\x7e]|%[0-9A-Fa-f]{2})";
    let character = "([A-Za-z0-9_]|%[0-9A-Fa-f]{2})";
    let variable = format!(r"{character}(\.?{character})*(:[1-9][0-9]{{0,3}}|\*)?");
    format!(r"({literal}|\{{[+#./;?&]?{variable}(,{variable})*\}})*")
}

/// RFC 6901's pointers.
const POINTER: &str = "(/([^~/]|~[01])*)*";

/// Regular expressions of ECMA-262, a part of them that every program reads: groups three deep, a few ranges.
fn regex() -> String {
    let escape = r"\\[dDwWsStnrfv.*+?^$(){}\[\]|/\\-]";
    let member = format!(r"[^\[\]\\^&~-]|a-z|A-Z|0-9|a-f|A-F|{escape}");
    let single = format!(r"[^\\^$.*+?(){{}}\[\]|]|\.|{escape}|\[\^?({member})+\]");
    let count = r"([*+?]|\{[0-9]{1,3}\}|\{[0-9]{1,3},\}|\{[01],[1-9][0-9]{0,2}\})\??";
    let mut whole = sequence(&single, count);
    for _ in 0..3 {
        whole = sequence(&format!(r"{single}|\((\?:)?{whole}\)"), count);
    }
    whole
}

/// Atoms, each with a count or without, and ends of the text, in alternatives.
fn sequence(atom: &str, count: &str) -> String {
    let one = format!(r"(({atom})({count})?|\^|\$)*");
    format!(r"{one}(\|{one})*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(name: &str, text: &str) -> bool {
        match format(name) {
            Some(Ok(Format::Strings(language, max))) => {
                language.accepts(text.as_bytes()) && max.is_none_or(|max| text.chars().count() <= max as usize)
            }
            _ => panic!("{name} is a format of strings"),
        }
    }

    #[test]
    fn formats_are_those_of_their_documents() {
        for (name, right, wrong) in [
            (
                "date",
                vec!["2024-02-29", "2000-02-29", "1999-12-31"],
                vec!["2023-02-29", "1900-02-29", "2024-04-31", "24-1-1"],
            ),
            ("time", vec!["08:30:06Z", "23:59:60z", "08:30:06.28+01:00"], vec!["24:00:00Z", "08:30:06", "12:00:60Z"]),
            ("date-time", vec!["1963-06-19T08:30:06.283185Z"], vec!["1990-02-31T15:59:59Z", "1990-02-28 15:59:59Z"]),
            (
                "duration",
                vec!["P4DT12H30M5S", "P1Y", "PT36H", "P4W", "P1Y2M", "P1MT1H"],
                vec!["P", "PT", "P1Y2W", "P1D2H", "4D", "P1Y1D"],
            ),
            (
                "email",
                vec!["joe.bloggs@example.com", "te~st@example.com"],
                vec!["2962", ".a@b.c", "a..b@c.d", "a@", "a@-b.c"],
            ),
            (
                "hostname",
                vec!["www.example.com", "a", "a-b", "a1-2"],
                vec!["-a", "a-", "a_b", "a..b", "xn--x", "", ".a"],
            ),
            ("ipv4", vec!["127.0.0.1", "255.255.255.255"], vec!["256.0.0.1", "1.2.3", "01.2.3.4"]),
            (
                "ipv6",
                vec![
                    "::1",
                    "::",
                    "1:2:3:4:5:6:7:8",
                    "1::8",
                    "::ffff:192.168.0.1",
                    "1:2:3:4:5:6:7::",
                    "::2:3:4:5:6:7:8",
                    "1:2:3:4:5:6:1.2.3.4",
                ],
                vec![
                    "12345::",
                    "1:1:1:1:1:1:1:1:1",
                    "::abcef:1",
                    "1:2",
                    "1:2:3:4:5:6:7",
                    ":1",
                    "1::2::3",
                    "::1%eth0",
                    "1:2:3:4:5:6:7:8::",
                ],
            ),
            (
                "uri",
                vec!["http://foo.bar/?baz=qux#quux", "urn:a:b", "http://[::1]:80/", "a:"],
                vec!["//a", "abc", "http:// x", "\\", "http://a\u{e9}"],
            ),
            ("iri", vec!["http://ƒøø.ßår/?∂éœ=πîx"], vec!["âππ"]),
            ("uri-reference", vec!["/abc", "#f", "", "a/b:c", "http://a"], vec!["\\\\WINDOWS", "a b", "1a:b"]),
            (
                "uri-template",
                vec!["http://example.com/{term:1}/{term}", "{+x,y*}"],
                vec!["http://example.com/{term", "{}"],
            ),
            (
                "uuid",
                vec!["2EB8AA08-aa98-11ea-b4aa-73b441d16380"],
                vec!["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa9811eab4aa73b441d16380"],
            ),
            ("json-pointer", vec!["", "/foo/bar~0/baz~1/%a"], vec!["/foo/bar~", "a", "#"]),
            ("relative-json-pointer", vec!["1", "0/foo", "2#"], vec!["/a", "01", "-1"]),
            ("regex", vec!["([abc])+\\s+$", "^(a|b)*$", "[^a-z]{2,}", "a.b?"], vec!["^(abc]", "a**", "(", "\\", "{1}"]),
            ("byte", vec!["", "YQ==", "YWI=", "YWJj"], vec!["Y", "YQ=", "YW J"]),
        ] {
            for text in right {
                assert!(fits(name, text), "{text:?} is a {name}");
            }
            for text in wrong {
                assert!(!fits(name, text), "{text:?} is no {name}");
            }
        }
    }
}
