#!/usr/bin/env python3
"""Records end to end on a real model: `json_character` and `json_city` with jumps and without, as many tokens without a constraint, and
`llama-cpp-python` with the equivalent grammar on the same file.

Rounds alternate, each beginning with another side. Tokens/s are those of the record over the whole request, reading the prompt included, loading not. All sides are
greedy and write the record in the same layout; the peer's time is of `create_completion`, tokens are those that the file's tokenizer
makes of its text.

usage: benches/constraints/records.py MODEL.gguf [--rounds N] [--threads N] [--sglc BINARY] [--no-peer]
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from own_venv import require

require(llama_cpp="llama-cpp-python")

NAME = r'"\"" [A-Za-z] [A-Za-z0-9 ]{0,15} "\""'
WORDS = r'"\"" [A-Za-z0-9] [A-Za-z0-9 ]{0,15} "\""'


def quoted(*names):
    return " | ".join(json.dumps(json.dumps(name)) for name in names)


def text(value):
    return json.dumps(value)


# The same languages as the types of the programs, but for bounds of numbers, which only take a digit more or less.
GRAMMARS = {
    "json_character": f"""root ::= "{{" {text('"name": ')} name {text(', "house": ')} house {text(', "blood status": ')} blood {text(', "occupation": ')} work {text(', "wand": {"wood": ')} name {text(', "core": ')} name {text(', "length": ')} length {text('}, "alive": ')} alive {text(', "patronus": ')} name {text(', "bogart": ')} name "}}"
name ::= {NAME}
house ::= {quoted("Gryffindor", "Slytherin", "Ravenclaw", "Hufflepuff")}
blood ::= {quoted("Pure-blood", "Half-blood", "Muggle-born")}
work ::= {quoted("student", "teacher", "auror", "clerk", "outlaw", "keeper")}
length ::= ([0-9] | [1-9] [0-9]) "." [0-9]
alive ::= {quoted("Alive", "Deceased")}
""",
    "json_city": f"""root ::= "{{" {text('"name": ')} words {text(', "country": ')} words {text(', "latitude": ')} latitude {text(', "population": ')} number {text(', "top 3 landmarks": [')} words ", " words ", " words "]}}"
words ::= {WORDS}
latitude ::= "-"? ([0-9] | [1-8] [0-9]) "." [0-9] [0-9]
number ::= "0" | [1-9] [0-9]{{0,8}}
""",
}

PEER = """
import json, sys, time
from llama_cpp import Llama, LlamaGrammar
request = json.load(open(sys.argv[1]))
lm = Llama(request["model"], n_ctx=2048, n_threads=request["threads"], n_threads_batch=request["threads"], verbose=False)
grammar = LlamaGrammar.from_string(request["grammar"], verbose=False)
start = time.perf_counter()
made = lm.create_completion(request["prompt"], max_tokens=256, temperature=0.0, repeat_penalty=1.0, grammar=grammar)
seconds = time.perf_counter() - start
text = made["choices"][0]["text"]
print(json.dumps({"tokens": len(lm.tokenize(text.encode(), add_bos=False)), "seconds": seconds, "text": text}))
"""


def ours(arguments, program, entry, *more):
    """Tokens, seconds and the transcript."""
    command = [arguments.sglc, "run", f"{program}::{entry}", "--model", arguments.model, "--threads", str(arguments.threads), "--stats", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    tokens = int(re.search(r"generated +(\d+) tokens", done.stderr)[1])
    milliseconds = float(re.search(r"run +(\d+) ms", done.stderr)[1])
    return tokens, milliseconds / 1e3, done


def unconstrained(program, tokens, folder):
    """The same prompt with a free hole of so many tokens."""
    source = re.sub(r"\$\[(\w+): [^\]]*\]", rf"$[\1: Str, max_tokens: {tokens}, temperature: 0]", program.read_text())
    source = re.sub(r"(pub prompt (?:character|city)\((?:.|\n)*?\)) -> \w+ \{", r"\1 -> Str {", source, count=1)
    source = source.split("/// Fills the records of several")[0].split("/// Reads several pages")[0]
    shutil.copytree(program.parent / "data", Path(folder) / "data", dirs_exist_ok=True)
    free = Path(folder) / program.name
    free.write_text(source)
    return free


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sglc", default=str(ROOT / "target" / "release" / "sglc"))
    parser.add_argument("--no-peer", action="store_true")
    arguments = parser.parse_args()
    arguments.model = str(Path(arguments.model).resolve())
    for name, grammar in GRAMMARS.items():
        program = ROOT / "benches" / "programs" / f"{name}.sgl"
        entry = name.removeprefix("json_")
        speeds = {}
        with tempfile.TemporaryDirectory() as folder:
            tokens, _, done = ours(arguments, program, entry)
            # The transcript is shown on the standard error, the record at its end.
            prompt = done.stderr[: done.stderr.index('{"name": ')]
            free = unconstrained(program, tokens, folder)
            request = Path(folder) / "request.json"
            request.write_text(json.dumps({"model": arguments.model, "threads": arguments.threads, "grammar": grammar, "prompt": prompt}))
            sides = {f"jump {jump}": [program, "--jump", jump] for jump in ("exact", "forced", "off")} | {"unconstrained": [free]}
            if not arguments.no_peer:
                sides["llama.cpp"] = [request]
            for number in range(arguments.rounds):
                # Each side comes first in some round: what ran before leaves its traces in the caches.
                turn = number % len(sides)
                for side in [*list(sides)[turn:], *list(sides)[:turn]]:
                    first, *more = sides[side]
                    if side == "llama.cpp":
                        peer = subprocess.run([sys.executable, "-c", PEER, first], capture_output=True, text=True, check=True)
                        peer = json.loads(peer.stdout.strip().splitlines()[-1])
                        made, seconds = peer["tokens"], peer["seconds"]
                    else:
                        made, seconds, _ = ours(arguments, first, entry, "--quiet", *more)
                    speeds.setdefault(side, []).append(made / seconds)
        medians = {side: statistics.median(all) for side, all in speeds.items()}
        exact = medians["jump exact"]
        print(f"{name}: {tokens} tokens; tokens/s, median of {arguments.rounds}")
        for side, median in sorted(medians.items()):
            print(f"  {side:<14} {median:7.0f}   jump exact is {exact / median:.2f} times as fast")


if __name__ == "__main__":
    main()
