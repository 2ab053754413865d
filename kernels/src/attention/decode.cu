// Attention of one new token per sequence over keys and values by slot, split along the sequence.
//
// Bytes: 4 kv_heads * D per token of context (keys and values, bf16), read once for all query heads that share a
// key-value head. Llama-3-8B: 4 KB per token and layer; 64 sequences of 4,096 tokens take 1.07 GB, 0.36 ms at 3 TB/s.
// Arithmetic is 4 heads * D per token, below 20 operations per byte: the tensor cores idle, memory is the floor.
//
// A block has 4 warps and one part of one sequence, for up to 8 query heads of one key-value head: the rows of a product.
// A warp takes 16 tokens at a time: 8 loads of 16 bytes for keys and 8 for values per lane, straight into the registers that
// the tensor cores read. That works without shuffles because the order of the summed index is free (a lane keeps the 8
// numbers of its load), and because in the product with the values a lane may choose which columns of the result it holds.
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

// Greatest score so far, sum of weights, weighted sum of values.
template <int D> struct Running {
    float top, total, sum[D / 64][8][4];
};

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
    Running<D> r = {};
    r.top = -INFINITY_F;

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

        float s[2][4] = {};
#pragma unroll
        for (int tile = 0; tile < 2; tile++)
#pragma unroll
            for (int i = 0; i < K_LOADS; i++) {
                mma(s[tile], q[i].x, 0, q[i].y, 0, k[tile][i].x, k[tile][i].y);
                mma(s[tile], q[i].z, 0, q[i].w, 0, k[tile][i].z, k[tile][i].w);
            }
        float top = r.top;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float &score = s[i / 2][i % 2];
            score = at + (i / 2) * 8 + 2 * t + i % 2 < end ? score * p.scale : -INFINITY_F;
            top = fmaxf(top, score);
        }
        top = fmaxf(top, __shfl_xor_sync(~0u, top, 1));
        top = fmaxf(top, __shfl_xor_sync(~0u, top, 2));
        const float shrink = exp2_fast(r.top - top);
        r.top = top;
        r.total *= shrink;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float &score = s[i / 2][i % 2];
            score = exp2_fast(score - top);
            r.total += score;
        }
        const u32 a0 = pack(s[0][0], s[0][1]), a2 = pack(s[1][0], s[1][1]);
#pragma unroll
        for (int half = 0; half < V_HALVES; half++)
#pragma unroll
            for (int j = 0; j < 8; j++) {
                float (&sum)[4] = r.sum[half][j];
                sum[0] *= shrink;
                sum[1] *= shrink;
                const u32 how = j % 2 ? 0x7632 : 0x5410;
                const u32 *v0 = (const u32 *)&v[0][half], *v1 = (const u32 *)&v[1][half];
                const u32 *v2 = (const u32 *)&v[2][half], *v3 = (const u32 *)&v[3][half];
                mma(sum, a0, 0, a2, 0, __byte_perm(v0[j / 2], v1[j / 2], how), __byte_perm(v2[j / 2], v3[j / 2], how));
            }
    }
    r.total += __shfl_xor_sync(~0u, r.total, 1);
    r.total += __shfl_xor_sync(~0u, r.total, 2);

    // The warps together. Lane (g, t) holds dimensions half * 64 + t * 16 .. + 16 of head g.
    __shared__ float sums[WARPS][8][D];
    __shared__ float tops[WARPS][8], totals[WARPS][8];
#pragma unroll
    for (int half = 0; half < V_HALVES; half++)
#pragma unroll
        for (int j = 0; j < 8; j++)
#pragma unroll
            for (int c = 0; c < 2; c++) sums[warp][g][half * 64 + t * 16 + c * 8 + j] = r.sum[half][j][c];
    if (t == 0) {
        tops[warp][g] = r.top;
        totals[warp][g] = r.total;
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

KERNEL __launch_bounds__(128, 3) attention_decode_128(const __grid_constant__ Decode p) { decode<128>(p); }
KERNEL __launch_bounds__(128, 4) attention_decode_64(const __grid_constant__ Decode p) { decode<64>(p); }
