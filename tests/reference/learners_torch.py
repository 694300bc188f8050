"""Makes tests/vectors/learners_losses_reference.csv and learners_weights_reference.csv with PyTorch (2.15.0) and NumPy (2): twenty
updates of each learner from given weights and batches, in float64.

    python tests/reference/learners_torch.py

Weights, batches and noise come from a linear congruential generator that the test runs as well, so that none of them is stored.
The networks are written as in the literature, with concatenations; `load` puts the flat weights of latentlink into them.
benches/learn_torch.py times the same networks.
"""

import csv
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

VECTORS = Path(__file__).parent.parent / "vectors"
UPDATES, BATCH, STATE, ACTION, HIDDEN, STEPS = 20, 8, 5, 4, 16, 3
ADAMW = {"lr": 1e-3, "weight_decay": 1e-2}
TAU, NOISE, NOISE_CLIP, DELAY = 0.05, 0.2, 0.5, 2


class Uniform:
    """Numbers in [-1, 1) with 24 random bits, hence the same in every precision."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, *shape):
        values = np.empty(math.prod(shape))
        for at in range(values.size):
            self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
            values[at] = 2 * (self.state >> 40) / 2**24 - 1
        return torch.tensor(values.reshape(shape))


class MlpActor(nn.Module):
    def __init__(self, state, action, hidden):
        super().__init__()
        sizes = [state, hidden, hidden, hidden, action]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def parts(self):
        return [(layer, slice(None), True) for layer in self.layers]

    def forward(self, x, noise=None):
        for layer in self.layers[:-1]:
            x = nn.functional.mish(layer(x))
        return torch.tanh(self.layers[-1](x))


class DiffusionActor(nn.Module):
    def __init__(self, state, action, hidden, steps, head):
        super().__init__()
        self.action, self.hidden, self.steps, self.head = action, hidden, steps, head
        self.state = nn.Sequential(nn.Linear(state, hidden), nn.Mish(), nn.Linear(hidden, hidden))
        self.time = nn.Sequential(nn.Linear(16, 32), nn.Mish(), nn.Linear(32, 16))
        self.mid = nn.Sequential(
            nn.Linear(hidden + action + 16, hidden), nn.Mish(), nn.Linear(hidden, hidden), nn.Mish(), nn.Linear(hidden, action)
        )
        index = np.arange(1, steps + 1)
        beta = 1 - np.exp(-0.1 / steps - 0.5 * 9.9 * (2 * index - 1) / steps**2)
        self.abar = np.cumprod(1 - beta)
        before = np.append(1.0, self.abar[:-1])
        self.variance = beta * (1 - before) / (1 - self.abar)
        self.of_x0 = beta * np.sqrt(before) / (1 - self.abar)
        self.of_x = (1 - before) * np.sqrt(1 - beta) / (1 - self.abar)

    def parts(self):
        h, a = self.hidden, self.action
        everything = slice(None)
        return [
            (self.state[0], everything, True), (self.state[2], everything, True),
            (self.time[0], everything, True), (self.time[2], everything, True),
            (self.mid[0], slice(0, h), True), (self.mid[0], slice(h, h + a), False), (self.mid[0], slice(h + a, h + a + 16), False),
            (self.mid[2], everything, True), (self.mid[4], everything, True),
        ]  # fmt: skip

    def embedding(self, index, like):
        frequencies = torch.exp(torch.arange(8, dtype=like.dtype) * (-math.log(10000) / 7))
        return torch.cat([(index * frequencies).sin(), (index * frequencies).cos()])

    def forward(self, state, noise):
        state = self.state(state)
        x, *fresh = noise.split(self.action, dim=1)
        for index in reversed(range(self.steps)):
            time = self.time(self.embedding(index, state)).expand(len(state), 16)
            out = self.mid(torch.cat([state, x, time], dim=1))
            if self.head == "x0":
                x0 = torch.tanh(out)
            else:
                x0 = (x / math.sqrt(self.abar[index]) - math.sqrt(1 / self.abar[index] - 1) * out).clamp(-1, 1)
            x = self.of_x0[index] * x0 + self.of_x[index] * x
            if index > 0:
                x = x + math.sqrt(self.variance[index]) * fresh[self.steps - 1 - index]
        return x.clamp(-1, 1)


class TwinCritic(nn.Module):
    def __init__(self, state, action, hidden):
        super().__init__()
        self.hidden, self.action = hidden, action
        self.state = nn.Sequential(nn.Linear(state, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(hidden + action, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))
            for _ in range(2)
        )

    def parts(self):
        h, everything = self.hidden, slice(None)
        parts = [(self.state[0], everything, True), (self.state[2], everything, True)]
        for head in self.heads:
            parts += [(head[0], slice(0, h), True), (head[0], slice(h, h + self.action), False)]
            parts += [(head[2], everything, True), (head[4], everything, True)]
        return parts

    def forward(self, state, action):
        x = torch.cat([self.state(state), action], dim=1)
        return self.heads[0](x), self.heads[1](x)

    def lower(self, state, action):
        return torch.min(*self(state, action))


def load(network, uniform):
    """Weights uniform in +-1/sqrt(fan_in), rounded to float32, in latentlink's order."""
    with torch.no_grad():
        for layer, columns, has_bias in network.parts():
            bound = np.float32(1 / math.sqrt(layer.in_features))
            weight = layer.weight[:, columns]
            drawn = (uniform(*weight.T.shape).numpy().astype(np.float32) * bound).astype(np.float64)
            layer.weight[:, columns] = torch.tensor(drawn).T
            if has_bias:
                layer.bias[:] = torch.tensor((uniform(layer.out_features).numpy().astype(np.float32) * bound).astype(np.float64))


def flat(network):
    values = []
    for layer, columns, has_bias in network.parts():
        values += layer.weight[:, columns].T.flatten().tolist()
        values += layer.bias.tolist() if has_bias else []
    return values


class Learner:
    """One of the algorithms of latentlink; `target` and `noise` are standard normal where they are not given otherwise."""

    def __init__(self, algorithm, actor, critic, discount, adamw):
        self.algorithm, self.actor, self.critic, self.discount = algorithm, actor, critic, discount
        self.actor_optimiser = torch.optim.AdamW(actor.parameters(), **adamw)
        self.critic_optimiser = torch.optim.AdamW(critic.parameters(), **adamw)
        self.updates = 0

    def follow(self, actor, critic):
        self.target_actor, self.target_critic = actor, critic
        self.target_actor.load_state_dict(self.actor.state_dict())
        self.target_critic.load_state_dict(self.critic.state_dict())

    def update(self, state, action, reward, after, done, target_noise, noise):
        with torch.no_grad():
            returns = reward
            if self.discount is not None:
                if self.algorithm == "td3":
                    smoothing = (NOISE * target_noise).clamp(-NOISE_CLIP, NOISE_CLIP)
                    next_action = (self.target_actor(after) + smoothing).clamp(-1, 1)
                else:
                    next_action = self.target_actor(after, target_noise)
                returns = reward + self.discount * (1 - done) * self.target_critic.lower(after, next_action)
        first, second = self.critic(state, action)
        loss = ((first - returns) ** 2).mean() + ((second - returns) ** 2).mean()
        losses = [loss.item(), None, torch.min(first, second).mean().item()]
        self.critic_optimiser.zero_grad()
        loss.backward()
        self.critic_optimiser.step()
        self.updates += 1
        if self.algorithm == "td3" and self.updates % DELAY != 0:
            return losses
        self.critic.requires_grad_(False)
        a = self.actor(state, noise)
        value = self.critic(state, a)[0] if self.algorithm == "td3" else self.critic.lower(state, a)
        loss = -value.mean()
        losses[1] = loss.item()
        self.actor_optimiser.zero_grad()
        loss.backward()
        self.actor_optimiser.step()
        self.critic.requires_grad_(True)
        if self.discount is not None:
            with torch.no_grad():
                for target, trained in [(self.target_actor, self.actor), (self.target_critic, self.critic)]:
                    for t, p in zip(target.parameters(), trained.parameters()):
                        t += TAU * (p - t)
        return losses


def actor_of(algorithm, head, state, action, hidden, steps):
    return DiffusionActor(state, action, hidden, steps, head) if algorithm == "g-ddpg" else MlpActor(state, action, hidden)


def main():
    torch.set_default_dtype(torch.float64)
    with (VECTORS / "learners_losses_reference.csv").open("w") as a, (VECTORS / "learners_weights_reference.csv").open("w") as b:
        losses, weights = csv.writer(a, lineterminator="\n"), csv.writer(b, lineterminator="\n")
        losses.writerow("algorithm head discount update critic_loss actor_loss mean_q".split())
        weights.writerow("algorithm head discount network index value".split())
        for algorithm, head in [("ddpg", "x0"), ("td3", "x0"), ("g-ddpg", "x0"), ("g-ddpg", "epsilon")]:
            for discount in (None, 0.95):
                name = [algorithm, head, discount]
                uniform = Uniform(7)
                actor, critic = (
                    actor_of(algorithm, head, STATE, ACTION, HIDDEN, STEPS), TwinCritic(STATE, ACTION, HIDDEN)
                )  # fmt: skip
                load(actor, uniform)
                load(critic, uniform)
                learner = Learner(algorithm, actor, critic, discount, ADAMW)
                learner.follow(actor_of(algorithm, head, STATE, ACTION, HIDDEN, STEPS), TwinCritic(STATE, ACTION, HIDDEN))
                noise_len = STEPS * ACTION if algorithm == "g-ddpg" else 0
                target_len = ACTION if algorithm == "td3" else noise_len
                for update in range(UPDATES):
                    state, action, reward = uniform(BATCH, STATE), uniform(BATCH, ACTION), uniform(BATCH, 1)
                    after, done = uniform(BATCH, STATE), (uniform(BATCH, 1) > 0.5).double()
                    target_noise, noise = 2 * uniform(BATCH, target_len), 2 * uniform(BATCH, noise_len)
                    found = learner.update(state, action, reward, after, done, target_noise, noise)
                    losses.writerow([*name, update, *(None if x is None else f"{x:.9g}" for x in found)])
                for network, module in [("actor", learner.actor), ("critic", learner.critic)]:
                    for index, value in list(enumerate(flat(module)))[::17]:
                        weights.writerow([*name, network, index, f"{value:.9g}"])


if __name__ == "__main__":
    main()
