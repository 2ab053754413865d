//! A transformer's numbers in device memory, bf16, matrices that are used together side by side.

use crate::ModelConfig;
use crate::checkpoint::Checkpoint;
use crate::weights::{Naming, WeightsError, stored_tensors};
use half::bf16;
use sgl_kernels::cuda::{Buffer, Codes, CudaError, Device};
use sgl_kernels::{KernelError, ThreadPool, dequantize};
use std::sync::Arc;

/// Deviation of random weights: what models are initialized with.
const RANDOM_SCALE: f32 = 0.02;

/// One block.
#[derive(Debug)]
pub(super) struct DeviceLayer {
    /// `[hidden]`
    pub(super) attention_norm: Buffer<f32>,
    /// Queries, keys, values: `[(heads + 2 kv_heads) * head_dim, hidden]`
    pub(super) qkv: Matrix,
    /// `[hidden, heads * head_dim]`
    pub(super) attention_output: Matrix,
    /// `[hidden]`
    pub(super) feed_forward_norm: Buffer<f32>,
    /// Gate, up: `[2 * feed_forward, hidden]`
    pub(super) gate_up: Matrix,
    /// `[hidden, feed_forward]`
    pub(super) down: Matrix,
}

/// A matrix of a block.
#[derive(Debug)]
pub(super) enum Matrix {
    /// As it was loaded.
    Full(Buffer<bf16>),
    /// As 8-bit floats with a scale per row.
    Codes(Codes),
}

impl Matrix {
    fn zeroed(device: &Arc<Device>, numbers: usize) -> Result<Self, CudaError> {
        Ok(Self::Full(Buffer::zeroed(device, numbers)?))
    }

    /// The numbers, while none are codes.
    fn full(&self) -> Option<&Buffer<bf16>> {
        match self {
            Self::Full(numbers) => Some(numbers),
            Self::Codes(_) => None,
        }
    }

    /// Brings it to codes, rows of `k` numbers.
    fn quantize(&mut self, device: &Arc<Device>, k: usize) -> Result<(), CudaError> {
        let Self::Full(numbers) = self else { return Ok(()) };
        let rows = numbers.len() / k;
        let codes = Codes::new(device, rows, k)?;
        device.quantize_rows(numbers, &codes, rows, k)?;
        *self = Self::Codes(codes);
        Ok(())
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct DeviceWeights {
    /// `[vocabulary, hidden]`
    pub(super) embedding: Buffer<bf16>,
    pub(super) layers: Vec<DeviceLayer>,
    /// `[hidden]`
    pub(super) norm: Buffer<f32>,
    /// `[vocabulary, hidden]`; the embedding again if it is tied.
    pub(super) output: Buffer<bf16>,
}

/// Why weights can't be brought to a device.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The checkpoint is not the configuration's.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The device refuses.
    #[error(transparent)]
    Cuda(#[from] CudaError),
    /// A tensor's numbers can't be read.
    #[error("tensor `{name}` can't be used: {source}")]
    Tensor {
        /// Its name.
        name: String,
        /// Why not.
        source: KernelError,
    },
}

struct Sizes {
    qkv: usize,
    attention_output: usize,
    gate_up: usize,
    down: usize,
}

fn sizes(config: &ModelConfig) -> Sizes {
    let &ModelConfig { hidden, feed_forward, heads, kv_heads, head_dim, .. } = config;
    Sizes {
        qkv: (heads + 2 * kv_heads) * head_dim * hidden,
        attention_output: hidden * heads * head_dim,
        gate_up: 2 * feed_forward * hidden,
        down: hidden * feed_forward,
    }
}

impl DeviceWeights {
    /// Bytes on the device.
    pub(super) fn bytes(config: &ModelConfig) -> usize {
        let sizes = sizes(config);
        let layer = sizes.qkv + sizes.attention_output + sizes.gate_up + sizes.down;
        let outer = config.vocabulary * config.hidden * if config.tied_embeddings { 1 } else { 2 };
        2 * (config.layers * layer + outer) + 4 * config.hidden * (2 * config.layers + 1)
    }

    /// Bytes that a step reads, whatever the batch: every matrix once, the embedding's rows aside.
    pub(super) fn bytes_per_step(config: &ModelConfig, fp8: bool) -> usize {
        let sizes = sizes(config);
        let layer = sizes.qkv + sizes.attention_output + sizes.gate_up + sizes.down;
        let weight_bytes = if fp8 { 1 } else { 2 };
        weight_bytes * config.layers * layer + 2 * config.vocabulary * config.hidden
    }

    /// Brings the matrices of all blocks to codes. The embedding and the output stay as they are: what they get wrong, every
    /// token shows.
    pub(super) fn quantize(&mut self, device: &Arc<Device>, config: &ModelConfig) -> Result<(), CudaError> {
        device.require_fp8()?;
        for layer in &mut self.layers {
            layer.qkv.quantize(device, config.hidden)?;
            layer.attention_output.quantize(device, config.heads * config.head_dim)?;
            layer.gate_up.quantize(device, config.hidden)?;
            layer.down.quantize(device, config.feed_forward)?;
        }
        device.synchronize()
    }

    fn room(device: &Arc<Device>, config: &ModelConfig) -> Result<Self, CudaError> {
        let (hidden, outer, sizes) = (config.hidden, config.vocabulary * config.hidden, sizes(config));
        let embedding = Buffer::zeroed(device, outer)?;
        let output = if config.tied_embeddings { embedding.clone() } else { Buffer::zeroed(device, outer)? };
        let layer = |_| {
            Ok(DeviceLayer {
                attention_norm: Buffer::zeroed(device, hidden)?,
                qkv: Matrix::zeroed(device, sizes.qkv)?,
                attention_output: Matrix::zeroed(device, sizes.attention_output)?,
                feed_forward_norm: Buffer::zeroed(device, hidden)?,
                gate_up: Matrix::zeroed(device, sizes.gate_up)?,
                down: Matrix::zeroed(device, sizes.down)?,
            })
        };
        let layers = (0..config.layers).map(layer).collect::<Result<_, CudaError>>()?;
        Ok(Self { embedding, layers, norm: Buffer::zeroed(device, hidden)?, output })
    }

    /// Random numbers, made on the device; norms are 1.
    pub(super) fn random(device: &Arc<Device>, config: &ModelConfig, seed: u64) -> Result<Self, CudaError> {
        let weights = Self::room(device, config)?;
        let ones = vec![1.0; config.hidden];
        let mut next = seed;
        let mut fill = |matrix: &Buffer<bf16>| {
            next = next.wrapping_add(0x9e37_79b9);
            device.fill_random(matrix, next, RANDOM_SCALE)
        };
        fill(&weights.embedding)?;
        for layer in &weights.layers {
            for matrix in [&layer.qkv, &layer.attention_output, &layer.gate_up, &layer.down] {
                matrix.full().map_or(Ok(()), &mut fill)?;
            }
            layer.attention_norm.write(0, &ones)?;
            layer.feed_forward_norm.write(0, &ones)?;
        }
        if !config.tied_embeddings {
            fill(&weights.output)?;
        }
        weights.norm.write(0, &ones)?;
        device.synchronize()?;
        Ok(weights)
    }

    /// The checkpoint's numbers, rounded to bf16 on the threads of `pool`.
    pub(super) fn upload(
        device: &Arc<Device>,
        checkpoint: &Checkpoint,
        naming: Naming,
        config: &ModelConfig,
        pool: &ThreadPool,
    ) -> Result<Self, UploadError> {
        let weights = Self::room(device, config)?;
        let stored = stored_tensors(checkpoint, naming, config)?;
        let &ModelConfig { hidden, feed_forward, heads, kv_heads, head_dim, .. } = config;
        let (queries, keys) = (heads * head_dim * hidden, kv_heads * head_dim * hidden);
        let mut tensors = stored.iter();
        let mut next = |to: Place<'_>| -> Result<(), UploadError> {
            let Some((name, stored)) = tensors.next() else { return Ok(()) };
            let numbers: usize = stored.shape.iter().product();
            let fault = |source| UploadError::Tensor { name: name.clone(), source };
            match to {
                Place::Vector(buffer) => {
                    let mut wide = vec![0.0f32; numbers];
                    dequantize(stored.format, checkpoint.bytes(stored), &mut wide).map_err(fault)?;
                    buffer.write(0, &wide)?;
                }
                Place::Codes => {}
                Place::Matrix(buffer, at) => {
                    let narrow = narrowed(pool, stored.format, checkpoint.bytes(stored), numbers).map_err(fault)?;
                    buffer.write(at, &narrow)?;
                }
            }
            Ok(())
        };
        next(Place::Matrix(&weights.embedding, 0))?;
        for layer in &weights.layers {
            next(Place::Vector(&layer.attention_norm))?;
            next(Place::of(&layer.qkv, 0))?;
            next(Place::of(&layer.qkv, queries))?;
            next(Place::of(&layer.qkv, queries + keys))?;
            next(Place::of(&layer.attention_output, 0))?;
            next(Place::Vector(&layer.feed_forward_norm))?;
            next(Place::of(&layer.gate_up, 0))?;
            next(Place::of(&layer.gate_up, feed_forward * hidden))?;
            next(Place::of(&layer.down, 0))?;
        }
        next(Place::Vector(&weights.norm))?;
        if !config.tied_embeddings {
            next(Place::Matrix(&weights.output, 0))?;
        }
        Ok(weights)
    }
}

/// Where a tensor goes, from which number on.
enum Place<'a> {
    Vector(&'a Buffer<f32>),
    Matrix(&'a Buffer<bf16>, usize),
    /// Codes are made of what was loaded, later.
    Codes,
}

impl<'a> Place<'a> {
    fn of(matrix: &'a Matrix, at: usize) -> Self {
        matrix.full().map_or(Self::Codes, |numbers| Self::Matrix(numbers, at))
    }
}

/// Numbers of a tensor as bf16, in parts on all threads.
fn narrowed(
    pool: &ThreadPool,
    format: sgl_kernels::Format,
    bytes: &[u8],
    numbers: usize,
) -> Result<Vec<bf16>, KernelError> {
    /// Numbers of a part: whole blocks of every format.
    const PART: usize = 1 << 18;
    let part_bytes = PART / format.block_len() * format.block_bytes();
    let parts: Vec<std::sync::OnceLock<Result<Vec<bf16>, KernelError>>> =
        (0..numbers.div_ceil(PART)).map(|_| std::sync::OnceLock::new()).collect();
    pool.run(parts.len(), &|index| {
        let from = &bytes[index * part_bytes..bytes.len().min((index + 1) * part_bytes)];
        let mut wide = vec![0.0f32; from.len() / format.block_bytes() * format.block_len()];
        let done = dequantize(format, from, &mut wide).map(|()| wide.iter().map(|x| bf16::from_f32(*x)).collect());
        assert!(parts[index].set(done).is_ok(), "a pool runs each task once");
    });
    let mut all = Vec::with_capacity(numbers);
    for part in parts {
        all.extend(part.into_inner().expect("a pool runs each task")?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sgl_kernels::Format;

    #[test]
    fn numbers_are_rounded_in_order() {
        let wide: Vec<f32> = (0..600_000).map(|i| i as f32 * 0.37 - 9.0).collect();
        let bytes: Vec<u8> = wide.iter().flat_map(|x| x.to_le_bytes()).collect();
        let narrow = narrowed(&ThreadPool::new(2), Format::F32, &bytes, wide.len()).unwrap();
        assert!(narrow.iter().zip(&wide).all(|(narrow, wide)| *narrow == bf16::from_f32(*wide)));
    }
}
