#!/usr/bin/env python3
"""Decode and prefill beside llama.cpp (the PyPI package `llama-cpp-python`, built here with native flags), on the same file.

Both sides run in alternating rounds within the same minutes; medians and their ratio are printed. Prefill: 512 tokens in one
call. Decode: 128 greedy tokens after a 32-token prompt. Model load is not counted on either side.

usage: benches/beside_llama_cpp.py [--rounds N] [--threads N] [MODEL.gguf]
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from own_venv import require

require(llama_cpp="llama-cpp-python")

PEER = """
import json, sys, time
from llama_cpp import Llama
model, threads = sys.argv[1], int(sys.argv[2])
lm = Llama(model, n_ctx=2048, n_threads=threads, n_threads_batch=threads, n_batch=512, n_ubatch=512, verbose=False)
text = "The quick brown fox jumps over the lazy dog and runs along the river. " * 60
ids = lm.tokenize(text.encode(), add_bos=False)[:512]
lm.eval(ids[:32]); lm.reset()
start = time.perf_counter(); lm.eval(ids); lm.scores; prefill = len(ids) / (time.perf_counter() - start)
lm.reset(); lm.eval(ids[:32])
start = time.perf_counter()
for _ in range(128):
    lm.eval([int(lm.sample(temp=0.0))])
decode = 128 / (time.perf_counter() - start)
print(json.dumps({"prefill": prefill, "decode": decode}))
"""


def measure(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "-p", "sgl_benches", "-p", "sglc"], check=True, cwd=ROOT)
    ours = ROOT / "target" / "release" / "sgl_benches"
    model = arguments.model
    if model is None:
        sglc = ROOT / "target" / "release" / "sglc"
        model = subprocess.run([sglc, "model", "pull"], capture_output=True, text=True, check=True).stdout.strip()
    rounds = {"ours": [], "llama.cpp": []}
    for number in range(arguments.rounds):
        rounds["ours"].append(measure([ours, "engine", model, arguments.threads]))
        rounds["llama.cpp"].append(measure([sys.executable, "-c", PEER, model, arguments.threads]))
        print(f"round {number + 1}: ours {rounds['ours'][-1]}, llama.cpp {rounds['llama.cpp'][-1]}", file=sys.stderr)
    print(f"{'tokens/s, median of ' + str(arguments.rounds):<28}{'ours':>10}{'llama.cpp':>12}{'ratio':>8}")
    for what in ("prefill", "decode"):
        mine, theirs = (statistics.median(r[what] for r in rounds[side]) for side in ("ours", "llama.cpp"))
        print(f"{what:<28}{mine:>10.0f}{theirs:>12.0f}{mine / theirs:>8.2f}")


if __name__ == "__main__":
    main()
