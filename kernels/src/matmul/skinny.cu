// y[m, n] = sum over k of x[m, k] * w[n, k] for few rows m: as fast as the weights can be read.
//
// Bytes: 2 n k for the weights, which are read once, straight into registers, 16 bytes per lane; x comes from the caches.
// Floor at 3 TB/s: 39 us for 14,336 x 4,096. Tensor cores do the products because they need the fewest instructions.
//
// A block has one or two tiles of 16 rows of w; its 8 warps take turns along k, in units of 64 columns, and add up at the
// end in a fixed order: a row of y does not depend on the other rows.
// The order of columns inside a product is free, as long as both sides agree: a lane holds the 8 columns of its 16-byte
// loads, so no shuffle or shared memory stands between memory and tensor core.
// Blocks of the same rows of w and other rows of x are neighbours, so that the weights come from memory once for all of them.
// Each warp keeps RING units in flight; the first are asked for before the inputs are ready, because nobody writes weights.

// COLUMNS: tiles of 8 rows of x. TILES: tiles of 16 rows of w per block.
template <int COLUMNS, int TILES, int RING, int EPILOGUE> DEVICE void skinny(const Linear &p) {
    constexpr int WARPS = 8, UNIT = 64;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int units = p.k / UNIT, first_m = blockIdx.x * COLUMNS * 8;
    const u16 *w[TILES][2];
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int half = 0; half < 2; half++)
            w[tile][half] = p.w + (size_t)weight_row<EPILOGUE>(p, blockIdx.y * TILES + tile, half, g) * p.k + t * 8;
    const u16 *x[COLUMNS];
#pragma unroll
    for (int column = 0; column < COLUMNS; column++)
        x[column] = p.x + (size_t)min(first_m + column * 8 + g, p.m - 1) * p.k + t * 8;

    uint4 a[RING][TILES][2][2], b[RING][COLUMNS][2];
    let_next_start();
#pragma unroll
    for (int slot = 0; slot < RING; slot++) {
        int unit = warp + slot * WARPS;
        if (unit < units)
#pragma unroll
            for (int tile = 0; tile < TILES; tile++)
#pragma unroll
                for (int half = 0; half < 2; half++)
#pragma unroll
                    for (int part = 0; part < 2; part++)
                        a[slot][tile][half][part] = stream_16(w[tile][half] + unit * UNIT + part * 32);
    }
    await_inputs();
#pragma unroll
    for (int slot = 0; slot < RING; slot++) {
        int unit = warp + slot * WARPS;
        if (unit < units)
#pragma unroll
            for (int column = 0; column < COLUMNS; column++)
#pragma unroll
                for (int part = 0; part < 2; part++)
                    b[slot][column][part] = *(const uint4 *)(x[column] + unit * UNIT + part * 32);
    }
    float sums[TILES][COLUMNS][4] = {};
    for (int base = warp; base < units; base += RING * WARPS) {
#pragma unroll
        for (int slot = 0; slot < RING; slot++) {
            int unit = base + slot * WARPS, next = unit + RING * WARPS;
            if (unit < units) {
#pragma unroll
                for (int tile = 0; tile < TILES; tile++)
#pragma unroll
                    for (int column = 0; column < COLUMNS; column++)
#pragma unroll
                        for (int part = 0; part < 2; part++) {
                            uint4 lo = a[slot][tile][0][part], hi = a[slot][tile][1][part], v = b[slot][column][part];
                            mma(sums[tile][column], lo.x, hi.x, lo.y, hi.y, v.x, v.y);
                            mma(sums[tile][column], lo.z, hi.z, lo.w, hi.w, v.z, v.w);
                        }
            }
            if (next < units) {
#pragma unroll
                for (int part = 0; part < 2; part++) {
#pragma unroll
                    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
                        for (int half = 0; half < 2; half++)
                            a[slot][tile][half][part] = stream_16(w[tile][half] + next * UNIT + part * 32);
#pragma unroll
                    for (int column = 0; column < COLUMNS; column++)
                        b[slot][column][part] = *(const uint4 *)(x[column] + next * UNIT + part * 32);
                }
            }
        }
    }
    // [warp][tile][row 16][m]: a lane holds rows g and g + 8, columns 2t and 2t + 1.
    __shared__ float shared[WARPS][TILES][16][COLUMNS * 8 + 1];
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int column = 0; column < COLUMNS; column++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                shared[warp][tile][g + (i / 2) * 8][column * 8 + 2 * t + i % 2] = sums[tile][column][i];
    __syncthreads();
    for (int at = threadIdx.x; at < TILES * 8 * COLUMNS * 8; at += WARPS * 32) {
        int j = at % 8, m = at / 8 % (COLUMNS * 8), tile = at / (8 * COLUMNS * 8);
        if (first_m + m < p.m) {
            float lo = 0.f, hi = 0.f;
#pragma unroll
            for (int from = 0; from < WARPS; from++) {
                lo += shared[from][tile][j][m];
                hi += shared[from][tile][j + 8][m];
            }
            finish<EPILOGUE>(p, blockIdx.y * TILES + tile, j, first_m + m, lo, hi);
        }
    }
}

#define SKINNY(COLUMNS, TILES, RING, BLOCKS, EPILOGUE, NAME)                                     \
    KERNEL __launch_bounds__(256, BLOCKS) skinny_##COLUMNS##_##TILES##_##NAME(const __grid_constant__ Linear p) { \
        skinny<COLUMNS, TILES, RING, EPILOGUE>(p);                                               \
    }
#define EPILOGUES(COLUMNS, TILES, RING, BLOCKS)                 \
    SKINNY(COLUMNS, TILES, RING, BLOCKS, PLAIN, plain)          \
    SKINNY(COLUMNS, TILES, RING, BLOCKS, LOGITS, logits)        \
    SKINNY(COLUMNS, TILES, RING, BLOCKS, SWIGLU, swiglu)        \
    SKINNY(COLUMNS, TILES, RING, BLOCKS, ROTARY, rotary)
EPILOGUES(1, 1, 4, 2)
EPILOGUES(2, 1, 3, 2)
EPILOGUES(2, 2, 3, 1)
EPILOGUES(4, 2, 2, 1)
