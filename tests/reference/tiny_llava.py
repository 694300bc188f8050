"""Writes tests/vectors/tiny_llava/: a LLaVA with random weights in the layout of transformers.js, and what transformers makes of it.

    python tests/reference/tiny_llava.py            (needs the packages of models/training/requirements.txt)

    pack/            CLIP tower 2 layers of 32, 16 image tokens; LLaMA 2 layers of 32, 4 heads, 2 of keys and values; 300 words
    pictures.bin     8-bit RGB rows of every picture, one after another
    pixels.bin       what CLIPImageProcessor makes of each picture, and in the other ways that end in floats, float32 CHW
    levels.bin       what it makes of them in the ways that keep 8 bits, CHW
    logits.bin       the logits of every decoding step of every case, float32
    expected.json    sizes of the pictures, the cases (picture, before, after, tokens, expectation), other preprocessing

The cases are two personas by three pictures, every picture with a prompt of another length. A greedy answer has STEPS tokens: no end token
is among them, since the random model does not know when to stop (`eos_token_id` is one that it never says).
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import CLIPImageProcessor, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/training"))
from export_llava import export_llava  # noqa: E402

FOLDER = ROOT / "tests/vectors/tiny_llava"
STEPS = 6
PICTURES = [(64, 64), (39, 70), (20, 12)]  # width, height: scaled down, up, and both
WORDS = (
    "user : assistant you are a person with openness conscientiousness extraversion agreeableness neuroticism of . , ? "
    "personality has five traits is love new things order care joy company kindness worry asked for how much do like this "
    "picture from to give the score only tiger dog sits in front bush red blue green small big cat house tree snow i say"
).split()


def tokenizer() -> Tokenizer:
    words = ["<unk>", "<s>", "</s>", "<image>", *dict.fromkeys(WORDS), *map(str, range(10))]
    words += ["v" + chr(97 + index // 26) + chr(97 + index % 26) for index in range(300 - len(words))]
    vocabulary = {word: index for index, word in enumerate(words)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(individual_digits=True)])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])])
    made.add_special_tokens(["<unk>", "<s>", "</s>", "<image>"])
    return made


def model() -> LlavaForConditionalGeneration:
    torch.manual_seed(7)
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8, projection_dim=32,
    )
    text = LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=160, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )
    config = LlavaConfig(vision, text, image_token_index=3, image_seq_length=16, vision_feature_layer=-2)
    made = LlavaForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
    for name, weights in made.named_parameters():
        if weights.ndim > 1:  # so that every layer moves the logits by much more than the tolerance
            torch.nn.init.normal_(weights, std=1.6 / weights[0].numel() ** 0.5 if "embed" not in name else 0.7)
        elif "norm" not in name and "class_embedding" not in name:
            torch.nn.init.normal_(weights, std=0.1)
    # What is stored as fp16 is what the reference computes with. No end token: the answers have STEPS tokens.
    made.language_model.lm_head.weight.data[:4] = 0
    for weights in made.parameters():
        weights.data = weights.data.half().float()
    return made


def picture(index: int, width: int, height: int) -> numpy.ndarray:
    """Waves, an edge and some noise, [height, width, 3] 8 bits."""
    random = numpy.random.default_rng(index)
    y, x = numpy.mgrid[0:height, 0:width]
    waves = [127 + 90 * numpy.sin(x / (3 + index) + channel) * numpy.cos(y / (4 + channel)) for channel in range(3)]
    values = numpy.stack(waves, 2) + random.normal(0, 20, (height, width, 3)) + 60 * (x + y > (width + height) / 2)[..., None]
    return numpy.clip(values, 0, 255).astype(numpy.uint8)


# The pack's template, in the words of latentlink; the reference writes its places in by itself.
GENERAL = "a personality has five traits ."
AGENT = ("you are a person with openness {openness_percent} , conscientiousness {conscientiousness_percent} , extraversion "
         "{extraversion_percent} , agreeableness {agreeableness_percent} , neuroticism {neuroticism_percent} of 100 .")
QUESTION = "you asked for : {request} . how much do you like this picture , from 0 to 9 ? give the score only ."
FORMAT = "user : {general} {agent} {picture} {question} assistant :"
TEMPLATE = "".join(
    f"{name} = {value}\n" for name, value in [
        ("scale", "{ lowest = 0, highest = 9 }"), *((name, json.dumps(text)) for name, text in
        [("general", GENERAL), ("agent", AGENT), ("question", QUESTION), ("format", FORMAT)])]
)
TRAITS = ["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"]
# Digits are words of their own, so that the prompts of these two have different lengths.
PERSONAS = [[0.1, 0.8, 0.7, 0.8, 0.1], [1.0, 0.05, 0.1, 0.0, 0.8]]
REQUESTS = ["a tiger sits in front of a bush", "a dog", "a small red cat in the snow , a house"]


def prompt(persona: list[float], request: str) -> list[str]:
    """The text before the picture and after it."""
    agent = AGENT.format(**{f"{name}_percent": round(100 * value) for name, value in zip(TRAITS, persona)})
    text = FORMAT.replace("{general}", GENERAL).replace("{agent}", agent).replace("{question}", QUESTION.replace("{request}", request))
    return text.split("{picture}")


@torch.no_grad()
def case(llava, words: Tokenizer, pixels, before: str, after: str) -> dict:
    """Greedy decoding by transformers, the whole sequence anew for every token: no cache is on this side."""
    ids = words.encode(before).ids + [3] * 16 + words.encode(after, add_special_tokens=False).ids
    tokens, logits = [], []
    for _ in range(STEPS):
        sequence = torch.tensor([ids + tokens])
        last = llava(input_ids=sequence, pixel_values=pixels, attention_mask=torch.ones_like(sequence), use_cache=False).logits[0, -1]
        logits.append(last.numpy())
        tokens.append(int(last.argmax()))
    marks = [words.token_to_id(str(mark)) for mark in range(10)]
    chances = torch.softmax(torch.tensor(logits[0])[marks].double(), 0)
    # generate() has its own loop; its tokens must be the same.
    sequence = torch.tensor([ids])
    generated = llava.generate(input_ids=sequence, pixel_values=pixels, attention_mask=torch.ones_like(sequence), max_new_tokens=STEPS,
                               do_sample=False)[0, len(ids):].tolist()
    assert generated == tokens, (generated, tokens)
    return {
        "before": before, "after": after, "prompt_tokens": len(ids), "tokens": tokens, "text": words.decode(tokens),
        "expectation": float((chances * torch.arange(10)).sum() / 9), "logits": numpy.stack(logits),
    }


# Preprocessing in other ways than the pack's, and the picture it is tried on. Geometry is compared in levels, the rest in floats.
# No picture shrinks more in height than in width: there Pillow 13 resizes columns first, and earlier ones rows first.
LEVELS = {"do_rescale": False, "do_normalize": False}
PREPROCESSINGS = [
    ({"size": {"shortest_edge": 24}, "crop_size": {"height": 24, "width": 24}} | LEVELS, 0),
    ({"size": {"shortest_edge": 24}, "crop_size": {"height": 24, "width": 24}} | LEVELS, 1),
    ({"size": {"height": 50, "width": 20}, "do_center_crop": False} | LEVELS, 1),
    ({"size": {"shortest_edge": 24}, "crop_size": {"height": 31, "width": 45}} | LEVELS, 2),
    ({"do_resize": False, "crop_size": {"height": 30, "width": 51}} | LEVELS, 1),
    ({"do_resize": False, "crop_size": {"height": 17, "width": 11}} | LEVELS, 2),
    ({"size": {"shortest_edge": 64}, "crop_size": {"height": 16, "width": 64}} | LEVELS, 0),
    ({"size": {"shortest_edge": 13}, "resample": 2, "do_center_crop": False} | LEVELS, 1),
    ({"size": {"shortest_edge": 29}, "resample": 1, "do_center_crop": False} | LEVELS, 2),
    ({"size": {"shortest_edge": 13}, "resample": 4, "do_center_crop": False} | LEVELS, 0),
    ({"size": {"shortest_edge": 15}, "resample": 5, "do_center_crop": False} | LEVELS, 0),
    ({"size": {"shortest_edge": 9}, "do_center_crop": False, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.5]}, 2),
    ({"size": {"shortest_edge": 9}, "do_center_crop": False, "do_normalize": False}, 2),
    ({"size": {"shortest_edge": 9}, "do_center_crop": False, "rescale_factor": 0.01}, 2),
]


def shorten(path: Path) -> None:
    """Numbers for the names inside a graph, which take more room than the weights of a model this small."""
    made = onnx.load(str(path))
    graph = made.graph
    kept = {value.name for value in [*graph.input, *graph.output]}
    short = lambda name: name if name in kept or not name else numbers.setdefault(name, str(len(numbers)))  # noqa: E731
    numbers = {}
    for node in graph.node:
        node.name = ""
        node.input[:], node.output[:] = map(short, node.input), map(short, node.output)
    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    onnx.checker.check_model(made)
    onnx.save(made, str(path))


def main() -> None:
    llava, words = model(), tokenizer()
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    export_llava(llava, FOLDER / "pack", processor.to_dict(), words)
    for path in (FOLDER / "pack/onnx").iterdir():
        shorten(path)

    (FOLDER / "pack/judge_template.toml").write_text(TEMPLATE)

    pictures = [picture(index, *size) for index, size in enumerate(PICTURES)]
    (FOLDER / "pictures.bin").write_bytes(b"".join(values.tobytes() for values in pictures))
    pixels = [processor(Image.fromarray(values), return_tensors="pt")["pixel_values"] for values in pictures]
    ways = []
    for settings, index in PREPROCESSINGS:
        made = CLIPImageProcessor(**settings)(Image.fromarray(pictures[index]), return_tensors="np")["pixel_values"][0]
        settings = settings | {"image_processor_type": "CLIPImageProcessor"}
        ways.append({"settings": settings, "picture": index, "height": made.shape[1], "width": made.shape[2], "values": made})
    levels = [way.pop("values") for way in ways if "do_rescale" in way["settings"]]
    floats = [*(part.numpy() for part in pixels), *(way.pop("values") for way in ways if "values" in way)]
    (FOLDER / "levels.bin").write_bytes(b"".join(values.astype(numpy.uint8).tobytes() for values in levels))
    (FOLDER / "pixels.bin").write_bytes(b"".join(values.astype("<f4").tobytes() for values in floats))

    cases = []
    for persona in PERSONAS:
        for index, request in enumerate(REQUESTS):
            before, after = prompt(persona, request)
            cases.append({"picture": index, "persona": persona, "request": request} | case(llava, words, pixels[index], before, after))
    logits = numpy.stack([entry.pop("logits") for entry in cases])
    (FOLDER / "logits.bin").write_bytes(logits.astype("<f4").tobytes())
    print("spread of the logits", logits.std(), "gaps of the greedy choice", numpy.sort(logits)[..., -1] - numpy.sort(logits)[..., -2])
    expected = {
        "pictures": [{"width": width, "height": height} for width, height in PICTURES],
        "preprocessings": ways, "steps": STEPS, "vocabulary": 300, "cases": cases,
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
