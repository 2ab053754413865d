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

On a machine that others keep busy, seconds of wall time say little, and a peer whose threads spin at barriers collapses. `--threads 1
--by cpu` compares processor seconds of one thread on each side, which are about the wall seconds of a quiet machine.

usage: benches/suite.py [--rounds N] [--threads N] [--engine "OPTION …"] [--model FILE] [--only NAME …] [--by wall|cpu] [--no-ablations] [--llama-cpp-python] [--url URL]
                        [--url-model NAME] [--grammar-field NAME] [--out FILE.jsonl] [--table FILE.md]
"""

import argparse
import asyncio
import json
import os
import platform
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from own_venv import require

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
ALL_OFF = "all off"
SECONDS_MAX = 3600


def ours(arguments, load, side, record=None):
    """One run of a load on our engine: its figures."""
    command = [arguments.ours, "programs", arguments.model, json.dumps(load)]
    command += ["--record", record] if record else []
    command += ["--threads", str(arguments.threads), *shlex.split(arguments.engine), *SWITCHES[side]]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=SECONDS_MAX)
    if done.returncode:
        sys.exit(f"{load['program']} with {side} failed:\n{done.stderr}")
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    if figures["failed"]:
        sys.exit(f"{load['program']} with {side}: {figures['failed']}")
    return figures


class Peer:
    """A server with OpenAI's completions."""

    def __init__(self, name, url, model, grammar_field, process=None):
        self.name, self.url, self.model, self.grammar_field, self.process = name, url, model, grammar_field, process

    async def ask(self, client, request, text):
        """One completion: its tokens, and how many of its prompt were cached, if the server says so."""
        body = {key: request[key] for key in ("max_tokens", "temperature", "top_p", "seed")}
        body |= {"prompt": text, "model": self.model} | ({"stop": request["stop"]} if request["stop"] else {})
        if request["grammar"] and self.grammar_field != "none":
            body[self.grammar_field] = request["grammar"]
        answer = await client.post(f"{self.url}/v1/completions", json=body)
        if answer.status_code != 200:
            sys.exit(f"{self.name} answers {answer.status_code}: {answer.text[:500]}")
        usage = answer.json().get("usage") or {}
        return usage.get("completion_tokens", 0), (usage.get("prompt_tokens_details") or {}).get("cached_tokens")

    async def replay(self, requests):
        """All requests of a program: its figures."""
        import httpx

        done = {request["id"]: asyncio.Event() for request in requests}
        latencies, generated, cached = [], [], []
        async with httpx.AsyncClient(timeout=SECONDS_MAX, limits=httpx.Limits(max_connections=None)) as client:

            async def run(request):
                for before in request["after"]:
                    await done[before].wait()
                started = time.perf_counter()
                answers = await asyncio.gather(*(self.ask(client, request, text) for text in request["texts"]))
                latencies.append(time.perf_counter() - started)
                generated.extend(tokens for tokens, _ in answers)
                cached.extend(tokens for _, tokens in answers if tokens is not None)
                done[request["id"]].set()

            started, worked = time.perf_counter(), self.cpu()
            await asyncio.gather(*map(run, requests))
            wall = time.perf_counter() - started
            cpu = self.cpu() - worked if worked is not None else None
        latencies.sort()
        at = lambda share: latencies[min(len(latencies) - 1, len(latencies) * share // 100)] * 1e3
        return {
            "wall_s": wall,
            "cpu_s": cpu,
            "requests": len(requests),
            "latency_ms_p50": at(50),
            "latency_ms_p99": at(99),
            "generated_tokens": sum(generated),
            "cached_tokens": sum(cached) if cached else None,
            "memory_bytes": self.memory(),
        }

    def cpu(self):
        """Processor seconds that its process has used, if it is ours."""
        if not self.process:
            return None
        facts = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """The most memory that its process has held, if it is ours."""
        if not self.process:
            return None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def llama_cpp_python(arguments, folder):
    """Starts the server of `llama-cpp-python` with its prefix cache, and waits until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", arguments.model, "--host", "127.0.0.1", "--port", port]
    command += ["--n_ctx", 8192, "--n_threads", arguments.threads, "--n_threads_batch", arguments.threads, "--n_batch", 512]
    command += ["--cache", "true", "--cache_size", 2 << 30, "--interrupt_requests", "false", "--verbose", "false"]
    log = open(Path(folder) / "server.log", "w")
    process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
    peer = Peer("llama-cpp-python", f"http://127.0.0.1:{port}", "model", "grammar", process)
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"the server ended:\n{Path(log.name).read_text()}")
        try:
            urllib.request.urlopen(f"{peer.url}/v1/models", timeout=5).read()
            return peer
        except OSError:
            time.sleep(0.1)
    sys.exit("the server does not answer")


WARM = [{"id": 0, "after": [], "texts": ["A first word"], "max_tokens": 2, "temperature": 0.0, "top_p": 1.0, "seed": 0, "stop": [], "grammar": None}]


def measure(arguments, loads, peers, folder, out):
    """All rounds: per program and side the figures of each round."""
    sides = [*(SWITCHES if not arguments.no_ablations else ["all on", ALL_OFF]), *(peer.name for peer in peers)]
    figures = {name: {side: [] for side in sides} for name in loads}
    requests = {}
    for name, load in loads.items():
        record = Path(folder) / f"{name}.jsonl"
        ours(arguments, load, "all on", record)
        requests[name] = [json.loads(line) for line in record.read_text().splitlines()]
    for peer in peers:
        asyncio.run(peer.replay(WARM))
    print(f"{sum(len(all) for all in requests.values())} requests recorded", file=sys.stderr, flush=True)
    for number in range(arguments.rounds):
        for name, load in loads.items():
            # Each side comes first in some round.
            turn = number % len(sides)
            for side in [*sides[turn:], *sides[:turn]]:
                peer = next((peer for peer in peers if peer.name == side), None)
                found = asyncio.run(peer.replay(requests[name])) if peer else ours(arguments, load, side)
                figures[name][side].append(found)
                line = {"round": number + 1, "program": name, "side": side, "load": os.getloadavg()[0], **found}
                out.write(json.dumps(line) + "\n")
                out.flush()
            spent = ", ".join(f"{side} {figures[name][side][-1]['wall_s']:.2f}" for side in sides)
            print(f"round {number + 1}: {name}: {spent} s", file=sys.stderr, flush=True)
    return figures


def median(rounds, key):
    known = [found[key] for found in rounds if found.get(key) is not None]
    return statistics.median(known) if known else None


def table(figures, peers, by):
    """Two tables: seconds and ratios per side, and what our own runs were like."""
    sides = list(next(iter(figures.values())))
    wall = {name: {side: median(rounds, by) or float("nan") for side, rounds in all.items()} for name, all in figures.items()}
    lines = [f"| program | {' | '.join(sides)} |", f"|---|{'---|' * len(sides)}"]
    for name, walls in wall.items():
        others = (f"{walls[side]:.2f} ({walls[side] / walls['all on']:.2f}×)" for side in sides if side != "all on")
        lines.append(f"| `{name}` | {walls['all on']:.2f} | {' | '.join(others)} |")
    sums = {side: sum(walls[side] for walls in wall.values()) for side in sides}
    total = (f"{sums[side]:.1f} ({sums[side] / sums['all on']:.2f}×)" for side in sides if side != "all on")
    lines += [f"| all | {sums['all on']:.1f} | {' | '.join(total)} |", ""]
    heads = ["requests", "tokens/s", "p50 ms", "p99 ms", "hit rate", "of the optimal", "forced", "MB"]
    heads += [f"{peer.name}: {what}" for peer in peers for what in ("tokens", "p50 ms", "p99 ms", "MB")]
    lines += [f"| program | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for name, all in figures.items():
        value = lambda key: median(all["all on"], key)
        hit = value("cached_tokens") / max(value("prompt_tokens"), 1)
        best = value("cached_tokens") / max(value("reusable_tokens"), 1)
        forced = value("forced_tokens") / max(value("generated_tokens"), 1)
        cells = [f"{value('requests'):.0f}", f"{value('generated_tokens') / value('wall_s'):.0f}", f"{value('latency_ms_p50'):.0f}"]
        cells += [f"{value('latency_ms_p99'):.0f}", f"{hit:.1%}", f"{best:.1%}", f"{forced:.1%}", f"{value('memory_bytes') / 1e6:.0f}"]
        for peer in peers:
            theirs = lambda key: median(all[peer.name], key)
            memory = theirs("memory_bytes")
            cells += [f"{theirs('generated_tokens'):.0f} of {value('generated_tokens'):.0f}", f"{theirs('latency_ms_p50'):.0f}"]
            cells += [f"{theirs('latency_ms_p99'):.0f}", f"{memory / 1e6:.0f}" if memory else "–"]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    best = max(wall, key=lambda name: wall[name][ALL_OFF] / wall[name]["all on"])
    lines += ["", f"All off over all on, best program: {wall[best][ALL_OFF] / wall[best]['all on']:.2f} (`{best}`)."]
    for peer in peers:
        lines.append(f"{peer.name} over ours, whole suite: {sums[peer.name] / sums['all on']:.2f}.")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model")
    parser.add_argument("--engine", default="", help="further options of the engine on our side, as one text")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--by", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--no-ablations", action="store_true")
    parser.add_argument("--llama-cpp-python", action="store_true")
    parser.add_argument("--url")
    parser.add_argument("--url-model", default="default")
    parser.add_argument("--grammar-field", default="grammar")
    parser.add_argument("--ours", default=ROOT / "target" / "release" / "sgl_benches")
    parser.add_argument("--out", default="suite.jsonl")
    parser.add_argument("--table")
    arguments = parser.parse_args()
    if arguments.llama_cpp_python:
        require(llama_cpp="llama-cpp-python[server]", httpx="httpx")
    elif arguments.url:
        require(httpx="httpx")
    if "cuda" in arguments.engine + os.environ.get("SGLC_DEVICE", ""):
        SWITCHES.update(CUDA_SWITCHES)
    SWITCHES[ALL_OFF] = [switch for switches in SWITCHES.values() for switch in switches]
    if not Path(arguments.ours).exists():
        subprocess.run(["cargo", "build", "--release", "-p", "sgl_benches", "-p", "sglc"], check=True, cwd=ROOT)
    if not arguments.model:
        sglc = ROOT / "target" / "release" / "sglc"
        arguments.model = subprocess.run([sglc, "model", "pull"], capture_output=True, text=True, check=True).stdout.strip()
    programs = ROOT / "benches" / "programs"
    loads = json.loads((programs / "loads.json").read_text())
    loads = {name: {"program": str(programs / f"{name}.sgl"), **load} for name, load in loads.items() if not arguments.only or name in arguments.only}
    peers = []
    with tempfile.TemporaryDirectory() as folder, open(arguments.out, "w") as out:
        try:
            if arguments.llama_cpp_python:
                peers.append(llama_cpp_python(arguments, folder))
            if arguments.url:
                peers.append(Peer(arguments.url, arguments.url.rstrip("/"), arguments.url_model, arguments.grammar_field))
            figures = measure(arguments, loads, peers, folder, out)
            found = table(figures, peers, f"{arguments.by}_s")
        finally:
            for peer in peers:
                if peer.process:
                    peer.process.terminate()
    head = f"{platform.machine()}, {os.cpu_count()} cores, {arguments.threads} threads, medians of {arguments.rounds} rounds, seconds of {arguments.by} time, load {os.getloadavg()[1]:.1f}\n\n"
    print(head + found)
    if arguments.table:
        Path(arguments.table).write_text(head + found)


if __name__ == "__main__":
    main()
