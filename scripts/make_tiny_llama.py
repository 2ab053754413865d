#!/usr/bin/env python3
"""Makes the tiny checkpoints that the tests of `sgl_model` run, with the logits that `transformers` gives for them.

Two random Llamas, written to runtime/model/tests/data/:

    tiny_llama        f32, grouped queries, an output of its own, one file, a chat template
    tiny_llama_tied   bf16, tied embeddings, Llama 3's rotary scaling, several files and an index

Each folder also gets `golden.safetensors`: `tokens` [n] and `logits` [n, vocabulary], both f32, computed in f32,
and `golden_text.json`: a text and its ids by the `tokenizers` library.
"""

import json
import shutil
from pathlib import Path

from own_venv import ROOT, require

require(torch="torch", transformers="transformers", safetensors="safetensors", numpy="numpy")

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

DATA = ROOT / "runtime" / "model" / "tests" / "data"
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY = 320
TOKENS = 40
TRAINING_TEXT = (
    "The quick brown fox jumps over the lazy dog. A model reads tokens and writes the next one; "
    "what it has read stays in the cache, and what it writes is drawn from the logits. "
) * 4
GOLDEN_TEXT = "The lazy model\n\twrites 12 tokens, naïvely: <|im_end|> 漢字 🦊."
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tokenizer() -> Tokenizer:
    """Byte-level BPE with every byte, so that any text has ids."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(text, special=True) for text in CONTROL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator([TRAINING_TEXT], trainer)
    assert made.get_vocab_size() == VOCABULARY
    return made


def configuration(**changes) -> LlamaConfig:
    return LlamaConfig(
        **{
            "vocab_size": VOCABULARY,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 64,
            "rms_norm_eps": 1e-5,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
            # Large, so that the logits of a random model differ from each other.
            "initializer_range": 0.25,
            "tie_word_embeddings": False,
            **changes,
        }
    )


def write(name: str, config: LlamaConfig, dtype: torch.dtype, shard: str, template: str | None) -> None:
    folder = DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch.manual_seed(20261123)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "norm" in parameter_name:
                parameter.uniform_(0.5, 1.5)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)

    # Read back, because `to` has rounded the rotary frequencies too, which a checkpoint does not hold.
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = torch.randint(len(CONTROL), VOCABULARY, (TOKENS,))
    with torch.no_grad():
        logits = model(tokens[None]).logits[0]
    save_file({"tokens": tokens.float(), "logits": logits.contiguous()}, folder / "golden.safetensors")

    words = tokenizer()
    words.save(str(folder / "tokenizer.json"), pretty=False)
    words.encode_special_tokens = True
    golden = {"text": GOLDEN_TEXT, "ids": words.encode(GOLDEN_TEXT).ids}
    (folder / "golden_text.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
        special = {"bos_token": CONTROL[1], "eos_token": CONTROL[2]}
        (folder / "tokenizer_config.json").write_text(json.dumps(special) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    spread = logits.std().item()
    print(f"{name}: {len(list(folder.iterdir()))} files, {size / 1000:.0f} kB, logits spread {spread:.2f}")


def main() -> None:
    write("tiny_llama", configuration(), torch.float32, "1GB", CHAT_TEMPLATE)
    llama3 = {
        "rope_type": "llama3",
        "rope_theta": 10000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    }
    tied = configuration(tie_word_embeddings=True, num_key_value_heads=1, rope_parameters=llama3)
    write("tiny_llama_tied", tied, torch.bfloat16, "24KB", None)


if __name__ == "__main__":
    main()
