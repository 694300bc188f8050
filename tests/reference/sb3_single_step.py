"""stable-baselines3's DDPG and TD3 on the single-step environment of scenarios/paper/fig11.toml (the hard link), over a pipe.

It anchors our DDPG: a weak baseline would make any comparison worthless. Same states, interactions, updates, widths, noise and
replay as fig11.toml; stable-baselines3 has one learning rate for actor and critic, ReLU, Adam without weight decay, and target
networks. The trained actors are evaluated on the frozen replications, powers scaled to the budget.

    cargo build --release
    python -m venv venv && venv/bin/pip install stable-baselines3==2.9.0 torch numpy
    venv/bin/python tests/reference/sb3_single_step.py [seeds] > results/paper/fig11/stable_baselines3.csv
"""

import json
import subprocess
import sys

import gymnasium
import numpy
import torch
from stable_baselines3 import DDPG, TD3
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.vec_env import VecEnv

PROGRAM = "target/release/latentlink"
SCENARIO = "scenarios/paper/fig11.toml"
HARD_LINK = "5"  # the point of DDPG on the hard link


class Environment(VecEnv):
    """Environments behind `latentlink environment`."""

    def __init__(self, *arguments):
        command = [PROGRAM, "environment", SCENARIO, "--point", HARD_LINK, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        greeting = json.loads(self.process.stdout.readline())
        box = lambda length, end: gymnasium.spaces.Box(-end, end, (length,), numpy.float32)
        super().__init__(greeting["environments"], box(greeting["state_len"], numpy.inf), box(greeting["action_len"], 1.0))
        self.states = self.read()["states"]

    def read(self):
        return json.loads(self.process.stdout.readline())

    def reset(self):
        return numpy.array(self.states, dtype=numpy.float32)

    def step_async(self, actions):
        self.process.stdin.write(json.dumps({"actions": actions.tolist()}) + "\n")
        self.process.stdin.flush()

    def step_wait(self):
        answer = self.read()
        last = self.states
        self.states = answer["states"]
        rewards = numpy.array([episode["rewards"][0] for episode in answer["finished"]], dtype=numpy.float32)
        infos = [
            {"terminal_observation": numpy.array(state, dtype=numpy.float32), "sum_qoe": episode["sum_qoe"][0]}
            for state, episode in zip(last, answer["finished"])
        ]
        return self.reset(), rewards, numpy.ones(self.num_envs, dtype=bool), infos

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def get_attr(self, name, indices=None):
        return [None] * self.num_envs

    def set_attr(self, name, value, indices=None):
        raise NotImplementedError

    def env_method(self, name, *arguments, indices=None, **named):
        raise NotImplementedError

    def env_is_wrapped(self, wrapper, indices=None):
        return [False] * self.num_envs


def evaluate(model, replications=256):
    environment = Environment("--evaluation", "--set", "train.decoder=projected")
    scores = []
    states = environment.reset()
    while len(scores) < replications:
        actions, _ = model.predict(states, deterministic=True)
        states, _, _, infos = environment.step(actions)
        scores.extend(info["sum_qoe"] for info in infos)
    environment.close()
    return float(numpy.mean(scores[:replications]))


def train(algorithm, seed):
    environment = Environment("--training", str(seed))
    noise = NormalActionNoise(numpy.zeros(environment.action_space.shape), 0.3 * numpy.ones(environment.action_space.shape))
    model = algorithm(
        "MlpPolicy",
        environment,
        learning_rate=1e-3,
        buffer_size=41_000,
        learning_starts=1000,
        batch_size=128,
        tau=0.005,
        train_freq=(1, "step"),
        gradient_steps=1,
        action_noise=VectorizedActionNoise(noise, environment.num_envs),
        policy_kwargs={"net_arch": {"pi": [128, 128, 128], "qf": [128, 128]}},
        seed=seed,
        device="cpu",
    )
    model.learn(41_000)
    environment.close()
    return evaluate(model)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("algorithm,seed,sum_qoe")
    for algorithm in [DDPG, TD3]:
        for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
            print(f"{algorithm.__name__.lower()},{seed},{train(algorithm, seed)!r}", flush=True)
