//! How deep shapes may be inside each other where they are read from bytes: a forged file can't exhaust the stack.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::cell::Cell;

/// Shapes inside each other; types of programs have a handful.
const DEPTH_MAX: u32 = 60;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level, left again however reading ends.
struct Level;

impl Level {
    fn enter() -> Option<Self> {
        DEPTH.with(|depth| {
            let deeper = depth.get() + 1;
            (deeper <= DEPTH_MAX).then(|| {
                depth.set(deeper);
                Self
            })
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

/// Reads what is inside a shape.
pub(super) fn read<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    let Some(_level) = Level::enter() else { return Err(D::Error::custom("shapes are nested too deep")) };
    T::deserialize(from)
}

#[cfg(test)]
mod tests {
    use crate::Shape;

    fn nested(depth: usize) -> String {
        let (open, close) = (r#"{"List":{"item":"#, r#","min":0,"max":null}}"#);
        format!("{}\"Bool\"{}", open.repeat(depth), close.repeat(depth))
    }

    #[test]
    fn shapes_that_are_nested_too_deep_are_refused_and_others_are_read_after_that() {
        let error = serde_json::from_str::<Shape>(&nested(61)).expect_err("it is too deep");
        assert!(error.to_string().contains("too deep"), "{error}");
        assert!(serde_json::from_str::<Shape>(&nested(60)).is_ok());
    }
}
