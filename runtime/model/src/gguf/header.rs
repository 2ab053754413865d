//! Everything in a GGUF file but the numbers.

use super::cursor::Cursor;
use super::{GgufError, Value};
use crate::checkpoint::bytes_of;
use crate::limits::{GGUF_ALIGNMENT_DEFAULT, GGUF_KEYS_MAX, GGUF_TENSORS_MAX, TENSOR_DIMENSIONS_MAX};
use indexmap::IndexMap;
use sgl_kernels::Format;
use std::ops::Range;

/// Names of ggml's number formats, by code; removed ones have none.
const FORMAT_NAMES: [&str; 40] = [
    "F32", "F16", "Q4_0", "Q4_1", "", "", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
    "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32", "I64",
    "F64", "IQ1_M", "BF16", "", "", "", "TQ1_0", "TQ2_0", "", "", "", "MXFP4",
];

/// Where a tensor is, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// How its numbers are stored.
    pub format: Format,
    /// Rows before columns, the reverse of the file's order.
    pub shape: Vec<usize>,
    /// Its bytes in the file: inside it, and as many as format and shape need.
    pub bytes: Range<usize>,
}

/// The metadata and the table of tensors of a GGUF file.
#[derive(Clone, Debug, PartialEq)]
pub struct Gguf {
    /// By key, in the file's order.
    pub metadata: IndexMap<String, Value>,
    /// By name, in the file's order.
    pub tensors: IndexMap<String, TensorInfo>,
}

impl Gguf {
    /// Reads the header of a whole file.
    ///
    /// Errors: every way in which a file can be wrong, see [`GgufError`].
    pub fn read(file: &[u8]) -> Result<Self, GgufError> {
        let mut cursor = Cursor::new(file);
        if cursor.take(4, "the magic").ok() != Some(b"GGUF".as_slice()) {
            return Err(GgufError::Magic);
        }
        let version = cursor.u32("the version")?;
        if !matches!(version, 2 | 3) {
            return Err(GgufError::Version { version });
        }
        let tensor_count = cursor.count("tensors", GGUF_TENSORS_MAX)?;
        let key_count = cursor.count("metadata keys", GGUF_KEYS_MAX)?;

        let mut metadata = IndexMap::new();
        for _ in 0..key_count {
            let key = cursor.text("a metadata key")?;
            let value = Value::read(&mut cursor)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(GgufError::Duplicate { name: key });
            }
        }
        let entries = (0..tensor_count).map(|_| Entry::read(&mut cursor)).collect::<Result<Vec<_>, _>>()?;

        let alignment = metadata.get("general.alignment").and_then(Value::as_count);
        let alignment = alignment.unwrap_or(GGUF_ALIGNMENT_DEFAULT);
        if !alignment.is_power_of_two() {
            return Err(GgufError::Alignment { alignment });
        }
        let data = (cursor.offset() as u64).next_multiple_of(alignment);
        let mut tensors = IndexMap::new();
        for entry in entries {
            let name = entry.name.clone();
            let info = entry.place(data, file.len())?;
            if tensors.insert(name.clone(), info).is_some() {
                return Err(GgufError::Duplicate { name });
            }
        }
        Ok(Self { metadata, tensors })
    }
}

/// A line of the table of tensors.
struct Entry {
    name: String,
    shape: Vec<usize>,
    code: u32,
    /// From the beginning of the data.
    offset: u64,
}

impl Entry {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, GgufError> {
        const WHAT: &str = "the table of tensors";
        let name = cursor.text(WHAT)?;
        let dimensions = cursor.u32(WHAT)?;
        if dimensions > TENSOR_DIMENSIONS_MAX {
            let (count, max) = (dimensions.into(), TENSOR_DIMENSIONS_MAX.into());
            return Err(GgufError::TooMany { what: "dimensions", count, max });
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            shape.push(usize::try_from(cursor.u64(WHAT)?).unwrap_or(usize::MAX));
        }
        shape.reverse();
        Ok(Self { name, shape, code: cursor.u32(WHAT)?, offset: cursor.u64(WHAT)? })
    }

    fn place(self, data: u64, file_bytes: usize) -> Result<TensorInfo, GgufError> {
        let Some(format) = format_of(self.code) else {
            let name = FORMAT_NAMES.get(self.code as usize).filter(|name| !name.is_empty());
            let format = name.map_or_else(|| format!("type {}", self.code), |&name| name.to_owned());
            return Err(GgufError::Format { tensor: self.name, format });
        };
        let range = || {
            let start = usize::try_from(data.checked_add(self.offset)?).ok()?;
            let elements = self.shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size))?;
            // Blocks lie along a row, so each row must be made of whole ones.
            bytes_of(format, self.shape.last().copied().unwrap_or(1))?;
            let end = start.checked_add(bytes_of(format, elements)?)?;
            (end <= file_bytes).then_some(start..end)
        };
        match range() {
            Some(bytes) => Ok(TensorInfo { format, shape: self.shape, bytes }),
            None => Err(GgufError::Outside { tensor: self.name, shape: self.shape }),
        }
    }
}

fn format_of(code: u32) -> Option<Format> {
    Some(match code {
        0 => Format::F32,
        1 => Format::F16,
        2 => Format::Q4_0,
        3 => Format::Q4_1,
        8 => Format::Q8_0,
        30 => Format::BF16,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// A file with one key and one tensor of `code` and 2 rows of 32.
    fn file(version: u32, code: u32, data_bytes: usize) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(version.to_le_bytes());
        file.extend(1_u64.to_le_bytes());
        file.extend(2_u64.to_le_bytes());
        file.extend(text("general.architecture"));
        file.extend(8_u32.to_le_bytes());
        file.extend(text("llama"));
        file.extend(text("some.list"));
        file.extend(9_u32.to_le_bytes());
        file.extend(5_u32.to_le_bytes());
        file.extend(2_u64.to_le_bytes());
        file.extend((-1_i32).to_le_bytes());
        file.extend(7_i32.to_le_bytes());
        file.extend(text("a.weight"));
        file.extend(2_u32.to_le_bytes());
        file.extend(32_u64.to_le_bytes());
        file.extend(2_u64.to_le_bytes());
        file.extend(code.to_le_bytes());
        file.extend(0_u64.to_le_bytes());
        file.resize(file.len().next_multiple_of(32) + data_bytes, 0);
        file
    }

    #[test]
    fn metadata_and_tensors_are_read_and_the_shape_has_rows_first() {
        let bytes = file(3, 3, 40);
        let gguf = Gguf::read(&bytes).unwrap();
        assert_eq!(gguf.metadata["general.architecture"].as_text(), Some("llama"));
        assert_eq!(gguf.metadata["some.list"], Value::List(vec![Value::Signed(-1), Value::Signed(7)]));
        let tensor = &gguf.tensors["a.weight"];
        assert_eq!((tensor.format, &tensor.shape[..]), (Format::Q4_1, &[2, 32][..]));
        assert_eq!(tensor.bytes, bytes.len() - 40..bytes.len());
    }

    #[test]
    fn version_2_reads_as_version_3() {
        assert_eq!(Gguf::read(&file(2, 0, 256)), Gguf::read(&file(3, 0, 256)));
        assert_eq!(Gguf::read(&file(1, 0, 256)), Err(GgufError::Version { version: 1 }));
    }

    #[test]
    fn an_unreadable_format_is_refused_by_name() {
        let error = Gguf::read(&file(3, 12, 4096)).unwrap_err();
        let expected = GgufError::Format { tensor: "a.weight".into(), format: "Q4_K".into() };
        assert_eq!(error, expected);
    }

    #[test]
    fn a_tensor_that_reaches_past_the_end_is_refused() {
        assert!(matches!(Gguf::read(&file(3, 3, 39)), Err(GgufError::Outside { .. })));
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_and_never_a_panic() {
        let whole = file(3, 3, 40);
        for length in 0..whole.len() {
            assert!(Gguf::read(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_file_with_any_byte_spoilt_never_panics() {
        let whole = file(3, 3, 40);
        for at in 0..whole.len() {
            for byte in [0x00, 0x7f, 0xff] {
                let mut spoilt = whole.clone();
                spoilt[at] = byte;
                let _ = Gguf::read(&spoilt);
            }
        }
    }
}
