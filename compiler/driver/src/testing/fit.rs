//! Whether a text belongs to a shape, and if not, where it leaves it and what could have stood there.

use sgl_constrain::{Automaton, ConstrainError, StateId, TokenMasks, Vocabulary};
use sgl_protocol::Shape;
use std::sync::Arc;

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
    // What can't be enforced was refused when the program was checked; what is computed is checked when it is known.
    let Ok(constraint) = Constraint::of(shape) else { return Ok(()) };
    let mut state = constraint.start();
    for (at, byte) in text.bytes().enumerate() {
        match constraint.step(state, byte) {
            Some(next) => state = next,
            None => {
                let at = text.floor_char_boundary(at);
                return Err(Misfit { at, expected: expected(&constraint, state) });
            }
        }
    }
    if constraint.is_accepting(state) {
        return Ok(());
    }
    Err(Misfit { at: text.len(), expected: expected(&constraint, state) })
}

/// A shape, byte by byte.
enum Constraint {
    Automaton(Automaton),
    /// What is no automaton, such as a recursive type: the masks of a model whose tokens are the bytes.
    Masks(Box<TokenMasks>),
}

impl Constraint {
    fn of(shape: &Shape) -> Result<Self, ConstrainError> {
        if let Ok(automaton) = Automaton::of_shape(shape) {
            return Ok(Self::Automaton(automaton));
        }
        let bytes = (0..=u8::MAX).map(|byte| Some(vec![byte].into_boxed_slice())).collect();
        Ok(Self::Masks(Box::new(TokenMasks::of_shape(shape, &Arc::new(Vocabulary::new(bytes)))?)))
    }

    fn start(&self) -> StateId {
        match self {
            Self::Automaton(automaton) => automaton.start(),
            Self::Masks(masks) => masks.start(),
        }
    }

    fn step(&self, state: StateId, byte: u8) -> Option<StateId> {
        match self {
            Self::Automaton(automaton) => automaton.step(state, byte),
            Self::Masks(masks) => masks.step(state, &[byte]),
        }
    }

    fn is_accepting(&self, state: StateId) -> bool {
        match self {
            Self::Automaton(automaton) => automaton.is_accepting(state),
            Self::Masks(masks) => masks.is_accepting(state),
        }
    }
}

/// What may follow a state, in a few words.
fn expected(constraint: &Constraint, state: StateId) -> String {
    let can = |byte: u8| constraint.step(state, byte).is_some();
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
    if constraint.is_accepting(state) {
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
    use sgl_protocol::Field;

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

    #[test]
    fn what_contains_itself_is_followed_too() {
        let children = Shape::List { item: Box::new(Shape::Ref(0)), min: 0, max: Some(2) };
        let fields = vec![Field { name: "c".into(), shape: children }];
        let node = Shape::Record { name: "Node".into(), fields };
        let shape = Shape::Recursive { definitions: vec![node], root: Box::new(Shape::Ref(0)) };
        assert_eq!(fit(&shape, r#"{"c": [{"c": []}]}"#), Ok(()));
        assert_eq!(fit(&shape, r#"{"c": [{"d": []}]}"#), Err(Misfit { at: 9, expected: "`c`".into() }));
        assert_eq!(fit(&shape, r#"{"c": []"#), Err(Misfit { at: 8, expected: "`}`".into() }));
        let json = Shape::Schema(r#"{"type": "array", "items": {"type": "boolean"}}"#.into());
        assert_eq!(fit(&json, "[true]"), Ok(()));
        assert_eq!(fit(&json, "[1]").map_err(|misfit| misfit.at), Err(1));
    }

    impl Misfit {
        /// Nine digits are more than are listed.
        fn shortened(self) -> Self {
            Self { expected: "`1`, `2`, `3`, `4`, `5`, `6` or others".into(), ..self }
        }
    }
}
