//! Products equal the reference, and rows don't feel their company.

use super::*;
use crate::Format;
use crate::testing::{FORMATS, matrix, numbers};

/// Sums of `cols` products of numbers up to 1 by weights up to 2, in f32.
const TOLERANCE: f64 = 2e-5;

fn product(set: InstructionSet, pool: &ThreadPool, x: &[f32], w: &Matrix) -> Vec<f32> {
    let mut out = vec![f32::NAN; x.len() / w.cols() * w.rows()];
    matmul_on(set, pool, &mut out, x, w).unwrap();
    out
}

/// Inputs of a quantized product as the product sees them.
fn seen(format: Format, x: &[f32]) -> Vec<f32> {
    if format.is_quantized() { reference::quantized(x) } else { x.to_vec() }
}

fn assert_close(found: &[f32], expected: &[f64], case: &str) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        let bound = TOLERANCE * expected.abs().max(1.0);
        assert!(error <= bound, "{case}: {found}, not {expected}, at {index}");
    }
}

#[test]
fn products_equal_the_reference_in_every_format_and_odd_shape() {
    let pool = ThreadPool::new(2);
    for format in FORMATS {
        for (rows, cols) in [(1, 32), (16, 64), (33, 96), (100, 160)] {
            let (w, plain) = matrix(3, format, rows, cols);
            for m in 1..=20 {
                let x = numbers(m as u64, m * cols, 1.0);
                let expected = reference::matmul(&seen(format, &x), &plain, cols);
                let case = format!("{format:?} [{m}, {cols}] by {rows}");
                assert_close(&product(InstructionSet::best(), &pool, &x, &w), &expected, &case);
            }
        }
    }
}

#[test]
fn floats_take_any_number_of_columns() {
    let pool = ThreadPool::new(1);
    for format in [Format::F32, Format::F16, Format::BF16] {
        for cols in [1, 31, 33, 70] {
            let (w, plain) = matrix(4, format, 19, cols);
            let x = numbers(9, 5 * cols, 1.0);
            let found = product(InstructionSet::best(), &pool, &x, &w);
            assert_close(&found, &reference::matmul(&x, &plain, cols), &format!("{format:?}"));
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let pool = ThreadPool::new(1);
    for format in FORMATS {
        let (w, _) = matrix(5, format, 37, 96);
        let x = numbers(6, 21 * 96, 3.0);
        let expected = product(InstructionSet::available()[0], &pool, &x, &w);
        for set in InstructionSet::available() {
            assert!(product(set, &pool, &x, &w) == expected, "{format:?}, {set:?}");
        }
    }
}

#[test]
fn the_largest_codes_and_activations_overflow_nothing() {
    let pool = ThreadPool::new(1);
    let (rows, cols) = (20, 64);
    for format in [Format::Q4_0, Format::Q4_1, Format::Q8_0] {
        for code in [0xff, 0x80, 0x7f, 0] {
            let mut bytes = vec![code; rows * cols / format.block_len() * format.block_bytes()];
            for block in bytes.chunks_exact_mut(format.block_bytes()) {
                // 1 in half precision: the scale, and the offset where there is one.
                block[..2].copy_from_slice(&0x3c00u16.to_le_bytes());
                if format == Format::Q4_1 {
                    block[2..4].copy_from_slice(&0x3c00u16.to_le_bytes());
                }
            }
            let w = Matrix::pack(format, rows, cols, &bytes).unwrap();
            let mut plain = vec![0.0; rows * cols];
            crate::dequantize(format, &bytes, &mut plain).unwrap();
            // Codes of -127 and 127, alike and in turn.
            for signs in [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]] {
                let x: Vec<f32> = (0..3 * cols).map(|at| 127.0 * signs[at % 2]).collect();
                let expected: Vec<f32> = reference::matmul(&x, &plain, cols).into_iter().map(|x| x as f32).collect();
                for set in InstructionSet::available() {
                    assert_eq!(product(set, &pool, &x, &w), expected, "{format:?}, {code}, {set:?}");
                }
            }
        }
    }
}

#[test]
fn a_row_is_the_same_to_the_bit_in_any_batch_and_on_any_number_of_threads() {
    let set = InstructionSet::best();
    let (one, two) = (ThreadPool::new(1), ThreadPool::new(2));
    for format in FORMATS {
        let (rows, cols) = (200, 576);
        let (w, _) = matrix(8, format, rows, cols);
        let x = numbers(7, 150 * cols, 2.0);
        let alone: Vec<f32> = x.chunks_exact(cols).flat_map(|x| product(set, &one, x, &w)).collect();
        for m in (1..=20).chain([31, 64, 150]) {
            for pool in [&one, &two] {
                for first in [0, 150 - m] {
                    let x = &x[first * cols..(first + m) * cols];
                    let expected = &alone[first * rows..(first + m) * rows];
                    assert!(product(set, pool, x, &w) == expected, "{format:?}, m = {m}");
                }
            }
        }
    }
}

#[test]
fn selected_rows_are_rows_of_the_whole_product() {
    let pool = ThreadPool::new(2);
    for format in FORMATS {
        let (w, _) = matrix(11, format, 333, 64);
        let x = numbers(12, 64, 1.0);
        let whole = product(InstructionSet::best(), &pool, &x, &w);
        let selected: Vec<u32> = (0..200).map(|i| i * 97 % 333).chain([332, 0, 0, 16]).collect();
        let mut out = vec![0.0; selected.len()];
        matmul_rows(&pool, &mut out, &x, &w, &selected).unwrap();
        assert!(selected.iter().zip(out).all(|(&row, found)| found == whole[row as usize]));
    }
}

#[test]
fn products_of_one_job_and_sums_are_those_of_single_products() {
    let pool = ThreadPool::new(2);
    for (a, b) in [(Format::Q4_1, Format::Q8_0), (Format::Q4_0, Format::F16), (Format::BF16, Format::F32)] {
        let ((first, _), (second, _)) = (matrix(21, a, 100, 160), matrix(22, b, 333, 160));
        for m in [0, 1, 3, 9] {
            let x = numbers(23, m * 160, 1.0);
            let expected = [&first, &second].map(|w| product(InstructionSet::best(), &pool, &x, w));
            let (mut left, mut right) = (vec![0.0; m * 100], vec![0.0; m * 333]);
            matmul_each(&pool, &x, &mut [(&mut left, &first), (&mut right, &second)]).unwrap();
            assert!(left == expected[0] && right == expected[1], "{a:?} and {b:?}, m = {m}");
            let before = numbers(24, m * 333, 1.0);
            let mut sums = before.clone();
            matmul_add(&pool, &mut sums, &x, &second).unwrap();
            assert!(sums.iter().zip(&before).zip(&right).all(|((sum, before), added)| *sum == before + added));
        }
    }
}

#[test]
fn a_gated_product_is_two_products_and_their_gate() {
    let pool = ThreadPool::new(2);
    for (a, b) in FORMATS.into_iter().map(|format| (format, format)).chain([(Format::Q4_1, Format::Q8_0)]) {
        let ((gate, _), (up, _)) = (matrix(31, a, 37, 64), matrix(32, b, 37, 64));
        for m in [1, 5, 20] {
            let x = numbers(33, m * 64, 1.0);
            let mut expected = product(InstructionSet::best(), &pool, &x, &gate);
            silu_mul(&mut expected, &product(InstructionSet::best(), &pool, &x, &up)).unwrap();
            let mut out = vec![f32::NAN; m * 37];
            matmul_gated(&pool, &mut out, &x, (&gate, &up)).unwrap();
            assert!(out == expected, "{a:?} and {b:?}, m = {m}");
        }
    }
    let ((gate, _), (up, _)) = (matrix(31, Format::F32, 37, 64), matrix(32, Format::F32, 36, 64));
    assert!(matmul_gated(&pool, &mut [0.0; 37], &[0.0; 64], (&gate, &up)).is_err());
    assert!(matmul_each(&pool, &[0.0; 64], &mut [(&mut [0.0; 37], &gate), (&mut [0.0; 35], &up)]).is_err());
    assert!(matmul_add(&pool, &mut [0.0; 36], &[0.0; 64], &gate).is_err());
}

#[test]
fn no_tokens_and_no_selected_rows_are_fine() {
    let pool = ThreadPool::new(2);
    let (w, _) = matrix(1, Format::Q4_0, 5, 32);
    assert_eq!(matmul(&pool, &mut [], &[], &w), Ok(()));
    assert_eq!(matmul_rows(&pool, &mut [], &[0.0; 32], &w, &[]), Ok(()));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let pool = ThreadPool::new(1);
    let (w, _) = matrix(1, Format::Q4_1, 5, 32);
    let rows = matmul(&pool, &mut [0.0; 5], &[0.0; 33], &w);
    assert!(matches!(rows, Err(KernelError::Rows { operand: "x", row: 32, .. })));
    let shape = matmul(&pool, &mut [0.0; 5], &[0.0; 64], &w);
    assert!(matches!(shape, Err(KernelError::Shape { operand: "out", expected: 10, .. })));
    let index = matmul_rows(&pool, &mut [0.0], &[0.0; 32], &w, &[5]);
    assert!(matches!(index, Err(KernelError::Index { index: 5, count: 5, .. })));
    assert!(matmul_rows(&pool, &mut [0.0; 2], &[0.0; 32], &w, &[1]).is_err());
}
