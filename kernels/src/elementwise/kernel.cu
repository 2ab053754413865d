// Rows of the embedding, silu(gate) * up, and random weights for benches.

// x[row] = embedding[token]; a negative token -1 - i stands for the i-th token of `drawn`, which a step before has drawn.
KERNEL embed(float *__restrict__ x, const u16 *__restrict__ embedding, const int *__restrict__ tokens,
             const int *__restrict__ drawn, int hidden) {
    let_next_start();
    await_inputs();
    int token = tokens[blockIdx.x];
    if (token < 0) token = drawn[-1 - token];
    const u32 *from = (const u32 *)(embedding + (size_t)token * hidden);
    float2 *to = (float2 *)(x + (size_t)blockIdx.x * hidden);
    for (int at = threadIdx.x; at < hidden / 2; at += blockDim.x) to[at] = {low(from[at]), high(from[at])};
}

// out[row] = silu(both[row, ..width]) * both[row, width..]. 6 bytes per output: 4,096 rows of 14,336 take 117 us at 3 TB/s.
KERNEL silu_mul(u16 *__restrict__ out, const u16 *__restrict__ both, int width) {
    let_next_start();
    await_inputs();
    const size_t row = blockIdx.y;
    int at = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
    if (at >= width) return;
    uint4 gate = *(const uint4 *)(both + row * 2 * width + at);
    uint4 up = *(const uint4 *)(both + row * 2 * width + width + at);
    const u32 *g = (const u32 *)&gate, *u = (const u32 *)&up;
    uint4 result;
    u32 *r = (u32 *)&result;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float a = low(g[i]), b = high(g[i]);
        r[i] = pack(a / (1.f + __expf(-a)) * low(u[i]), b / (1.f + __expf(-b)) * high(u[i]));
    }
    *(uint4 *)(out + row * width + at) = result;
}

// table[index] = value for `counts[0]` pairs; a negative index is padding.
KERNEL scatter(int *__restrict__ table, const int2 *__restrict__ pairs, const int *__restrict__ counts) {
    let_next_start();
    await_inputs();
    const int count = counts[0];
    for (int at = blockIdx.x * blockDim.x + threadIdx.x; at < count; at += gridDim.x * blockDim.x)
        if (pairs[at].x >= 0) table[pairs[at].x] = pairs[at].y;
}

// Numbers that look normal with deviation `scale`: the sum of four uniform ones, from a counter (SplitMix64's finaliser).
KERNEL fill_random(u16 *__restrict__ out, u64 count, u64 seed, float scale) {
    let_next_start();
    await_inputs();
    u64 stride = (u64)gridDim.x * blockDim.x;
    for (u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x; at < count; at += stride) {
        u64 z = seed + (at + 1) * 0x9e3779b97f4a7c15ull;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        z ^= z >> 31;
        float sum = 0.f;
#pragma unroll
        for (int i = 0; i < 4; i++) sum += (float)((z >> (16 * i)) & 0xffff) * (1.f / 65536.f) - 0.5f;
        // Four uniform numbers have variance 1/3.
        out[at] = narrow(sum * 1.7320508f * scale);
    }
}

// Poison for tests: what is not written shows.
KERNEL fill_bits(u32 *__restrict__ out, u64 count, u32 bits) {
    let_next_start();
    await_inputs();
    u64 stride = (u64)gridDim.x * blockDim.x;
    for (u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x; at < count; at += stride) out[at] = bits;
}
