"""Training with several single-threaded processes that average their gradients.

On a CPU that others use too, two processes with one thread each keep their pace where one process
with two threads stalls at every operator. On a GPU one process is enough.

    worker 0  data ─► forward ─► backward ─┐
                                           ├─► average of all gradients ─► the same optimiser step everywhere
    worker 1  data ─► forward ─► backward ─┘
"""

import os
import time
from collections.abc import Callable

import torch
import torch.distributed
import torch.multiprocessing


class Worker:
    """One of the processes: its rank, how many there are, and its device."""

    def __init__(self, rank: int, count: int, device: str):
        self.rank, self.count, self.device = rank, count, torch.device(device)

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def average_gradients(self, parameters: list[torch.nn.Parameter], progress: float) -> float:
        """Averages every ``.grad`` over the workers in one message; also the training's progress, so that all agree on it."""
        if self.count == 1:
            return progress
        gradients = [parameter.grad.reshape(-1) for parameter in parameters]
        message = torch.cat([*gradients, torch.tensor([progress])])
        torch.distributed.all_reduce(message)
        message /= self.count
        offset = 0
        for parameter in parameters:
            size = parameter.numel()
            parameter.grad.copy_(message[offset : offset + size].view_as(parameter))
            offset += size
        return float(message[-1])


class Budget:
    """How far the training has come, in [0, 1]: by optimiser steps, or by minutes spent where ``minutes`` is given."""

    def __init__(self, steps: int | None, minutes: float | None, seconds_spent: float = 0.0):
        if (steps is None) == (minutes is None):
            raise ValueError("give either a number of steps or a number of minutes")
        self.steps, self.minutes = steps, minutes
        self._started = time.monotonic() - seconds_spent

    @property
    def seconds_spent(self) -> float:
        return time.monotonic() - self._started

    def progress(self, step: int) -> float:
        spent = step / self.steps if self.steps else self.seconds_spent / (60 * self.minutes)
        return min(1.0, spent)


def run(train: Callable, arguments, workers: int, device: str) -> None:
    """Calls ``train(worker, arguments)`` in every worker and waits for them."""
    if workers == 1:
        train(Worker(0, 1, device), arguments)
        return
    if device != "cpu":
        raise ValueError("several workers are for the CPU: use --workers 1 with --device cuda")
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29581")
    torch.multiprocessing.spawn(_enter, args=(train, arguments, workers), nprocs=workers)


def _enter(rank: int, train: Callable, arguments, count: int) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=count)
    train(Worker(rank, count, "cpu"), arguments)
    torch.distributed.destroy_process_group()
