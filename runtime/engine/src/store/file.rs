//! A block as a file: what it is, how long, a checksum, the bytes.

use super::Key;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"sglkv001";
/// How the name of a file ends that is not yet whole.
pub(super) const PART: &str = "part";
/// Magic, key, length, checksum.
const HEADER: usize = 8 + 32 + 8 + 32;

fn path(folder: &Path, key: &Key) -> PathBuf {
    folder.join(blake3::Hash::from_bytes(*key).to_hex().as_str())
}

/// Writes a block beside its place and moves it there: a reader never sees a part of it.
pub(super) fn write(folder: &Path, key: &Key, block: &[u8]) -> io::Result<()> {
    let place = path(folder, key);
    if place.exists() {
        return Ok(());
    }
    let beside = place.with_extension(format!("{}.{PART}", std::process::id()));
    let mut file = fs::File::create(&beside)?;
    file.write_all(MAGIC)?;
    file.write_all(key)?;
    file.write_all(&(block.len() as u64).to_le_bytes())?;
    file.write_all(blake3::hash(block).as_bytes())?;
    file.write_all(block)?;
    file.sync_all()?;
    fs::rename(&beside, &place)
}

/// Reads a block of `len` bytes; nothing if there is none. A file that is not what it says is removed, and an error.
pub(super) fn read(folder: &Path, key: &Key, len: usize) -> io::Result<Option<Vec<u8>>> {
    let place = path(folder, key);
    let mut bytes = match fs::read(&place) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_sound = bytes.len() == HEADER + len
        && bytes[..8] == *MAGIC
        && bytes[8..40] == *key
        && bytes[40..48] == (len as u64).to_le_bytes()
        && bytes[48..80] == *blake3::hash(&bytes[HEADER..]).as_bytes();
    if !is_sound {
        fs::remove_file(&place)?;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a block that is not what it says"));
    }
    bytes.drain(..HEADER);
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_file_is_guarded() {
        let folder = std::env::temp_dir().join(format!("sgl-store-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (key, block) = ([7; 32], vec![5u8; 100]);
        assert!(read(&folder, &key, 100).unwrap().is_none());
        write(&folder, &key, &block).unwrap();
        assert_eq!(read(&folder, &key, 100).unwrap().as_ref(), Some(&block));
        let whole = fs::read(path(&folder, &key)).unwrap();
        for at in [0, 9, 41, 50, HEADER, whole.len() - 1] {
            let mut wrong = whole.clone();
            wrong[at] ^= 1;
            fs::write(path(&folder, &key), &wrong).unwrap();
            assert!(read(&folder, &key, 100).is_err(), "byte {at}");
            assert!(!path(&folder, &key).exists());
        }
        fs::write(path(&folder, &key), &whole[..whole.len() / 2]).unwrap();
        assert!(read(&folder, &key, 100).is_err(), "half a file");
        fs::remove_dir_all(&folder).unwrap();
    }
}
