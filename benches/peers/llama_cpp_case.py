"""One case of `beside_llama_cpp.py` on llama.cpp, through its own batches: a line of JSON like that of `sgl_benches beside`.

`python llama_cpp_case.py MODEL THREADS CASE`. `start` is a case of its own: seconds from here to a first token, the interpreter and its imports
not counted. `shared` reads the prefix once per sequence, as the slots of llama.cpp's server do; `copied` reads it once and copies it
to the others, which a client of its server can't ask for. Memory is that of the process without what it had before the model
was loaded.
"""

import json
import os
import sys
import time

import llama_cpp
import numpy as np
from llama_cpp import Llama

# Its threads spin at barriers: where others want the cores too, a step takes seconds instead of milliseconds. A rate of fewer steps is
# still a rate.
GENERATION_S_MAX = 60

SENTENCE = "The quick brown fox jumps over the lazy dog and runs along the river. "


def memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


class Batch:
    """Sequences that are read and decoded together."""

    def __init__(self, lm, rows):
        self.lm, self.rows = lm, rows
        self.batch = llama_cpp.llama_batch_init(rows, 0, 1)
        self.vocabulary = lm.n_vocab()

    def add(self, token, position, sequence, wants_logits):
        at = self.batch.n_tokens
        self.batch.token[at], self.batch.pos[at] = token, position
        self.batch.n_seq_id[at], self.batch.seq_id[at][0] = 1, sequence
        self.batch.logits[at] = wants_logits
        self.batch.n_tokens += 1
        return at

    def decode(self):
        if llama_cpp.llama_decode(self.lm.ctx, self.batch):
            sys.exit("llama_decode failed")
        self.batch.n_tokens = 0

    def likeliest(self, at):
        logits = llama_cpp.llama_get_logits_ith(self.lm.ctx, at)
        return int(np.ctypeslib.as_array(logits, shape=(self.vocabulary,)).argmax())

    def read(self, prompts, first_position=0):
        """Reads a prompt per sequence, as many together as a batch holds; gives the first token of each."""
        firsts, ends = {}, {}

        def flush():
            if self.batch.n_tokens:
                self.decode()
            firsts.update({sequence: self.likeliest(at) for sequence, at in ends.items()})
            ends.clear()

        for sequence, tokens in prompts.items():
            for index, token in enumerate(tokens):
                last = index + 1 == len(tokens)
                at = self.add(token, first_position + index, sequence, last)
                if last:
                    ends[sequence] = at
                if self.batch.n_tokens == self.rows:
                    flush()
        flush()
        return firsts

    def generate(self, tokens, positions, count):
        """Decodes up to so many further tokens per sequence; gives how many it were by the time that a case may take."""
        start = time.perf_counter()
        for done in range(count):
            if time.perf_counter() - start > GENERATION_S_MAX:
                return done
            places = {sequence: self.add(tokens[sequence], positions[sequence], sequence, True) for sequence in tokens}
            self.decode()
            for sequence, at in places.items():
                tokens[sequence] = self.likeliest(at)
                positions[sequence] += 1
        return count


def text_of(lm, count):
    text = ""
    while len(ids(lm, text)) < count:
        text += SENTENCE
    return text


def ids(lm, text):
    return lm.tokenize(text.encode(), add_bos=False)


def load(model, threads, context, rows=512):
    # Huge pages are for memory that the process has taken itself: the mapped file has none.
    mapped = "SGL_PEER_NO_MMAP" not in os.environ
    return Llama(model, n_ctx=context, n_threads=threads, n_threads_batch=threads, n_batch=rows, n_ubatch=rows, use_mmap=mapped, verbose=False)


def single(model, threads, case):
    lm = load(model, threads, 2048)
    batch = Batch(lm, 512)
    batch.read({0: ids(lm, "A first word")})
    llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(lm.ctx), True)
    if case == "prefill":
        tokens = ids(lm, text_of(lm, 512))
        start = time.perf_counter()
        batch.read({0: tokens})
        return len(tokens) / (time.perf_counter() - start)
    tokens = ids(lm, text_of(lm, 32))
    firsts = batch.read({0: tokens})
    start = time.perf_counter()
    return batch.generate(firsts, {0: len(tokens)}, 127) / (time.perf_counter() - start)


def sequences(model, threads, count, context):
    """A context for so many sequences, which the package's class has no argument for; `kv_unified` lets them share what is copied."""
    parameters = llama_cpp.llama_context_default_params

    def widened():
        made = parameters()
        made.n_seq_max = count
        if hasattr(made, "kv_unified"):
            made.kv_unified = True
        return made

    llama_cpp.llama_cpp.llama_context_default_params = widened
    return load(model, threads, context)


def parallel(model, threads, count):
    lm = sequences(model, threads, count, 8192)
    batch = Batch(lm, 512)
    text = text_of(lm, 32)
    prompts = {n: ids(lm, f"Text number {n}. {text}") for n in range(count)}
    firsts = batch.read(prompts)
    start = time.perf_counter()
    steps = batch.generate(firsts, {n: len(tokens) for n, tokens in prompts.items()}, 63)
    return steps * count / (time.perf_counter() - start)


def shared(model, threads, copied):
    lm = sequences(model, threads, 16, 24576)
    batch = Batch(lm, 512)
    text = text_of(lm, 1000)
    questions = {n: f"\nQuestion {n}: why? Answer:" for n in range(16)}
    batch.read({0: ids(lm, "A first word")})
    memory = llama_cpp.llama_get_memory(lm.ctx)
    llama_cpp.llama_memory_clear(memory, True)
    start = time.perf_counter()
    if copied:
        prefix = ids(lm, text)
        batch.read({0: prefix})
        for n in range(1, 16):
            llama_cpp.llama_memory_seq_cp(memory, 0, n, -1, -1)
        prompts = {n: ids(lm, question) for n, question in questions.items()}
        firsts, done = batch.read(prompts, len(prefix)), len(prefix)
    else:
        prompts, done = {n: ids(lm, text + question) for n, question in questions.items()}, 0
        firsts = batch.read(prompts)
    steps = batch.generate(firsts, {n: done + len(tokens) for n, tokens in prompts.items()}, 31)
    if steps < 31:
        sys.exit(f"{steps} of 31 steps in {GENERATION_S_MAX} s: the machine is too busy to time it")
    return time.perf_counter() - start


def main():
    model, threads, case = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    before, start = memory(), time.perf_counter()
    if case == "start":
        lm = load(model, threads, 2048)
        batch = Batch(lm, 512)
        batch.read({0: ids(lm, "Once upon a time")})
        value = time.perf_counter() - start
    elif case in ("prefill", "decode"):
        value = single(model, threads, case)
    elif case.startswith("parallel"):
        value = parallel(model, threads, int(case.removeprefix("parallel")))
    else:
        value = shared(model, threads, case == "copied")
    print(json.dumps({"value": value, "memory_bytes": memory() - before}))


if __name__ == "__main__":
    main()
