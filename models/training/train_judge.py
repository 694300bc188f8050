"""Trains the judge to answer as the preference model would.

    python train_judge.py --pictures data/judge_pictures.npz --classifier data/classifier.pt --out data/judge.pt --minutes 60

Each step asks ``PERSONAS`` random personas about ``PICTURES`` pictures each. The prompt up to the picture is the same for all
pictures of a persona, so it stands once in the sequence:

    [ prompt of the persona ][ picture 1, question 1, mark ][ picture 2, question 2, mark ] …      a question sees its persona and itself

The answer to learn is a distribution over the marks: Beta, with the utility as mean and a deviation that grows as the utility
falls (``preference.answer_deviation``); after the mark comes the end.
"""

import argparse
import math
import time
from pathlib import Path
from random import Random

import numpy
import torch
from torch.nn import functional

from captions import CONCEPTS, SETTING_NAMES, random_caption
from classifier import load_classifier
from judge_model import PICTURE_TOKENS, new_judge
from judge_text import END, MARKS, PADDING, build_tokenizer, render
from preference import GA1, GA2, Seen, answer_deviation, look_at, recognisable, utility

PERSONAS, PICTURES = 16, 8
PEAK_RATE, WEIGHT_DECAY, AVERAGE = 2e-3, 0.01, 0.995
SAVE_EVERY = 50
PART_WEIGHTS = torch.tensor([6.0, 3.0, 3.0] + 10 * [1.0])  # objects are many and hard, the rest is easy


def random_request(row: int, data: dict, random: Random) -> tuple[list[int], int]:
    """(objects, setting) that somebody might have wanted when this picture was drawn: the right ones, the server's, or others."""
    first, second, third = (int(data[name][row]) for name in ("first", "second", "third"))
    setting, kind = int(data["setting"][row]), random.random()
    drawn = [second] if third < 0 else [second, third]
    if kind < 0.5:
        objects = drawn
    elif kind < 0.72:
        objects = [first]
    elif kind < 0.9:
        objects = [random.randrange(len(CONCEPTS))]
    else:
        objects = [second, random.choice([concept for concept in range(len(CONCEPTS)) if concept != second])]
    return objects, setting if random.random() < 0.85 else random.randrange(len(SETTING_NAMES))


def random_traits(random: Random) -> numpy.ndarray:
    """A persona in whole percents: anywhere, at the edges, or near one of the paper's."""
    kind = random.random()
    if kind < 0.6:
        traits = [random.random() for _ in range(5)]
    elif kind < 0.8:
        traits = [random.choice([0.0, 0.1, 0.2, 0.5, 0.8, 0.9, 1.0]) for _ in range(5)]
    else:
        traits = [value + random.gauss(0, 0.1) for value in random.choice([GA1, GA2])]
    return numpy.clip(numpy.round(traits, 2), 0, 1)


def answer_distribution(utilities: numpy.ndarray) -> torch.Tensor:
    """[n, marks]: Beta with these means, and the deviations of the preference model where a Beta can have them."""
    mean = numpy.clip(utilities, 0.01, 0.99)
    concentration = numpy.maximum(mean * (1 - mean) / answer_deviation(mean) ** 2 - 1, 2.0)
    beta = torch.distributions.Beta(torch.from_numpy(mean * concentration), torch.from_numpy((1 - mean) * concentration))
    places = (torch.arange(len(MARKS), dtype=torch.float64) / (len(MARKS) - 1)).clamp(0.0025, 0.9975)
    return beta.log_prob(places[:, None]).softmax(0).T.float()


def utility_parts(seen: Seen, requested: numpy.ndarray, settings: numpy.ndarray, traits: numpy.ndarray) -> numpy.ndarray:
    """[n, 13]: the numbers that a utility is made of, each in [0, 1]. Asked of the last but one layer in training only: what to look for is
    learned from them long before the marks alone would teach it."""
    clear, stranger = recognisable(seen, requested)
    right = seen.settings[numpy.arange(len(settings)), settings]
    return numpy.column_stack([clear, stranger, numpy.minimum(clear, stranger), right, seen.damage, seen.sharpness, seen.brightness, seen.colour, traits])


class Batch:
    """Packed prompts of one training step."""

    def __init__(self, data: dict, seen: Seen, tokenizer, random: Random, personas: int = PERSONAS, pictures: int = PICTURES):
        self.rows = torch.tensor([random.randrange(len(data["picture"])) for _ in range(personas * pictures)])
        prefixes, suffixes, requested, settings, traits = [], [], numpy.zeros((len(self.rows), len(CONCEPTS))), [], []
        for persona in range(personas):
            own = random_traits(random)
            for picture in range(pictures):
                index = persona * pictures + picture
                objects, setting = random_request(int(self.rows[index]), data, random)
                caption = random_caption([CONCEPTS[concept] for concept in objects], SETTING_NAMES[setting], random)
                before, after = render(own, caption)
                suffixes.append(tokenizer.encode(after, add_special_tokens=False).ids)
                requested[index, objects] = 1
                settings.append(setting)
                traits.append(own)
            prefixes.append(tokenizer.encode(before).ids)
        own_seen, settings, traits = seen.rows(self.rows.numpy()), numpy.array(settings), numpy.stack(traits)
        self.utilities = utility(own_seen, requested, settings, traits)
        self.parts = torch.from_numpy(utility_parts(own_seen, requested, settings, traits)).float()
        self.targets = answer_distribution(self.utilities)
        self.prefix = torch.tensor(prefixes)
        self.personas, self.pictures = personas, pictures
        lengths = torch.tensor([len(suffix) for suffix in suffixes]).reshape(personas, pictures)
        self.text = int(lengths.max())
        padding = tokenizer.token_to_id(PADDING)
        self.suffix = torch.tensor([suffix + [padding] * (self.text + 1 - len(suffix)) for suffix in suffixes]).reshape(personas, pictures, -1)
        self.first_mark, self.end = tokenizer.token_to_id(str(MARKS[0])), tokenizer.token_to_id(END)
        marks = self.first_mark + torch.multinomial(self.targets, 1, generator=torch.Generator().manual_seed(random.getrandbits(32))).reshape(personas, pictures, 1)
        self.suffix.scatter_(2, lengths[..., None], marks)  # the mark follows the question
        self.slot = PICTURE_TOKENS + self.text + 1
        self.answer_at = self.prefix.shape[1] + torch.arange(pictures) * self.slot + PICTURE_TOKENS + lengths - 1
        self.used = PICTURE_TOKENS + lengths + 1

    def mask_and_positions(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Additive mask [personas, 1, length, length] and positions [personas, length]."""
        start, length = self.prefix.shape[1], self.prefix.shape[1] + self.pictures * self.slot
        index = torch.arange(length)
        question = torch.where(index < start, -1, (index - start) // self.slot)
        visible = (index[:, None] >= index[None]) & ((question[None] == -1) | (question[:, None] == question[None]))
        inside = torch.where(index < start, 0, (index - start) % self.slot)
        used = torch.cat([torch.full((self.personas, 1), length), self.used], 1)[:, question + 1]
        visible = visible[None] & (inside[None] < used)[:, None, :] | torch.eye(length, dtype=torch.bool)
        mask = torch.zeros(visible.shape).masked_fill(~visible, torch.finfo(torch.float32).min)
        return mask[:, None], torch.where(index < start, index, start + inside).expand(self.personas, -1)


def logits_of(model, batch: Batch, data: dict) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits [n, vocabulary] where the mark is to come, where the end is to come, and the last but one layer's states [n, hidden] at the mark."""
    tower = model.vision_tower
    tokens = tower.tokens(data["recognised"][batch.rows], tower.texture(to_network(data["picture"][batch.rows])))
    features = model.multi_modal_projector(tokens).reshape(batch.personas, batch.pictures, PICTURE_TOKENS, -1)
    embed = model.get_input_embeddings()
    questions = torch.cat([features, embed(batch.suffix)], 2).flatten(1, 2)
    mask, positions = batch.mask_and_positions()
    output = model.language_model.model(
        inputs_embeds=torch.cat([embed(batch.prefix), questions], 1), attention_mask=mask, position_ids=positions, use_cache=False,
        output_hidden_states=True,
    )
    rows = torch.arange(batch.personas)[:, None]
    at = [output.last_hidden_state[rows, batch.answer_at + shift].flatten(0, 1) for shift in (0, 1)]
    return *(model.language_model.lm_head(states) for states in at), output.hidden_states[-2][rows, batch.answer_at].flatten(0, 1)


def expectation(logits: torch.Tensor, first_mark: int) -> torch.Tensor:
    """Mean score in [0, 1] over the mark tokens."""
    return logits[:, first_mark : first_mark + len(MARKS)].softmax(1) @ torch.linspace(0, 1, len(MARKS))


def to_network(pictures: numpy.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).float() / 127.5 - 1


@torch.no_grad()
def test(model, data, seen, tokenizer, count: int = 12) -> str:
    random, real, judged = Random("judge test"), [], []
    for _ in range(count):
        batch = Batch(data, seen, tokenizer, random)
        logits, _, _ = logits_of(model, batch, data)
        real.append(batch.utilities)
        judged.append(expectation(logits, batch.first_mark).numpy())
    real, judged = numpy.concatenate(real), numpy.concatenate(judged)
    ranks = [numpy.argsort(numpy.argsort(values)) for values in (real, judged)]
    return f"held-out: mean absolute error {numpy.abs(real - judged).mean():.4f}, Spearman {numpy.corrcoef(*ranks)[0, 1]:.4f} (n = {len(real)})"


def main(arguments) -> None:
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    tokenizer, classifier = build_tokenizer(), load_classifier(arguments.classifier)
    with numpy.load(arguments.pictures) as file:
        data, held_out = ({name[len(split):]: file[name] for name in file.files if name.startswith(split)} for split in ("train_", "held_out_"))
    seen, held_out_seen = look_at(data["picture"], classifier), look_at(held_out["picture"], classifier)
    model = new_judge(tokenizer, classifier, hidden=arguments.hidden, layers=arguments.layers)
    with torch.no_grad():  # the classifier is frozen: its part is computed once
        for part in (data, held_out):
            part["recognised"] = torch.cat([model.vision_tower.recognise(to_network(chunk)) for chunk in numpy.array_split(part["picture"], 64)])
    parts = torch.nn.Sequential(torch.nn.RMSNorm(arguments.hidden), torch.nn.Linear(arguments.hidden, 13))
    trained = list(parts.parameters()) + [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)
    average, step, spent = {name: value.clone() for name, value in model.state_dict().items()}, 0, 0.0
    if arguments.out.exists():
        saved = torch.load(arguments.out, weights_only=True)
        model.load_state_dict(saved["model"])
        parts.load_state_dict(saved["parts"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step, spent = saved["average"], saved["step"], saved["seconds"]
    started, losses = time.monotonic() - spent, []
    while True:
        share = (time.monotonic() - started) / (60 * arguments.minutes) if arguments.steps is None else step / arguments.steps
        if share >= 1:
            break
        rate = PEAK_RATE * min(1, (step + 1) / 200) * (1 if share < 0.4 else 0.5 + 0.5 * math.cos(math.pi * (share - 0.4) / 0.6))
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = Batch(data, seen, tokenizer, Random(f"judge training {arguments.seed} {step}"))
        logits, ends, states = logits_of(model, batch, data)
        error = (expectation(logits, batch.first_mark) - torch.from_numpy(batch.utilities).float()).square().mean()
        wanted = functional.pad(batch.targets, (batch.first_mark, logits.shape[1] - batch.first_mark - len(MARKS)))
        seen_error = (parts(states) - batch.parts).square().mean(0)
        loss = functional.cross_entropy(logits, wanted) + 5 * (seen_error * PART_WEIGHTS).sum() + 10 * error + 0.1 * functional.cross_entropy(ends, torch.full((len(ends),), batch.end))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        step += 1
        losses.append([float(error.detach()) ** 0.5, *seen_error.detach().sqrt().tolist()])
        with torch.no_grad():
            weight = min(AVERAGE, step / (step + 20))
            for name, value in model.state_dict().items():
                average[name].lerp_(value, 1 - weight) if value.is_floating_point() else average[name].copy_(value)
        if step % SAVE_EVERY == 0:
            report = ""
            if step % (10 * SAVE_EVERY) == 0:
                current = {name: value.clone() for name, value in model.state_dict().items()}
                model.load_state_dict(average)
                report = test(model.eval(), held_out, held_out_seen, tokenizer)
                model.load_state_dict(current)
            print(f"step {step} {100 * share:.0f} % rate {rate:.1e} loss {loss.item():.3f} errors {numpy.mean(losses[-SAVE_EVERY:], 0).round(3)} {report}", flush=True)
            save(arguments, model, parts, optimiser, average, step, time.monotonic() - started)
    save(arguments, model, parts, optimiser, average, step, time.monotonic() - started)
    model.load_state_dict(average)
    print(test(model.eval(), held_out, held_out_seen, tokenizer, 40))


def save(arguments, model, parts, optimiser, average, step, seconds) -> None:
    part = arguments.out.with_suffix(".part")
    torch.save({
        "model": model.state_dict(), "parts": parts.state_dict(), "average": average, "optimiser": optimiser.state_dict(), "step": step, "seconds": seconds,
        "hidden": arguments.hidden, "layers": arguments.layers,
    }, part)
    part.replace(arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
