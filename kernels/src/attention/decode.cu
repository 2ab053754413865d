// Attention of one new token per sequence over keys and values by slot, split along the sequence.
//
// Bytes: 4 kv_heads * D per token of context (keys and values, bf16), read once for all query heads that share a
// key-value head. Llama-3-8B: 4 KB per token and layer; 64 sequences of 4,096 tokens take 1.07 GB, 0.36 ms at 3 TB/s.
// Arithmetic is 4 heads * D per token, below 20 operations per byte: the tensor cores idle, memory is the floor.
//
// A block has 4 warps and one part of one sequence, for up to 8 query heads of one key-value head: the columns of products
// whose rows are tokens (scores) and dimensions (sums). A warp takes 16 tokens at a time: 8 loads of 16 bytes for keys and 8
// for values per lane, straight into the registers that the tensor cores read. That works without shuffles because the order
// of the summed index is free (a lane keeps the 8 numbers of its load), and because a lane may choose which dimensions it
// holds. Only the 16 weights change places, by two transpositions of 8 by 8.
// Parts are added by the last block of a sequence to finish, in the order of the parts: the result doesn't depend on it.
// A beginning that several sequences share may have been done before, for all of them at once, by `attention_prefix` of
// extend.cu: its parts come first in the same places.

struct Decode {
    const u16 *q;          // [rows, heads, D]
    u16 *out;              // [rows, heads, D]
    const u16 *keys;       // [slots, kv_heads, D]
    const u16 *values;     // [slots, kv_heads, D]
    const int *table;      // [sequences, stride]: slots
    const int *sequences;  // [rows]: row of the table; below 0: nothing to do
    const int *lengths;    // [rows]: tokens of context, the new one included
    float *sums;           // [rows, head groups, prefix parts + parts, 8, D]
    float2 *weights;       // [rows, head groups, prefix parts + parts, 8]: greatest score, sum of weights
    u32 *done;             // [rows, head groups], zero before and after
    const int *shared;     // [rows]: tokens of the beginning that are done; null: none
    int stride, heads, kv_heads;
    int part_min;          // tokens of a part at least; a multiple of 64
    float scale;           // of the scores, times log2(e)
    int prefix_parts;      // most parts of a shared beginning
};

// The transpose of an 8 by 8 matrix of 16-bit numbers that a warp holds, two to a lane.
DEVICE u32 transpose(u32 pair) {
    u32 turned;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(turned) : "r"(pair));
    return turned;
}

template <int D> DEVICE void decode(const Decode &p) {
    constexpr int WARPS = 4, STEP = 16, K_LOADS = D / 32, V_HALVES = D / 64;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int group = p.heads / p.kv_heads, groups = (group + 7) / 8;
    const int kv_head = blockIdx.y / groups, head = kv_head * group + blockIdx.y % groups * 8;
    const int heads_here = min(8, group - blockIdx.y % groups * 8), row = blockIdx.z;
    let_next_start();
    await_inputs();
    const int sequence = p.sequences[row];
    if (sequence < 0) return;
    const int from = p.shared ? p.shared[row] : 0, length = p.lengths[row] - from;
    const int part_tokens = max(p.part_min, ((length + (int)gridDim.x - 1) / (int)gridDim.x + 63) / 64 * 64);
    const int parts = max(1, (length + part_tokens - 1) / part_tokens), part = blockIdx.x;
    if (part >= parts) return;
    const int begin = from + part * part_tokens, end = min(from + length, begin + part_tokens);
    const int *slots = p.table + (size_t)sequence * p.stride;
    const size_t token_stride = (size_t)p.kv_heads * D;
    const u16 *keys = p.keys + kv_head * D + t * 8, *values = p.values + kv_head * D + g * 8;

    uint4 q[K_LOADS];
#pragma unroll
    for (int i = 0; i < K_LOADS; i++)
        q[i] = g < heads_here ? *(const uint4 *)(p.q + ((size_t)row * p.heads + head + g) * D + i * 32 + t * 8)
                              : make_uint4(0, 0, 0, 0);
    // Of heads 2t and 2t + 1: greatest score, sum of weights; and the weighted sum of values, in which tile i of half h has
    // dimensions h * 64 + g * 8 + 2i (first two) and 2i + 1.
    float top[2] = {-INFINITY_F, -INFINITY_F}, total[2] = {}, sum[V_HALVES][4][4] = {};

    int at = begin + warp * STEP;
    int slot = at < end ? slots[min(at + lane % 16, end - 1)] : 0;
    for (; at < end; at += WARPS * STEP) {
        uint4 k[2][K_LOADS], v[4][V_HALVES];
#pragma unroll
        for (int tile = 0; tile < 2; tile++) {
            const u16 *key = keys + __shfl_sync(~0u, slot, tile * 8 + g) * token_stride;
#pragma unroll
            for (int i = 0; i < K_LOADS; i++) k[tile][i] = stream_16(key + i * 32);
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const u16 *value = values + __shfl_sync(~0u, slot, (i / 2) * 8 + 2 * t + i % 2) * token_stride;
#pragma unroll
            for (int half = 0; half < V_HALVES; half++) v[i][half] = stream_16(value + half * 64);
        }
        int next = at + WARPS * STEP;
        if (next < end) slot = slots[min(next + lane % 16, end - 1)];

        // Rows: tokens g and g + 8; columns: heads 2t and 2t + 1.
        float s[4] = {};
#pragma unroll
        for (int i = 0; i < K_LOADS; i++) {
            mma(s, k[0][i].x, k[1][i].x, k[0][i].y, k[1][i].y, q[i].x, q[i].y);
            mma(s, k[0][i].z, k[1][i].z, k[0][i].w, k[1][i].w, q[i].z, q[i].w);
        }
        const bool low_is_there = at + g < end, high_is_there = at + 8 + g < end;
        float shrink[2];
#pragma unroll
        for (int c = 0; c < 2; c++) {
            s[c] = low_is_there ? s[c] * p.scale : -INFINITY_F;
            s[c + 2] = high_is_there ? s[c + 2] * p.scale : -INFINITY_F;
            float best = fmaxf(top[c], fmaxf(s[c], s[c + 2]));
#pragma unroll
            for (int step = 4; step < 32; step <<= 1) best = fmaxf(best, __shfl_xor_sync(~0u, best, step));
            shrink[c] = exp2_fast(top[c] - best);
            top[c] = best;
            s[c] = exp2_fast(s[c] - best);
            s[c + 2] = exp2_fast(s[c + 2] - best);
            total[c] = total[c] * shrink[c] + s[c] + s[c + 2];
        }
        const u32 low_weights = transpose(pack(s[0], s[1])), high_weights = transpose(pack(s[2], s[3]));
#pragma unroll
        for (int half = 0; half < V_HALVES; half++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float (&d)[4] = sum[half][i];
                d[0] *= shrink[0];
                d[1] *= shrink[1];
                d[2] *= shrink[0];
                d[3] *= shrink[1];
                const u32 *v0 = (const u32 *)&v[0][half], *v1 = (const u32 *)&v[1][half];
                const u32 *v2 = (const u32 *)&v[2][half], *v3 = (const u32 *)&v[3][half];
                mma(d, __byte_perm(v0[i], v1[i], 0x5410), __byte_perm(v0[i], v1[i], 0x7632), __byte_perm(v2[i], v3[i], 0x5410),
                    __byte_perm(v2[i], v3[i], 0x7632), low_weights, high_weights);
            }
    }
#pragma unroll
    for (int c = 0; c < 2; c++)
#pragma unroll
        for (int step = 4; step < 32; step <<= 1) total[c] += __shfl_xor_sync(~0u, total[c], step);

    // The warps together.
    __shared__ float sums[WARPS][8][D];
    __shared__ float tops[WARPS][8], totals[WARPS][8];
#pragma unroll
    for (int half = 0; half < V_HALVES; half++)
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int c = 0; c < 4; c++) sums[warp][2 * t + c % 2][half * 64 + g * 8 + 2 * i + c / 2] = sum[half][i][c];
    if (g == 0) {
#pragma unroll
        for (int c = 0; c < 2; c++) {
            tops[warp][2 * t + c] = top[c];
            totals[warp][2 * t + c] = total[c];
        }
    }
    __syncthreads();
    const size_t cell = (size_t)row * gridDim.y + blockIdx.y;
    const bool alone = parts == 1 && from == 0;
    const size_t places = (cell * (p.prefix_parts + gridDim.x) + (part + p.prefix_parts)) * 8;
    for (int i = threadIdx.x; i < heads_here * D; i += WARPS * 32) {
        const int h = i / D, d = i % D;
        float top = -INFINITY_F, total = 0.f, sum = 0.f;
#pragma unroll
        for (int w = 0; w < WARPS; w++) top = fmaxf(top, tops[w][h]);
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            const float weight = tops[w][h] == -INFINITY_F ? 0.f : exp2_fast(tops[w][h] - top);
            total += totals[w][h] * weight;
            sum += sums[w][h][d] * weight;
        }
        if (alone) {
            p.out[((size_t)row * p.heads + head + h) * D + d] = narrow(sum / total);
        } else {
            p.sums[(places + h) * D + d] = sum;
            if (d == 0) p.weights[places + h] = make_float2(top, total);
        }
    }
    if (alone) return;
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(&p.done[cell], 1) == parts - 1;
    __syncthreads();
    if (!last) return;
    __threadfence();
    for (int i = threadIdx.x; i < heads_here * D; i += WARPS * 32) {
        const int h = i / D, d = i % D;
        // The parts of the shared beginning end where the own ones begin.
        const size_t first = cell * (p.prefix_parts + gridDim.x) + p.prefix_parts - prefix_count(from, p.prefix_parts);
        const int count = prefix_count(from, p.prefix_parts) + parts;
        const float2 *weights = p.weights + first * 8 + h;
        const float *sums_of = p.sums + (first * 8 + h) * D + d;
        float top = -INFINITY_F, total = 0.f, sum = 0.f;
        for (int other = 0; other < count; other++) top = fmaxf(top, __ldcg(&weights[other * 8].x));
        for (int other = 0; other < count; other++) {
            const float weight = exp2_fast(__ldcg(&weights[other * 8].x) - top);
            total += __ldcg(&weights[other * 8].y) * weight;
            sum += __ldcg(&sums_of[(size_t)other * 8 * D]) * weight;
        }
        p.out[((size_t)row * p.heads + head + h) * D + d] = narrow(sum / total);
    }
    if (threadIdx.x == 0) p.done[cell] = 0;
}

KERNEL __launch_bounds__(128, 4) attention_decode_128(const __grid_constant__ Decode p) { decode<128>(p); }
KERNEL __launch_bounds__(128, 5) attention_decode_64(const __grid_constant__ Decode p) { decode<64>(p); }
