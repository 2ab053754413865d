#!/usr/bin/env python3
"""Constraints beside llguidance and xgrammar (PyPI), on the same tokens and cases.

Each side makes the constraint of a case, then follows the tokens of its instances; the mask before each token is timed. `cold` is the first
pass over a constraint just made, `warm` are later ones. Forced tokens are those of runs that a side offers; a run counts as not canonical
if its tokens are not those of the instance. Peers are called through Python, which costs them about a microsecond per mask.

usage: benches/constraints/beside_peers.py MODEL.gguf [--cases FILE] [--json] [--benches BINARY]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from own_venv import require

require(gguf="gguf", tokenizers="tokenizers", llguidance="llguidance", xgrammar="xgrammar", numpy="numpy")

import gguf
import llguidance
import llguidance.numpy
import tokenizers
import xgrammar

WARM_PASSES = 20
# The layout that sglc writes values in.
LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def read_tokenizer(path):
    """The byte-level BPE of a GGUF file, as `tokenizers` has it, and its tokens as they are written."""
    reader = gguf.GGUFReader(path)

    def strings(key):
        field = reader.fields[key]
        return [bytes(field.parts[index]).decode() for index in field.data]

    tokens, merges = strings("tokenizer.ggml.tokens"), strings("tokenizer.ggml.merges")
    vocabulary = {token: index for index, token in enumerate(tokens)}
    model = tokenizers.models.BPE(vocabulary, [tuple(merge.split(" ")) for merge in merges])
    tokenizer = tokenizers.Tokenizer(model)
    pre = tokenizers.pre_tokenizers
    tokenizer.pre_tokenizer = pre.Sequence([pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    end = int(reader.fields["tokenizer.ggml.eos_token_id"].parts[-1][0])
    tokenizer.add_special_tokens([tokens[end]])
    return tokenizer, tokens, end


class Llguidance:
    name = "llguidance"

    def __init__(self, tokenizer, tokens, end):
        self.tokenizer = llguidance.LLTokenizer(tokenizer.to_str(), eos_token=end)
        self.mask = llguidance.numpy.allocate_token_bitmask(1, self.tokenizer.vocab_size)

    def compile(self, case):
        matcher = llguidance.LLMatcher
        if "regex" in case:
            grammar = matcher.grammar_from_regex(case["regex"])
        elif "schema" in case:
            grammar = matcher.grammar_from_json_schema(case["schema"], defaults=LAYOUT)
        else:
            grammar = matcher.grammar_from_lark(case["lark"])
        made = matcher(self.tokenizer, grammar)
        if made.is_error():
            raise ValueError(made.get_error())
        return made

    def begin(self, made):
        return made.deep_copy()

    def fill(self, state):
        llguidance.numpy.fill_next_token_bitmask(state, self.mask, 0)

    def accept(self, state, token):
        return state.consume_token(token)

    def run(self, state):
        return state.compute_ff_tokens()


class Xgrammar:
    name = "xgrammar"

    def __init__(self, _tokenizer, tokens, end):
        kind = xgrammar.VocabType.BYTE_LEVEL
        info = xgrammar.TokenizerInfo(tokens, kind, vocab_size=len(tokens), stop_token_ids=[end])
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        self.mask = xgrammar.allocate_token_bitmask(1, len(tokens))

    def compile(self, case):
        if "regex" in case:
            return self.compiler.compile_regex(case["regex"])
        if "schema" in case:
            schema = json.dumps(case["schema"])
            separators = (LAYOUT["item_separator"], LAYOUT["key_separator"])
            return self.compiler.compile_json_schema(schema, any_whitespace=False, separators=separators, strict_mode=False)
        return self.compiler.compile_grammar(case["ebnf"])

    def begin(self, made):
        return xgrammar.GrammarMatcher(made)

    def fill(self, state):
        state.fill_next_token_bitmask(self.mask)

    def accept(self, state, token):
        return state.accept_token(token)

    def run(self, _state):
        return []


def quantiles(times):
    times = sorted(times)
    at = lambda share: times[min(int(len(times) * share), len(times) - 1)] * 1e6
    return [at(0.5), at(0.99), times[-1] * 1e6]


def passed(peer, made, ids, times):
    state = peer.begin(made)
    for token in ids:
        start = time.perf_counter()
        peer.fill(state)
        times.append(time.perf_counter() - start)
        if not peer.accept(state, token):
            raise ValueError("an instance is not allowed")


def measured(peer, case, tokenizer):
    start = time.perf_counter()
    made = peer.compile(case)
    compiled = time.perf_counter() - start
    cold, warm, total, forced, strange = [], [], 0, 0, 0
    for instance in case["instances"]:
        ids = tokenizer.encode(instance, add_special_tokens=False).ids
        passed(peer, made, ids, cold)
        for _ in range(WARM_PASSES):
            passed(peer, made, ids, warm)
        total += len(ids)
        state, at = peer.begin(made), 0
        while at < len(ids):
            run = peer.run(state)
            forced += len(run)
            took = ids[at : at + max(len(run), 1)]
            strange += bool(run) and took != run[: len(took)]
            for token in took:
                peer.accept(state, token)
            at += len(took)
    figures = {"compile_ms": compiled * 1e3, "cold_us": quantiles(cold), "warm_us": quantiles(warm)}
    return {**figures, "tokens": total, "forced": forced, "not_canonical": strange}


def ours(model, cases, binary):
    cargo = ["cargo", "run", "--release", "--quiet", "-p", "sgl_benches", "--"]
    command = [*([binary] if binary else cargo), "constraints", model, cases]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


def shown(figures):
    if "figures" not in figures:
        return "refused"
    f = figures["figures"]
    cold, warm = f["cold_us"], f["warm_us"]
    return f"{f['compile_ms']:8.2f} ms  {cold[1]:7.1f}  {warm[0]:5.2f} {warm[1]:6.2f}  {f['forced']:3}/{f['tokens']:<3}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--cases", default=str(Path(__file__).with_name("cases.json")))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--benches", help="sgl_benches, if it is built")
    arguments = parser.parse_args()
    model = str(Path(arguments.model).resolve())
    cases = json.loads(Path(arguments.cases).read_text())
    tokenizer, tokens, end = read_tokenizer(model)
    sides = {"sglc": ours(model, arguments.cases, arguments.benches)}
    for make in (Llguidance, Xgrammar):
        peer = make(tokenizer, tokens, end)
        sides[peer.name] = {}
        for case in cases:
            try:
                sides[peer.name][case["name"]] = {"figures": measured(peer, case, tokenizer)}
            except (ValueError, RuntimeError) as error:
                sides[peer.name][case["name"]] = {"refused": str(error).splitlines()[0]}
    if arguments.json:
        print(json.dumps(sides))
        return
    print("compile, mask p99 cold, p50 and p99 warm in microseconds, forced/all tokens")
    for case in cases:
        for side, figures in sides.items():
            print(f"{case['name']:<22} {side:<11} {shown(figures[case['name']])}")
    for side, figures in sides.items():
        known = [f["figures"] for f in figures.values() if "figures" in f]
        median = lambda key: statistics.median(key(f) for f in known)
        strange = sum(f["not_canonical"] for f in known)
        print(
            f"{side}: median compile {median(lambda f: f['compile_ms']):.2f} ms, mask p50 {median(lambda f: f['warm_us'][0]):.2f} us, "
            f"worst p99 {max(f['warm_us'][1] for f in known):.1f} us, cold worst {max(f['cold_us'][2] for f in known):.0f} us, "
            f"{sum(f['forced'] for f in known)} forced tokens, {strange} runs not canonical"
        )


if __name__ == "__main__":
    main()
