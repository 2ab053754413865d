//! Images as bytes: `SGLB`, a format version, the length and checksum of the body, the body in the postcard format.

use crate::image::Image;
use thiserror::Error;

/// The version of the format that this machine writes and reads.
pub const FORMAT_VERSION: u32 = 4;

const MAGIC: &[u8; 4] = b"SGLB";
const HEADER_BYTES: usize = 24;
/// Most bytes of an image.
const IMAGE_BYTES_MAX: usize = 256 << 20;

/// Why bytes are no image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// Not an image at all.
    #[error("this is no sgl image: it does not begin with `SGLB`")]
    Magic,
    /// Made by another version of the compiler.
    #[error("this image has format version {found}; this machine reads version {FORMAT_VERSION}: build it again")]
    Version {
        /// The version of the image.
        found: u32,
    },
    /// Cut off or changed.
    #[error("the image is damaged: {0}")]
    Damaged(String),
    /// Well-formed, and wrong.
    #[error("the image is not sound: {0}")]
    Unsound(String),
}

/// An image as bytes.
pub fn encode(image: &Image) -> Vec<u8> {
    let body = postcard::to_stdvec(image).expect("an image is plain data in memory");
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// The image that bytes stand for, verified.
pub fn decode(bytes: &[u8]) -> Result<Image, ImageError> {
    if bytes.len() < HEADER_BYTES || &bytes[..4] != MAGIC {
        return Err(ImageError::Magic);
    }
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    if word(4) != FORMAT_VERSION {
        return Err(ImageError::Version { found: word(4) });
    }
    let body = &bytes[HEADER_BYTES..];
    if body.len() as u64 != long(8) || body.len() > IMAGE_BYTES_MAX {
        return Err(ImageError::Damaged(format!("it has {} bytes, and says {}", body.len(), long(8))));
    }
    if checksum(body) != long(16) {
        return Err(ImageError::Damaged("its checksum does not match".into()));
    }
    let image: Image = postcard::from_bytes(body).map_err(|error| ImageError::Damaged(error.to_string()))?;
    match crate::verify(&image).into_iter().next() {
        Some(first) => Err(ImageError::Unsound(first)),
        None => Ok(image),
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): tells accidents, not attacks; `verify` is for those.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_comes_back_and_damage_is_told() {
        let image = Image {
            lines: Vec::new(),
            tools: Vec::new(),
            models: Vec::new(),
            files: vec!["a.sgl".into()],
            texts: vec!["x".into()],
            records: Vec::new(),
            enums: Vec::new(),
            holes: Vec::new(),
            shapes: Vec::new(),
            functions: Vec::new(),
            entries: Vec::new(),
            tests: Vec::new(),
            evals: Vec::new(),
        };
        let bytes = encode(&image);
        assert_eq!(decode(&bytes), Ok(image));
        assert_eq!(decode(b"nothing"), Err(ImageError::Magic));
        for at in 4..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_err(), "byte {at}");
        }
    }
}
