"""Writes a judge pack: a transformers LLaVA to ONNX files in the layout and with the names of transformers.js.

    config.json  generation_config.json  preprocessor_config.json  tokenizer.json
    onnx/vision_encoder.onnx          pixel_values [b, 3, h, w] -> image_features [b, image tokens, hidden]
    onnx/embed_tokens.onnx            input_ids [b, s] -> inputs_embeds [b, s, hidden]
    onnx/decoder_model_merged.onnx    inputs_embeds [b, s, hidden], attention_mask [b, past + s], position_ids [b, s],
                                      past_key_values.N.key|value [b, kv heads, past, head] -> logits [b, s, vocabulary],
                                      present.N.key|value [b, kv heads, past + s, head]

``export_llava(model, folder, ...)`` takes any ``LlavaForConditionalGeneration`` whose language model is a LLaMA; the vision tower
may be anything that answers as one (``hidden_states``). Batch, sequence and past lengths are free, a past of length 0 included.
The attention mask may have zeros anywhere: padding on the left, and between a cached past and what follows it.
With ``half_weights`` the weights are stored as fp16 and cast to fp32 when a session is made; inputs, outputs and arithmetic are fp32.
"""

import json
import warnings
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer
from transformers import DynamicCache, LlavaForConditionalGeneration, PretrainedConfig

from export_onnx import with_half_weights

OPSET = 17
NOT_OF_THE_MODEL = {"transformers_version", "_attn_implementation_autoset", "_name_or_path"}


class VisionEncoder(torch.nn.Module):
    """Vision tower and projector: pictures to rows that stand in the place of embedded tokens."""

    def __init__(self, model: LlavaForConditionalGeneration):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        config = self.model.config
        return self.model.get_image_features(
            pixel_values=pixel_values, vision_feature_layer=config.vision_feature_layer,
            vision_feature_select_strategy=config.vision_feature_select_strategy,
        )


class EmbedTokens(torch.nn.Module):
    def __init__(self, model: LlavaForConditionalGeneration):
        super().__init__()
        self.embedding = model.get_input_embeddings()

    def forward(self, input_ids):
        return self.embedding(input_ids)


def places_and_bias(inputs_embeds, attention_mask):
    """Places of the new tokens in the cache [s], and what is added to their attention [b, 1, s, past + s]: a token sees those before it
    and itself, by place in the cache, but no padding."""
    places = torch.arange(attention_mask.shape[1])
    own = places[attention_mask.shape[1] - inputs_embeds.shape[1] :]
    seen = (places[None, :] <= own[:, None])[None, None] & (attention_mask[:, None, None, :] != 0)
    lowest = torch.finfo(inputs_embeds.dtype).min
    return own, torch.where(seen, torch.zeros((), dtype=inputs_embeds.dtype), torch.full((), lowest, dtype=inputs_embeds.dtype))


class Decoder(torch.nn.Module):
    """The language model behind the interface of a merged decoder: any past, empty or not, and any number of new tokens."""

    def __init__(self, model: LlavaForConditionalGeneration):
        super().__init__()
        self.language_model = model.language_model

    def forward(self, inputs_embeds, attention_mask, position_ids, *past):
        cache = DynamicCache()
        cache.key_cache, cache.value_cache = list(past[0::2]), list(past[1::2])
        own, bias = places_and_bias(inputs_embeds, attention_mask)
        outputs = self.language_model(
            inputs_embeds=inputs_embeds, attention_mask=bias, position_ids=position_ids, past_key_values=cache,
            cache_position=own, use_cache=True, return_dict=True,
        )
        present = outputs.past_key_values
        return outputs.logits, *(part for layer in zip(present.key_cache, present.value_cache) for part in layer)


def past_names(layers: int, prefix: str) -> list[str]:
    """``prefix``.0.key, ``prefix``.0.value, ``prefix``.1.key, ..."""
    return [f"{prefix}.{layer}.{part}" for layer in range(layers) for part in ("key", "value")]


def export_graph(module, inputs: dict, outputs: dict, path: Path, half_weights: bool) -> None:
    """``inputs``: name -> (example, axes); ``outputs``: name -> sizes, a number where fixed and an axis' name where free."""
    axes = {name: free for name, (_, free) in inputs.items()}
    axes |= {name: {index: size for index, size in enumerate(sizes) if isinstance(size, str)} for name, sizes in outputs.items()}
    with warnings.catch_warnings():
        # The tracer warns of every Python branch on a size; those on the way of a LLaMA don't depend on the example.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            module, tuple(example for example, _ in inputs.values()), str(path), input_names=list(inputs),
            output_names=list(outputs), dynamic_axes=axes, opset_version=OPSET, do_constant_folding=True,
        )
    model = onnx.load(str(path))
    for output in model.graph.output:  # the exporter forgets some output sizes
        del output.type.tensor_type.shape.dim[:]
        for size in outputs[output.name]:
            dimension = output.type.tensor_type.shape.dim.add()
            setattr(dimension, "dim_param" if isinstance(size, str) else "dim_value", size)
    onnx.save(with_half_weights(model) if half_weights else model, str(path))


@torch.no_grad()
def export_vision_encoder(model: LlavaForConditionalGeneration, path: Path, height: int, width: int, half_weights: bool = True) -> int:
    """Returns the number of image tokens of a picture of ``height`` × ``width`` pixels."""
    encoder, example = VisionEncoder(model).eval(), torch.randn(2, 3, height, width)
    _, tokens, hidden = encoder(example).shape
    export_graph(encoder, {"pixel_values": (example, {0: "batch"})}, {"image_features": ["batch", tokens, hidden]}, path, half_weights)
    return tokens


@torch.no_grad()
def export_embed_tokens(model: LlavaForConditionalGeneration, path: Path, half_weights: bool = True) -> None:
    example = torch.tensor([[1, 2, 3], [3, 2, 1]])
    outputs = {"inputs_embeds": ["batch", "sequence", model.config.text_config.hidden_size]}
    export_graph(EmbedTokens(model).eval(), {"input_ids": (example, {0: "batch", 1: "sequence"})}, outputs, path, half_weights)


@torch.no_grad()
def export_decoder(model: LlavaForConditionalGeneration, path: Path, half_weights: bool = True) -> None:
    text = model.config.text_config
    heads, size = text.num_key_value_heads, getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    layers, batch, length, past = text.num_hidden_layers, 2, 3, 5
    inputs = {
        "inputs_embeds": (torch.randn(batch, length, text.hidden_size), {0: "batch", 1: "sequence"}),
        "attention_mask": (torch.ones(batch, past + length, dtype=torch.int64), {0: "batch", 1: "total"}),
        "position_ids": (torch.arange(past, past + length).repeat(batch, 1), {0: "batch", 1: "sequence"}),
    }
    for name in past_names(layers, "past_key_values"):
        inputs[name] = (torch.randn(batch, heads, past, size), {0: "batch", 2: "past"})
    outputs = {"logits": ["batch", "sequence", text.vocab_size]}
    outputs |= {name: ["batch", heads, "total", size] for name in past_names(layers, "present")}
    export_graph(Decoder(model).eval(), inputs, outputs, path, half_weights)


def configuration(config) -> dict:
    """All that is the configuration's own, whether or not it equals its class's default, and of the common base what was changed."""
    base = PretrainedConfig().to_dict()
    own = {}
    for key, value in config.to_dict().items():
        part = getattr(config, key, None)
        if isinstance(part, PretrainedConfig):
            own[key] = configuration(part)
        elif key not in NOT_OF_THE_MODEL and (key not in base or base[key] != value):
            own[key] = value
    return own


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def export_llava(
    model: LlavaForConditionalGeneration, folder: Path, preprocessor: dict, tokenizer: Tokenizer | None = None, half_weights: bool = True
) -> None:
    """Writes the pack. ``preprocessor``: what ``preprocessor_config.json`` says, as ``CLIPImageProcessor.to_dict()`` gives it; its crop
    (or, without one, its size) is the size of a picture. ``tokenizer``: of the ``tokenizers`` library; its decoded text is the answer.

    Digests, card and prompt template are the caller's."""
    folder = Path(folder)
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    model = model.eval()
    size = preprocessor["crop_size"] if preprocessor.get("do_center_crop", True) else preprocessor["size"]
    height, width = (size, size) if isinstance(size, int) else (size["height"], size["width"])
    tokens = export_vision_encoder(model, folder / "onnx/vision_encoder.onnx", height, width, half_weights)
    export_embed_tokens(model, folder / "onnx/embed_tokens.onnx", half_weights)
    export_decoder(model, folder / "onnx/decoder_model_merged.onnx", half_weights)

    config = configuration(model.config) | {"architectures": [type(model).__name__], "image_seq_length": tokens}
    write_json(folder / "config.json", config)
    text = model.config.text_config
    ids = {"bos_token_id": text.bos_token_id, "eos_token_id": text.eos_token_id, "pad_token_id": text.pad_token_id}
    write_json(folder / "generation_config.json", {key: value for key, value in ids.items() if value is not None})
    write_json(folder / "preprocessor_config.json", preprocessor)
    if tokenizer is not None:
        tokenizer.save(str(folder / "tokenizer.json"))
