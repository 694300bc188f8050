"""The SmolVLM of `tiny_vlms.py`: pictures cut into tiles, in the layout of SmolVLM-256M-Instruct (whose classes are Idefics3's)."""

import json
from pathlib import Path

import numpy
import torch
from PIL import Image
from transformers import (
    Idefics3Config, Idefics3ForConditionalGeneration, Idefics3ImageProcessor, Idefics3Processor, LlamaConfig, PreTrainedTokenizerFast,
)
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

from export_llava import configuration, write_json
from tiny_vlms_common import VOCABULARY, export_text, fill, tokenizer, write_graph

SIZE = 16  # of a tile, in pixels: 4 × 4 patches, 2 × 2 tokens
FIRST = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LAST = ["<global-img>", *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
        "<fake_token_around_image>", "<image>", "<end_of_utterance>"]
CHAT_TEMPLATE = """<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}\
{{ ':' if message['content'][0]['type'] == 'image' else ': ' }}{% for part in message['content'] %}\
{% if part['type'] == 'image' %}<image>{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>
{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"""


class VisionEncoder(torch.nn.Module):
    """What `get_image_features` computes, without loops over pictures, which a graph can't have."""

    def __init__(self, model):
        super().__init__()
        self.tower, self.connector, self.config = model.model.vision_model, model.model.connector, model.config.vision_config

    def forward(self, pixel_values, pixel_attention_mask):
        patch, side = self.config.patch_size, self.config.image_size // self.config.patch_size
        pixels = pixel_values.reshape(-1, 3, self.config.image_size, self.config.image_size)
        # A patch counts when any of its pixels does.
        mask = pixel_attention_mask.reshape(-1, side, patch, side, patch).to(torch.int64).sum((2, 4)) > 0
        boundaries = torch.arange(1 / side, 1.0, 1 / side)

        def buckets(numbers):
            """Where each patch of a side stands, were the side stretched over the whole tile."""
            fractions = torch.arange(side)[None] / numbers[:, None] * (1 - 1e-6)
            return (boundaries <= fractions[..., None]).to(torch.int64).sum(-1)

        rows, columns = buckets(mask[:, :, 0].to(torch.int64).sum(1)), buckets(mask[:, 0].to(torch.int64).sum(1))
        places = torch.where(mask, rows[:, :, None] * side + columns[:, None, :], 0).flatten(1)
        embeddings = self.tower.embeddings
        hidden = embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2) + embeddings.position_embedding(places)
        lowest = torch.finfo(hidden.dtype).min
        bias = torch.where(mask.flatten(1)[:, None, None, :], torch.zeros(()), torch.full((), lowest))
        hidden = self.tower.encoder(inputs_embeds=hidden, attention_mask=bias.expand(-1, 1, side * side, -1)).last_hidden_state
        return self.connector(self.tower.post_layernorm(hidden))


class SmolVlm:
    NAME = "tiny_smolvlm"
    PICTURES = [(20, 12), (64, 64), (39, 70), (60, 8), (16, 11)]  # width, height; the first three are of the cases
    PREPROCESSINGS = [  # changes to the pack's settings, and the picture they are tried on
        ({"do_image_splitting": False}, 0),
        ({}, 3),
        ({"size": {"longest_edge": 20}}, 4),
        ({"size": {"longest_edge": 16}}, 4),
    ]

    def __init__(self):
        self.words = tokenizer(FIRST, ["User:", "Assistant:"], LAST)
        fast = PreTrainedTokenizerFast(
            tokenizer_object=self.words, bos_token="<|im_start|>", eos_token="<end_of_utterance>", unk_token="<|endoftext|>",
            pad_token="<|im_end|>", additional_special_tokens=["<fake_token_around_image>", "<image>", "<end_of_utterance>"],
            clean_up_tokenization_spaces=False, model_max_length=256, model_input_names=["input_ids", "attention_mask"],
        )
        self.image_token = self.words.token_to_id("<image>")
        self.image_processor = Idefics3ImageProcessor(
            size={"longest_edge": 3 * SIZE}, max_image_size={"longest_edge": SIZE}, resample=1, image_mean=[0.5] * 3, image_std=[0.5] * 3,
        )
        self.processor = Idefics3Processor(self.image_processor, fast, image_seq_len=4, chat_template=CHAT_TEMPLATE)
        end, pad = self.words.token_to_id("<end_of_utterance>"), 2
        vision = Idefics3VisionConfig(
            hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=SIZE, patch_size=4,
        )
        text = LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=256, rope_theta=100000.0, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=end,
            pad_token_id=pad,
        )
        config = Idefics3Config(
            vision_config=vision, text_config=text, scale_factor=2, image_token_id=self.image_token, pad_token_id=pad, bos_token_id=1,
            eos_token_id=end, vocab_size=VOCABULARY,
        )
        self.model = Idefics3ForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
        fill(self.model, [0, 1, 2, *range(VOCABULARY - len(LAST), VOCABULARY)])
        self.text_config = text

    def settings(self) -> dict:
        return json.loads(self.image_processor.to_json_string()) | {"processor_class": "Idefics3Processor"}

    def write_pack(self, folder: Path) -> None:
        self.processor.save_pretrained(str(folder), save_jinja_files=False)  # the template in chat_template.json
        (folder / "special_tokens_map.json").unlink()
        config = self.model.config
        write_json(folder / "config.json", configuration(config) | {"architectures": [type(self.model).__name__]})
        ids = {"bos_token_id": config.bos_token_id, "eos_token_id": config.eos_token_id, "pad_token_id": config.pad_token_id}
        write_json(folder / "generation_config.json", {"_from_model_config": True} | ids)
        export_text(self.model.model.text_model, self.model.lm_head, self.text_config, folder / "onnx", 1)
        encoder = VisionEncoder(self.model)
        self.check_encoder(encoder)
        axes = {0: "batch", 1: "num_images"}
        pixels, mask = torch.randn(2, 3, 3, SIZE, SIZE), torch.ones(2, 3, SIZE, SIZE, dtype=torch.bool)
        write_graph(
            encoder, {"pixel_values": (pixels, axes), "pixel_attention_mask": (mask, axes)},
            {"image_features": ["tiles", 4, self.text_config.hidden_size]}, folder / "onnx/vision_encoder.onnx",
        )

    def check_encoder(self, encoder) -> None:
        """As transformers computes it, with tiles that are filled in part too."""
        random = torch.Generator().manual_seed(1)
        pixels, mask = torch.randn(2, 3, 3, SIZE, SIZE, generator=random), torch.zeros(2, 3, SIZE, SIZE, dtype=torch.bool)
        for tile, (height, width) in zip(mask.view(6, SIZE, SIZE), [(16, 16), (16, 9), (5, 16), (8, 12), (1, 1), (15, 3)]):
            tile[:height, :width] = True
        with torch.no_grad():
            difference = (encoder(pixels, mask) - self.model.get_image_features(pixels, mask)).abs().max()
        print(self.NAME, "vision encoder against transformers", float(difference))
        assert difference < 1e-5

    def preprocess(self, settings: dict, image: Image.Image) -> tuple[numpy.ndarray, int, int]:
        """Pixel values, and the rows and columns of tiles."""
        made = Idefics3ImageProcessor(**settings)([[image]], return_tensors="np", return_row_col_info=True)
        assert made["pixel_attention_mask"].all()
        return made["pixel_values"][0], made["rows"][0][0], made["cols"][0][0]

    def picture_tokens(self, ids: list[int]) -> int:
        fake = self.words.token_to_id("<fake_token_around_image>")
        return len(ids) - ids[::-1].index(fake) - ids.index(fake)

    def positions(self, sequence: torch.Tensor, inputs: dict) -> numpy.ndarray:
        return numpy.arange(sequence.shape[1])[None]

    def encode(self, session, inputs: dict) -> numpy.ndarray:
        mask = inputs["pixel_attention_mask"].numpy().astype(bool)
        return session.run(None, {"pixel_values": inputs["pixel_values"].numpy(), "pixel_attention_mask": mask})[0]

    def otherwise(self, inputs: dict, sequence: torch.Tensor) -> dict:
        """The same inputs with the tiles in another order."""
        return {"pixel_values": inputs["pixel_values"].roll(1, 1)}
