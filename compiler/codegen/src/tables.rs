//! Tables of the image: each entry once, in the order of first use.

use indexmap::IndexSet;
use sgl_protocol::Shape;
use sgl_vm::image::{Function, Hole};

/// The tables, and the functions that bodies become.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) texts: IndexSet<String>,
    pub(crate) shapes: IndexSet<Shape>,
    pub(crate) holes: Vec<Hole>,
    /// Functions of the plan, then bodies.
    pub(crate) functions: Vec<Function>,
}

impl Tables {
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        number(self.texts.insert_full(text.to_string()).0)
    }

    pub(crate) fn shape(&mut self, shape: &Shape) -> u32 {
        number(self.shapes.insert_full(shape.clone()).0)
    }

    pub(crate) fn hole(&mut self, hole: Hole) -> u32 {
        self.holes.push(hole);
        number(self.holes.len() - 1)
    }
}

/// An index of the image.
pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("tables are smaller than the source, which is under 4 GiB")
}
