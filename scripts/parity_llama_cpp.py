#!/usr/bin/env python3
"""Compares `sgl_model` with llama.cpp on the same GGUF: teacher-forced, over the repository's own pages.

    scripts/parity_llama_cpp.py MODEL.gguf [--tokens 4000]

Two lines. **Exact**: both sides multiply the file's weights by activations that nobody rounds (llama.cpp through BLAS,
which it uses for batches of 32 tokens and more; ours with `Precision::Exact`). The most likely next token must be the
same at 97 % of the positions, and perplexities may differ by 1 %. **As run**: both with the kernels that users get.
They round activations to 8 bits if the weights are quantized, each in its own order, and a difference in the last bit
of one layer changes codes in the next: perplexities may differ by 1 %, and the agreement is printed beside that of
llama.cpp's own two ways. It informs; it does not decide.

Needs OpenBLAS with its headers (Debian: `apt-get install libopenblas-dev`), and builds llama.cpp with it.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from own_venv import ROOT, require

require(own="blas", cmake="-DGGML_BLAS=ON -DGGML_BLAS_VENDOR=OpenBLAS", numpy="numpy", llama_cpp="llama-cpp-python")

import llama_cpp
import numpy as np
from llama_cpp import Llama


@llama_cpp.llama_log_callback
def silent(_level, _text, _data):
    """llama.cpp tells a line per tensor otherwise."""


llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))

PERPLEXITY_DIFFERENCE_MAX = 0.01
AGREEMENT_MIN = 0.97
EXAMPLE = ["cargo", "run", "--quiet", "--release", "-p", "sgl_model", "--example", "teacher_forced", "--"]


def own_text() -> str:
    """Every page of the repository: what a reader of it reads, in the order of the paths."""
    listed = subprocess.run(["git", "ls-files", "*.md"], check=True, cwd=ROOT, capture_output=True, text=True)
    return "\n".join(Path(ROOT, path).read_text() for path in sorted(listed.stdout.split()))


def ours(model: str, precision: str, text: str, count: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "text.txt"), Path(folder, "result.json")
        source.write_text(text)
        subprocess.run([*EXAMPLE, model, precision, source, str(count), result], check=True, cwd=ROOT)
        return json.loads(result.read_text())


# Tokens of a batch: llama.cpp gives those of the first kind to BLAS, those of the second to its own kernels.
BATCH = {"exact": 512, "stored": 16}


def theirs(model: str, precision: str, text: str, count: int, threads: int) -> dict:
    llama = Llama(
        model, n_ctx=count, n_batch=BATCH[precision], n_ubatch=BATCH[precision], n_threads=threads,
        n_threads_batch=threads, logits_all=True, verbose=False,
    )
    tokens = llama.tokenize(text.encode(), add_bos=False, special=False)[:count]
    llama.eval(tokens)
    log_probs, argmax = [], []
    for position in range(len(tokens) - 1):
        logits = np.asarray(llama.scores[position], dtype=np.float64)
        top = logits.max()
        log_probs.append(float(logits[tokens[position + 1]] - top - np.log(np.exp(logits - top).sum())))
        argmax.append(int(logits.argmax()))
    return {"tokens": tokens, "log_probs": log_probs, "argmax": argmax}


def perplexity(side: dict) -> float:
    return float(np.exp(-np.mean(side["log_probs"])))


def agreement(one: dict, other: dict) -> float:
    return float(np.mean(np.equal(one["argmax"], other["argmax"])))


def compare(name: str, mine: dict, other: dict, agreement_min: float, note: str = "") -> bool:
    if mine["tokens"] != other["tokens"]:
        pairs = enumerate(zip(mine["tokens"], other["tokens"]))
        place = next((at for at, (a, b) in pairs if a != b), "the end")
        sys.exit(f"the ids differ from llama.cpp's at {place}")
    apart = abs(perplexity(mine) / perplexity(other) - 1)
    same = agreement(mine, other)
    passed = apart <= PERPLEXITY_DIFFERENCE_MAX and same >= agreement_min
    print(
        f"{name}: {len(mine['tokens'])} tokens | perplexity: ours {perplexity(mine):.3f}, llama.cpp "
        f"{perplexity(other):.3f} ({apart:.2%} apart) | top-1 agreement {same:.2%}{note} | "
        f"{'pass' if passed else 'FAIL'}",
        flush=True,
    )
    return passed


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model")
    arguments.add_argument("--tokens", type=int, default=4000)
    arguments.add_argument("--threads", type=int, default=2)
    chosen = arguments.parse_args()
    count, threads = chosen.tokens, chosen.threads
    if not list(Path(llama_cpp.__file__).parent.rglob("libggml-blas*")):
        sys.exit("llama.cpp was built without BLAS: remove .venv-blas and install OpenBLAS with its headers")

    model = str(Path(chosen.model).resolve())
    # No token is longer than 16 bytes on average.
    text = own_text()[: count * 16]
    exact, stored = (theirs(model, precision, text, count, threads) for precision in BATCH)
    passed = compare("exact", ours(model, "exact", text, count), exact, AGREEMENT_MIN, f", at least {AGREEMENT_MIN:.0%}")
    note = f" (llama.cpp's own two ways: {agreement(exact, stored):.2%})"
    passed &= compare("as run", ours(model, "stored", text, count), stored, 0.0, note)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
