// Turns queries and keys by their positions, and stores keys and values in their slots.
//
//   qkv [rows, (heads + 2 kv_heads) * D] bf16  ->  q [rows, heads, D];  keys, values [slot, kv_heads, D]
//
// Bytes per row at Llama-3-8B: 12 KB read, 12 KB written. One block per row, one pair of numbers per thread and round.

KERNEL rotary_store(u16 *__restrict__ q, u16 *__restrict__ keys, u16 *__restrict__ values, const u16 *__restrict__ qkv,
                    const float2 *__restrict__ turns, const int *__restrict__ positions, const int *__restrict__ slots,
                    int heads, int kv_heads, int head_dim, int interleaved) {
    let_next_start();
    await_inputs();
    const size_t row = blockIdx.x;
    const int half = head_dim / 2, pairs = (heads + 2 * kv_heads) * half;
    const size_t slot = slots[row];
    const float2 *turn = turns + (size_t)positions[row] * half;
    const u16 *from = qkv + row * (heads + 2 * kv_heads) * head_dim;
    for (int pair = threadIdx.x; pair < pairs; pair += blockDim.x) {
        int head = pair / half, i = pair % half;
        int first = interleaved ? 2 * i : i, second = interleaved ? 2 * i + 1 : i + half;
        float a = wide(from[head * head_dim + first]), b = wide(from[head * head_dim + second]);
        u16 *to;
        if (head < heads) to = q + (row * heads + head) * head_dim;
        else if (head < heads + kv_heads) to = keys + (slot * kv_heads + head - heads) * head_dim;
        else to = values + (slot * kv_heads + head - heads - kv_heads) * head_dim;
        if (head < heads + kv_heads) {
            float2 t = turn[i];
            float turned = a * t.x - b * t.y;
            b = b * t.x + a * t.y;
            a = turned;
        }
        to[first] = narrow(a);
        to[second] = narrow(b);
    }
}
