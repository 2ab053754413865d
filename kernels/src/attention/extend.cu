// Attention of several new tokens per sequence over keys and values by slot: prefill, with what is cached before it.
//
// Operations: 4 D per query head, new token and token it sees. One Llama-3-8B layer on 4,096 tokens: 137 GFLOP, half of it
// masked away by causality; 0.12 ms at the 600 TFLOP/s that `mma.sync` can give on an H100.
//
// A block takes 128 rows: a row is a new token and a query head, heads of one key-value head side by side, so that short
// extensions of few tokens still fill the tensor cores and each key is read once for all heads that share it. Its 8 warps
// have 16 rows each. Keys and values come in steps of 64 tokens, gathered by slot into swizzled shared memory by
// asynchronous copies, one step ahead of the products (Dao 2023, with slots instead of a matrix).
// Steps begin at multiples of 64 of the sequence, whatever the batch and the chunk: a row's sums have one order.
//
// `attention_prefix` is the same for the beginning that several sequences share (a cascade; Ye et al. 2024): a row is a
// sequence's one new token and a query head, all see all of a part of the beginning, and what they saw goes where decode.cu
// adds it to the rest. 64 branches of 8,192 tokens read them once instead of 64 times: 32 MB a layer instead of 2.1 GB.

struct Extend {
    const u16 *q;       // [rows, heads, D]
    u16 *out;           // [rows, heads, D]
    const u16 *keys;    // [slots, kv_heads, D]
    const u16 *values;  // [slots, kv_heads, D]
    const int *table;   // [sequences, stride]: slots
    const int4 *tiles;  // [tiles]: row of the table, first row of q, new tokens of the span, 128-row tile of the span
    const int *lengths; // [tiles]: tokens of context of the span, the new ones included
    int stride, heads, kv_heads;
    float scale;        // of the scores, times log2(e)
    // For shared beginnings. Tiles: row of the table, first member, members (0: nothing to do), 128-row tile; lengths: of the
    // beginning, a multiple of 64.
    const int *members; // [members]: rows of q
    float *sums;        // as in decode.cu
    float2 *weights;
    int prefix_parts, parts;
};

template <int D> DEVICE void load_tile(u32 shared, const u16 *base, const int *slots, int from, int end, size_t token_stride) {
    constexpr int CHUNKS = D / 8, ROWS = 256 / CHUNKS;
    const int chunk = threadIdx.x % CHUNKS, first = threadIdx.x / CHUNKS;
#pragma unroll
    for (int row = first; row < 64; row += ROWS) {
        const int slot = slots[min(from + row, end - 1)];
        copy_16(shared + (row * CHUNKS + (chunk ^ (row & 7))) * 16, base + slot * token_stride + chunk * 8);
    }
}

template <int D, bool PREFIX> DEVICE void extend(const Extend &p) {
    constexpr int ROWS = 128, STEP = 64, CHUNKS = D / 8;
    extern __shared__ __align__(128) unsigned char memory[];
    const u32 q_shared = shared_address(memory), kv_shared = q_shared + ROWS * D * 2;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int kv_head = blockIdx.y, group = p.heads / p.kv_heads;
    let_next_start();
    await_inputs();
    const int4 tile = p.tiles[blockIdx.x];
    if (PREFIX && tile.z == 0) return;
    const int length = p.lengths[blockIdx.x], new_tokens = tile.z, rows = new_tokens * group;
    const int first_row = tile.w * ROWS, before = length - new_tokens;
    const int *slots = p.table + (size_t)tile.x * p.stride;
    const size_t token_stride = (size_t)p.kv_heads * D;
    const u16 *keys = p.keys + kv_head * D, *values = p.values + kv_head * D;
    const int last_row = min(first_row + ROWS, rows) - 1;
    const int part_tokens = PREFIX ? prefix_part(length, p.prefix_parts) : 0, begin = blockIdx.z * part_tokens;
    const int end = PREFIX ? min(length, begin + part_tokens) : before + last_row / group + 1;
    if (begin >= end) return;
    const int steps = (end - begin + STEP - 1) / STEP;
    // Row of q of a row.
    auto query = [&](int row) { return PREFIX ? p.members[tile.y + row / group] : tile.y + row / group; };

    for (int i = threadIdx.x; i < ROWS * CHUNKS; i += 256) {
        const int row = i / CHUNKS, chunk = i % CHUNKS, of = min(first_row + row, rows - 1);
        const u16 *from = p.q + ((size_t)query(of) * p.heads + kv_head * group + of % group) * D + chunk * 8;
        copy_16(q_shared + (row * CHUNKS + (chunk ^ (row & 7))) * 16, from);
    }
    load_tile<D>(kv_shared, keys, slots, begin, end, token_stride);
    copy_commit();
    load_tile<D>(kv_shared + STEP * D * 2, values, slots, begin, end, token_stride);
    copy_commit();
    copy_wait<1>();
    __syncthreads();
    u32 q[D / 16][4];
#pragma unroll
    for (int i = 0; i < D / 16; i++) {
        const int row = warp * 16 + lane % 16, chunk = i * 2 + lane / 16;
        load_matrix_4(q[i], q_shared + (row * CHUNKS + (chunk ^ (row & 7))) * 16);
    }
    // The last tokens that rows g and g + 8 of this warp see, and the first step in which not all rows see all.
    const int seen_low = before + min(first_row + warp * 16 + g, rows - 1) / group;
    const int seen_high = before + min(first_row + warp * 16 + g + 8, rows - 1) / group;
    const int seen_by_all = before + min(first_row + warp * 16, rows - 1) / group;

    float sum[D / 8][4] = {}, top[2] = {-INFINITY_F, -INFINITY_F}, total[2] = {};
    for (int step = 0; step < steps; step++) {
        const u32 k_tile = kv_shared + (step % 2) * 2 * STEP * D * 2, v_tile = k_tile + STEP * D * 2;
        const u32 next = kv_shared + ((step + 1) % 2) * 2 * STEP * D * 2;
        if (step > 0) {
            copy_wait<1>();
            __syncthreads();
        }
        if (step + 1 < steps) load_tile<D>(next, keys, slots, begin + (step + 1) * STEP, end, token_stride);
        copy_commit();

        float s[8][4] = {};
#pragma unroll
        for (int i = 0; i < D / 16; i++)
#pragma unroll
            for (int pair = 0; pair < 4; pair++) {
                u32 b[4];
                const int row = pair * 16 + lane / 16 * 8 + lane % 8, chunk = i * 2 + lane / 8 % 2;
                load_matrix_4(b, k_tile + (row * CHUNKS + (chunk ^ (row & 7))) * 16);
                mma(s[pair * 2], q[i][0], q[i][1], q[i][2], q[i][3], b[0], b[1]);
                mma(s[pair * 2 + 1], q[i][0], q[i][1], q[i][2], q[i][3], b[2], b[3]);
            }
        if (!PREFIX && (step + 1) * STEP - 1 > seen_by_all)
#pragma unroll
            for (int i = 0; i < 8; i++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    const int token = step * STEP + i * 8 + 2 * t + c;
                    if (token > seen_low) s[i][c] = -INFINITY_F;
                    if (token > seen_high) s[i][c + 2] = -INFINITY_F;
                }
        float shrink[2], shift[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float best = top[half];
#pragma unroll
            for (int i = 0; i < 8; i++) best = fmaxf(best, fmaxf(s[i][half * 2], s[i][half * 2 + 1]));
            best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
            best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
            // Every row sees token 0, so the greatest score is finite from the first step on.
            shrink[half] = exp2_fast((top[half] - best) * p.scale);
            shift[half] = best * p.scale;
            top[half] = best;
            float add = 0.f;
#pragma unroll
            for (int i = 0; i < 8; i++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    float &x = s[i][half * 2 + c];
                    x = exp2_fast(fmaf(x, p.scale, -shift[half]));
                    add += x;
                }
            total[half] = total[half] * shrink[half] + add;
        }
#pragma unroll
        for (int i = 0; i < D / 8; i++) {
            sum[i][0] *= shrink[0];
            sum[i][1] *= shrink[0];
            sum[i][2] *= shrink[1];
            sum[i][3] *= shrink[1];
        }
        copy_wait<1>();
        __syncthreads();
        if (step + 1 < steps) load_tile<D>(next + STEP * D * 2, values, slots, begin + (step + 1) * STEP, end, token_stride);
        copy_commit();
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const u32 a0 = pack(s[2 * i][0], s[2 * i][1]), a1 = pack(s[2 * i][2], s[2 * i][3]);
            const u32 a2 = pack(s[2 * i + 1][0], s[2 * i + 1][1]), a3 = pack(s[2 * i + 1][2], s[2 * i + 1][3]);
#pragma unroll
            for (int pair = 0; pair < D / 16; pair++) {
                u32 b[4];
                const int row = i * 16 + lane % 16, chunk = pair * 2 + lane / 16;
                load_matrix_4_transposed(b, v_tile + (row * CHUNKS + (chunk ^ (row & 7))) * 16);
                mma(sum[pair * 2], a0, a1, a2, a3, b[0], b[1]);
                mma(sum[pair * 2 + 1], a0, a1, a2, a3, b[2], b[3]);
            }
        }
    }
    copy_wait<0>();
#pragma unroll
    for (int half = 0; half < 2; half++) {
        total[half] += __shfl_xor_sync(~0u, total[half], 1);
        total[half] += __shfl_xor_sync(~0u, total[half], 2);
        const int row = first_row + warp * 16 + g + half * 8;
        if (row >= rows) continue;
        if (PREFIX) {
            // Counted so that the last part of the beginning is followed by the first part of the rest.
            const int head = row % group, groups = (group + 7) / 8, count = prefix_count(length, p.prefix_parts);
            const size_t cell = ((size_t)query(row) * p.kv_heads + kv_head) * groups + head / 8;
            const size_t place = (cell * (p.prefix_parts + p.parts) + p.prefix_parts - count + blockIdx.z) * 8 + head % 8;
            if (t == 0) p.weights[place] = make_float2(top[half] * p.scale, total[half]);
#pragma unroll
            for (int i = 0; i < D / 8; i++)
                *(float2 *)(p.sums + place * D + i * 8 + 2 * t) = make_float2(sum[i][half * 2], sum[i][half * 2 + 1]);
            continue;
        }
        const float scale = 1.f / total[half];
        u16 *to = p.out + ((size_t)(tile.y + row / group) * p.heads + kv_head * group + row % group) * D + 2 * t;
#pragma unroll
        for (int i = 0; i < D / 8; i++)
            *(u32 *)(to + i * 8) = pack(sum[i][half * 2] * scale, sum[i][half * 2 + 1] * scale);
    }
}

KERNEL __launch_bounds__(256, 1) attention_extend_128(const __grid_constant__ Extend p) { extend<128, false>(p); }
KERNEL __launch_bounds__(256, 1) attention_extend_64(const __grid_constant__ Extend p) { extend<64, false>(p); }
KERNEL __launch_bounds__(256, 1) attention_prefix_128(const __grid_constant__ Extend p) { extend<128, true>(p); }
KERNEL __launch_bounds__(256, 1) attention_prefix_64(const __grid_constant__ Extend p) { extend<64, true>(p); }
