"""What the time of a sweep is made of: evaluations of the UNet, time of each, and what the machine's arithmetic would allow.

    multiply-adds of the ONNX graph × evaluations / measured peak of a matrix product = the arithmetic limit

Needs numpy, onnx and onnxruntime.
"""

import math
import os
import platform
import subprocess
import sys
import threading
import time

import numpy as np
import onnx
import onnxruntime
from sweep_scripts import open_session

PEAK = """
import time
import numpy as np
a = np.ones((4096, 4096), np.float32)
a @ a
seconds = []
for _ in range(8):
    start = time.perf_counter()
    a @ a
    seconds.append(time.perf_counter() - start)
print(4096**3 / min(seconds))
"""


def machine():
    """Model of the CPU, and the cores that this process may use."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or a CPU without a name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return model, cores


def peak_multiply_adds(threads):
    """Float32 multiply-adds a second of a large matrix product in numpy, in a process of its own: BLAS reads its threads at the start."""
    names = ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"]
    environment = {**os.environ, **{name: str(threads) for name in names}}
    environment.pop("OPENBLAS_CORETYPE", None)  # the kernels of this CPU, not of an older one
    measured = subprocess.run([sys.executable, "-c", PEAK], env=environment, check=True, capture_output=True, text=True)
    return float(measured.stdout)


def random_feeds(session, batch):
    """Inputs of a model's declared types and shapes, `batch` in place of each open dimension."""
    rng = np.random.default_rng(41)
    feeds = {}
    for value in session.get_inputs():
        shape = [dimension if isinstance(dimension, int) else batch for dimension in value.shape]
        whole = "int64" in value.type
        feeds[value.name] = np.full(shape, 500, np.int64) if whole else rng.standard_normal(shape).astype(np.float32)
    return feeds


def multiply_adds(file):
    """Multiply-adds of one sample, of all Conv, MatMul and Gemm nodes.

    Shapes are taken from a run that returns these nodes' tensors too: onnx's shape inference leaves some of the UNet open.
    """
    model = onnx.load(file)
    nodes = [node for node in model.graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    weights = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    fed = {value.name for value in model.graph.input}
    returned = {value.name for value in model.graph.output}
    wanted = {name for node in nodes for name in [*node.input[:2], node.output[0]]} - weights.keys() - fed - returned
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in sorted(wanted))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = random_feeds(session, 1)
    names = [value.name for value in session.get_outputs()]
    shapes = {name: list(value.shape) for name, value in zip(names, session.run(names, feeds))}
    shapes |= weights | {name: list(value.shape) for name, value in feeds.items()}

    total = 0
    for node in nodes:
        first, second, out = (shapes[name] for name in [*node.input[:2], node.output[0]])
        if node.op_type == "Conv":
            summed = math.prod(second[1:])  # weights are [out, in / groups, height, width]
        elif node.op_type == "MatMul":
            summed = first[-1]
        else:
            transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
            summed = first[0] if transposed else first[-1]
        total += math.prod(out) * summed
    return total


def seconds_per_sample(file, settings, batch, measure_s=2.0):
    """Wall seconds per sample of a model, with all of the settings' workers at it and nothing else."""
    sessions = [open_session(file, settings, batch) for _ in range(settings.workers)]
    feeds = random_feeds(sessions[0], batch)
    for session in sessions:
        session.run(None, feeds)
    calls = [0] * len(sessions)
    start = time.perf_counter()

    def repeat(worker):
        while time.perf_counter() - start < measure_s:
            sessions[worker].run(None, feeds)
            calls[worker] += 1

    crew = [threading.Thread(target=repeat, args=(worker,)) for worker in range(len(sessions))]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return (time.perf_counter() - start) / (sum(calls) * batch)
