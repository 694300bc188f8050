"""The judge's networks, as transformers' LLaVA: a vision tower of our own, its projector, and a small LLaMA.

    picture [b, 3, 64, 64] in [−1, 1]
       ├─► classifier (frozen) ─┬─► features [128, 4, 4] ─► means of quarters ─┐
       │                        └─► mean, object and setting probabilities ────┼─► 5 picture tokens [214]
       └─► texture branch (trained): conv, relu, conv, relu ─► means ──────────┘         │ projector (2 layers)
                                                                                         ▼
    prompt ─► word embeddings ─────────────────────────────────────────────► LLaMA ─► logits
"""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from captions import CONCEPTS, SETTING_NAMES
from classifier import Classifier
from judge_text import MARKS, PADDING, BEGIN, END, PICTURE
from preference import TEMPERATURE

PICTURE_TOKENS = 5
_TEXTURE = 24
TOWER_CHANNELS = 128 + len(CONCEPTS) + len(SETTING_NAMES) + _TEXTURE


class SceneVisionConfig(PretrainedConfig):
    model_type = "latentlink_scene_vision"

    def __init__(self, hidden_size: int = TOWER_CHANNELS, image_size: int = 64, patch_size: int = 32, **rest):
        super().__init__(**rest)
        self.hidden_size, self.image_size, self.patch_size = hidden_size, image_size, patch_size


class SceneVisionTower(PreTrainedModel):
    """Picture tokens [b, 5, channels]: the whole picture, then its four quarters."""

    config_class = SceneVisionConfig

    def __init__(self, config: SceneVisionConfig):
        super().__init__(config)
        self.classifier = Classifier()
        self.texture = nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU(), nn.Conv2d(12, _TEXTURE, 3, stride=2), nn.ReLU())

    def forward(self, pixel_values: torch.Tensor, output_hidden_states: bool = True, **_):
        tokens = self.tokens(self.recognise(pixel_values), self.texture(pixel_values))
        return BaseModelOutputWithPooling(last_hidden_state=tokens, pooler_output=tokens[:, 0], hidden_states=(tokens,))

    def recognise(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """What the classifier makes of the pictures [b, 5, 128 + 54 + 8]; it is not trained any more."""
        features = self.classifier.features(pixel_values)
        pooled = features.mean((2, 3))
        objects = (self.classifier.objects(pooled) / TEMPERATURE).softmax(1)
        settings = self.classifier.settings(pooled).softmax(1)
        quarters = nn.functional.avg_pool2d(features, 2).flatten(2).transpose(1, 2)
        blank = (0 * torch.cat([objects, settings], 1))[:, None].repeat(1, 4, 1)
        return torch.cat([torch.cat([pooled, objects, settings], 1)[:, None], torch.cat([quarters, blank], 2)], 1)

    def tokens(self, recognised: torch.Tensor, texture: torch.Tensor) -> torch.Tensor:
        """Picture tokens [b, 5, 214] of what is recognised and of the texture [b, 24, 30, 30]."""
        quarters = nn.functional.avg_pool2d(texture, 15).flatten(2).transpose(1, 2)
        return torch.cat([recognised, torch.cat([texture.mean((2, 3))[:, None], quarters], 1)], 2)


AutoConfig.register(SceneVisionConfig.model_type, SceneVisionConfig)
AutoModel.register(SceneVisionConfig, SceneVisionTower)


def judge_config(tokenizer, hidden: int = 128, layers: int = 3) -> LlavaConfig:
    token = tokenizer.token_to_id
    text = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=hidden, intermediate_size=3 * hidden, num_hidden_layers=layers, num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 32, max_position_embeddings=256, bos_token_id=token(BEGIN), eos_token_id=token(END), pad_token_id=token(PADDING),
    )
    return LlavaConfig(
        vision_config=SceneVisionConfig(), text_config=text, image_token_index=token(PICTURE), vision_feature_layer=-1, vision_feature_select_strategy="full",
        image_seq_length=PICTURE_TOKENS, pad_token_id=token(PADDING),
    )


def new_judge(tokenizer, classifier: Classifier, **sizes) -> LlavaForConditionalGeneration:
    """An untrained judge around a trained classifier.

    It begins where learning is short: the marks' embeddings are smooth functions of the mark, a picture token is the sum of the
    words of what the classifier sees, and half of the first layer's heads look for equal tokens, so that a requested object
    finds itself in the picture.
    """
    model = LlavaForConditionalGeneration(judge_config(tokenizer, **sizes))
    model.vision_tower.classifier.load_state_dict(classifier.state_dict())
    for module in model.vision_tower.texture:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    with torch.no_grad():
        first = tokenizer.token_to_id(str(MARKS[0]))
        share = torch.linspace(0, 1, len(MARKS))[:, None]
        waves = torch.arange(1, model.config.text_config.hidden_size // 2 + 1)[None]
        smooth = torch.cat([torch.cos(torch.pi * share * waves), torch.sin(torch.pi * share * waves)], 1) / waves.repeat(1, 2).sqrt()
        words = model.get_input_embeddings().weight
        nn.init.normal_(words, std=0.05)
        for weights in (words, model.language_model.lm_head.weight):
            weights[first : first + len(MARKS)] = 0.1 * smooth
        seen = [tokenizer.token_to_id(name) for name in CONCEPTS + SETTING_NAMES]
        into, out = model.multi_modal_projector.linear_1, model.multi_modal_projector.linear_2
        into.weight[: len(seen)] = 0
        into.weight[range(len(seen)), range(128, 128 + len(seen))] = 4
        into.bias[: len(seen)] = 0
        out.weight *= 0.3
        out.weight[:, : len(seen)] = words[seen].T / 4
        width = model.config.text_config.hidden_size
        for name, weights in model.language_model.model.layers.named_parameters():
            if weights.dim() == 2:  # the class's own start, 0.02, is for wide models
                writes = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weights, std=(0.4 if writes else 1.0) * width**-0.5)
        attention = model.language_model.model.layers[0].self_attn
        attention.k_proj.weight[: width // 2] = attention.q_proj.weight[: width // 2]
    model.vision_tower.classifier.requires_grad_(False).eval()
    return model


def load_judge(path, tokenizer, classifier: Classifier) -> LlavaForConditionalGeneration:
    """The judge that ``train_judge.py`` wrote."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model = new_judge(tokenizer, classifier, hidden=checkpoint["hidden"], layers=checkpoint["layers"])
    model.load_state_dict(checkpoint["average"])
    return model.eval()
