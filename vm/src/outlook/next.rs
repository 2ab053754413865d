//! With what the next transcript begins that a task will open: text that is written in the code.

use crate::image::{Function, FunctionIndex, Op, Start};
use crate::machine::Machine;
use sgl_protocol::{Command, Hint, Role};

/// Fewest bytes of text that are worth to be said in advance.
const BYTES_MIN: usize = 64;

/// A piece of a beginning.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Open(Role),
    Text(u32),
    Close,
}

impl Machine<'_> {
    /// Tells the engine, once per function, what transcripts begin with that are opened next.
    pub(super) fn announce(&mut self, at: (FunctionIndex, usize)) {
        let image = self.image;
        let Some(next) = opens_next(&image.functions[at.0 as usize], at.1) else { return };
        if !self.outlook.announced.insert(next) {
            return;
        }
        let pieces = beginning(&image.functions[next as usize]);
        let bytes = |piece: &Piece| if let Piece::Text(text) = piece { image.texts[*text as usize].len() } else { 0 };
        if pieces.iter().map(bytes).sum::<usize>() < BYTES_MIN {
            return;
        }
        // It stays until the run ends: there are no more of them than functions.
        let session = self.open_session();
        for piece in pieces {
            self.model.submit(match piece {
                Piece::Open(role) => Command::OpenRole { session, role },
                Piece::Text(text) => Command::Append { session, text: image.texts[text as usize].clone() },
                Piece::Close => Command::CloseRole { session },
            });
        }
        self.model.submit(Command::Hint { session, hint: Hint::Next });
    }
}

/// The function that is started next on a transcript of its own, if that comes before anything else is asked; the way into a loop is taken.
fn opens_next(function: &Function, from: usize) -> Option<FunctionIndex> {
    for op in function.code.get(from..)? {
        match op {
            Op::Spawn { function, start: Start::Fresh, .. } => return Some(*function),
            Op::Generate { .. }
            | Op::Select { .. }
            | Op::ForkEach { .. }
            | Op::ForkNamed { .. }
            | Op::Spawn { .. }
            | Op::Call { .. }
            | Op::CallTool { .. }
            | Op::Report { .. }
            | Op::Return { .. }
            | Op::Fail { .. }
            | Op::Jump { .. }
            | Op::JumpUnless { .. } => return None,
            _ => {}
        }
    }
    None
}

/// What a function writes before anything that is not written in the code.
fn beginning(function: &Function) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for op in &function.code {
        pieces.push(match op {
            Op::OpenRole { role } => Piece::Open(role.clone()),
            Op::CloseRole => Piece::Close,
            Op::Append { text } => Piece::Text(*text),
            Op::AppendValue { .. }
            | Op::AppendImage { .. }
            | Op::OpenNamedRole { .. }
            | Op::Generate { .. }
            | Op::Select { .. }
            | Op::Transcript { .. }
            | Op::Spawn { .. }
            | Op::ForkEach { .. }
            | Op::ForkNamed { .. }
            | Op::Report { .. }
            | Op::Call { .. }
            | Op::CallTool { .. }
            | Op::Return { .. }
            | Op::Fail { .. }
            | Op::Jump { .. }
            | Op::JumpUnless { .. }
            | Op::Next { .. }
            | Op::Guard { .. } => break,
            _ => continue,
        });
    }
    pieces
}
