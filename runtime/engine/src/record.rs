//! What requests began with, as text: so that another server can be asked the same.

use crate::engine::Engine;
use crate::request::{Kind, Request};
use crate::transcript::Writing;
use sgl_protocol::RequestId;

/// What a request began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Which.
    pub request: RequestId,
    /// The transcript, with what opens and closes turns; of a choice, one per text that is scored, with that text.
    pub texts: Vec<String>,
}

impl Engine {
    /// From now on remembers what each request begins with.
    pub fn record_beginnings(&mut self) {
        self.beginnings.get_or_insert_default();
    }

    /// What requests began with since this was asked last, in the order in which they began.
    pub fn take_beginnings(&mut self) -> Vec<Beginning> {
        self.beginnings.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Remembers a request, if it is to be.
    pub(crate) fn record(&mut self, request: &Request) {
        let Some(beginnings) = &mut self.beginnings else { return };
        let texts = match &request.kind {
            Kind::Generate(generation) => {
                let mut bytes = bytes_of(&generation.prompt, &self.writing);
                bytes.extend_from_slice(&generation.hole.held);
                vec![String::from_utf8_lossy(&bytes).into_owned()]
            }
            Kind::Score { .. } => {
                let sequences = request.open.iter().filter_map(|name| self.sequences.get(*name));
                let text = |tokens: &[u32]| String::from_utf8_lossy(&bytes_of(tokens, &self.writing)).into_owned();
                sequences.map(|sequence| text(&sequence.tokens)).collect()
            }
        };
        beginnings.push(Beginning { request: request.id, texts });
    }
}

/// Tokens as text, those that are no text by their names.
fn bytes_of(tokens: &[u32], writing: &Writing) -> Vec<u8> {
    let mut bytes = Vec::new();
    for token in tokens {
        match writing.vocabulary.bytes(*token).filter(|bytes| !bytes.is_empty()) {
            Some(text) => bytes.extend_from_slice(text),
            None => bytes.extend_from_slice(writing.tokenizer.control_text(*token).unwrap_or_default().as_bytes()),
        }
    }
    bytes
}
