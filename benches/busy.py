#!/usr/bin/env python3
"""What is left of the throughput on a machine that others keep busy.

One program of the suite runs on so many cores as it has threads, alone and beside processes that do nothing but turn round on the same
cores. A fair kernel leaves threads / (threads + others) of those cores; with threads that wait for each other by turning round, far less
of the throughput would be left than that. Runs alternate; figures are medians over the rounds.

A line of Markdown per count of others: tokens per second (read and generated), the share of what runs alone, the share of the cores, and
the first over the second: 1 is in proportion.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import suite

TURN_ROUND = "while True: pass"


def run(runner, name, others):
    """Tokens per second beside so many others."""
    turning = [subprocess.Popen([sys.executable, "-c", TURN_ROUND]) for _ in range(others)]
    try:
        found = runner.ours(name, suite.ALL_ON, 600)
    finally:
        for process in turning:
            process.kill()
            process.wait()
    computed = found["prompt_tokens"] - found["cached_tokens"] + found["generated_tokens"]
    return computed / found["wall_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=Path, required=True, help="a built `sgl_benches`")
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--program", default="multi_turn_chat")
    parser.add_argument("--others", type=int, nargs="*", default=[0, 1, 2, 4], help="counts of processes beside it; 0 is what is compared with")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    # What a runner of the suite looks at beside these.
    given.ours, given.engine, given.at_once, given.seconds, given.no_ablations = given.ours.absolute(), "", 1, 600, True
    with tempfile.TemporaryDirectory() as folder:
        given.out = Path(folder) / "runs.jsonl"
        runner = suite.Suite(given, suite.read_loads([given.program]), [], folder)
        # It holds for what is started, too.
        os.sched_setaffinity(0, suite.core_groups(1, given.threads)[0])
        found = {others: [] for others in given.others}
        for _ in range(given.rounds):
            for others in given.others:
                found[others].append(run(runner, given.program, others))
    alone = statistics.median(found[0])
    print(f"`{given.program}`, {given.threads} threads on as many cores, medians of {given.rounds} rounds, load {os.getloadavg()[1]:.1f}\n")
    print("| others | tokens/s | of alone | of the cores | in proportion |\n|---:|---:|---:|---:|---:|")
    for others, rates in found.items():
        rate, share = statistics.median(rates), given.threads / (given.threads + others)
        print(f"| {others} | {rate:.0f} | {rate / alone:.2f} | {share:.2f} | {rate / alone / share:.2f} |")


if __name__ == "__main__":
    main()
