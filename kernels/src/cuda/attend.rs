//! Launchers of attention: one new token per sequence, or many.

use super::device::Shape;
use super::{Buffer, CudaError, Device};
use crate::KernelError;
use half::bf16;
use std::ffi::c_void;
use std::sync::Arc;

/// Keys and values of a layer: `[slots, kv_heads, head_dim]` each.
#[derive(Debug)]
pub struct KvLayer {
    /// The keys.
    pub keys: Buffer<bf16>,
    /// The values.
    pub values: Buffer<bf16>,
}

impl KvLayer {
    /// Room for `slots` tokens.
    ///
    /// # Errors
    /// The device's memory does not suffice.
    pub fn new(device: &Arc<Device>, slots: usize, kv_heads: usize, head_dim: usize) -> Result<Self, CudaError> {
        let len = slots * kv_heads * head_dim;
        Ok(Self { keys: Buffer::zeroed(device, len)?, values: Buffer::zeroed(device, len)? })
    }
}

/// Query rows in a tile of `extend`.
pub const EXTEND_TILE_ROWS: usize = 128;
/// Blocks of decode attention that fill the device several times over, so that the last ones to run don't show.
const DECODE_BLOCKS: usize = 2_048;
/// Query heads of a block of `decode`.
const DECODE_HEADS: usize = 8;

/// What one layer's decode attention reads and writes besides the cache.
#[derive(Clone, Copy, Debug)]
pub struct DecodeShape<'a> {
    /// `[rows, heads, head_dim]`
    pub q: &'a Buffer<bf16>,
    /// `[rows, heads, head_dim]`
    pub out: &'a Buffer<bf16>,
    /// `[sequences, stride]`: slots by position.
    pub table: &'a Buffer<i32>,
    /// Numbers in a row of the table.
    pub stride: usize,
    /// `[rows]`: row of the table; below 0 for nothing to do.
    pub sequences: &'a Buffer<i32>,
    /// `[rows]`: tokens that each row sees.
    pub lengths: &'a Buffer<i32>,
    /// Room for `decode_scratch(...)` numbers.
    pub sums: &'a Buffer<f32>,
    /// `[rows, kv_heads * groups of heads]`, zero.
    pub done: &'a Buffer<u32>,
    /// Query rows.
    pub rows: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// 64 or 128.
    pub head_dim: usize,
    /// Most parts of a sequence.
    pub parts: usize,
    /// Tokens of a part at least; a multiple of 64.
    pub part_min: usize,
    /// Beginnings that [`Device::attention_prefix`] has done: `[rows]`, tokens of each row's; and the most parts of one.
    pub shared: Option<(&'a Buffer<i32>, usize)>,
}

/// What one layer's attention to beginnings that sequences share reads and writes besides the cache.
#[derive(Clone, Copy, Debug)]
pub struct PrefixShape<'a> {
    /// Decode attention that follows and adds up; its `shared` says how long the beginnings are.
    pub decode: &'a DecodeShape<'a>,
    /// Per tile: row of the table, first member, members (0 for nothing to do), which tile of the group.
    pub tiles: &'a Buffer<[i32; 4]>,
    /// Per tile: tokens of the beginning; a multiple of 64.
    pub lengths: &'a Buffer<i32>,
    /// How many tiles.
    pub tile_count: usize,
    /// Rows of q, group by group.
    pub members: &'a Buffer<i32>,
}

/// What one layer's extend attention reads and writes besides the cache.
#[derive(Clone, Copy, Debug)]
pub struct ExtendShape<'a> {
    /// `[rows, heads, head_dim]`
    pub q: &'a Buffer<bf16>,
    /// `[rows, heads, head_dim]`
    pub out: &'a Buffer<bf16>,
    /// `[sequences, stride]`: slots by position.
    pub table: &'a Buffer<i32>,
    /// Numbers in a row of the table.
    pub stride: usize,
    /// Per tile: row of the table, first row of q, new tokens of the span, which tile of the span.
    pub tiles: &'a Buffer<[i32; 4]>,
    /// Per tile: tokens of context of the span.
    pub lengths: &'a Buffer<i32>,
    /// How many tiles.
    pub tile_count: usize,
    /// Whether the kernel for all architectures is wanted where there is a better one; for comparison.
    pub portable: bool,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// 64 or 128.
    pub head_dim: usize,
}

#[repr(C)]
struct DecodeParameters {
    q: u64,
    out: u64,
    keys: u64,
    values: u64,
    table: u64,
    sequences: u64,
    lengths: u64,
    sums: u64,
    weights: u64,
    done: u64,
    shared: u64,
    stride: i32,
    heads: i32,
    kv_heads: i32,
    part_min: i32,
    scale: f32,
    prefix_parts: i32,
}

#[repr(C)]
struct ExtendParameters {
    q: u64,
    out: u64,
    keys: u64,
    values: u64,
    table: u64,
    tiles: u64,
    lengths: u64,
    stride: i32,
    heads: i32,
    kv_heads: i32,
    scale: f32,
    members: u64,
    sums: u64,
    weights: u64,
    prefix_parts: i32,
    parts: i32,
}

/// Groups of query heads that decode has blocks for: `kv_heads` times as many as it takes at 8 heads each.
pub fn decode_groups(heads: usize, kv_heads: usize) -> usize {
    kv_heads * (heads / kv_heads.max(1)).div_ceil(DECODE_HEADS)
}

/// Numbers of scratch that decode needs: sums, and two numbers per head and part.
pub fn decode_scratch(rows: usize, heads: usize, kv_heads: usize, head_dim: usize, parts: usize) -> usize {
    rows * decode_groups(heads, kv_heads) * parts * DECODE_HEADS * (head_dim + 2)
}

/// Into how many parts decode cuts sequences, and the fewest tokens of a part, for `rows` rows.
pub fn decode_parts(rows: usize, heads: usize, kv_heads: usize) -> (usize, usize) {
    let blocks = rows * decode_groups(heads, kv_heads);
    let parts = DECODE_BLOCKS.div_ceil(blocks.max(1)).clamp(1, 32);
    (parts, if blocks >= 132 { 256 } else { 64 })
}

fn scale_log2(head_dim: usize) -> f32 {
    std::f32::consts::LOG2_E / (head_dim as f32).sqrt()
}

/// Threads and shared memory of the kernels of `extend_hopper.cu`: queries, two stages of keys and values of 128 tokens, and
/// room to align them.
fn hopper_launch(grid: [usize; 3]) -> Shape {
    Shape { grid, threads: 384, shared: 5 * 128 * 128 * 2 + 1024 }
}

/// Shared memory of the kernels of `extend.cu`: queries, and two steps of keys and values.
fn portable_shared(head_dim: usize) -> usize {
    (EXTEND_TILE_ROWS + 4 * 64) * head_dim * 2
}

fn number(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

fn room(kernel: &'static str, operand: &'static str, found: usize, expected: usize) -> Result<(), CudaError> {
    if found >= expected { Ok(()) } else { Err(KernelError::Shape { kernel, operand, expected, found }.into()) }
}

fn heads_fit(heads: usize, kv_heads: usize) -> Result<(), CudaError> {
    if kv_heads > 0 && heads.is_multiple_of(kv_heads) {
        return Ok(());
    }
    Err(KernelError::Heads { heads, kv_heads }.into())
}

fn by_head_dim(head_dim: usize, of_64: &'static str, of_128: &'static str) -> Result<&'static str, CudaError> {
    match head_dim {
        64 => Ok(of_64),
        128 => Ok(of_128),
        found => Err(CudaError::Unsupported { what: "a head's size", found, supported: "64 and 128" }),
    }
}

impl DecodeShape<'_> {
    fn prefix_parts(&self) -> usize {
        self.shared.map_or(0, |(_, parts)| parts)
    }

    fn all_parts(&self) -> usize {
        self.parts + self.prefix_parts()
    }

    /// Where greatest scores and sums of weights are: behind the sums.
    fn weights_address(&self) -> u64 {
        let groups = decode_groups(self.heads, self.kv_heads);
        let sums = self.rows * groups * self.all_parts() * DECODE_HEADS * self.head_dim;
        self.sums.address + (sums * size_of::<f32>()) as u64
    }
}

impl Device {
    /// Attention to beginnings that sequences share, one new token per sequence; [`Device::attention_decode`] with the same
    /// shape follows and adds the rest. Tiles, members and slots are checked by whoever writes them.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn attention_prefix(&self, shape: &PrefixShape<'_>, cache: &KvLayer) -> Result<(), CudaError> {
        let decode = shape.decode;
        let &DecodeShape { rows, heads, kv_heads, head_dim, .. } = decode;
        heads_fit(heads, kv_heads)?;
        let name = by_head_dim(head_dim, "attention_prefix_64", "attention_prefix_128")?;
        room("attention_prefix", "tiles", shape.tiles.len(), shape.tile_count)?;
        room("attention_prefix", "lengths", shape.lengths.len(), shape.tile_count)?;
        let scratch = decode_scratch(rows, heads, kv_heads, head_dim, decode.all_parts());
        room("attention_prefix", "sums", decode.sums.len(), scratch)?;
        let mut parameters = ExtendParameters {
            q: decode.q.address,
            out: decode.out.address,
            keys: cache.keys.address,
            values: cache.values.address,
            table: decode.table.address,
            tiles: shape.tiles.address,
            lengths: shape.lengths.address,
            stride: number(decode.stride),
            heads: number(heads),
            kv_heads: number(kv_heads),
            scale: scale_log2(head_dim),
            members: shape.members.address,
            sums: decode.sums.address,
            weights: decode.weights_address(),
            prefix_parts: number(decode.prefix_parts()),
            parts: number(decode.parts),
        };
        let parts = decode.prefix_parts();
        let (name, launch) = if self.has_hopper_kernels(head_dim) {
            ("attention_prefix_hopper", hopper_launch([shape.tile_count * kv_heads, parts, 1]))
        } else {
            let grid = [shape.tile_count, kv_heads, parts];
            (name, Shape { grid, threads: 256, shared: portable_shared(head_dim) })
        };
        // SAFETY: lengths were compared above; indices inside tiles, members and table are checked by whoever writes them.
        unsafe { self.launch(name, launch, &mut [(&raw mut parameters).cast::<c_void>()]) }
    }

    /// Whether attention of many rows is done by `extend_hopper.cu`.
    fn has_hopper_kernels(&self, head_dim: usize) -> bool {
        self.facts().capability == (9, 0) && head_dim == 128
    }

    /// Attention of one new token per row. Lengths, table rows and slots are checked by whoever writes them.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn attention_decode(&self, shape: &DecodeShape<'_>, cache: &KvLayer) -> Result<(), CudaError> {
        let &DecodeShape { rows, heads, kv_heads, head_dim, parts, .. } = shape;
        heads_fit(heads, kv_heads)?;
        let name = by_head_dim(head_dim, "attention_decode_64", "attention_decode_128")?;
        room("attention_decode", "q", shape.q.len(), rows * heads * head_dim)?;
        room("attention_decode", "out", shape.out.len(), rows * heads * head_dim)?;
        room("attention_decode", "sequences", shape.sequences.len(), rows)?;
        room("attention_decode", "lengths", shape.lengths.len(), rows)?;
        room(
            "attention_decode",
            "sums",
            shape.sums.len(),
            decode_scratch(rows, heads, kv_heads, head_dim, shape.all_parts()),
        )?;
        let groups = decode_groups(heads, kv_heads);
        room("attention_decode", "done", shape.done.len(), rows * groups)?;
        let mut parameters = DecodeParameters {
            q: shape.q.address,
            out: shape.out.address,
            keys: cache.keys.address,
            values: cache.values.address,
            table: shape.table.address,
            sequences: shape.sequences.address,
            lengths: shape.lengths.address,
            sums: shape.sums.address,
            weights: shape.weights_address(),
            done: shape.done.address,
            shared: shape.shared.map_or(0, |(shared, _)| shared.address),
            stride: number(shape.stride),
            heads: number(heads),
            kv_heads: number(kv_heads),
            part_min: number(shape.part_min),
            scale: scale_log2(head_dim),
            prefix_parts: number(shape.prefix_parts()),
        };
        let launch = Shape { grid: [parts, groups, rows], threads: 128, shared: 0 };
        // SAFETY: lengths were compared above; indices inside the table are checked by whoever writes it.
        unsafe { self.launch(name, launch, &mut [(&raw mut parameters).cast::<c_void>()]) }
    }

    /// Attention of several new tokens per sequence. Tiles, lengths and slots are checked by whoever writes them.
    ///
    /// # Errors
    /// Lengths that don't fit; what the device says.
    pub fn attention_extend(&self, shape: &ExtendShape<'_>, cache: &KvLayer) -> Result<(), CudaError> {
        let &ExtendShape { tile_count, heads, kv_heads, head_dim, .. } = shape;
        heads_fit(heads, kv_heads)?;
        let name = by_head_dim(head_dim, "attention_extend_64", "attention_extend_128")?;
        room("attention_extend", "tiles", shape.tiles.len(), tile_count)?;
        room("attention_extend", "lengths", shape.lengths.len(), tile_count)?;
        room("attention_extend", "out", shape.out.len(), shape.q.len())?;
        let mut parameters = ExtendParameters {
            q: shape.q.address,
            out: shape.out.address,
            keys: cache.keys.address,
            values: cache.values.address,
            table: shape.table.address,
            tiles: shape.tiles.address,
            lengths: shape.lengths.address,
            stride: number(shape.stride),
            heads: number(heads),
            kv_heads: number(kv_heads),
            scale: scale_log2(head_dim),
            members: 0,
            sums: 0,
            weights: 0,
            prefix_parts: 0,
            parts: 0,
        };
        let (name, launch) = if self.has_hopper_kernels(head_dim) && !shape.portable {
            ("attention_extend_hopper", hopper_launch([tile_count * kv_heads, 1, 1]))
        } else {
            (name, Shape { grid: [tile_count, kv_heads, 1], threads: 256, shared: portable_shared(head_dim) })
        };
        // SAFETY: lengths were compared above; indices inside tiles and table are checked by whoever writes them.
        unsafe { self.launch(name, launch, &mut [(&raw mut parameters).cast::<c_void>()]) }
    }
}
