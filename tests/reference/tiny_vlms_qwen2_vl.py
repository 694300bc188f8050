"""The Qwen2-VL of `tiny_vlms.py`: pictures of any shape whose tokens have places in three axes, in the layout of Qwen2-VL-2B-Instruct."""

import tempfile
from pathlib import Path

import numpy
import torch
from PIL import Image
from transformers import Qwen2TokenizerFast, Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLImageProcessor, Qwen2VLProcessor
from transformers import Qwen2VLVideoProcessor
from transformers.models.qwen2_vl.modeling_qwen2_vl import apply_rotary_pos_emb_vision, eager_attention_forward

from export_llava import write_json
from tiny_vlms_common import VOCABULARY, export_text, fill, tokenizer, write_graph

LAST = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",
        "<|video_pad|>"]
# The encoder's second input in onnx-community/Qwen2-VL-2B-Instruct; transformers.js has this name for Qwen2-VL alone, and calls it
# `image_grid_thw` for the models after it.
GRID = "grid_thw"
CHAT_TEMPLATE = """{% set pictures = namespace(value=0) %}
{% for message in messages %}
{% if loop.first and message['role'] != 'system' %}
<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}
<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}
{{ message['content'] }}{% else %}
{% for part in message['content'] %}
{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}
{% set pictures.value = pictures.value + 1 %}
{% if add_vision_id %}{{ 'Picture ' ~ pictures.value ~ ': ' }}{% endif %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}\
{% elif 'text' in part %}{{ part['text'] }}{% endif %}
{% endfor %}
{% endif %}
{{ '<|im_end|>' }}
{% endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant' }}
{% endif %}
"""
PATCH, MERGE = 4, 2
PREPROCESSOR = {
    "min_pixels": 400, "max_pixels": 1024, "patch_size": PATCH, "temporal_patch_size": 2, "merge_size": MERGE,
    "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor",
}


class VisionEncoder(torch.nn.Module):
    """What `visual` computes of one picture, without loops over pictures, which a graph can't have."""

    def __init__(self, visual):
        super().__init__()
        self.visual = visual

    def forward(self, pixel_values, grid_thw):
        hidden = self.visual.patch_embed(pixel_values)
        # Patches come in squares of MERGE × MERGE, the squares by rows, and so does what is within them.
        square = torch.arange(pixel_values.shape[0]) // MERGE**2
        within = torch.arange(pixel_values.shape[0]) % MERGE**2
        squares = grid_thw[0, 2] // MERGE
        row = square // squares * MERGE + within // MERGE
        column = square % squares * MERGE + within % MERGE
        frequencies = self.visual.rotary_pos_emb.inv_freq
        angles = torch.cat([row[:, None] * frequencies, column[:, None] * frequencies], 1)
        angles = torch.cat([angles, angles], 1)
        for block in self.visual.blocks:
            attention = block.attn
            parts = attention.qkv(block.norm1(hidden)).reshape(-1, 3, attention.num_heads, attention.head_dim)
            query, key = apply_rotary_pos_emb_vision(parts[:, 0], parts[:, 1], angles.cos(), angles.sin())
            heads = (part.transpose(0, 1)[None] for part in (query, key, parts[:, 2]))
            seen = eager_attention_forward(attention, *heads, None, attention.scaling)[0].reshape(-1, attention.dim)
            hidden = hidden + attention.proj(seen)
            hidden = hidden + block.mlp(block.norm2(hidden))
        return self.visual.merger(hidden)


class Qwen2Vl:
    NAME = "tiny_qwen2_vl"
    # Width, height: scaled up to min_pixels; down to max_pixels; only rounded (2.5 and 6.5 multiples, both to the even one). The others
    # are for preprocessing alone; none is 1 or 3 high, which transformers would take for channels.
    PICTURES = [(20, 12), (46, 34), (20, 52), (120, 5), (40, 4)]
    PREPROCESSINGS = [  # changes to the pack's settings, and the picture they are tried on
        ({"min_pixels": 64, "max_pixels": 300}, 1),
        ({"min_pixels": 64, "max_pixels": 256}, 3),  # the lower side stays one multiple, so there are more pixels than max_pixels
        ({}, 4),  # rounds to no rows at all, and is scaled up
    ]

    def __init__(self):
        self.words = tokenizer(["<unk>"], ["You", "helpful", "assistant.", "system"], LAST)
        with tempfile.TemporaryDirectory() as folder:  # the class wants a file
            self.words.save(f"{folder}/tokenizer.json")
            fast = Qwen2TokenizerFast(
                tokenizer_file=f"{folder}/tokenizer.json", unk_token="<unk>", eos_token="<|im_end|>", pad_token="<|endoftext|>",
                additional_special_tokens=LAST[1:], model_max_length=256, clean_up_tokenization_spaces=False,
            )
        token = {name: self.words.token_to_id(f"<|{name}|>") for name in ["endoftext", "im_end", "vision_start", "vision_end",
                                                                        "vision_pad", "image_pad", "video_pad"]}
        self.image_token = token["image_pad"]
        self.image_processor = Qwen2VLImageProcessor(**PREPROCESSOR)
        self.processor = Qwen2VLProcessor(self.image_processor, fast, Qwen2VLVideoProcessor(), chat_template=CHAT_TEMPLATE)
        self.config = {
            "architectures": ["Qwen2VLForConditionalGeneration"], "attention_dropout": 0.0, "bos_token_id": token["endoftext"],
            "eos_token_id": token["im_end"], "vision_start_token_id": token["vision_start"], "vision_end_token_id": token["vision_end"],
            "vision_token_id": token["vision_pad"], "image_token_id": token["image_pad"], "video_token_id": token["video_pad"],
            "hidden_act": "silu", "hidden_size": 64, "initializer_range": 0.02, "intermediate_size": 48, "max_position_embeddings": 256,
            "max_window_layers": 2, "model_type": "qwen2_vl", "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
            "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 256, "tie_word_embeddings": False,
            "torch_dtype": "float32", "use_cache": True, "use_sliding_window": False,
            "vision_config": {
                "depth": 2, "embed_dim": 16, "mlp_ratio": 2, "num_heads": 2, "in_chans": 3, "hidden_size": 64, "patch_size": PATCH,
                "spatial_merge_size": MERGE, "spatial_patch_size": PATCH, "temporal_patch_size": 2,
            },
            "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}, "vocab_size": VOCABULARY,
        }
        self.generation = {
            "bos_token_id": token["endoftext"], "do_sample": True, "eos_token_id": [token["im_end"], token["endoftext"]],
            "pad_token_id": token["endoftext"], "repetition_penalty": 1.0, "temperature": 0.01, "top_k": 1, "top_p": 0.001,
        }
        copied = self.config | {"vision_config": dict(self.config["vision_config"]), "rope_scaling": dict(self.config["rope_scaling"])}
        config = Qwen2VLConfig(**copied)
        self.model = Qwen2VLForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
        fill(self.model, [0, *range(VOCABULARY - len(LAST), VOCABULARY)])
        self.text_config = config.text_config

    def settings(self) -> dict:
        return PREPROCESSOR

    def write_pack(self, folder: Path) -> None:
        self.processor.save_pretrained(str(folder))  # the template in chat_template.jinja
        for name in ["special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "video_preprocessor_config.json"]:
            (folder / name).unlink(missing_ok=True)
        write_json(folder / "preprocessor_config.json", PREPROCESSOR)
        write_json(folder / "config.json", self.config)
        write_json(folder / "generation_config.json", self.generation)
        export_text(self.model.model.language_model, self.model.lm_head, self.text_config, folder / "onnx", 3)
        encoder = VisionEncoder(self.model.model.visual)
        self.check_encoder(encoder)
        pixels, grid = torch.randn(24, 6 * PATCH**2), torch.tensor([[1, 4, 6]])
        write_graph(
            encoder, {"pixel_values": (pixels, {0: "patches"}), GRID: (grid, {0: "num_images"})},
            {"image_features": ["tokens", self.text_config.hidden_size]}, folder / "onnx/vision_encoder.onnx",
        )

    def check_encoder(self, encoder) -> None:
        random = torch.Generator().manual_seed(1)
        for grid in [(4, 6), (2, 2), (8, 4), (2, 18), (6, 6)]:
            pixels, shape = torch.randn(grid[0] * grid[1], 6 * PATCH**2, generator=random), torch.tensor([[1, *grid]])
            with torch.no_grad():
                difference = (encoder(pixels, shape) - self.model.model.visual(pixels, shape)).abs().max()
            print(self.NAME, "vision encoder against transformers", grid, float(difference))
            assert difference < 1e-5

    def preprocess(self, settings: dict, image: Image.Image) -> tuple[numpy.ndarray, int, int]:
        """Pixel values, and the rows and columns of patches."""
        made = Qwen2VLImageProcessor(**settings)(image, return_tensors="np")
        assert made["image_grid_thw"][0, 0] == 1
        return made["pixel_values"], *made["image_grid_thw"][0, 1:].tolist()

    def picture_tokens(self, ids: list[int]) -> int:
        return ids.count(self.image_token)

    def positions(self, sequence: torch.Tensor, inputs: dict) -> numpy.ndarray:
        return self.model.model.get_rope_index(sequence, inputs["image_grid_thw"])[0].numpy()

    def encode(self, session, inputs: dict) -> numpy.ndarray:
        return session.run(None, {"pixel_values": inputs["pixel_values"].numpy(), GRID: inputs["image_grid_thw"].numpy()})[0]

    def otherwise(self, inputs: dict, sequence: torch.Tensor) -> dict:
        """The same inputs with positions as if the picture were text."""
        return {"position_ids": torch.arange(sequence.shape[1]).repeat(3, 1, 1)}
