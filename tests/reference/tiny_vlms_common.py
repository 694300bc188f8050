"""What `tiny_vlms.py` does alike for both of its models: tokenizer, weights, the two graphs that don't see a picture, checks, JSON."""

import json
import re
from contextlib import contextmanager
from pathlib import Path

import numpy
import onnx
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from tiny_llava import AGENT, GENERAL, QUESTION, TRAITS, WORDS, shorten
from export_llava import export_graph, past_names
from llava_from_hub import Decoder

VOCABULARY = 200
STEPS = 6
TOLERANCE = 2e-4  # of logits, between transformers and ONNX Runtime
TEMPLATE = "scale = { lowest = 0, highest = 9 }\n" + "".join(
    f"{name} = {json.dumps(text)}\n" for name, text in [("general", GENERAL), ("agent", AGENT), ("question", QUESTION)]
)


def tokenizer(first: list[str], words: list[str], last: list[str]) -> Tokenizer:
    """Special tokens, words, special tokens. Line ends are tokens, two of them together one of their own, as in published tokenizers."""
    known = [*first, "\n", "\n\n", *dict.fromkeys([*WORDS, *words]), *map(str, range(10))]
    spare = VOCABULARY - len(known) - len(last)
    known += ["v" + chr(97 + index // 26) + chr(97 + index % 26) for index in range(spare)]
    vocabulary = {word: index for index, word in enumerate(known)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=first[0]))
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Split(Regex("\n+"), "isolated"),
        pre_tokenizers.Digits(individual_digits=True),
    ])
    made.add_special_tokens([*first, *last])
    assert made.get_vocab_size() == VOCABULARY
    return made


def fill(model: torch.nn.Module, silent: list[int]) -> None:
    """Random weights under which every layer moves the logits by much more than the tolerance; ``silent`` tokens are never said.

    What is stored as fp16 is what the reference computes with."""
    torch.manual_seed(7)
    for name, weights in model.named_parameters():
        if weights.ndim > 1:
            torch.nn.init.normal_(weights, std=1.6 / weights[0].numel() ** 0.5 if "embed" not in name else 0.7)
        elif "norm" not in name and "ln_q" not in name:
            torch.nn.init.normal_(weights, std=0.1)
    model.lm_head.weight.data[silent] = 0
    for weights in model.parameters():
        weights.data = weights.data.half().float()


def write_graph(module, inputs: dict, outputs: dict, path: Path) -> None:
    export_graph(module.eval(), inputs, outputs, path, half_weights=True)
    shorten(path)


@torch.no_grad()
def export_text(text_model, head, text_config, folder: Path, position_axes: int) -> None:
    """The embedding and the decoder; ``position_axes``: 1 for ids of [b, s], 3 for [3, b, s]."""
    hidden, layers, heads = text_config.hidden_size, text_config.num_hidden_layers, text_config.num_key_value_heads
    size, batch, length, past = hidden // text_config.num_attention_heads, 2, 3, 5
    write_graph(
        text_model.get_input_embeddings(), {"input_ids": (torch.tensor([[1, 2, 3], [3, 2, 1]]), {0: "batch", 1: "sequence"})},
        {"inputs_embeds": ["batch", "sequence", hidden]}, folder / "embed_tokens.onnx",
    )
    positions = torch.arange(past, past + length).repeat(batch, 1), {0: "batch", 1: "sequence"}
    if position_axes == 3:
        positions = positions[0].repeat(3, 1, 1), {1: "batch", 2: "sequence"}
    inputs = {
        "inputs_embeds": (torch.randn(batch, length, hidden), {0: "batch", 1: "sequence"}),
        "attention_mask": (torch.ones(batch, past + length, dtype=torch.int64), {0: "batch", 1: "total"}),
        "position_ids": positions,
    }
    for name in past_names(layers, "past_key_values"):
        inputs[name] = (torch.randn(batch, heads, past, size), {0: "batch", 2: "past"})
    outputs = {"logits": ["batch", "sequence", text_config.vocab_size]}
    outputs |= {name: ["batch", heads, "total", size] for name in past_names(layers, "present")}
    write_graph(Decoder(text_model, head), inputs, outputs, folder / "decoder_model_merged.onnx")


def texts(persona: list[float], request: str) -> tuple[str, str]:
    """The text before the picture and after it."""
    agent = AGENT.format(**{f"{name}_percent": round(100 * value) for name, value in zip(TRAITS, persona)})
    return f"{GENERAL}\n{agent}\n", QUESTION.replace("{request}", request)


@contextmanager
def width_first():
    """Within it every resizing by Pillow must give what it gives width first and then height, as all versions before 13 went about it."""
    original = Image.Image.resize

    def resize(image, size, resample=None, **others):
        made = original(image, size, resample, **others)
        again = original(original(image, (size[0], image.height), resample), size, resample)
        assert made.tobytes() == again.tobytes(), (image.size, size)
        return made

    Image.Image.resize = resize
    try:
        yield
    finally:
        Image.Image.resize = original


def run_in_parts(sessions: dict, text_config, ids: list[int], positions: numpy.ndarray, features: numpy.ndarray, image_token: int,
                 prompt_tokens: int) -> numpy.ndarray:
    """The logits of every step by the exported graphs: the text before the picture, the rest of the prompt, token by token."""
    first = ids.index(image_token)
    ends = [first, prompt_tokens, *range(prompt_tokens + 1, len(ids) + 1)]
    embedded = sessions["embed_tokens"].run(None, {"input_ids": numpy.array([ids])})[0]
    embedded[0, numpy.array(ids) == image_token] = features.reshape(-1, features.shape[-1])
    size = text_config.hidden_size // text_config.num_attention_heads
    names = past_names(text_config.num_hidden_layers, "past_key_values")
    past = [numpy.zeros((1, text_config.num_key_value_heads, 0, size), numpy.float32)] * len(names)
    start, logits = 0, []
    for end in ends:
        inputs = {"inputs_embeds": embedded[:, start:end], "attention_mask": numpy.ones((1, end), numpy.int64)}
        out, *past = sessions["decoder_model_merged"].run(
            None, inputs | {"position_ids": positions[..., start:end]} | dict(zip(names, past)))
        logits.append(out[0, -1])
        start = end
    return numpy.stack(logits[1:])


def write_lines(path: Path, value: dict) -> None:
    """JSON with every list of numbers on a line of its own."""
    text = json.dumps(value, indent=1)
    text = re.sub(r"\[[-+.\de,\s]*\]", lambda numbers: re.sub(r"\s+", "", numbers[0]), text)
    path.write_text(text + "\n")


def check_graph(path: Path) -> str:
    """One file, as ONNX's checker wants it; returns its inputs and outputs for the reader."""
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    assert not any(tensor.external_data for tensor in model.graph.initializer)

    def show(value) -> str:
        sizes = [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        return f"{value.name} {onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()} {sizes}"

    return "; ".join(map(show, model.graph.input)) + " -> " + "; ".join(map(show, model.graph.output))
