"""Servers that the suite is asked of beside our engine: anything with OpenAI's `/v1/completions`.

A peer gets the requests of a recorded run by an async client: each waits for those that it waited for there.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

SECONDS_MAX = 3600
# What is asked before the clock starts.
WARM = {"id": 0, "after": [], "texts": ["A first word"], "max_tokens": 2, "temperature": 0.0, "top_p": 1.0, "seed": 0, "stop": [], "grammar": None}


class Peer:
    """A server that somebody has started."""

    def __init__(self, name, url, model, grammar_field):
        self.name, self.url, self.model, self.grammar_field = name, url, model, grammar_field
        self.process, self.is_warm = None, False

    def start(self):
        """Nothing: it runs."""

    def stop(self):
        """Ends the process that we started, if any."""
        if self.process:
            self.process.terminate()
            self.process.wait()

    def replay(self, requests, seconds):
        """All requests of a program: its figures. A `TimeoutError` after so many seconds."""
        self.start()
        if not self.is_warm:
            asyncio.run(self.ask_all([WARM]))
            self.is_warm = True
        return asyncio.run(asyncio.wait_for(self.ask_all(requests), seconds))

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

    async def ask_all(self, requests):
        """All requests, each when those before it have ended."""
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


class LlamaCppPython(Peer):
    """The server of `llama-cpp-python` with its prefix cache, started when it is asked first."""

    def __init__(self, model, threads, folder):
        super().__init__("llama-cpp-python", "", "model", "grammar")
        self.file, self.threads, self.log = model, threads, Path(folder) / "server.log"

    def start(self):
        """Starts it, and waits until it answers."""
        if self.process:
            return
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "llama_cpp.server", "--model", self.file, "--host", "127.0.0.1", "--port", port]
        command += ["--n_ctx", 8192, "--n_threads", self.threads, "--n_threads_batch", self.threads, "--n_batch", 512]
        command += ["--cache", "true", "--cache_size", 2 << 30, "--interrupt_requests", "false", "--verbose", "false"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit(f"the server ended:\n{self.log.read_text()}")
            try:
                urllib.request.urlopen(f"{self.url}/v1/models", timeout=5).read()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the server does not answer")
