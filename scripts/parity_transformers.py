#!/usr/bin/env python3
"""Compares logits with those that `transformers` computes in f32 from the same GGUF.

    cargo run --release -p sgl_model --example cuda_bench -- logits MODEL.gguf TEXT.txt FOLDER
    scripts/parity_transformers.py MODEL.gguf FOLDER

FOLDER holds `tokens.u32`, `cpu.f32` and `cuda.f32`. For each: how often the first choices agree, and how far the logits are
from the reference, over all numbers. Fails if the device agrees on less than 99 % of the first choices or is further than 2e-2.
"""

import struct
import sys
from pathlib import Path

from own_venv import require

require(torch="torch", transformers="transformers", numpy="numpy")

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

FORMATS = {0: "<f", 1: "<f2", 3: "q4_1", 8: "q8_0"}
NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def number(self, layout: str):
        (value,) = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return value

    def text(self) -> str:
        length = self.number("<Q")
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8", "replace")

    def value(self, kind: int):
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, count = self.number("<I"), self.number("<Q")
            return [self.value(inner) for _ in range(count)]
        return self.number(NUMBERS[kind])


def numbers(data: bytes, at: int, kind: int, count: int) -> np.ndarray:
    """The numbers of a tensor, f32."""
    if kind in (0, 1):
        layout = np.dtype(FORMATS[kind] if kind else "<f4")
        return np.frombuffer(data, layout, count, at).astype(np.float32)
    if kind == 3:
        block = np.dtype([("d", "<f2"), ("m", "<f2"), ("q", "u1", 16)])
        blocks = np.frombuffer(data, block, count // 32, at)
        codes = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1).astype(np.float32)
        return (codes * blocks["d"].astype(np.float32)[:, None] + blocks["m"].astype(np.float32)[:, None]).ravel()
    if kind == 8:
        block = np.dtype([("d", "<f2"), ("q", "i1", 32)])
        blocks = np.frombuffer(data, block, count // 32, at)
        return (blocks["q"].astype(np.float32) * blocks["d"].astype(np.float32)[:, None]).ravel()
    sys.exit(f"tensor format {kind} is not known here")


def load(path: Path) -> LlamaForCausalLM:
    data = path.read_bytes()
    reader = Reader(data)
    assert reader.number("<I") == 0x46554747, "no GGUF"
    reader.number("<I")
    tensors, keys = reader.number("<Q"), reader.number("<Q")
    meta = {}
    for _ in range(keys):
        name = reader.text()
        meta[name] = reader.value(reader.number("<I"))
    infos = {}
    for _ in range(tensors):
        name = reader.text()
        shape = [reader.number("<Q") for _ in range(reader.number("<I"))]
        infos[name] = (shape[::-1], reader.number("<I"), reader.number("<Q"))
    align = meta.get("general.alignment", 32)
    base = (reader.at + align - 1) // align * align
    heads, kv_heads = meta["llama.attention.head_count"], meta["llama.attention.head_count_kv"]
    config = LlamaConfig(
        vocab_size=infos["token_embd.weight"][0][0],
        hidden_size=meta["llama.embedding_length"],
        intermediate_size=meta["llama.feed_forward_length"],
        num_hidden_layers=meta["llama.block_count"],
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=meta["llama.context_length"],
        rms_norm_eps=meta["llama.attention.layer_norm_rms_epsilon"],
        rope_theta=meta["llama.rope.freq_base"],
        tie_word_embeddings="output.weight" not in infos,
    )
    # Where newer versions keep the base of the rotation.
    if getattr(config, "rope_parameters", None):
        config.rope_parameters["rope_theta"] = meta["llama.rope.freq_base"]

    def tensor(name: str) -> torch.Tensor:
        shape, kind, offset = infos[name]
        return torch.from_numpy(numbers(data, base + offset, kind, int(np.prod(shape))).reshape(shape).copy())

    def turned(name: str, count: int) -> torch.Tensor:
        """GGUF keeps the rows of queries and keys so that neighbours turn together."""
        rows = tensor(name)
        return rows.reshape(count, rows.shape[0] // count // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)

    state = {"model.embed_tokens.weight": tensor("token_embd.weight"), "model.norm.weight": tensor("output_norm.weight")}
    if "output.weight" in infos:
        state["lm_head.weight"] = tensor("output.weight")
    plain = {
        "attn_norm": "input_layernorm",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    for layer in range(config.num_hidden_layers):
        at = f"model.layers.{layer}"
        state[f"{at}.self_attn.q_proj.weight"] = turned(f"blk.{layer}.attn_q.weight", heads)
        state[f"{at}.self_attn.k_proj.weight"] = turned(f"blk.{layer}.attn_k.weight", kv_heads)
        for ours, theirs in plain.items():
            state[f"{at}.{theirs}.weight"] = tensor(f"blk.{layer}.{ours}.weight")
    model = LlamaForCausalLM(config).float().eval()
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if name != "lm_head.weight"]
    assert not missing and not unexpected, (missing, unexpected)
    model.tie_weights()
    return model


def main() -> None:
    model, folder = load(Path(sys.argv[1])), Path(sys.argv[2])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = False
    tokens = np.fromfile(folder / "tokens.u32", "<u4").astype(np.int64)
    with torch.inference_mode():
        reference = model.to(device)(torch.from_numpy(tokens)[None].to(device)).logits[0].double().cpu().numpy()
    good = True
    for name in ("cpu", "cuda"):
        found = np.fromfile(folder / f"{name}.f32", "<f4").reshape(reference.shape).astype(np.float64)
        agree = float((found.argmax(1) == reference.argmax(1)).mean())
        error = float(np.linalg.norm(found - reference) / np.linalg.norm(reference))
        print(f"{name:5} {len(tokens)} tokens: first choices agree {100 * agree:.2f} %, logits differ by {error:.2e}")
        if name == "cuda":
            good = agree >= 0.99 and error <= 2e-2
    sys.exit(0 if good else "the device is too far from the reference")


if __name__ == "__main__":
    main()
