//! Weights `[rows = outputs, cols = inputs]`, packed once into the tiles that kernels read.

use crate::error::{expect_below, expect_len};
use crate::limits::LANES;
use crate::region::Block;
use crate::tile::{flipped, unit_words, words_of_block};
use crate::{Format, KernelError, dequantize};

/// A matrix of weights in one of the stored formats, none of whose bits are lost.
///
/// Rows are padded to a multiple of 16 with zeros, which never reach a result.
#[derive(Debug)]
pub struct Matrix {
    format: Format,
    rows: usize,
    cols: usize,
    /// Tile after tile, as [`crate::tile`] draws them.
    tiles: Block,
}

impl Matrix {
    /// Rearranges the bytes of a file, `[rows, cols]` row by row, for the kernels.
    ///
    /// Errors: [`KernelError::Blocks`] if a row is not whole blocks, [`KernelError::Shape`] if there are too few or
    /// too many bytes, [`KernelError::Size`] if there are no rows or columns, or more than can be addressed.
    pub fn pack(format: Format, rows: usize, cols: usize, bytes: &[u8]) -> Result<Self, KernelError> {
        for (operand, size) in [("rows", rows), ("cols", cols)] {
            if size == 0 || size > isize::MAX as usize / 8 {
                return Err(KernelError::Size { kernel: "pack", operand, size });
            }
        }
        if !cols.is_multiple_of(format.block_len()) {
            return Err(KernelError::Blocks { format, cols });
        }
        let row_bytes = cols / format.block_len() * format.block_bytes();
        let Some(expected) = rows.checked_mul(row_bytes) else {
            return Err(KernelError::Size { kernel: "pack", operand: "rows", size: rows });
        };
        expect_len("pack", "bytes", bytes.len(), expected)?;
        let tile_words = cols / format.block_len() * unit_words(format);
        let mut tiles = Block::shared(rows.div_ceil(LANES) * tile_words * size_of::<u16>());
        let rows_of_tiles = bytes.chunks(LANES * row_bytes);
        for (tile, rows) in tiles.as_mut_slice().chunks_exact_mut(tile_words).zip(rows_of_tiles) {
            for (lane, row) in rows.chunks_exact(row_bytes).enumerate() {
                pack_row(format, lane, row, tile);
            }
        }
        Ok(Self { format, rows, cols, tiles })
    }

    /// Outputs of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of a product.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// How the weights are stored.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes that a product reads, padding included.
    pub fn bytes(&self) -> usize {
        self.tiles.len_bytes()
    }

    /// Writes the numbers of one row, as [`dequantize`] would: the gather of an embedding.
    ///
    /// Errors: [`KernelError::Index`] if there is no such row, [`KernelError::Shape`] if `out` is not `[cols]`.
    pub fn read_row(&self, row: usize, out: &mut [f32]) -> Result<(), KernelError> {
        expect_below("read_row", "row", row, self.rows)?;
        expect_len("read_row", "out", out.len(), self.cols)?;
        let mut block = [0u8; BLOCK_BYTES_MAX];
        let block = &mut block[..self.format.block_bytes()];
        let units = self.tile(row / LANES).chunks_exact(unit_words(self.format));
        for (unit, out) in units.zip(out.chunks_exact_mut(self.format.block_len())) {
            words_of_block(self.format, row % LANES, |place, index| {
                let word = unit[place] ^ flipped(self.format, index);
                block[2 * index..2 * index + 2].copy_from_slice(&word.to_le_bytes());
            });
            dequantize(self.format, block, out)?;
        }
        Ok(())
    }

    /// Tiles of 16 rows.
    pub(crate) fn tile_count(&self) -> usize {
        self.rows.div_ceil(LANES)
    }

    /// The words of a tile.
    #[inline(always)]
    pub(crate) fn tile(&self, index: usize) -> &[u16] {
        let words = self.cols / self.format.block_len() * unit_words(self.format);
        &self.tiles.as_slice()[index * words..(index + 1) * words]
    }
}

/// Bytes of the largest block.
const BLOCK_BYTES_MAX: usize = Format::Q8_0.block_bytes();

fn pack_row(format: Format, lane: usize, row: &[u8], tile: &mut [u16]) {
    let units = tile.chunks_exact_mut(unit_words(format));
    for (block, unit) in row.chunks_exact(format.block_bytes()).zip(units) {
        words_of_block(format, lane, |place, index| {
            let word = u16::from_le_bytes([block[2 * index], block[2 * index + 1]]);
            unit[place] = word ^ flipped(format, index);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FORMATS, matrix, stored};

    #[test]
    fn a_packed_row_reads_as_it_was_stored() {
        for format in FORMATS {
            for (rows, cols) in [(1, 32), (16, 64), (21, 96)] {
                let (matrix, plain) = matrix(7, format, rows, cols);
                let mut row = vec![0.0; cols];
                for (index, expected) in plain.chunks_exact(cols).enumerate() {
                    matrix.read_row(index, &mut row).unwrap();
                    assert_eq!(row, expected, "{format:?}, row {index} of {rows}");
                }
            }
        }
    }

    #[test]
    fn floats_need_no_whole_blocks() {
        let (matrix, plain) = matrix(1, Format::BF16, 3, 5);
        let mut row = [0.0; 5];
        matrix.read_row(2, &mut row).unwrap();
        assert_eq!(row, plain[10..]);
    }

    #[test]
    fn packing_keeps_the_size_up_to_padding() {
        for format in FORMATS {
            let bytes = stored(1, format, 17, 64);
            let matrix = Matrix::pack(format, 17, 64, &bytes).unwrap();
            assert_eq!(matrix.bytes(), bytes.len() / 17 * 32, "{format:?}");
            assert_eq!((matrix.rows(), matrix.cols(), matrix.format()), (17, 64, format));
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let pack = |rows, cols, bytes: usize| Matrix::pack(Format::Q8_0, rows, cols, &vec![0; bytes]).map(|_| ());
        assert_eq!(pack(2, 32, 68), Ok(()));
        assert_eq!(pack(1, 33, 34), Err(KernelError::Blocks { format: Format::Q8_0, cols: 33 }));
        assert!(matches!(pack(2, 32, 67), Err(KernelError::Shape { .. })));
        assert!(matches!(pack(0, 32, 0), Err(KernelError::Size { operand: "rows", .. })));
        assert!(matches!(pack(usize::MAX / 16, 320, 0), Err(KernelError::Size { .. })));
        let (matrix, _) = matrix(1, Format::F32, 2, 4);
        assert!(matches!(matrix.read_row(2, &mut [0.0; 4]), Err(KernelError::Index { .. })));
        assert!(matches!(matrix.read_row(0, &mut [0.0; 3]), Err(KernelError::Shape { .. })));
    }
}
