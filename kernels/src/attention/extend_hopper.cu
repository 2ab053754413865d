// Attention of several new tokens per sequence on Hopper: the products by `wgmma`, heads of 128 numbers.
//
// The same rows, masks and order of steps as extend.cu, which says what they are; steps of 128 tokens. `attention_prefix_hopper`
// is its kernel for shared beginnings.
//
// Three groups of 4 warps. One gathers keys and values by slot into two stages of swizzled shared memory, by asynchronous
// copies (the bulk copy engine can't gather rows on Hopper). Two compute 64 rows each; nothing ties them to each other, so
// that one's products run while the other takes exponentials (Shah et al. 2024 without their ordering).
// Shared memory: queries and 2 stages of keys and values, 160 KB. Traffic: each block reads its context once for 128 rows, 4,096 new
// tokens read 1 GB from the second-level cache, 0.2 ms; the products take 0.19 ms at 741 TFLOP/s.

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

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
    const int *members; // these for shared beginnings; see extend.cu
    float *sums;
    float2 *weights;
    int prefix_parts, parts;
};

DEVICE void barrier_init(u32 barrier, u32 count) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(barrier), "r"(count) : "memory");
}
DEVICE void barrier_arrive(u32 barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(barrier) : "memory");
}
DEVICE void barrier_wait(u32 barrier, u32 parity) {
    asm volatile(
        "{\n.reg .pred done;\n"
        "again:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@done bra finished;\nbra again;\nfinished:\n}" :: "r"(barrier), "r"(parity) : "memory");
}
DEVICE void make_visible() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
DEVICE void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void products_end() {
    asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
}
// Keeps reads of sums behind the wait for them.
DEVICE void settle(float (&d)[16][4]) {
#pragma unroll
    for (int i = 0; i < 16; i++)
        asm volatile("" : "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3]) :: "memory");
}

// Where an operand lies: rows of 128 bytes swizzled in groups of 8; `leading` is the distance of 64-number halves of a
// transposed operand.
DEVICE u64 operand(u32 address, u32 leading) {
    return (u64)(address >> 4 & 0x3fff) | (u64)(leading >> 4 & 0x3fff) << 16 | (u64)(1024 >> 4) << 32 | (u64)1 << 62;
}

#define SUMS \
    "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), \
    "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]), "+f"(d[1][3]), \
    "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), \
    "+f"(d[3][0]), "+f"(d[3][1]), "+f"(d[3][2]), "+f"(d[3][3]), \
    "+f"(d[4][0]), "+f"(d[4][1]), "+f"(d[4][2]), "+f"(d[4][3]), \
    "+f"(d[5][0]), "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3]), \
    "+f"(d[6][0]), "+f"(d[6][1]), "+f"(d[6][2]), "+f"(d[6][3]), \
    "+f"(d[7][0]), "+f"(d[7][1]), "+f"(d[7][2]), "+f"(d[7][3]), \
    "+f"(d[8][0]), "+f"(d[8][1]), "+f"(d[8][2]), "+f"(d[8][3]), \
    "+f"(d[9][0]), "+f"(d[9][1]), "+f"(d[9][2]), "+f"(d[9][3]), \
    "+f"(d[10][0]), "+f"(d[10][1]), "+f"(d[10][2]), "+f"(d[10][3]), \
    "+f"(d[11][0]), "+f"(d[11][1]), "+f"(d[11][2]), "+f"(d[11][3]), \
    "+f"(d[12][0]), "+f"(d[12][1]), "+f"(d[12][2]), "+f"(d[12][3]), \
    "+f"(d[13][0]), "+f"(d[13][1]), "+f"(d[13][2]), "+f"(d[13][3]), \
    "+f"(d[14][0]), "+f"(d[14][1]), "+f"(d[14][2]), "+f"(d[14][3]), \
    "+f"(d[15][0]), "+f"(d[15][1]), "+f"(d[15][2]), "+f"(d[15][3])

// d[64, 128] = a[64, 16] b[16, 128], or += if `adds`; both from shared memory, rows of a and columns of b contiguous in k.
DEVICE void multiply_shared(float (&d)[16][4], u64 a, u64 b, int adds) {
    asm volatile(
        "{\n.reg .pred adds;\nsetp.ne.b32 adds, %66, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
        "%64, %65, adds, 1, 1, 0, 0;\n}"
        : SUMS
        : "l"(a), "l"(b), "r"(adds));
}

// d[64, 128] += a[64, 16] b[16, 128]; a from registers, b transposed from shared memory. Only numbers that are made anew for
// each product may be a: ptxas 13.0 reuses the registers of one that is kept, although it is used again.
DEVICE void multiply_registers(float (&d)[16][4], const u32 (&a)[4], u64 b) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
        "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
        "{%64, %65, %66, %67}, %68, 1, 1, 1, 1;"
        : SUMS
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

constexpr int D = 128, STEP = 128, STAGES = 2, HALF_BYTES = STEP * 128, TILE_BYTES = 2 * HALF_BYTES;

// Gathers 128 tokens: two halves of 64 numbers, each [token][128 bytes], 16-byte pieces swizzled by token.
DEVICE void gather(u32 shared, const u16 *base, const int *slots, int from, int end, size_t token_stride) {
    const int thread = threadIdx.x % 128, chunk = thread % 16, half = chunk / 8, piece = chunk % 8;
#pragma unroll
    for (int row = thread / 16; row < STEP; row += 8) {
        const int slot = slots[min(from + row, end - 1)];
        copy_16(shared + half * HALF_BYTES + row * 128 + ((piece ^ (row & 7)) << 4), base + slot * token_stride + chunk * 8);
    }
    copy_commit();
}

template <bool PREFIX> DEVICE void extend(const Extend &p) {
    extern __shared__ __align__(1024) unsigned char memory[];
    __shared__ __align__(8) u64 barriers[STAGES * 4];
    const u32 tiles = (shared_address(memory) + 1023) & ~1023u, bars = shared_address(barriers);
    // By stage: keys full, values full, keys empty, values empty.
    auto barrier = [&](int stage, int which) { return bars + (stage * 4 + which) * 8; };
    const int kv_head = blockIdx.x % p.kv_heads, group = p.heads / p.kv_heads;
    let_next_start();
    await_inputs();
    const int4 tile = p.tiles[blockIdx.x / p.kv_heads];
    const int length = p.lengths[blockIdx.x / p.kv_heads], rows = tile.z * group, first_row = tile.w * 128;
    const int before = length - tile.z, last_row = min(first_row + 128, rows) - 1;
    const int part_tokens = PREFIX ? prefix_part(length, p.prefix_parts) : 0, begin = blockIdx.y * part_tokens;
    const int end = PREFIX ? min(length, begin + part_tokens) : before + last_row / group + 1;
    if (PREFIX && (tile.z == 0 || begin >= end)) return;
    const int steps = (end - begin + STEP - 1) / STEP;
    // Row of q of a row, and the last token that a row sees.
    auto query = [&](int row) { return PREFIX ? p.members[tile.y + row / group] : tile.y + row / group; };
    auto seen = [&](int row) { return PREFIX ? end - 1 : before + min(row, rows - 1) / group; };
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < STAGES; stage++) {
            barrier_init(barrier(stage, 0), 128);
            barrier_init(barrier(stage, 1), 128);
            barrier_init(barrier(stage, 2), 8);
            barrier_init(barrier(stage, 3), 8);
        }
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();

    if (threadIdx.x >= 256) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
        const int *slots = p.table + (size_t)tile.x * p.stride;
        const size_t token_stride = (size_t)p.kv_heads * D;
        for (int part = 0; part < 2 * steps; part++) {
            const int step = part / 2, which = part % 2, stage = step % STAGES, use = step / STAGES;
            if (use > 0) barrier_wait(barrier(stage, 2 + which), (use - 1) & 1);
            gather(tiles + (stage * 2 + which) * TILE_BYTES, (which ? p.values : p.keys) + kv_head * D, slots, begin + step * STEP,
                   end, token_stride);
            if (part > 0) {
                copy_wait<1>();
                make_visible();
                barrier_arrive(barrier((part - 1) / 2 % STAGES, (part - 1) % 2));
            }
        }
        copy_wait<0>();
        make_visible();
        barrier_arrive(barrier((steps - 1) % STAGES, 1));
    } else {
        asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
        const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
        const int row_low = first_row + warp * 16 + g, row_high = row_low + 8;
        auto place = [&](int row) {
            row = min(row, rows - 1);
            return ((size_t)query(row) * p.heads + kv_head * group + row % group) * D;
        };
        // The queries of these 64 rows, laid out as keys are.
        const u32 queries = tiles + STAGES * 2 * TILE_BYTES;
        const int thread = threadIdx.x % 128, chunk = thread % 16, own = threadIdx.x / 128;
#pragma unroll
        for (int row = own * 64 + thread / 16; row < own * 64 + 64; row += 8)
            copy_16(queries + chunk / 8 * HALF_BYTES + row * 128 + ((chunk % 8 ^ (row & 7)) << 4),
                    p.q + place(first_row + row) + chunk * 8);
        copy_commit();
        copy_wait<0>();
        make_visible();
        asm volatile("bar.sync %0, 128;" :: "r"(own + 1) : "memory");
        const int seen_low = seen(row_low), seen_high = seen(row_high), seen_by_all = seen(first_row + warp * 16);

        float sum[16][4] = {}, top[2] = {-INFINITY_F, -INFINITY_F}, total[2] = {};
        for (int step = 0; step < steps; step++) {
            const int stage = step % STAGES;
            const u32 parity = step / STAGES & 1, keys = tiles + stage * 2 * TILE_BYTES, values = keys + TILE_BYTES;
            float s[16][4];
            barrier_wait(barrier(stage, 0), parity);
            products_begin();
#pragma unroll
            for (int i = 0; i < D / 16; i++)
                multiply_shared(s, operand(queries + own * 64 * 128 + i / 4 * HALF_BYTES + i % 4 * 32, 16),
                                operand(keys + i / 4 * HALF_BYTES + i % 4 * 32, 16), i > 0);
            products_end();
            settle(s);
            if (lane == 0) barrier_arrive(barrier(stage, 2));
            if (begin + (step + 1) * STEP - 1 > seen_by_all)
#pragma unroll
                for (int i = 0; i < 16; i++)
#pragma unroll
                    for (int c = 0; c < 2; c++) {
                        const int token = begin + step * STEP + i * 8 + 2 * t + c;
                        if (token > seen_low) s[i][c] = -INFINITY_F;
                        if (token > seen_high) s[i][c + 2] = -INFINITY_F;
                    }
            float shrink[2];
            u32 a[8][4];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float best = top[half];
#pragma unroll
                for (int i = 0; i < 16; i++) best = fmaxf(best, fmaxf(s[i][half * 2], s[i][half * 2 + 1]));
                best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
                best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
                shrink[half] = exp2_fast((top[half] - best) * p.scale);
                const float shift = best * p.scale;
                top[half] = best;
                float add = 0.f;
#pragma unroll
                for (int i = 0; i < 16; i++) {
                    const float x = exp2_fast(fmaf(s[i][half * 2], p.scale, -shift));
                    const float y = exp2_fast(fmaf(s[i][half * 2 + 1], p.scale, -shift));
                    add += x + y;
                    a[i / 2][i % 2 * 2 + half] = pack(x, y);
                }
                total[half] = total[half] * shrink[half] + add;
            }
#pragma unroll
            for (int i = 0; i < 16; i++) {
                sum[i][0] *= shrink[0];
                sum[i][1] *= shrink[0];
                sum[i][2] *= shrink[1];
                sum[i][3] *= shrink[1];
            }
            barrier_wait(barrier(stage, 1), parity);
            settle(sum);
            products_begin();
#pragma unroll
            for (int i = 0; i < STEP / 16; i++)
                multiply_registers(sum, a[i], operand(values + i * 2048, HALF_BYTES));
            products_end();
            settle(sum);
            if (lane == 0) barrier_arrive(barrier(stage, 3));
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            total[half] += __shfl_xor_sync(~0u, total[half], 1);
            total[half] += __shfl_xor_sync(~0u, total[half], 2);
            const int row = half ? row_high : row_low;
            if (PREFIX && row < rows) {
                const int head = row % group, groups = (group + 7) / 8, count = prefix_count(length, p.prefix_parts);
                const size_t cell = ((size_t)query(row) * p.kv_heads + kv_head) * groups + head / 8;
                const size_t to = (cell * (p.prefix_parts + p.parts) + p.prefix_parts - count + blockIdx.y) * 8 + head % 8;
                if (t == 0) p.weights[to] = make_float2(top[half] * p.scale, total[half]);
#pragma unroll
                for (int i = 0; i < 16; i++)
                    *(float2 *)(p.sums + to * D + i * 8 + 2 * t) = make_float2(sum[i][half * 2], sum[i][half * 2 + 1]);
            } else if (row < rows) {
                const float scale = 1.f / total[half];
                u16 *to = p.out + place(row) + 2 * t;
#pragma unroll
                for (int i = 0; i < 16; i++)
                    *(u32 *)(to + i * 8) = pack(sum[i][half * 2] * scale, sum[i][half * 2 + 1] * scale);
            }
        }
    }
}

KERNEL __launch_bounds__(384, 1) attention_extend_hopper(const __grid_constant__ Extend p) { extend<false>(p); }
KERNEL __launch_bounds__(384, 1) attention_prefix_hopper(const __grid_constant__ Extend p) { extend<true>(p); }

#endif
