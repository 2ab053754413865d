#!/usr/bin/env python3
"""Vocabularies of real tokenizers as JSON, from the PyPI package `mistral-common`, for `sgl_benches exact`.

Each file is an array with an array of bytes per token, null for special tokens: `bpe.json` is byte-level BPE with 131,072 tokens,
`sentencepiece.json` a SentencePiece model with byte fallback.

usage: benches/constraints/vocabularies.py FOLDER
"""

import base64
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from own_venv import require

require(mistral_common="mistral-common", sentencepiece="sentencepiece")

import mistral_common
import sentencepiece


def byte_level(path):
    """Ranks come after the special tokens, as many as the whole has room for."""
    content = json.loads(path.read_text())
    size, special = content["config"]["default_vocab_size"], content["config"]["default_num_special_tokens"]
    words = sorted(content["vocab"], key=lambda word: word["rank"])[: size - special]
    return [None] * special + [list(base64.b64decode(word["token_bytes"])) for word in words]


def sentence_piece(path):
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    tokens = []
    for token in range(model.get_piece_size()):
        piece = model.id_to_piece(token)
        if model.is_control(token) or model.is_unknown(token) or model.is_unused(token):
            tokens.append(None)
        elif model.is_byte(token):
            tokens.append([int(piece[3:-1], 16)])
        else:
            tokens.append(list(piece.replace("\u2581", " ").encode()))
    return tokens


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
    data = Path(mistral_common.__file__).parent / "data"
    models = {"bpe": (byte_level, "tekken_*.json"), "sentencepiece": (sentence_piece, "*tokenizer*.model*")}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (read, pattern) in models.items():
        path = sorted(data.glob(pattern))[0]
        tokens = read(path)
        (folder / f"{name}.json").write_text(json.dumps(tokens))
        print(f"{name}.json: {len(tokens)} tokens of {path.name}")


if __name__ == "__main__":
    main()
