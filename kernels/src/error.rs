//! What a kernel refuses to do, with the numbers that show why.

use crate::Format;

/// Why a kernel did not run; nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// A slice has another length than the shapes imply.
    #[error("{kernel}: `{operand}` has {found} elements instead of {expected}")]
    Shape {
        /// The kernel that refused.
        kernel: &'static str,
        /// Its operand.
        operand: &'static str,
        /// Elements that the shapes imply.
        expected: usize,
        /// Elements that were passed.
        found: usize,
    },
    /// A slice is not a whole number of rows.
    #[error("{kernel}: the {found} elements of `{operand}` are not rows of {row}")]
    Rows {
        /// The kernel that refused.
        kernel: &'static str,
        /// Its operand.
        operand: &'static str,
        /// Elements in a row.
        row: usize,
        /// Elements that were passed.
        found: usize,
    },
    /// An index points outside what it indexes.
    #[error("{kernel}: `{operand}` is {index}, but there are only {count}")]
    Index {
        /// The kernel that refused.
        kernel: &'static str,
        /// What the index counts.
        operand: &'static str,
        /// The index.
        index: usize,
        /// Indices are smaller than this.
        count: usize,
    },
    /// Query heads don't share key-value heads evenly.
    #[error("attention: {heads} heads can't share {kv_heads} key-value heads evenly")]
    Heads {
        /// Query heads.
        heads: usize,
        /// Key-value heads.
        kv_heads: usize,
    },
    /// Two spans of attention claim the same rows, or are out of order.
    #[error("attention: rows {start}.. of a span follow row {previous_end}")]
    Overlap {
        /// First row of the span.
        start: usize,
        /// End of the span before.
        previous_end: usize,
    },
    /// A row of a block format is not a whole number of blocks.
    #[error("{format:?}: {cols} columns are not blocks of {block}", block = format.block_len())]
    Blocks {
        /// The format.
        format: Format,
        /// Columns of the matrix.
        cols: usize,
    },
    /// A size is zero or can't be addressed.
    #[error("{kernel}: `{operand}` can't be {size}")]
    Size {
        /// The kernel that refused.
        kernel: &'static str,
        /// What was measured.
        operand: &'static str,
        /// How much.
        size: usize,
    },
}

/// Refuses a slice that is not as long as the shapes imply.
pub(crate) fn expect_len(
    kernel: &'static str,
    operand: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), KernelError> {
    if found == expected {
        return Ok(());
    }
    Err(KernelError::Shape { kernel, operand, expected, found })
}

/// Refuses an index that is not below `count`.
pub(crate) fn expect_below(
    kernel: &'static str,
    operand: &'static str,
    index: usize,
    count: usize,
) -> Result<(), KernelError> {
    if index < count {
        return Ok(());
    }
    Err(KernelError::Index { kernel, operand, index, count })
}

/// How many rows of `row` elements a slice of `found` elements holds.
pub(crate) fn count_rows(
    kernel: &'static str,
    operand: &'static str,
    found: usize,
    row: usize,
) -> Result<usize, KernelError> {
    if row > 0 && found.is_multiple_of(row) {
        return Ok(found / row);
    }
    Err(KernelError::Rows { kernel, operand, row, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_kernel_operand_and_numbers() {
        let error = expect_len("matmul", "out", 3, 4).unwrap_err();
        assert_eq!(error.to_string(), "matmul: `out` has 3 elements instead of 4");
        let error = KernelError::Blocks { format: Format::Q4_1, cols: 33 };
        assert_eq!(error.to_string(), "Q4_1: 33 columns are not blocks of 32");
    }

    #[test]
    fn a_row_of_nothing_is_refused() {
        assert!(count_rows("rms_norm", "x", 0, 0).is_err());
        assert_eq!(count_rows("rms_norm", "x", 12, 4), Ok(3));
    }
}
