//! Images as bytes.
//!
//! ```text
//! "SGLB" | version: u32 | bytes of the body: u64 | BLAKE3 of the body: 32 bytes | body | nothing, or a signature: 96 bytes
//! ```
//!
//! Numbers are little endian. The body is the image and the texts of its source files, in the postcard format; from version 2 on,
//! constraints of its holes follow, which are made and checked elsewhere. What is read is verified before anybody gets it; reading takes
//! time and memory in proportion to the bytes, of which there is a most.

use crate::image::Image;
use crate::signature::{SIGNATURE_BYTES, sign, signer};
use thiserror::Error;

/// The newest version of the format: this machine reads it and those before, and writes the first that will do.
pub const FORMAT_VERSION: u32 = 2;

/// The version of images that carry no constraints.
const PLAIN_VERSION: u32 = 1;

const MAGIC: &[u8; 4] = b"SGLB";
const HEADER_BYTES: usize = 48;
/// Most bytes of a body.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Why bytes are no image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// Not an image at all.
    #[error("this is no sgl image: it does not begin with `SGLB`")]
    Magic,
    /// Made by another version of the compiler.
    #[error(
        "this image has format version {found}; this machine reads versions up to {FORMAT_VERSION}: build it again"
    )]
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
    /// More than an image may be.
    #[error("an image has at most {BODY_BYTES_MAX} bytes, and this one {0}")]
    Large(usize),
}

/// A constraint that an image carries: the name of its shape, and what `sgl_constrain` wrote.
pub type Carried = ([u8; 32], Vec<u8>);

/// An image as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// The version of the format that it was written in.
    pub version: u32,
    /// The program.
    pub image: Image,
    /// The texts of [`Image::files`], for messages; none at all if they were left out.
    pub sources: Vec<String>,
    /// Constraints of its holes, over the tokens of some model.
    pub constraints: Vec<Carried>,
    /// BLAKE3 of the body: the same program has the same.
    pub hash: [u8; 32],
    /// The public key of who signed it.
    pub signer: Option<[u8; 32]>,
}

/// Whether bytes begin like an image.
pub fn is_image(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// An image as bytes, without sources.
pub fn encode(image: &Image) -> Vec<u8> {
    frame(&body(image, &[], &[]))
}

/// An image as the bytes of a file, with sources (as many as it has files, or none) and signed if there is a secret key.
///
/// # Errors
/// It is too large, or would not be read again.
pub fn pack(image: &Image, sources: &[String], secret: Option<&[u8; 32]>) -> Result<Vec<u8>, ImageError> {
    pack_with(image, sources, &[], secret)
}

/// As [`pack`], with constraints that it carries.
///
/// # Errors
/// It is too large, or would not be read again.
pub fn pack_with(
    image: &Image,
    sources: &[String],
    constraints: &[Carried],
    secret: Option<&[u8; 32]>,
) -> Result<Vec<u8>, ImageError> {
    let body = body(image, sources, constraints);
    let mut bytes = framed(if constraints.is_empty() { PLAIN_VERSION } else { FORMAT_VERSION }, &body);
    if let Some(secret) = secret {
        bytes.extend_from_slice(&sign(blake3::hash(&body).as_bytes(), secret));
    }
    unpack(&bytes).map(|_| bytes)
}

fn body(image: &Image, sources: &[String], constraints: &[Carried]) -> Vec<u8> {
    let mut body = postcard::to_stdvec(&(image, sources)).expect("an image is plain data in memory");
    if !constraints.is_empty() {
        body.extend(postcard::to_stdvec(constraints).expect("constraints are bytes in memory"));
    }
    body
}

/// A body without constraints with the header that it needs; for tests that make bodies of their own.
pub fn frame(body: &[u8]) -> Vec<u8> {
    framed(PLAIN_VERSION, body)
}

fn framed(version: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len() + SIGNATURE_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(blake3::hash(body).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The image that bytes stand for, verified.
///
/// # Errors
/// Why they are none.
pub fn decode(bytes: &[u8]) -> Result<Image, ImageError> {
    unpack(bytes).map(|package| package.image)
}

/// What the bytes of a file hold, verified.
///
/// # Errors
/// Why they are no image.
pub fn unpack(bytes: &[u8]) -> Result<Package, ImageError> {
    if bytes.len() < 8 || !is_image(bytes) {
        return Err(ImageError::Magic);
    }
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if !(PLAIN_VERSION..=FORMAT_VERSION).contains(&word(4)) {
        return Err(ImageError::Version { found: word(4) });
    }
    let damaged = |what: &str| ImageError::Damaged(what.to_string());
    let Some(rest) = bytes.get(HEADER_BYTES..) else { return Err(damaged("its header is cut off")) };
    let said = u64::from(word(8)) | u64::from(word(12)) << 32;
    let length = usize::try_from(said).unwrap_or(usize::MAX);
    if length > BODY_BYTES_MAX {
        return Err(ImageError::Large(length));
    }
    let Some((body, after)) = rest.split_at_checked(length) else { return Err(damaged("it is cut off")) };
    let hash = *blake3::hash(body).as_bytes();
    if bytes[16..HEADER_BYTES] != hash {
        return Err(damaged("its hash does not match"));
    }
    let signer = match after.len() {
        0 => None,
        SIGNATURE_BYTES => Some(signer(&hash, after).ok_or_else(|| damaged("its signature does not match"))?),
        _ => return Err(damaged("something stands after its end")),
    };
    let ((image, sources), left): ((Image, Vec<String>), &[u8]) =
        postcard::take_from_bytes(body).map_err(|error| ImageError::Damaged(error.to_string()))?;
    let (constraints, left): (Vec<Carried>, &[u8]) = match word(4) {
        PLAIN_VERSION => (Vec::new(), left),
        _ => postcard::take_from_bytes(left).map_err(|error| ImageError::Damaged(error.to_string()))?,
    };
    if !left.is_empty() {
        return Err(damaged("something stands after its body"));
    }
    if !sources.is_empty() && sources.len() != image.files.len() {
        return Err(ImageError::Unsound("it has other sources than files".into()));
    }
    match crate::verify(&image).into_iter().next() {
        Some(first) => Err(ImageError::Unsound(first)),
        None => Ok(Package { version: word(4), image, sources, constraints, hash, signer }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::public_key;

    fn small() -> Image {
        Image { files: vec!["a.sgl".into()], texts: vec!["x".into()], ..Image::default() }
    }

    #[test]
    fn an_image_comes_back_and_damage_is_told() {
        let bytes = encode(&small());
        assert_eq!(decode(&bytes), Ok(small()));
        assert_eq!(decode(b"nothing at all"), Err(ImageError::Magic));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_err(), "byte {at}");
            assert!(decode(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn constraints_are_carried_and_need_the_second_version() {
        let carried = [([3; 32], vec![1, 2, 3]), ([4; 32], Vec::new())];
        let bytes = pack_with(&small(), &[], &carried, Some(&[7; 32])).expect("it is small");
        assert_eq!(bytes[4..8], 2u32.to_le_bytes());
        assert_eq!(unpack(&bytes).map(|package| package.constraints), Ok(carried.to_vec()));
        let plain = pack(&small(), &[], None).expect("it is small");
        assert_eq!(plain[4..8], 1u32.to_le_bytes());
        let mut newer = plain;
        newer[4] = 3;
        assert_eq!(unpack(&newer), Err(ImageError::Version { found: 3 }));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(unpack(&damaged).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_signature_names_its_signer_and_holds_for_no_other_image() {
        let secret = [7; 32];
        let signed = pack(&small(), &["text".into()], Some(&secret)).expect("it is small");
        let package = unpack(&signed).expect("it is sound");
        assert_eq!(package.signer, Some(public_key(&secret)));
        assert_eq!(package.sources, ["text"]);
        for at in signed.len() - SIGNATURE_BYTES..signed.len() {
            let mut forged = signed.clone();
            forged[at] ^= 1;
            assert!(unpack(&forged).is_err(), "byte {at}");
        }
        let mut moved = encode(&small());
        moved.extend_from_slice(&signed[signed.len() - SIGNATURE_BYTES..]);
        assert!(unpack(&moved).is_err(), "a signature of another body");
    }
}
