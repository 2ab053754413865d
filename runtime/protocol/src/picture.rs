//! Images that a program shows to a model.

use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Most bytes of an image.
pub const PICTURE_BYTES_MAX: usize = 20 << 20;

/// The form of an image's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// GIF.
    Gif,
}

/// An image: the bytes of its file, which are shared.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    format: PictureFormat,
    bytes: Arc<[u8]>,
    /// SHA-256 of the bytes.
    hash: [u8; 32],
}

impl Picture {
    /// The image that a file holds; its form is told by how it begins.
    ///
    /// # Errors
    /// What the file is instead, or that it is too large.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.len() > PICTURE_BYTES_MAX {
            let most = PICTURE_BYTES_MAX >> 20;
            return Err(format!("an image has at most {most} MiB, and this has {} bytes", bytes.len()));
        }
        let format = format_of(&bytes).ok_or_else(|| {
            let what = match bytes.as_slice() {
                [] => "the file is empty",
                [b'%', b'P', b'D', b'F', ..] => "this is a PDF document",
                [b'B', b'M', ..] => "this is a BMP image",
                [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "this is a TIFF image",
                [b'<', ..] => "this is markup, such as SVG",
                _ => "this begins like no image",
            };
            format!("{what}; an image is a PNG, JPEG, WebP or GIF file")
        })?;
        let hash = Sha256::digest(&bytes).into();
        Ok(Self { format, bytes: bytes.into(), hash })
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The form of the file.
    pub fn format(&self) -> PictureFormat {
        self.format
    }

    /// Its media type, such as `image/png`.
    pub fn media_type(&self) -> &'static str {
        match self.format {
            PictureFormat::Png => "image/png",
            PictureFormat::Jpeg => "image/jpeg",
            PictureFormat::WebP => "image/webp",
            PictureFormat::Gif => "image/gif",
        }
    }

    /// SHA-256 of its bytes, as hexadecimal digits.
    pub fn hash(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// For people: `[image/png, 68 bytes, sha256 6a5d98dbb8c4b1b5]`.
impl std::fmt::Display for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {} bytes, sha256 {}]", self.media_type(), self.bytes.len(), &self.hash()[..16])
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

fn format_of(bytes: &[u8]) -> Option<PictureFormat> {
    Some(match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => PictureFormat::Png,
        [0xff, 0xd8, 0xff, ..] => PictureFormat::Jpeg,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => PictureFormat::Gif,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => PictureFormat::WebP,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_told_by_the_first_bytes() {
        let media = |bytes: &[u8]| Picture::read(bytes.to_vec()).map(|picture| picture.media_type());
        assert_eq!(media(b"\x89PNG\r\n\x1a\nrest"), Ok("image/png"));
        assert_eq!(media(b"\xff\xd8\xff\xe0"), Ok("image/jpeg"));
        assert_eq!(media(b"GIF89a"), Ok("image/gif"));
        assert_eq!(media(b"RIFF\0\0\0\0WEBPVP8 "), Ok("image/webp"));
        for (bytes, said) in [(&b""[..], "empty"), (b"%PDF-1.7", "PDF"), (b"<svg/>", "SVG"), (b"hello", "no image")] {
            let why = media(bytes).expect_err("no image");
            assert!(why.contains(said), "{why}");
        }
        let large = Picture::read(vec![0; PICTURE_BYTES_MAX + 1]).expect_err("too large");
        assert!(large.contains("at most 20 MiB"), "{large}");
    }
}
