"""A judge at a real server: `transformers serve` with a small LLaVA of random weights, asked by latentlink.

    pip install "transformers[serving]==5.24.0" torch torchvision pillow
    cargo build --release
    python tests/reference/endpoint_transformers.py [FOLDER]

Makes the model with its processor and chat template in FOLDER (a temporary one unless given), starts the server, runs a study of the shipped
diffusion pack with `judge.kind = "endpoint"`, and holds every greedy answer of answers.csv against transformers' own generate() on the PNG of
the results and the words that `latentlink judge prompt` prints. Then a study with drawn answers, twice with another score store each, which must
agree, and what the server says to a model's name that it does not have.

The model says digits and a few words, so that some answers hold a score and others none. transformers' server has no log-probabilities: the
readout `expectation` must be refused with the advice to take another one.
"""

import csv
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPImageProcessor, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast,
)

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/latentlink"
# Those of the built-in template and the requests, so that personas and requests differ for the model, too.
WORDS = dict.fromkeys(["user", "assistant", "dog", "cat", *re.findall("[A-Za-z]+", (ROOT / "src/judge/template/default.toml").read_text())])
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} {% for part in message['content'] %}"
    "{% if part['type'] in ['image', 'image_url'] %}<image>{% else %} {{ part['text'] }} {% endif %}{% endfor %}{% endfor %} assistant"
)


def make(folder: Path) -> None:
    words = ["<unk>", "<s>", "</s>", "<image>", *WORDS, *map(str, range(10))]
    vocabulary = {word: index for index, word in enumerate(words)}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<unk>", additional_special_tokens=["<image>"],
    )
    image = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = LlavaProcessor(
        image_processor=image, tokenizer=tokenizer, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        image_token="<image>", chat_template=TEMPLATE,
    )
    torch.manual_seed(11)
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8, projection_dim=32,
    )
    text = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=1024, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )
    llava = LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_index=3, image_seq_length=16, vision_feature_layer=-2)
    ).eval()
    for name, weights in llava.named_parameters():
        if weights.ndim > 1:
            torch.nn.init.normal_(weights, std=2.5 / weights[0].numel() ** 0.5 if "embed" not in name else 1.0)
    head = llava.lm_head.weight.data
    head[:4] = 0
    head[-10:] *= 3  # digits are what it likes to say
    # The server draws only where the model's own settings do; a temperature of 0 in a request switches it off.
    llava.generation_config.do_sample = True
    llava.save_pretrained(folder)
    processor.save_pretrained(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, server: subprocess.Popen) -> None:
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(url + "/models", timeout=5).read()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the server does not answer")


def scenario(url: str, model: str, readout: str, more: str = "") -> str:
    return f"""[models]
diffusion = '{ROOT / "models/emoji-ldm"}'
execution_provider = "cpu"
[study]
name = "s"
replications = 2
[diffusion]
steps = 4
metrics_against = []
[judge]
kind = "endpoint"
base_url = "{url}"
model = '{model}'
readout = "{readout}"
{more}
panel = ["GA1", "GA2"]
write_answers = true
concurrency = 2
[[device]]
name = "one"
prompt = "a dog"
[[device]]
name = "two"
prompt = "a cat"
[policy]
t0 = 1
tk = 3
"""


def latentlink(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([PROGRAM, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def rows(folder: Path, table: str) -> list[dict]:
    with open(folder / table, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@torch.no_grad()
def greedy(folder: Path, picture: Path, before: str, after: str) -> str:
    processor = LlavaProcessor.from_pretrained(folder)
    llava = LlavaForConditionalGeneration.from_pretrained(folder).eval()
    shown = {"type": "image", "image": Image.open(picture).convert("RGB")}
    content = [{"type": "text", "text": before}, shown, {"type": "text", "text": after}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
    )
    made = llava.generate(**inputs, do_sample=False, max_new_tokens=8)
    return processor.decode(made[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)


def main() -> None:
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    model = (kept / "tiny-llava").resolve()
    make(model)
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    serve = Path(sys.executable).parent / "transformers"
    log = open(kept / "server.log", "w")
    server = subprocess.Popen([serve, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"], env=environment, stdout=log, stderr=log)
    try:
        wait_for(url, server)
        (kept / "greedy.toml").write_text(scenario(url, str(model), "greedy", "max_new_tokens = 8"))
        said = latentlink(kept, "run", "greedy.toml", "--out", "greedy", "--store", "greedy.redb", "--force")
        print(said.stdout.splitlines()[1])
        prompts = json.loads(latentlink(kept, "judge", "prompt", "greedy.toml", "--json").stdout)
        pictures = {(row["device"], row["replication"]): kept / "greedy" / row["picture"] for row in rows(kept / "greedy", "requests.csv")}
        answers = rows(kept / "greedy", "answers.csv")
        for row in answers:
            request = {"one": "a dog", "two": "a cat"}[row["device"]]
            told = next(prompt for prompt in prompts if prompt["persona"] == row["persona"] and prompt["request"] == request)
            expected = greedy(model, pictures[row["device"], row["replication"]], told["before_picture"], told["after_picture"])
            assert row["text"].strip() == expected.strip(), (row, expected)
        print(f"{len(answers)} greedy answers are those of generate(); {len({row['text'] for row in answers})} different")

        latentlink(kept, "run", "greedy.toml", "--out", "marks", "--store", "marks.redb", "--force", "--set", "judge.max_new_tokens=1")
        marks = rows(kept / "marks", "answers.csv")
        for row, answer in zip(marks, answers, strict=True):
            mark = answer["text"].split()[0]
            # Cut after a 0, which may begin 0.7, or a word: no score.
            assert row["text"].strip() == mark and (float(row["score"]) == int(mark) / 9 if mark in "123456789" else row["score"] == ""), row
        print(f"{sum(row['score'] != '' for row in marks)} of {len(marks)} single tokens are read as marks")

        (kept / "sample.toml").write_text(scenario(url, str(model), "sample", "answers_per_picture = 3\nretries = 1"))
        for out in ["sample-1", "sample-2"]:
            latentlink(kept, "run", "sample.toml", "--out", out, "--store", f"{out}.redb", "--force", "--set", "judge.concurrency=1")
        first, second = (rows(kept / out, "answers.csv") for out in ["sample-1", "sample-2"])
        same = sum(one == other for one, other in zip(first, second, strict=True))
        print(f"{same} of {len(first)} drawn answers are the same with the same seeds; {len({row['text'] for row in first})} different")

        (kept / "expectation.toml").write_text(scenario(url, str(model), "expectation"))
        print("expectation:", latentlink(kept, "run", "expectation.toml", "--store", "e.redb", code=1).stderr)
        (kept / "unknown.toml").write_text(scenario(url, "nobody/no-such-model", "greedy", "request_retries = 1"))
        print("unknown model:", latentlink(kept, "run", "unknown.toml", "--store", "u.redb", code=1).stderr)
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
