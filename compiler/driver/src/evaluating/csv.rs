//! Comma-separated values (RFC 4180): quoted fields may hold commas, line breaks and doubled quotes.

/// The records of a text, each with the line that it begins on, from 1. Blank lines are none.
pub(super) fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut records, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begun, mut quoted, mut closed) = (1, 1, false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.push(chars.next().unwrap_or('"')),
            '"' if quoted => (quoted, closed) = (false, true),
            _ if quoted => field.push(c),
            '"' if field.is_empty() && !closed => quoted = true,
            '"' => return Err(format!("line {line}: a quote inside a field that is not quoted")),
            ',' => {
                fields.push(std::mem::take(&mut field));
                closed = false;
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                end(&mut records, begun, &mut fields, &mut field, closed);
                (begun, closed) = (line, false);
            }
            _ if closed => return Err(format!("line {line}: text after the closing quote of a field")),
            _ => field.push(c),
        }
    }
    if quoted {
        return Err(format!("line {begun}: a quote is not closed"));
    }
    end(&mut records, begun, &mut fields, &mut field, closed);
    Ok(records)
}

fn end(
    records: &mut Vec<(usize, Vec<String>)>,
    begun: usize,
    fields: &mut Vec<String>,
    field: &mut String,
    closed: bool,
) {
    if fields.is_empty() && field.is_empty() && !closed {
        return;
    }
    fields.push(std::mem::take(field));
    records.push((begun, std::mem::take(fields)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas_breaks_and_quotes() {
        let found = records("\u{feff}a,b\r\n\"x, \"\"y\"\"\nz\",\n\n\"\",2").expect("well-formed");
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 5]);
        assert_eq!(found[1].1, ["x, \"y\"\nz", ""]);
        assert_eq!(found[2].1, ["", "2"]);
        assert!(records("a\n\"b").expect_err("open").contains("line 2"));
        assert!(records("a\nb\"c").expect_err("stray").contains("line 2"));
        assert!(records("\"a\"b").expect_err("after").contains("after the closing quote"));
    }
}
