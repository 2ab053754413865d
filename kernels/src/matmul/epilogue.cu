// What products with weights have in common: their operands, which rows of w a tile of 16 has, and what becomes of a sum.

struct Linear {
    const u16 *w;
    const u16 *x;
    void *y;
    int m, n, k;
    // For the epilogue that turns and stores: see rotary/kernel.cu.
    u16 *q, *keys, *values;
    const float2 *turns;
    const int *positions, *slots;
    int heads, kv_heads, head_dim, interleaved;
};

enum Epilogue { PLAIN = 0, LOGITS = 1, SWIGLU = 2, ROTARY = 3 };

// The row of w that is row `j` (0..8) of half `half` of tile `tile`: halves are the two numbers that an epilogue combines.
template <int EPILOGUE> DEVICE int weight_row(const Linear &p, int tile, int half, int j) {
    if (EPILOGUE == SWIGLU) return half * p.n + tile * 8 + j;
    if (EPILOGUE == ROTARY) {
        int pair = tile * 8 + j, pairs = p.head_dim / 2, head = pair / pairs, i = pair % pairs;
        return head * p.head_dim + (p.interleaved ? 2 * i + half : i + half * pairs);
    }
    return min(tile * 16 + half * 8 + j, p.n - 1);
}

// Tiles of 16 rows of w that there are.
template <int EPILOGUE> DEVICE int tiles_of(const Linear &p) { return EPILOGUE == SWIGLU ? p.n / 8 : (p.n + 15) / 16; }

template <int EPILOGUE> DEVICE void finish(const Linear &p, int tile, int j, int m, float a, float b) {
    if (EPILOGUE == PLAIN || EPILOGUE == LOGITS) {
        int n = tile * 16 + j;
        if (EPILOGUE == PLAIN) {
            u16 *y = (u16 *)p.y + (size_t)m * p.n;
            if (n < p.n) y[n] = narrow(a);
            if (n + 8 < p.n) y[n + 8] = narrow(b);
        } else {
            float *y = (float *)p.y + (size_t)m * p.n;
            if (n < p.n) y[n] = a;
            if (n + 8 < p.n) y[n + 8] = b;
        }
    } else if (EPILOGUE == SWIGLU) {
        // Rounded where the two-step path rounds, so that both give the same.
        a = wide(narrow(a));
        b = wide(narrow(b));
        ((u16 *)p.y)[(size_t)m * p.n + tile * 8 + j] = narrow(a / (1.f + __expf(-a)) * b);
    } else {
        int pair = tile * 8 + j, half = p.head_dim / 2, head = pair / half, i = pair % half;
        a = wide(narrow(a));
        b = wide(narrow(b));
        u16 *to;
        if (head < p.heads) to = p.q + ((size_t)m * p.heads + head) * p.head_dim;
        else {
            size_t slot = p.slots[m];
            if (head < p.heads + p.kv_heads) to = p.keys + (slot * p.kv_heads + head - p.heads) * p.head_dim;
            else to = p.values + (slot * p.kv_heads + head - p.heads - p.kv_heads) * p.head_dim;
        }
        if (head < p.heads + p.kv_heads) {
            float2 t = p.turns[(size_t)p.positions[m] * half + i];
            float turned = a * t.x - b * t.y;
            b = b * t.x + a * t.y;
            a = turned;
        }
        to[p.interleaved ? 2 * i : i] = narrow(a);
        to[p.interleaved ? 2 * i + 1 : i + half] = narrow(b);
    }
}
