//! What a transcript holds, piece by piece, so that it can be taken back, copied and written again.

use sgl_protocol::{Picture, Role};
use std::rc::Rc;

/// A piece of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Open(Role),
    Text(Rc<str>),
    Image(Picture),
    Close,
}

/// The pieces of a transcript, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pieces: Vec<Piece>,
    bytes: usize,
}

impl Written {
    pub(crate) fn push(&mut self, piece: Piece) {
        self.bytes += size(&piece);
        self.pieces.push(piece);
    }

    /// Pieces.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes of text.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps the first so many pieces.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes -= self.pieces[len.min(self.pieces.len())..].iter().map(size).sum::<usize>();
        self.pieces.truncate(len);
    }

    /// The pieces after the first so many.
    pub(crate) fn since(&self, len: usize) -> Vec<Piece> {
        self.pieces[len.min(self.pieces.len())..].to_vec()
    }

    /// Its text; a turn ends with a newline.
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(self.bytes);
        for piece in &self.pieces {
            match piece {
                Piece::Open(_) => {}
                Piece::Text(piece) => text.push_str(piece),
                Piece::Image(picture) => text.push_str(&picture.to_string()),
                Piece::Close => text.push('\n'),
            }
        }
        text
    }
}

fn size(piece: &Piece) -> usize {
    match piece {
        Piece::Open(_) | Piece::Image(_) => 0,
        Piece::Text(text) => text.len(),
        Piece::Close => 1,
    }
}
