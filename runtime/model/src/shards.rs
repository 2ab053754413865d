//! Safetensors: one file, or several with an index.

use crate::checkpoint::{Checkpoint, CheckpointError, Stored};
use crate::mapping::Mapping;
use indexmap::{IndexMap, IndexSet};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use sgl_kernels::Format;
use std::path::{Path, PathBuf};

/// `model.safetensors.index.json`: which file holds which tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: IndexMap<String, String>,
}

/// Maps the safetensors of `folder`: those that the index names, or else `model.safetensors`.
pub(crate) fn open(folder: &Path) -> Result<Checkpoint, CheckpointError> {
    let index = folder.join("model.safetensors.index.json");
    let paths = if index.exists() { named_by(&index, folder)? } else { vec![folder.join("model.safetensors")] };
    let mut checkpoint = Checkpoint { files: Vec::new(), tensors: IndexMap::new() };
    for path in paths {
        let file = Mapping::open(&path).map_err(|source| CheckpointError::Read { path: path.clone(), source })?;
        add(&mut checkpoint, &path, file)?;
    }
    Ok(checkpoint)
}

/// The files that the index names, each once, in its order.
fn named_by(index: &Path, folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let malformed = |detail: String| CheckpointError::Malformed { path: index.to_owned(), detail };
    let text = std::fs::read(index).map_err(|source| CheckpointError::Read { path: index.to_owned(), source })?;
    let Index { weight_map } = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    let names: IndexSet<&String> = weight_map.values().collect();
    let inside = |name: &&String| Path::new(name).file_name().is_some_and(|file| file == name.as_str());
    match names.iter().find(|name| !inside(name)) {
        Some(name) => Err(malformed(format!("`{name}` is not a file of this folder"))),
        None => Ok(names.into_iter().map(|name| folder.join(name)).collect()),
    }
}

fn add(checkpoint: &mut Checkpoint, path: &Path, file: Mapping) -> Result<(), CheckpointError> {
    let malformed = |detail: String| CheckpointError::Malformed { path: path.to_owned(), detail };
    let (header_bytes, header) =
        SafeTensors::read_metadata(file.bytes()).map_err(|error| malformed(error.to_string()))?;
    // Eight bytes for the header's length, the header, the data.
    let data = header_bytes + 8;
    for name in header.offset_keys() {
        let info = header.info(&name).expect("the name came from the same header");
        let Some(format) = format_of(info.dtype) else {
            return Err(CheckpointError::Format { tensor: name, format: format!("{:?}", info.dtype) });
        };
        let (start, end) = info.data_offsets;
        let (Some(start), Some(end)) = (data.checked_add(start), data.checked_add(end)) else {
            return Err(malformed(format!("`{name}` is outside the file")));
        };
        if start > end || end > file.bytes().len() {
            return Err(malformed(format!("`{name}` is outside the file")));
        }
        let file = checkpoint.files.len();
        let stored = Stored { file, format, shape: info.shape.clone(), bytes: start..end };
        if checkpoint.tensors.insert(name.clone(), stored).is_some() {
            return Err(CheckpointError::Duplicate { tensor: name });
        }
    }
    checkpoint.files.push(file);
    Ok(())
}

fn format_of(dtype: Dtype) -> Option<Format> {
    match dtype {
        Dtype::F32 => Some(Format::F32),
        Dtype::F16 => Some(Format::F16),
        Dtype::BF16 => Some(Format::BF16),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::{TensorView, serialize};

    fn shard(name: &str, numbers: &[u8], dtype: Dtype) -> Vec<u8> {
        let view = TensorView::new(dtype, vec![1, 2], numbers).unwrap();
        serialize([(name, view)], None).unwrap()
    }

    #[test]
    fn shards_are_read_in_the_order_of_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.safetensors"), shard("a", &[1, 0, 2, 0], Dtype::BF16)).unwrap();
        std::fs::write(at("b.safetensors"), shard("b", &[3, 0, 4, 0], Dtype::F16)).unwrap();
        let index = r#"{"weight_map": {"b": "b.safetensors", "a": "a.safetensors"}}"#;
        std::fs::write(at("model.safetensors.index.json"), index).unwrap();
        let checkpoint = open(folder.path()).unwrap();
        assert_eq!(checkpoint.tensors.keys().collect::<Vec<_>>(), ["b", "a"]);
        let a = &checkpoint.tensors["a"];
        assert_eq!((a.format, &a.shape[..], checkpoint.bytes(a)), (Format::BF16, &[1, 2][..], &[1, 0, 2, 0][..]));
    }

    #[test]
    fn integers_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = shard("mask", &[1, 2], Dtype::U8);
        std::fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
        let message = open(folder.path()).unwrap_err().to_string();
        assert!(message.contains("`mask`") && message.contains("U8"), "{message}");
    }

    #[test]
    fn an_index_cannot_point_outside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let index = r#"{"weight_map": {"a": "../a.safetensors"}}"#;
        std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
        assert!(matches!(open(folder.path()), Err(CheckpointError::Malformed { .. })));
    }
}
