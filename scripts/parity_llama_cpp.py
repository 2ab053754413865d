#!/usr/bin/env python3
"""Compares `sgl_model` with llama.cpp on the same GGUF: teacher-forced, over the repository's own pages.

    scripts/parity_llama_cpp.py MODEL.gguf [--tokens 4000]

Both sides read two files: the model as it is, and the same weights widened to f32 by llama.cpp. In both, the most
likely next token must be the same at 97 % of the positions, and perplexities may differ by 1 %. Prints one line per
file, and fails if one of them does.

With 4-bit weights both sides round activations to 8 bits, and a difference in the last bit of one layer changes codes
in the next. So the second line also says how often llama.cpp agrees with itself, with and without flash attention.
That figure informs; it does not decide.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from own_venv import ROOT, require

require(numpy="numpy", llama_cpp="llama-cpp-python")

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


def ours(model: str, text: str, count: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "text.txt"), Path(folder, "result.json")
        source.write_text(text)
        subprocess.run([*EXAMPLE, model, source, str(count), result], check=True, cwd=ROOT)
        return json.loads(result.read_text())


def theirs(model: str, text: str, count: int, threads: int, flash_attn: bool = False) -> dict:
    llama = Llama(
        model, n_ctx=count, n_batch=512, n_threads=threads, logits_all=True, flash_attn=flash_attn, verbose=False
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


def widen(model: str, folder: str, threads: int) -> str:
    """The same weights as f32, in a file of their own."""
    wide = str(Path(folder, "f32.gguf"))
    wanted = llama_cpp.llama_model_quantize_default_params()
    wanted.ftype, wanted.allow_requantize, wanted.nthread = llama_cpp.LLAMA_FTYPE_ALL_F32, True, threads
    if llama_cpp.llama_model_quantize(model.encode(), wide.encode(), ctypes.byref(wanted)) != 0:
        sys.exit(f"llama.cpp can't widen {model}")
    return wide


def perplexity(side: dict) -> float:
    return float(np.exp(-np.mean(side["log_probs"])))


def agreement(one: dict, other: dict) -> float:
    return float(np.mean(np.equal(one["argmax"], other["argmax"])))


def compare(name: str, mine: dict, other: dict, note: str = "") -> bool:
    if mine["tokens"] != other["tokens"]:
        pairs = enumerate(zip(mine["tokens"], other["tokens"]))
        place = next((at for at, (a, b) in pairs if a != b), "the end")
        sys.exit(f"the ids differ from llama.cpp's at {place}")
    apart = abs(perplexity(mine) / perplexity(other) - 1)
    same = agreement(mine, other)
    passed = apart <= PERPLEXITY_DIFFERENCE_MAX and same >= AGREEMENT_MIN
    print(
        f"{name}: {len(mine['tokens'])} tokens | perplexity: ours {perplexity(mine):.3f}, llama.cpp "
        f"{perplexity(other):.3f} ({apart:.2%} apart) | top-1 agreement {same:.2%}, at least {AGREEMENT_MIN:.2%}{note} | "
        f"{'pass' if passed else 'FAIL'}"
    )
    return passed


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model")
    arguments.add_argument("--tokens", type=int, default=4000)
    arguments.add_argument("--threads", type=int, default=2)
    chosen = arguments.parse_args()
    count, threads = chosen.tokens, chosen.threads

    model = str(Path(chosen.model).resolve())
    # No token is longer than 16 bytes on average.
    text = own_text()[: count * 16]
    with tempfile.TemporaryDirectory() as folder:
        wide = widen(model, folder, threads)
        other = theirs(wide, text, count, threads)
        passed = compare("f32", ours(wide, text, count), other)
    plain, flash = (theirs(model, text, count, threads, flash) for flash in (False, True))
    note = f" (llama.cpp and itself, without and with flash attention: {agreement(plain, flash):.2%})"
    passed &= compare(Path(model).name, ours(model, text, count), plain, note)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
