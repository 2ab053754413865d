// Logits to tokens: penalties, the mask, the temperature, min-p, top-k, top-p, the draw; and the token's log-probability.
//
// One block per row. A row of 128,256 logits is 0.5 MB and stays in the second-level cache: a pass over it by one
// multiprocessor takes 5 us. A greedy or plain draw makes two passes, a filtered one four.
//
// A draw is the inverse of the cumulative weights in the order of ids at a number that depends on seed and position only.
// Filters cut at a class of logits 2^-15 nats wide: classes come from two histograms of 1,024 bins, first of the 32 nats
// below the greatest logit, then of the bin where the cut falls. Weights add up in integers, so that the order of threads
// does not matter. After a penalty the log-probability is that of the penalised logit over the plain norm.

struct Draw {
    u64 seed;
    u32 position;
    int row;                 // of the logits
    float temperature;       // 0: the likeliest
    float top_p, min_p;
    u32 top_k;               // 0: all
    int mask;                // row of the mask table; below 0: all tokens
    float repetition, frequency, presence;
    int seen_from, seen_count;
    int token;               // at least 0: only its log-probability is wanted
    int to;                  // where the answer goes
};

struct Seen {
    u32 token, count;        // how often it was generated; 0: only in the prompt
};

struct Sample {
    float *logits;
    const Draw *draws;
    const Seen *seen;
    const u32 *masks;        // [rows, mask_words]
    int *tokens;             // answers
    float *logprobs;
    int vocabulary, mask_words;
};

constexpr int THREADS = 1024, BINS = 1024;
constexpr float NATS = 32.f, FIXED = 1099511627776.f; // 2^40

// The finaliser of SplitMix64, as on the CPU: a number in [0, 1).
DEVICE double uniform(u64 seed, u64 position) {
    u64 z = seed ^ ((position + 1) * 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    return (double)(z >> 11) * (1.0 / 9007199254740992.0);
}

struct Best {
    float logit;
    int token;
};
DEVICE Best better(Best a, Best b) {
    bool second = b.logit > a.logit || (b.logit == a.logit && (u32)b.token < (u32)a.token);
    return second ? b : a;
}

struct Filter {
    float top, scale;        // greatest logit, 1 / temperature
    float least;             // weight below which nothing is kept (min-p)
    int bin, fine;           // classes up to these are kept
};

// Nats below the greatest logit after the temperature, in bins; BINS where it is beyond all of them.
DEVICE int bin_of(const Filter &f, float logit, int &fine) {
    float depth = (f.top - logit) * f.scale * (BINS / NATS);
    if (!(depth < BINS)) {
        fine = 0;
        return BINS;
    }
    int bin = (int)depth;
    fine = min(BINS - 1, (int)((depth - bin) * BINS));
    return bin;
}
DEVICE float weight_of(const Filter &f, float logit) {
    float weight = __expf((logit - f.top) * f.scale);
    if (weight < f.least) return 0.f;
    int fine, bin = bin_of(f, logit, fine);
    return bin < f.bin || (bin == f.bin && fine <= f.fine) ? weight : 0.f;
}

// Calls `each(token, logits)` for four tokens side by side: `from + thread * 4` and so on, several loads in flight. Rows begin
// at multiples of 16 bytes if the vocabulary is a multiple of 4; otherwise one token at a time, the others impossible.
template <int WIDTH, typename Each>
DEVICE void for_each_four(const float *logits, int from, int to, int thread, bool aligned, Each each) {
    constexpr int AHEAD = 4;
    if (!aligned) {
        for (int token = from + thread; token < to; token += WIDTH)
            each(token, make_float4(logits[token], -INFINITY_F, -INFINITY_F, -INFINITY_F));
        return;
    }
    for (int base = from + thread * 4; base < to; base += WIDTH * 4 * AHEAD) {
        float4 ahead[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++)
            if (base + i * WIDTH * 4 < to) ahead[i] = *(const float4 *)(logits + base + i * WIDTH * 4);
#pragma unroll
        for (int i = 0; i < AHEAD; i++)
            if (base + i * WIDTH * 4 < to) each(base + i * WIDTH * 4, ahead[i]);
    }
}

// The same, token by token.
template <int WIDTH, typename Each>
DEVICE void for_each(const float *logits, int from, int to, int thread, bool aligned, Each each) {
    for_each_four<WIDTH>(logits, from, to, thread, aligned, [&](int token, float4 four) {
        each(token, four.x);
        if (!aligned) return;
        each(token + 1, four.y);
        each(token + 2, four.z);
        each(token + 3, four.w);
    });
}

// The first bin at which `wanted` weight or `top_k` tokens are reached, with what lies before it. One warp.
DEVICE int find_cut(const u32 *counts, const u64 *weights, u32 top_k, u64 wanted, u32 &count, u64 &weight) {
    const int lane = threadIdx.x % 32;
    for (int base = 0; base < BINS; base += 32) {
        u32 own = counts[base + lane], sum = own;
        u64 own_weight = weights[base + lane], sum_weight = own_weight;
#pragma unroll
        for (int step = 1; step < 32; step <<= 1) {
            const u32 other = __shfl_up_sync(~0u, sum, step);
            const u64 other_weight = __shfl_up_sync(~0u, sum_weight, step);
            if (lane >= step) {
                sum += other;
                sum_weight += other_weight;
            }
        }
        const bool reached = (top_k && count + sum >= top_k) || weight + sum_weight >= wanted;
        const u32 which = __ballot_sync(~0u, reached);
        const int at = which ? __ffs(which) - 1 : 31;
        const u32 before = __shfl_sync(~0u, sum - own, at), all = __shfl_sync(~0u, sum, 31);
        const u64 weight_before = __shfl_sync(~0u, sum_weight - own_weight, at), weight_all = __shfl_sync(~0u, sum_weight, 31);
        if (which || base + 32 == BINS) {
            count += before;
            weight += weight_before;
            return base + at;
        }
        count += all;
        weight += weight_all;
    }
    return BINS - 1;
}

KERNEL __launch_bounds__(1024, 1) sample(const __grid_constant__ Sample p) {
    __shared__ Best bests[32];
    __shared__ float maxima[32];
    __shared__ double totals[32];
    __shared__ u32 counts[BINS];
    __shared__ u64 weights[BINS];
    __shared__ int cut;
    __shared__ u64 kept_weight;
    __shared__ u32 kept_count;
    const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32, vocabulary = p.vocabulary;
    let_next_start();
    await_inputs();
    const Draw draw = p.draws[blockIdx.x];
    if (draw.row < 0) return;
    float *logits = p.logits + (size_t)draw.row * vocabulary;
    const u32 *mask = draw.mask >= 0 ? p.masks + (size_t)draw.mask * p.mask_words : nullptr;
    auto allowed = [&](int token) { return !mask || (mask[token / 32] >> (token % 32) & 1); };

    // The likeliest of what is allowed, and the norm of everything.
    Best best = {-INFINITY_F, 0x7fffffff};
    // Finite, so that differences are numbers.
    float top = -3e38f, total = 0.f;
    const bool aligned = vocabulary % 4 == 0;
    for_each_four<THREADS>(logits, 0, vocabulary, thread, aligned, [&](int token, float4 four) {
        float most = fmaxf(fmaxf(four.x, four.y), fmaxf(four.z, four.w));
        const float above = fmaxf(top, most);
        total = total * __expf(top - above)
            + (__expf(four.x - above) + __expf(four.y - above)) + (__expf(four.z - above) + __expf(four.w - above));
        top = above;
        if (mask) {
            const u32 bits = mask[token / 32] >> (token % 32);
            if (!(bits & 1)) four.x = -INFINITY_F;
            if (!(bits & 2)) four.y = -INFINITY_F;
            if (!(bits & 4)) four.z = -INFINITY_F;
            if (!(bits & 8)) four.w = -INFINITY_F;
            most = fmaxf(fmaxf(four.x, four.y), fmaxf(four.z, four.w));
        }
        // Tokens come in order, so that the first of equals stays.
        if (most > best.logit) best = {most, token + (four.x == most ? 0 : four.y == most ? 1 : four.z == most ? 2 : 3)};
    });
    float warp_top = warp_max(top);
    total *= __expf(top - warp_top);
    total = warp_sum(total);
    if (lane == 0) {
        maxima[warp] = warp_top;
        totals[warp] = total;
    }
    __syncthreads();
    float all_top = warp_max(maxima[lane]);
    const float norm = all_top + logf(warp_sum((float)totals[lane] * __expf(maxima[lane] - all_top)));
    if (draw.token >= 0) {
        if (thread == 0) {
            p.tokens[draw.to] = draw.token;
            p.logprobs[draw.to] = logits[draw.token] - norm;
        }
        return;
    }
    if (draw.seen_count > 0) {
        __syncthreads();
        for (int i = thread; i < draw.seen_count; i += THREADS) {
            Seen seen = p.seen[draw.seen_from + i];
            float logit = logits[seen.token];
            logit = logit > 0.f ? logit / draw.repetition : logit * draw.repetition;
            if (seen.count) logit -= draw.frequency * seen.count + draw.presence;
            logits[seen.token] = logit;
        }
        __syncthreads();
        best = {-INFINITY_F, 0x7fffffff};
        for_each<THREADS>(logits, 0, vocabulary, thread, aligned, [&](int token, float logit) {
            if (allowed(token)) best = better(best, {logit, token});
        });
    }
#pragma unroll
    for (int step = 16; step; step >>= 1)
        best = better(best, {__shfl_xor_sync(~0u, best.logit, step), __shfl_xor_sync(~0u, best.token, step)});
    if (lane == 0) bests[warp] = best;
    __syncthreads();
    best = bests[lane];
#pragma unroll
    for (int step = 16; step; step >>= 1)
        best = better(best, {__shfl_xor_sync(~0u, best.logit, step), __shfl_xor_sync(~0u, best.token, step)});
    int chosen = best.token == 0x7fffffff ? 0 : best.token;

    if (draw.temperature > 0.f && best.logit > -INFINITY_F && best.logit < INFINITY_F) {
        Filter filter = {best.logit, 1.f / draw.temperature, draw.min_p, BINS + 1, 0};
        if (draw.top_k > 0 || draw.top_p < 1.f) {
            // Twice: the bin of the cut, then the class inside it. `kept` counts what lies before it.
            u64 wanted = ~0ull;
            if (thread == 0) {
                kept_weight = 0;
                kept_count = 0;
            }
            int bin = -1;
            for (int round = 0; round < 2; round++) {
                for (int i = thread; i < BINS; i += THREADS) {
                    counts[i] = 0;
                    weights[i] = 0;
                }
                __syncthreads();
                for_each<THREADS>(logits, 0, vocabulary, thread, aligned, [&](int token, float logit) {
                    if (!allowed(token)) return;
                    const float weight = __expf((logit - filter.top) * filter.scale);
                    int fine, at = bin_of(filter, logit, fine);
                    if (at == BINS || weight < filter.least || (round == 1 && at != bin)) return;
                    atomicAdd(&counts[round ? fine : at], 1u);
                    atomicAdd(&weights[round ? fine : at], (u64)(weight * FIXED));
                });
                __syncthreads();
                if (warp == 0) {
                    u64 weight = kept_weight;
                    u32 count = kept_count;
                    if (round == 0 && draw.top_p < 1.f) {
                        // Top-p is a share of what top-k keeps; the bin of that cut counts in proportion.
                        u64 sum = 0;
                        u32 before = 0;
                        const int last = find_cut(counts, weights, draw.top_k, ~0ull, before, sum);
                        if (counts[last]) sum += weights[last] / counts[last] * min(counts[last], draw.top_k ? draw.top_k - before : ~0u);
                        wanted = (u64)((double)sum * draw.top_p);
                    }
                    const int found = find_cut(counts, weights, draw.top_k, wanted, count, weight);
                    if (lane == 0) {
                        cut = found;
                        kept_weight = weight;
                        kept_count = count;
                    }
                }
                __syncthreads();
                if (round == 0) bin = cut;
                else {
                    filter.bin = bin;
                    filter.fine = cut;
                }
                __syncthreads();
            }
        }
        // Warps own consecutive parts of the vocabulary.
        const int part = ((vocabulary + 31) / 32 + 127) / 128 * 128, from = warp * part, to = min(vocabulary, from + part);
        double sum = 0.0;
        for_each<32>(logits, from, to, lane, aligned, [&](int token, float logit) {
            if (allowed(token)) sum += (double)weight_of(filter, logit);
        });
#pragma unroll
        for (int step = 16; step; step >>= 1) sum += __shfl_xor_sync(~0u, sum, step);
        if (lane == 0) totals[warp] = sum;
        __syncthreads();
        double all = 0.0, before = 0.0;
        for (int i = 0; i < 32; i++) all += totals[i];
        double at = uniform(draw.seed, draw.position) * all;
        int owner = 31;
        double reached = 0.0;
        for (int i = 0; i < 32; i++) {
            if (reached + totals[i] > at) {
                owner = i;
                before = reached;
                break;
            }
            reached += totals[i];
        }
        if (warp == owner) {
            // Lanes own consecutive pieces of the part; then the piece is looked through together.
            const int piece = part / 32, begin = min(to, from + lane * piece);
            double own = 0.0;
            for_each<1>(logits, begin, min(to, begin + piece), 0, aligned, [&](int token, float logit) {
                if (allowed(token)) own += (double)weight_of(filter, logit);
            });
            double sums = own;
#pragma unroll
            for (int step = 1; step < 32; step <<= 1) {
                const double other = __shfl_up_sync(~0u, sums, step);
                if (lane >= step) sums += other;
            }
            const u32 reaches = __ballot_sync(~0u, own > 0.0 && before + sums > at), some = __ballot_sync(~0u, own > 0.0);
            const int which = reaches ? __ffs(reaches) - 1 : some ? 31 - __clz(some) : 0;
            before += __shfl_sync(~0u, sums - own, which);
            int found = -1, last = chosen;
            const int first = from + which * piece, end = min(to, first + piece);
            for (int base = first; base < end && found < 0; base += 32) {
                const int token = base + lane;
                const float weight = token < end && allowed(token) ? weight_of(filter, logits[token]) : 0.f;
                double reached_here = weight;
#pragma unroll
                for (int step = 1; step < 32; step <<= 1) {
                    const double other = __shfl_up_sync(~0u, reached_here, step);
                    if (lane >= step) reached_here += other;
                }
                const u32 over = __ballot_sync(~0u, weight > 0.f && before + reached_here > at);
                const u32 kept = __ballot_sync(~0u, weight > 0.f);
                if (over) found = base + __ffs(over) - 1;
                if (kept) last = base + 31 - __clz(kept);
                before += __shfl_sync(~0u, reached_here, 31);
            }
            if (lane == 0) bests[0].token = found >= 0 ? found : last;
        }
        __syncthreads();
        chosen = bests[0].token;
    }
    if (thread == 0) {
        p.tokens[draw.to] = chosen;
        p.logprobs[draw.to] = logits[chosen] - norm;
    }
}
