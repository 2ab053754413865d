// y[m, n] = sum over k of x[m, k] * w[n, k] for many rows m, each of which is summed as the skinny kernel sums it, to the bit: a row
// does not depend on its batch, whichever of the two kernels that batch has.
//
// Operations: 2 m n k. The tensor cores' older instruction reaches about 0.6 of the 790 TFLOP/s of the newer: 256 x 28,672 x 4,096 take
// 125 us then. For 64 rows memory is the floor, as in skinny.cu. Measured on an H200: 228 TFLOP/s for those 256 rows; larger blocks (128 rows
// of w, half the traffic of the second-level cache) and totals in shared memory, with all operands of a unit loaded ahead, were no faster.
//
// What makes the sums the same: the same instruction with the same columns at the same places of its inner index, and eight sums along
// k that are added in order. There they belong to eight warps; here a warp makes them one after the other, so that the units of 64
// columns come in the order 0, 8, 16, ..., 1, 9, ..., and each sum is added to the total when its units are over.
// Operands lie in shared memory as rows of 128 bytes, 16-byte pieces of odd rows swapped by halves: a quarter of a warp then reads
// two rows without a conflict. A lane reads the 8 columns that a lane of skinny.cu loads.

template <int BYTES> DEVICE uint4 shared_16(u32 address) {
    uint4 v;
    asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "r"(address + BYTES));
    return v;
}

// A block has WARPS_W x WARPS_X warps, a warp TILES tiles of 16 rows of w and COLUMNS tiles of 8 rows of x.
template <int WARPS_W, int WARPS_X, int TILES, int COLUMNS, int STAGES, int EPILOGUE> DEVICE void tiled(const Linear &p) {
    constexpr int THREADS = WARPS_W * WARPS_X * 32, ROWS_W = WARPS_W * TILES * 16, ROWS_X = WARPS_X * COLUMNS * 8;
    constexpr int UNIT = 64, SUMS = 8, ROW = UNIT * 2, STAGE = (ROWS_W + ROWS_X) * ROW, LINES = THREADS / 8;
    extern __shared__ __align__(128) unsigned char memory[];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int warp_w = warp % WARPS_W, warp_x = warp / WARPS_W, units = p.k / UNIT, tiles = tiles_of<EPILOGUE>(p);
    const int first_tile = blockIdx.y * WARPS_W * TILES, first_m = blockIdx.x * ROWS_X;

    // What this thread copies of each stage: 16 bytes of some rows.
    const int line = threadIdx.x / 8, piece = threadIdx.x % 8;
    const u32 to = shared_address(memory) + line * ROW + (piece ^ (line & 1) * 4) * 16;
    const u16 *w[ROWS_W / LINES], *x[ROWS_X / LINES];
#pragma unroll
    for (int i = 0; i < ROWS_W / LINES; i++) {
        const int row = line + i * LINES, tile = min(first_tile + row / 16, tiles - 1);
        w[i] = p.w + (size_t)weight_row<EPILOGUE>(p, tile, row / 8 % 2, row % 8) * p.k + piece * 8;
    }
#pragma unroll
    for (int i = 0; i < ROWS_X / LINES; i++) x[i] = p.x + (size_t)min(first_m + line + i * LINES, p.m - 1) * p.k + piece * 8;
    auto copy_w = [&](int stage, int unit) {
#pragma unroll
        for (int i = 0; i < ROWS_W / LINES; i++) copy_16(to + stage * STAGE + i * LINES * ROW, w[i] + unit * UNIT);
    };
    auto copy_x = [&](int stage, int unit) {
#pragma unroll
        for (int i = 0; i < ROWS_X / LINES; i++) copy_16(to + stage * STAGE + (ROWS_W + i * LINES) * ROW, x[i] + unit * UNIT);
    };
    // The unit after this one, in the order of the sums; `units` or more after the last.
    auto after = [&](int unit) {
        if (unit + SUMS < units) return unit + SUMS;
        return unit % SUMS == min(SUMS, units) - 1 ? units : unit % SUMS + 1;
    };

    let_next_start();
    int ahead = 0;
#pragma unroll
    for (int stage = 0, unit = 0; stage < STAGES - 1; stage++) {
        if (unit < units) {
            copy_w(stage, unit);
            unit = after(unit);
        }
    }
    await_inputs();
#pragma unroll
    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (ahead < units) {
            copy_x(stage, ahead);
            ahead = after(ahead);
        }
        copy_commit();
    }

    const u32 from_w = shared_address(memory) + (warp_w * TILES * 16 + g) * ROW;
    const u32 from_x = shared_address(memory) + (ROWS_W + warp_x * COLUMNS * 8 + g) * ROW;
    float sum[TILES][COLUMNS][4] = {}, total[TILES][COLUMNS][4] = {};
    for (int step = 0, unit = 0; unit < units; step++) {
        copy_wait<STAGES - 2>();
        __syncthreads();
        if (ahead < units) {
            copy_w((step + STAGES - 1) % STAGES, ahead);
            copy_x((step + STAGES - 1) % STAGES, ahead);
            ahead = after(ahead);
        }
        copy_commit();
        const u32 stage = step % STAGES * STAGE;
#pragma unroll
        for (int part = 0; part < 2; part++) {
            const u32 at = stage + ((part * 4 + t) ^ (g & 1) * 4) * 16;
            uint4 lo[TILES], hi[TILES], v[COLUMNS];
#pragma unroll
            for (int tile = 0; tile < TILES; tile++) {
                lo[tile] = shared_16<0>(from_w + at + tile * 16 * ROW);
                hi[tile] = shared_16<8 * ROW>(from_w + at + tile * 16 * ROW);
            }
#pragma unroll
            for (int column = 0; column < COLUMNS; column++) v[column] = shared_16<0>(from_x + at + column * 8 * ROW);
#pragma unroll
            for (int tile = 0; tile < TILES; tile++)
#pragma unroll
                for (int column = 0; column < COLUMNS; column++)
                    mma(sum[tile][column], lo[tile].x, hi[tile].x, lo[tile].y, hi[tile].y, v[column].x, v[column].y);
#pragma unroll
            for (int tile = 0; tile < TILES; tile++)
#pragma unroll
                for (int column = 0; column < COLUMNS; column++)
                    mma(sum[tile][column], lo[tile].z, hi[tile].z, lo[tile].w, hi[tile].w, v[column].z, v[column].w);
        }
        if (unit + SUMS >= units)
#pragma unroll
            for (int tile = 0; tile < TILES; tile++)
#pragma unroll
                for (int column = 0; column < COLUMNS; column++)
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        total[tile][column][i] += sum[tile][column][i];
                        sum[tile][column][i] = 0.f;
                    }
        unit = after(unit);
    }
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int column = 0; column < COLUMNS; column++)
#pragma unroll
            for (int i = 0; i < 2; i++) {
                const int m = first_m + (warp_x * COLUMNS + column) * 8 + 2 * t + i, at = first_tile + warp_w * TILES + tile;
                if (m < p.m && at < tiles)
                    finish<EPILOGUE>(p, at, g, m, total[tile][column][i], total[tile][column][i + 2]);
            }
}

#define TILED(ROWS, WARPS_W, WARPS_X, TILES, COLUMNS, STAGES, EPILOGUE, NAME)                    \
    KERNEL __launch_bounds__(128, 2) tiled_##ROWS##_##NAME(const __grid_constant__ Linear p) {  \
        tiled<WARPS_W, WARPS_X, TILES, COLUMNS, STAGES, EPILOGUE>(p);                            \
    }
#define EPILOGUES(ROWS, WARPS_W, WARPS_X, TILES, COLUMNS, STAGES)          \
    TILED(ROWS, WARPS_W, WARPS_X, TILES, COLUMNS, STAGES, PLAIN, plain)    \
    TILED(ROWS, WARPS_W, WARPS_X, TILES, COLUMNS, STAGES, LOGITS, logits)  \
    TILED(ROWS, WARPS_W, WARPS_X, TILES, COLUMNS, STAGES, SWIGLU, swiglu)  \
    TILED(ROWS, WARPS_W, WARPS_X, TILES, COLUMNS, STAGES, ROTARY, rotary)
// By rows of x. 64: 32 rows of w, 96 KB; 128: 64 rows of w, 96 KB.
EPILOGUES(64, 1, 4, 2, 2, 8)
EPILOGUES(128, 1, 4, 4, 4, 4)
