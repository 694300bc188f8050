"""Milliseconds per update of a learner in PyTorch on one thread: the other side of `cargo bench --bench learn -- --torch python3`.

    python benches/learn_torch.py ALGORITHM HIDDEN BATCH UPDATES

The networks are those of tests/reference/learners_torch.py, in float32; single-step episodes, no target networks, as there.
"""

import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/reference"))
from learners_torch import Learner, TwinCritic, actor_of  # noqa: E402

STATE, ACTION, STEPS = 29, 37, 5

algorithm, hidden, batch, updates = sys.argv[1], *map(int, sys.argv[2:5])
torch.set_num_threads(1)
torch.manual_seed(1)
learner = Learner(
    algorithm,
    actor_of(algorithm, "x0", STATE, ACTION, hidden, STEPS),
    TwinCritic(STATE, ACTION, hidden),
    None,
    {"lr": 1e-4, "weight_decay": 1e-4},
)
state, action, reward = torch.randn(batch, STATE), torch.randn(batch, ACTION).tanh(), torch.randn(batch, 1)


def update():
    noise = torch.randn(batch, STEPS * ACTION) if algorithm == "g-ddpg" else None
    learner.update(state, action, reward, None, None, None, noise)


for _ in range(3):
    update()
started = time.perf_counter()
for _ in range(updates):
    update()
print((time.perf_counter() - started) * 1e3 / updates)
