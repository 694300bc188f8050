"""The judge of generated pictures: which object, which setting.

    picture [b, 3, 64, 64] in [−1, 1]
       │ 4 × ( conv 3×3 stride 2 ─► batch norm ─► relu )     24, 48, 96, 128 channels; 32 … 4 pixels a side
       │ mean over places
       ├─► objects  [b, 54] logits (two objects share the probability)
       └─► settings [b, 8] logits
"""

import torch
from torch import nn

from captions import CONCEPTS, SETTING_NAMES

_WIDTHS = (3, 24, 48, 96, 128)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for before, after in zip(_WIDTHS, _WIDTHS[1:]):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.objects = nn.Linear(_WIDTHS[-1], len(CONCEPTS))
        self.settings = nn.Linear(_WIDTHS[-1], len(SETTING_NAMES))

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.features(pictures).mean((2, 3))
        return self.objects(features), self.settings(features)


def load_classifier(path, device: str = "cpu") -> Classifier:
    """The classifier that ``train_classifier.py`` wrote, ready to judge."""
    classifier = Classifier()
    classifier.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    return classifier.to(device).eval()
