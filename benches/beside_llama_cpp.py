#!/usr/bin/env python3
"""Our engine beside llama.cpp (the PyPI package `llama-cpp-python`, built here with native flags), on the same file and on its best one.

Every case runs in a process of its own, sides alternate within a round, each comes first in some round; medians and ratios of medians
are printed, and what each must be. Loading is not counted but in `start`. Cases (`sgl_benches beside`, `benches/peers/llama_cpp_case.py`):

  decode, prefill          one sequence: 128 greedy tokens after 32; 512 tokens to the first
  parallel16, parallel32   so many sequences together, 64 greedy tokens each
  shared                   16 requests at once with the same 1,000 tokens, cold, 32 tokens each. The peer reads the prefix for each, as the
                           slots of its server do; `copied` reads it once and copies it, which its server does not offer
  start                    seconds from nothing to a first token: of ours the whole process of `sglc run`, of the peer from the model's
                           loading on, its interpreter and imports not counted
  memory                   most bytes held in `prefill`; of the peer without what Python held before

Its best format is Q4_0, requantized from the same file, repacked when loaded, on huge pages (`GLIBC_TUNABLES=glibc.malloc.hugetlb=1`).

usage: benches/beside_llama_cpp.py [--rounds N] [--threads N] [--only CASE …] [--binaries FOLDER] [--out FILE.jsonl] [MODEL.gguf]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from own_venv import require

require(llama_cpp="llama-cpp-python")

# Ratio that is asked for: against the same file, against the best format; `None` asks nothing.
CASES = {
    "decode": (2.0, 1.2),
    "prefill": (4.0, 1.8),
    "parallel16": (3.5, 1.6),
    "parallel32": (3.5, None),
    "shared": (15.0, None),
    "copied": (None, None),
    "start": (2.0, None),
    "memory": (1 / 1.1, None),
}
SECONDS = ("shared", "copied", "start")
HUGE = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "SGL_PEER_NO_MMAP": "1"}
HELLO = 'pub prompt main() -> Str {\n    "Once upon a time$[then: Str, max_tokens: 1, temperature: 0]"\n    return then\n}\n'


# A case that takes longer says nothing but that the machine is busy: it is left out, and the others go on.
CASE_S_MAX = 240


def measure(command, **environment):
    """The line of figures that a process prints; nothing if it fails or takes too long."""
    words = [str(part) for part in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=CASE_S_MAX)
    except subprocess.TimeoutExpired:
        print(f"{' '.join(words)}: nothing in {CASE_S_MAX} s", file=sys.stderr, flush=True)
        return None
    if done.returncode:
        print(f"{' '.join(words)} failed:\n{done.stderr}", file=sys.stderr, flush=True)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def requantized(model, folder):
    """The file as Q4_0."""
    import llama_cpp

    out = Path(folder) / "q4_0.gguf"
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    parameters.allow_requantize = True
    if llama_cpp.llama_model_quantize(str(model).encode(), str(out).encode(), parameters):
        sys.exit("the file can't be requantized")
    return out


def start_of_ours(arguments, program):
    """Seconds of a whole process that gives one token."""
    command = [arguments.binaries / "sglc", "run", program, "--quiet", "--model", arguments.model, "--threads", arguments.threads]
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], capture_output=True, check=True)
    return {"value": time.perf_counter() - start}


def one(arguments, side, case, files):
    """The value of a case on a side; nothing where it is not run there."""
    run = "prefill" if case == "memory" else case
    if side == "ours":
        if case == "start":
            found = start_of_ours(arguments, files["program"])
        else:
            run = "shared" if case == "copied" else run
            found = measure([arguments.binaries / "sgl_benches", "beside", arguments.model, arguments.threads, run])
    else:
        environment = HUGE if side == "q4_0" else {}
        file = files["q4_0"] if side == "q4_0" else arguments.model
        found = measure([sys.executable, ROOT / "benches" / "peers" / "llama_cpp_case.py", file, arguments.threads, run], **environment)
    if found is None:
        return None
    return found["memory_bytes"] if case == "memory" else found["value"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=CASES)
    parser.add_argument("--out")
    parser.add_argument("--binaries", type=Path, default=ROOT / "target" / "release", help="where `sgl_benches` and `sglc` are")
    arguments = parser.parse_args()
    if not all((arguments.binaries / name).exists() for name in ("sgl_benches", "sglc")):
        subprocess.run(["cargo", "build", "--release", "-p", "sgl_benches", "-p", "sglc"], check=True, cwd=ROOT)
    if arguments.model is None:
        sglc = arguments.binaries / "sglc"
        arguments.model = subprocess.run([sglc, "model", "pull"], capture_output=True, text=True, check=True).stdout.strip()
    cases = {case: asked for case, asked in CASES.items() if not arguments.only or case in arguments.only}
    sides = ["ours", "q4_1", "q4_0"]
    found = {case: {side: [] for side in sides} for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        files = {"q4_0": requantized(arguments.model, folder), "program": Path(folder) / "hello.sgl"}
        files["program"].write_text(HELLO)
        out = open(arguments.out, "w") if arguments.out else None
        for number in range(arguments.rounds):
            for case in cases:
                turn = number % len(sides)
                for side in [*sides[turn:], *sides[:turn]]:
                    value = one(arguments, side, case, files)
                    if value is not None:
                        found[case][side].append(value)
                    if out:
                        out.write(json.dumps({"round": number + 1, "case": case, "side": side, "value": value, "load": os.getloadavg()[0]}) + "\n")
                        out.flush()
                spent = ", ".join(f"{side} {found[case][side][-1]:.4g}" for side in sides if found[case][side])
                print(f"round {number + 1}: {case}: {spent}", file=sys.stderr, flush=True)
    print(f"medians of {arguments.rounds} rounds, {arguments.threads} threads; ratios say how many times ours is better\n")
    print("| case | unit | ours | llama.cpp, same file | ratio | asked | llama.cpp, Q4_0 repacked | ratio | asked |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for case, asked in cases.items():
        medians = {side: statistics.median(values) for side, values in found[case].items() if values}
        if "ours" not in medians:
            continue
        unit, scale = ("MB", 1e-6) if case == "memory" else ("s", 1) if case in SECONDS else ("tokens/s", 1)
        better = lambda side: medians["ours"] / medians[side] if unit == "tokens/s" else medians[side] / medians["ours"]
        cells = [f"{medians['ours'] * scale:.4g}"]
        for side, least in zip(sides[1:], asked):
            if side not in medians:
                cells += ["–", "–", f"{least:.2f}" if least else "–"]
                continue
            cells += [f"{medians[side] * scale:.4g}", f"{better(side):.2f}", f"{least:.2f}" if least else "–"]
        print(f"| {case} | {unit} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
