//! A metadata value.

use super::GgufError;
use super::cursor::Cursor;
use crate::limits::GGUF_LIST_DEPTH_MAX;

/// What a metadata key holds. Widths of numbers are forgotten.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// A float of 32 or 64 bits.
    Float(f64),
    /// A truth value.
    Flag(bool),
    /// A string.
    Text(String),
    /// A list of one type.
    List(Vec<Value>),
}

impl Value {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, GgufError> {
        let code = cursor.u32("a value type")?;
        Self::read_typed(cursor, code, 0)
    }

    fn read_typed(cursor: &mut Cursor<'_>, code: u32, depth: u32) -> Result<Self, GgufError> {
        const WHAT: &str = "a metadata value";
        Ok(match code {
            0 => Self::Unsigned(u8::from_le_bytes(cursor.array(WHAT)?).into()),
            1 => Self::Signed(i8::from_le_bytes(cursor.array(WHAT)?).into()),
            2 => Self::Unsigned(u16::from_le_bytes(cursor.array(WHAT)?).into()),
            3 => Self::Signed(i16::from_le_bytes(cursor.array(WHAT)?).into()),
            4 => Self::Unsigned(cursor.u32(WHAT)?.into()),
            5 => Self::Signed(i32::from_le_bytes(cursor.array(WHAT)?).into()),
            6 => Self::Float(f32::from_le_bytes(cursor.array(WHAT)?).into()),
            7 => Self::Flag(cursor.array::<1>(WHAT)? != [0]),
            8 => Self::Text(cursor.text(WHAT)?),
            9 if depth < GGUF_LIST_DEPTH_MAX => {
                let code = cursor.u32(WHAT)?;
                let count = cursor.count("list items", u64::MAX)?;
                let items = (0..count).map(|_| Self::read_typed(cursor, code, depth + 1));
                Self::List(items.collect::<Result<_, _>>()?)
            }
            10 => Self::Unsigned(cursor.u64(WHAT)?),
            11 => Self::Signed(i64::from_le_bytes(cursor.array(WHAT)?)),
            12 => Self::Float(f64::from_le_bytes(cursor.array(WHAT)?)),
            code => return Err(GgufError::ValueType { code, offset: cursor.offset() }),
        })
    }

    /// The value as a count: an integer that is not negative.
    pub fn as_count(&self) -> Option<u64> {
        match *self {
            Self::Unsigned(count) => Some(count),
            Self::Signed(count) => u64::try_from(count).ok(),
            _ => None,
        }
    }

    /// The value as an integer.
    pub fn as_integer(&self) -> Option<i64> {
        match *self {
            Self::Unsigned(count) => i64::try_from(count).ok(),
            Self::Signed(count) => Some(count),
            _ => None,
        }
    }

    /// The value as a number with a fraction.
    pub fn as_float(&self) -> Option<f64> {
        match *self {
            Self::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The value as a truth value.
    pub fn as_flag(&self) -> Option<bool> {
        match *self {
            Self::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// The value as text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
