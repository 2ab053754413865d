//! Images as arguments: a path, or a `data:` address.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sgl_protocol::{PICTURE_BYTES_MAX, Picture};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The image that a text names; paths are relative to `folder`.
///
/// # Errors
/// What is wrong with the file, with its name.
pub fn read(folder: &Path, text: &str) -> Result<Picture, String> {
    if let Some(data) = text.strip_prefix("data:") {
        let Some((_, base64)) = data.split_once(";base64,") else {
            return Err("a `data:` address of an image is `data:image/png;base64,…`".into());
        };
        let bytes = STANDARD.decode(base64).map_err(|error| format!("the `data:` address is not base64: {error}"))?;
        return Picture::read(bytes);
    }
    if text.contains("://") {
        return Err(format!("{text:?} is an address; save the image, and give its path"));
    }
    let path = folder.join(text);
    let wrong = |error: std::io::Error| format!("can't read the image {}: {error}", path.display());
    // A byte more than an image may have tells that it is too large.
    let most = PICTURE_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    File::open(&path).map_err(wrong)?.take(most).read_to_end(&mut bytes).map_err(wrong)?;
    Picture::read(bytes).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_file_or_an_address_that_holds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("dot.gif"), b"GIF89a...").expect("written");
        std::fs::write(folder.path().join("note.png"), b"hello").expect("written");
        let read = |text: &str| read(folder.path(), text);
        assert_eq!(read("dot.gif").map(|picture| picture.media_type()), Ok("image/gif"));
        assert_eq!(read("data:image/gif;base64,R0lGODlhLi4u"), read("dot.gif"));
        for (text, said) in [
            ("none.png", "can't read the image"),
            ("note.png", "begins like no image"),
            ("https://example.org/a.png", "save the image"),
            ("data:image/png,xyz", "base64,"),
            ("data:image/png;base64,?", "not base64"),
        ] {
            let why = read(text).expect_err("no image");
            assert!(why.contains(said), "{why}");
        }
    }
}
