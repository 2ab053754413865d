#!/usr/bin/env python3
"""The suite beside itself with features off, and beside other servers.

Each program of `benches/programs` runs its load (`loads.json`: several calls at once) on our engine as it is, with each feature off
alone, with all of them off, and as the same requests on a peer. Sides alternate within a round; figures are medians over the
rounds, ratios are of medians. Every one of our runs is a process of its own with a cold cache, its model loaded and asked once before
the clock starts. The peer's server stays up, and is asked once before the clock starts.

The switches have the names that SGLang's server gives them, where it has them:
  --disable-radix-cache        nothing is reused of what was read before
  --disable-fork-sharing       a branch reads for itself what came before it was forked (SGLang has no such switch)
  --disable-jump-forward       text without a choice is drawn token by token (SGLang dropped the feature, and the switch, in 2025)
  --disable-overlap-schedule   a pass is begun when the one before it was read
  --disable-cascade            on a CUDA device: attention reads what branches share for each of them (SGLang has no such switch)
  --disable-cuda-graph         on a CUDA device: passes are launched kernel by kernel

Peers: `--llama-cpp-python` starts the server of that PyPI package (built here with native flags) with its prefix cache; `--url URL`
takes any server with OpenAI's `/v1/completions`. A peer gets the requests of our run by an async client: same transcripts (ours,
whatever it answers), same concurrency (a request waits for those that ours waited for), as many tokens as ours generated, and the
grammar of each constrained hole (`--grammar-field` names the field of the request that takes it; `none` sends none). Scored options
are asked as prompts with one token to generate, which is less than they are worth.

Every run is a line of `--out` when it ends, and what is there already is not run again: a call with `--seconds N` ends within about
so many, and the same call goes on where it stopped. The table is made of all lines. `--at-once N` runs N programs beside each
other, each on cores of its own (as many as threads; hyperthreads of one core last); all sides of a program run on the same cores,
one after another. It needs no more than Python: with `--ours` and `--model` there is nothing to build or to fetch.

On a machine that others keep busy, seconds of wall time say little, and a peer whose threads spin at barriers collapses. `--threads 1
--by cpu` compares processor seconds of one thread on each side, which are about the wall seconds of a quiet machine.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "benches" / "programs"
sys.path.insert(0, str(ROOT / "scripts"))
from own_venv import require
from peer_server import LlamaCppPython, Peer

SWITCHES = {
    "all on": [],
    "no radix cache": ["--disable-radix-cache"],
    "no fork sharing": ["--disable-fork-sharing"],
    "no jump-forward": ["--disable-jump-forward"],
    "no overlap": ["--disable-overlap-schedule"],
}
CUDA_SWITCHES = {
    "no cascade": ["--disable-cascade"],
    "no CUDA graphs": ["--disable-cuda-graph"],
}
ALL_ON, ALL_OFF = "all on", "all off"
# What one of our runs takes beside its wall time: a process, weights, a first word.
START_S = 2.0


class OutOfTime(Exception):
    """The call's seconds are over."""


def calls(load):
    """The calls of a load: those that are written out, and one for each row of a file of data."""
    made = list(load.get("calls", []))
    if rows := load.get("rows"):
        lines = (PROGRAMS / rows["file"]).read_text().splitlines()[: rows.get("count")]
        value = lambda row: row[rows["field"]] if "field" in rows else row
        made += [{"entry": rows["entry"], "input": {rows["argument"]: value(json.loads(line))}} for line in lines]
    return made


def read_loads(only):
    """Per program what is asked of it."""
    loads = json.loads((PROGRAMS / "loads.json").read_text())
    if unknown := set(only or []) - set(loads):
        sys.exit(f"there is no program {', '.join(sorted(unknown))}; there are {', '.join(loads)}")
    described = lambda name, load: {"program": str(PROGRAMS / f"{name}.sgl"), "max_tokens": load["max_tokens"], "calls": calls(load)}
    return {name: described(name, load) for name, load in loads.items() if not only or name in only}


def core_groups(count, size):
    """So many groups of cores; a core's second hyperthread comes after all first ones."""
    allowed = sorted(os.sched_getaffinity(0))

    def rank(core):
        siblings = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
        first = int(siblings.read_text().replace("-", ",").split(",")[0]) if siblings.exists() else core
        return core != first, core

    allowed.sort(key=rank)
    if count * size > len(allowed):
        sys.exit(f"{count} programs at once by {size} threads each need {count * size} cores; there are {len(allowed)}")
    return [allowed[at * size : (at + 1) * size] for at in range(count)]


class Suite:
    """All runs: what is known of them, and what is still to do."""

    def __init__(self, arguments, loads, peers, folder):
        self.arguments, self.loads, self.folder = arguments, loads, Path(folder)
        self.peers = {peer.name: peer for peer in peers}
        ours = [ALL_ON] if arguments.no_ablations else [side for side in SWITCHES if side in (arguments.sides or SWITCHES)]
        self.sides = [*ours, *self.peers]
        self.settings = {"threads": arguments.threads, "engine": arguments.engine, "at_once": arguments.at_once}
        self.lines = read_lines(arguments.out, self.settings)
        self.ends = time.monotonic() + arguments.seconds
        self.writing = threading.Lock()

    def known(self, name, side):
        """By round what was measured."""
        lines = (line for line in self.lines if line["program"] == name and line["side"] == side)
        return {line["round"]: line for line in lines if line["round"] <= self.arguments.rounds}

    def tasks(self):
        """What is to be done: rounds of programs with the sides that they lack, those of few rounds first."""
        for number in range(1, self.arguments.rounds + 1):
            # Each side comes first in some round.
            turn = (number - 1) % len(self.sides)
            order = [*self.sides[turn:], *self.sides[:turn]]
            for name in self.loads:
                if sides := [side for side in order if number not in self.known(name, side)]:
                    yield number, name, sides

    def run(self):
        """Does it until it is done or the time is over; gives how many runs are left."""
        groups = SimpleQueue()
        for cores in core_groups(self.arguments.at_once, self.arguments.threads) if self.arguments.at_once > 1 else [None]:
            groups.put(cores)

        def work(task):
            cores = groups.get()
            try:
                # It holds for this thread, and for the processes that it starts.
                if cores:
                    os.sched_setaffinity(0, cores)
                self.measure(*task)
            except OutOfTime:
                pass
            finally:
                groups.put(cores)

        with ThreadPoolExecutor(self.arguments.at_once) as pool:
            list(pool.map(work, list(self.tasks())))
        return sum(len(sides) for _, _, sides in self.tasks())

    def measure(self, number, name, sides):
        """The sides of a program, one after another."""
        for side in sides:
            peer = self.peers.get(side)
            usual = max((line["wall_s"] for line in self.known(name, side).values()), default=0.0)
            left = self.ends - time.monotonic()
            if left < usual * 1.2 + START_S:
                raise OutOfTime
            found = self.replay(peer, name, left) if peer else self.ours(name, side, left)
            line = {"round": number, "program": name, "side": side, **self.settings, "load": os.getloadavg()[0], **found}
            with self.writing, open(self.arguments.out, "a") as out:
                self.lines.append(line)
                out.write(json.dumps(line) + "\n")
            print(f"round {number}: {name}, {side}: {found['wall_s']:.2f} s", file=sys.stderr, flush=True)

    def ours(self, name, side, left, record=None):
        """One run of a load on our engine: its figures."""
        command = [self.arguments.ours, "programs", self.arguments.model, json.dumps(self.loads[name])]
        command += ["--record", record] if record else []
        command += ["--threads", self.arguments.threads, *shlex.split(self.arguments.engine), *SWITCHES[side]]
        try:
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=left)
        except subprocess.TimeoutExpired:
            raise OutOfTime from None
        if done.returncode:
            sys.exit(f"{name} with {side} failed:\n{done.stderr}")
        figures = json.loads(done.stdout.strip().splitlines()[-1])
        if figures["failed"]:
            sys.exit(f"{name} with {side}: {figures['failed']}")
        return figures

    def replay(self, peer, name, left):
        """The requests of our run on a peer: its figures."""
        record = self.folder / f"{name}.jsonl"
        if not record.exists():
            self.ours(name, ALL_ON, left, record)
        requests = [json.loads(line) for line in record.read_text().splitlines()]
        try:
            return peer.replay(requests, self.ends - time.monotonic())
        except TimeoutError:
            raise OutOfTime from None


def read_lines(path, settings):
    """What earlier calls have measured; of other settings nothing is taken."""
    if not Path(path).exists():
        return []
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    for line in lines:
        other = {key: line[key] for key in settings if line[key] != settings[key]}
        if other:
            sys.exit(f"{path} has runs with {other}, not {settings}: name another file with --out")
    return lines


def median(rounds, key):
    known = [found[key] for found in rounds.values() if found.get(key) is not None]
    return statistics.median(known) if known else None


def table(suite):
    """Two tables: seconds and ratios per side, and what our own runs were like."""
    by = f"{suite.arguments.by}_s"
    spent = {name: {side: median(suite.known(name, side), by) for side in suite.sides} for name in suite.loads}
    spent = {name: sides for name, sides in spent.items() if sides[ALL_ON] is not None}
    others = suite.sides[1:]
    lines = [f"| program | {' | '.join(suite.sides)} |", f"|---|{'---:|' * len(suite.sides)}"]
    cell = lambda sides, side: "–" if sides[side] is None else f"{sides[side]:.2f} ({sides[side] / sides[ALL_ON]:.2f}×)"
    for name, sides in spent.items():
        lines.append(f"| `{name}` | {sides[ALL_ON]:.2f} | {' | '.join(cell(sides, side) for side in others)} |")
    whole = {name: sides for name, sides in spent.items() if None not in sides.values()}
    sums = {side: sum(sides[side] for sides in whole.values()) for side in suite.sides}
    if whole:
        lines.append(f"| these {len(whole)} | {sums[ALL_ON]:.2f} | {' | '.join(cell(sums, side) for side in others)} |")
    heads = ["requests", "tokens/s", "p50 ms", "p99 ms", "hit rate", "of the optimal", "forced", "MB"]
    heads += [f"{peer}: {what}" for peer in suite.peers for what in ("tokens", "p50 ms", "p99 ms", "MB")]
    lines += ["", f"| program | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    lines += [f"| `{name}` | {' | '.join(details(suite, name))} |" for name in spent]
    if ALL_OFF in suite.sides and (ratios := [(sides[ALL_OFF] / sides[ALL_ON], name) for name, sides in spent.items() if sides[ALL_OFF]]):
        ratio, best = max(ratios)
        lines += ["", f"All off over all on, best program: {ratio:.2f} (`{best}`)."]
        late = {name: [median(suite.known(name, side), "latency_ms_p50") for side in (ALL_OFF, ALL_ON)] for name, sides in spent.items() if sides[ALL_OFF]}
        best = max(late, key=lambda name: late[name][0] / late[name][1])
        lines += [f"The same of a request's median latency: {late[best][0] / late[best][1]:.2f} (`{best}`)."]
    if whole:
        lines += [f"{peer} over ours, these {len(whole)} programs: {sums[peer] / sums[ALL_ON]:.2f}." for peer in suite.peers]
    return "\n".join(lines) + "\n"


def details(suite, name):
    """What a program's runs were like, with everything on."""
    value = lambda key: median(suite.known(name, ALL_ON), key)
    hit = value("cached_tokens") / max(value("prompt_tokens"), 1)
    best = value("cached_tokens") / max(value("reusable_tokens"), 1)
    forced = value("forced_tokens") / max(value("generated_tokens"), 1)
    cells = [f"{value('requests'):.0f}", f"{value('generated_tokens') / value('wall_s'):.0f}", f"{value('latency_ms_p50'):.0f}"]
    cells += [f"{value('latency_ms_p99'):.0f}", f"{hit:.1%}", f"{best:.1%}", f"{forced:.1%}", f"{value('memory_bytes') / 1e6:.0f}"]
    for peer in suite.peers:
        theirs = lambda key: median(suite.known(name, peer), key)
        if theirs("wall_s") is None:
            cells += ["–"] * 4
            continue
        memory = theirs("memory_bytes")
        cells += [f"{theirs('generated_tokens'):.0f} of {value('generated_tokens'):.0f}", f"{theirs('latency_ms_p50'):.0f}"]
        cells += [f"{theirs('latency_ms_p99'):.0f}", f"{memory / 1e6:.0f}" if memory else "–"]
    return cells


def arguments_of():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of one run")
    parser.add_argument("--at-once", type=int, default=1, help="programs that run beside each other, each on cores of its own")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after which no more is begun; the same call goes on later")
    parser.add_argument("--model", help="a .gguf file; the default model if not given")
    parser.add_argument("--ours", type=Path, help="a built `sgl_benches`; that of `cargo build --release` if not given")
    parser.add_argument("--engine", default="", help="further options of the engine on our side, as one text")
    parser.add_argument("--only", nargs="*", help="names of programs")
    parser.add_argument("--by", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--no-ablations", action="store_true", help="ours with everything on only")
    parser.add_argument("--sides", nargs="*", help="of ours, by name; the first is always `all on`")
    parser.add_argument("--llama-cpp-python", action="store_true", help="start the server of that package as a peer")
    parser.add_argument("--url", help="a server as a peer")
    parser.add_argument("--url-model", default="default")
    parser.add_argument("--grammar-field", default="grammar")
    parser.add_argument("--out", default="suite.jsonl", help="a line per run; what is there is not run again")
    parser.add_argument("--table", help="where the table goes, too")
    return parser.parse_args()


def main():
    arguments = arguments_of()
    if arguments.llama_cpp_python:
        require(llama_cpp="llama-cpp-python[server]==0.3.36", httpx="httpx")
    elif arguments.url:
        require(httpx="httpx")
    if arguments.at_once > 1 and (arguments.llama_cpp_python or arguments.url):
        sys.exit("a peer is one server, which programs at once would share: --at-once is for runs without a peer")
    if "cuda" in arguments.engine + os.environ.get("SGLC_DEVICE", ""):
        SWITCHES.update(CUDA_SWITCHES)
    SWITCHES[ALL_OFF] = [switch for switches in SWITCHES.values() for switch in switches]
    if unknown := set(arguments.sides or []) - set(SWITCHES):
        sys.exit(f"there is no side {', '.join(sorted(unknown))}; there are {', '.join(SWITCHES)}")
    arguments.sides = [ALL_ON, *arguments.sides] if arguments.sides else None
    built = ROOT / "target" / "release"
    if not arguments.ours and not (built / "sgl_benches").exists():
        subprocess.run(["cargo", "build", "--release", "-p", "sgl_benches", "-p", "sglc"], check=True, cwd=ROOT)
    arguments.ours = (arguments.ours or built / "sgl_benches").absolute()
    if not arguments.model:
        arguments.model = subprocess.run([built / "sglc", "model", "pull"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        peers = [LlamaCppPython(arguments.model, arguments.threads, folder)] if arguments.llama_cpp_python else []
        if arguments.url:
            peers.append(Peer(arguments.url, arguments.url.rstrip("/"), arguments.url_model, arguments.grammar_field))
        suite = Suite(arguments, read_loads(arguments.only), peers, folder)
        try:
            left = suite.run()
        finally:
            for peer in peers:
                peer.stop()
    head = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, {arguments.threads} threads a run, {arguments.at_once} at once"
    head += f", medians of {arguments.rounds} rounds" + (f", {left} runs are still to be made" if left else "")
    text = f"{head}, seconds of {arguments.by} time, load {os.getloadavg()[1]:.1f}\n\n{table(suite)}"
    print(text)
    if arguments.table:
        Path(arguments.table).write_text(text)


if __name__ == "__main__":
    main()
