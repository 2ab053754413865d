//! Whether a text belongs to a shape, and if not, where it leaves it and what could have stood there.

use sgl_constrain::Automaton;
use sgl_protocol::Shape;

/// Where a text leaves a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The first byte that does not belong; the length of the text if it ends too early.
    pub(super) at: usize,
    /// What could stand there.
    pub(super) expected: String,
}

/// Checks a text as the mask of a model would.
pub(super) fn fit(shape: &Shape, text: &str) -> Result<(), Misfit> {
    if let Shape::Text { pattern: None, chars_max: None, until: None } = shape {
        return Ok(());
    }
    // A shape that has no automaton was refused when the program was checked.
    let Ok(automaton) = Automaton::of_shape(shape) else { return Ok(()) };
    let mut state = automaton.start();
    for (at, byte) in text.bytes().enumerate() {
        match automaton.step(state, byte) {
            Some(next) => state = next,
            None => {
                let at = text.floor_char_boundary(at);
                return Err(Misfit { at, expected: expected(&automaton, state) });
            }
        }
    }
    if automaton.is_accepting(state) {
        return Ok(());
    }
    Err(Misfit { at: text.len(), expected: expected(&automaton, state) })
}

/// What may follow a state, in a few words.
fn expected(automaton: &Automaton, state: sgl_constrain::StateId) -> String {
    let can = |byte: u8| automaton.step(state, byte).is_some();
    let mut words: Vec<String> = Vec::new();
    let groups: [(&str, std::ops::RangeInclusive<u8>); 3] =
        [("a digit", b'0'..=b'9'), ("a small letter", b'a'..=b'z'), ("a capital", b'A'..=b'Z')];
    for (name, range) in groups {
        let allowed: Vec<char> = range.clone().filter(|byte| can(*byte)).map(char::from).collect();
        if allowed.len() == range.count() {
            words.push(name.to_string());
        } else {
            words.extend(allowed.iter().map(|c| format!("`{c}`")));
        }
    }
    let marks = (b' '..=b'~').filter(|byte| !byte.is_ascii_alphanumeric() && can(*byte)).map(char::from);
    let marks: Vec<char> = marks.collect();
    if marks.len() > 12 {
        words.push("almost anything".into());
    } else {
        words.extend(marks.iter().map(|c| if *c == ' ' { "a space".into() } else { format!("`{c}`") }));
    }
    if can(b'\n') {
        words.push("a newline".into());
    }
    if automaton.is_accepting(state) {
        words.push("the end".into());
    }
    match words.len() {
        0 => "other characters".into(),
        1..=8 => words.join(" or "),
        _ => format!("{} or others", words[..6].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_where_a_text_leaves_its_shape_is_found() {
        let shape = Shape::Int { min: Some(1), max: Some(10) };
        assert_eq!(fit(&shape, "7"), Ok(()));
        assert_eq!(fit(&shape, "99"), Err(Misfit { at: 1, expected: "the end".into() }));
        assert_eq!(
            fit(&shape, "é"),
            Err(Misfit { at: 0, expected: "`1` or `2` or `3` or `4` or `5` or `6` or `7` or `8`".into() }.shortened())
        );
        let names = Shape::Enum { name: "Mood".into(), names: vec!["calm".into(), "angry".into()] };
        assert_eq!(fit(&names, "ca"), Err(Misfit { at: 2, expected: "`l`".into() }));
        assert_eq!(fit(&Shape::free_text(), "anything"), Ok(()));
    }

    impl Misfit {
        /// Nine digits are more than are listed.
        fn shortened(self) -> Self {
            Self { expected: "`1`, `2`, `3`, `4`, `5`, `6` or others".into(), ..self }
        }
    }
}
