#!/usr/bin/env python3
"""1,000 greedy generations with `--jump exact` and with `--jump off` on a real model: the same bytes.

Twenty kinds of holes (`holes.sgl`), each for fifty subjects. Prints a line per kind: whether the outputs are the same, tokens, tokens that
were forced, and seconds. Fails if any differ, or if nothing was forced.

usage: benches/constraints/jump_exact.py [MODEL.gguf] [--sglc BINARY]
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(__file__).with_name("holes.sgl")


def run(sglc, model, kind, jump):
    """The output, the tokens made and those forced, and the seconds."""
    command = [sglc, "run", f"{PROGRAM}::{kind}", "--jump", jump, "--json", "--stats", "--quiet"]
    start = time.perf_counter()
    done = subprocess.run(command + (["--model", model] if model else []), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{kind} failed:\n{done.stderr}")
    made = re.search(r"generated +(\d+) tokens, (\d+) of them forced", done.stderr)
    return done.stdout, int(made[1]), int(made[2]), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--sglc", default=str(ROOT / "target" / "release" / "sglc"))
    arguments = parser.parse_args()
    kinds = re.findall(r"^pub prompt (\w+)\(\)", PROGRAM.read_text(), re.MULTILINE)
    different, tokens, forced, seconds = 0, 0, 0, [0.0, 0.0]
    for kind in kinds:
        exact, off = (run(arguments.sglc, arguments.model, kind, jump) for jump in ("exact", "off"))
        same = exact[0] == off[0]
        different += not same
        tokens, forced = tokens + exact[1], forced + exact[2]
        seconds = [seconds[0] + exact[3], seconds[1] + off[3]]
        print(f"{kind:<10} {'same' if same else 'DIFFERENT':<10} {exact[1]:5} tokens, {exact[2]:5} forced; {exact[3]:.1f} s, off {off[3]:.1f} s")
    print(
        f"{50 * len(kinds)} generations, {different} kinds differ; {tokens} tokens, {forced} forced ({100 * forced / tokens:.0f} %); "
        f"{seconds[0]:.0f} s, off {seconds[1]:.0f} s with loading"
    )
    sys.exit(1 if different or not forced else 0)


if __name__ == "__main__":
    main()
