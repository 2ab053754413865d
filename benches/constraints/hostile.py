#!/usr/bin/env python3
"""Hostile constraints: each ends in a constraint or in a message that names the limit; seconds of the processor and peak memory of making it.

Each is made by a process of its own (`sgl_benches exact … 0`) over a real vocabulary; the seconds and the memory of the same process with
a harmless constraint are taken off. A vocabulary takes less memory to read than a model, so that more of what is measured is the
constraint's. Fails if one takes more than 2 s or 256 MB, or dies.

usage: benches/constraints/hostile.py MODEL.gguf|VOCABULARY.json [--benches BINARY]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS_MAX, BYTES_MAX = 2.0, 256 << 20


def nested(depth, inner):
    for _ in range(depth):
        inner = {"type": "object", "properties": {"a": inner}, "required": ["a"]}
    return inner


def cases():
    regex = lambda name, pattern: {"name": name, "regex": pattern}
    schema = lambda name, body: {"name": name, "schema": body}
    many = {f"p{i}": {"type": "string", "maxLength": 1000} for i in range(2000)}
    bomb = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 8} for i in range(30)} | {"d30": {"type": "null"}}
    product = {f"d{i}": {"type": "array", "prefixItems": [{"$ref": f"#/$defs/d{i + 1}"}] * 4} for i in range(12)} | {"d12": {"const": 1}}
    return [
        regex("harmless", "a"),
        regex("exponential 16", "[ab]*a[ab]{16}"),
        regex("exponential 40", "(a|b)*a(a|b){40}"),
        regex("exponential 1000", "[ab]*a[ab]{1000}"),
        regex("counts inside counts", "((a{1,100}){1,100}){1,100}"),
        regex("words inside counts", r"(\w{1,400}x){1,400}"),
        regex("a million", "a{1000000}"),
        regex("four billion", "[a-z]{0,4294967295}"),
        regex("a million words", r"(\w+ ){1000000}"),
        regex("found by fuzzing", ".{90}1.{40}*.{10}n   .{13};.{50}n  *"),
        regex("overlapping", "(x+x+)+y"),
        regex("overlapping counts", "(.{0,1000}a){1000}"),
        regex("alternatives", "|".join(f"(.*{i}.*)" for i in range(60))),
        regex("deep groups", "(" * 240 + "a" + ")" * 240),
        regex("too deep groups", "(" * 100_000 + "a" + ")" * 100_000),
        regex("stars of stars", "((((a*)*)*)*)*" * 100),
        regex("unicode", r"\PC{1,500}\p{L}{1,500}\p{Greek}{1,500}"),
        schema("enum of 30000", {"enum": [f"name {i} of many" for i in range(30_000)]}),
        schema("2000 properties", {"type": "object", "properties": many, "required": list(many)}),
        schema("2000 optional properties", {"type": "object", "properties": many}),
        schema("nested 200", nested(200, {"type": "integer"})),
        schema("nested 5000", nested(5000, {"type": "integer"})),
        schema("itself", {"$ref": "#"}),
        schema("bomb of choices", {"$ref": "#/$defs/d0", "$defs": bomb}),
        schema("bomb of products", {"$ref": "#/$defs/d0", "$defs": product}),
        schema("bomb of all", {"allOf": [{"anyOf": [{"pattern": f"^.*{i}.*$"}, {"pattern": f"^{i}"}]} for i in range(24)], "type": "string"}),
        schema("bounds", {"type": "integer", "minimum": -(10**300), "maximum": 10**300, "multipleOf": 999_983}),
        schema("items without end", {"type": "array", "minItems": 10**9, "items": {"type": "array", "minItems": 10**9}}),
        {"name": "left recursion", "lark": "start: a\na: a \"x\" | \"y\"\n"},
        {"name": "ambiguous", "lark": "start: e\ne: \"x\" e \"x\" e | \"x\" e | \"x\"\n"},
        {"name": "rules of rules", "lark": "start: r0\n" + "".join(f"r{i}: r{i + 1} r{i + 1}\n" for i in range(40)) + 'r40: "a"\n'},
    ]


def measure(binary, vocabulary, case):
    """The last line, seconds and peak bytes of making a case."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([case], file)
        file.flush()
        process = subprocess.Popen([binary, "exact", vocabulary, file.name, "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        return (said.strip().splitlines() or [""])[-1], status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10


def main():
    sys.setrecursionlimit(100_000)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vocabulary")
    parser.add_argument("--benches", default=str(ROOT / "target" / "release" / "sgl_benches"))
    arguments = parser.parse_args()
    idle, wrong = None, 0
    for case in cases():
        said, status, seconds, peak = measure(arguments.benches, arguments.vocabulary, case)
        if idle is None:
            idle = (seconds, peak)
        seconds, peak = seconds - idle[0], max(peak - idle[1], 0)
        # The reader of JSON has a limit of its own, and names it.
        died = status != 0 and "limit exceeded" not in said
        bad = died or seconds > SECONDS_MAX or peak > BYTES_MAX
        wrong += bad
        print(f"{'WRONG ' if bad else ''}{seconds:6.2f} s {peak >> 20:5} MB  {said[:200]}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
