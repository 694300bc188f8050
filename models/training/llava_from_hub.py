"""Writes a judge pack of any LLaVA of transformers, of any size: LLaVA-1.5-7B, say, from the hub or from a folder.

    python models/training/llava_from_hub.py llava-hf/llava-1.5-7b-hf models/llava --dtype fp16

    config.json  generation_config.json  preprocessor_config.json  tokenizer.json  chat_template.jinja
    onnx/vision_encoder_fp16.onnx, embed_tokens_fp16.onnx, decoder_model_merged_fp16.onnx    graphs, without a suffix in 32 bits
    onnx/…_fp16.onnx_data                                                                    their weights

The layout is that of transformers.js; export_llava.py says what goes into each model and comes out. Needs torch 2.8.0, transformers 4.55.4 and
onnx; no GPU. Memory: four times the weights, 60 GB for seven billion in 16 bits.
"""

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from transformers import AutoProcessor, DynamicCache, LlavaForConditionalGeneration

from export_llava import OPSET, configuration, past_names, places_and_bias, write_json

DTYPES = {"fp16": torch.float16, "fp32": torch.float32}
SUFFIXES = {"fp16": "_fp16", "fp32": ""}


class VisionEncoder(torch.nn.Module):
    """Pictures to rows that stand in the place of embedded tokens."""

    def __init__(self, llava: LlavaForConditionalGeneration):
        super().__init__()
        config = llava.config
        if not isinstance(config.vision_feature_layer, int):
            sys.exit(f"features of one layer are written, this model has those of layers {config.vision_feature_layer}")
        self.tower, self.projector, self.layer = llava.model.vision_tower, llava.model.multi_modal_projector, config.vision_feature_layer
        self.first = 1 if config.vision_feature_select_strategy == "default" else 0  # without the class, which is no part of the picture

    def forward(self, pixel_values):
        hidden = self.tower(pixel_values, output_hidden_states=True).hidden_states[self.layer]
        return self.projector(hidden[:, self.first :])


class Decoder(torch.nn.Module):
    """Any language model of transformers with rotary positions, behind the interface of a merged decoder."""

    def __init__(self, text_model, head):
        super().__init__()
        self.text_model, self.head = text_model, head

    def forward(self, inputs_embeds, attention_mask, position_ids, *past):
        cache = DynamicCache.from_legacy_cache(tuple(zip(past[0::2], past[1::2])))
        own, bias = places_and_bias(inputs_embeds, attention_mask)
        hidden = self.text_model(
            inputs_embeds=inputs_embeds, attention_mask=bias, position_ids=position_ids, past_key_values=cache, cache_position=own,
            use_cache=True,
        ).last_hidden_state
        return self.head(hidden), *(part for layer in cache.to_legacy_cache() for part in layer)


@torch.no_grad()
def export_graph(module: torch.nn.Module, inputs: dict, outputs: list[str], path: Path) -> None:
    """``inputs``: name -> (example, free axes). All weights go into one file beside the graph."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = Path(scratch) / "traced.onnx"  # one file for each weight, where they are large
        torch.onnx.export(
            module.eval(), tuple(example for example, _ in inputs.values()), str(traced), input_names=list(inputs), output_names=outputs,
            dynamic_axes={name: free for name, (_, free) in inputs.items()} | {name: {0: "batch", 1: "sequence"} for name in outputs[:1]},
            opset_version=OPSET, dynamo=False,
        )
        onnx.save(onnx.load(traced), path, save_as_external_data=True, location=f"{path.name}_data", size_threshold=1024)


def export_models(model: LlavaForConditionalGeneration, folder: Path, suffix: str) -> None:
    """The three models of ``model``, which is on the CPU and has eager attention, in its own element type."""
    folder.mkdir(parents=True, exist_ok=True)
    path = lambda name: folder / f"{name}{suffix}.onnx"  # noqa: E731
    text, language, dtype = model.config.text_config, model.model.language_model, model.dtype
    side = model.config.vision_config.image_size
    pixels = {"pixel_values": (torch.randn(2, 3, side, side, dtype=dtype), {0: "batch"})}
    export_graph(VisionEncoder(model), pixels, ["image_features"], path("vision_encoder"))
    tokens = {"input_ids": (torch.tensor([[1, 2, 3], [3, 2, 1]]), {0: "batch", 1: "sequence"})}
    export_graph(language.get_input_embeddings(), tokens, ["inputs_embeds"], path("embed_tokens"))

    batch, length, past = 2, 3, 5
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    inputs = {
        "inputs_embeds": (torch.randn(batch, length, text.hidden_size, dtype=dtype), {0: "batch", 1: "sequence"}),
        "attention_mask": (torch.ones(batch, past + length, dtype=torch.int64), {0: "batch", 1: "total"}),
        "position_ids": (torch.arange(past, past + length).repeat(batch, 1), {0: "batch", 1: "sequence"}),
    }
    for name in past_names(text.num_hidden_layers, "past_key_values"):
        inputs[name] = (torch.randn(batch, text.num_key_value_heads, past, size, dtype=dtype), {0: "batch", 2: "past"})
    outputs = ["logits", *past_names(text.num_hidden_layers, "present")]
    export_graph(Decoder(language, model.lm_head), inputs, outputs, path("decoder_model_merged"))


def write_configuration(model: LlavaForConditionalGeneration, folder: Path) -> None:
    write_json(folder / "config.json", configuration(model.config) | {"architectures": [type(model).__name__]})
    model.generation_config.save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name on the hub, or a folder as save_pretrained writes it")
    parser.add_argument("folder", type=Path, help="of the pack")
    parser.add_argument("--dtype", choices=DTYPES, default="fp16", help="[default: fp16]")
    options = parser.parse_args()
    model = LlavaForConditionalGeneration.from_pretrained(options.model, torch_dtype=DTYPES[options.dtype], attn_implementation="eager")
    export_models(model.eval(), options.folder / "onnx", SUFFIXES[options.dtype])
    write_configuration(model, options.folder)
    AutoProcessor.from_pretrained(options.model).save_pretrained(options.folder)


if __name__ == "__main__":
    main()
