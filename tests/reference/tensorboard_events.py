"""Makes tests/vectors/tensorboard_events.bin with TensorBoard (2.21.0), and reads event files.

    python tests/reference/tensorboard_events.py           # writes the vector
    python tests/reference/tensorboard_events.py FOLDER    # prints the scalars that TensorBoard finds in a folder

tests/main/tensorboard.rs writes the same events.
"""

import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

VECTORS = Path(__file__).parent.parent / "vectors"
START_S = 1_800_000_000.25


def scalar(after_s, step, tag, value):
    return Event(wall_time=START_S + after_s, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))


def scalars(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    for tag in sorted(accumulator.Tags()["scalars"]):
        for event in accumulator.Scalars(tag):
            yield tag, event.step, event.value, event.wall_time


if len(sys.argv) > 1:
    for row in scalars(sys.argv[1]):
        print(*row)
else:
    with (VECTORS / "tensorboard_events.bin").open("wb") as file:
        writer = RecordWriter(file)
        for event in [
            Event(wall_time=START_S, file_version="brain.Event:2"),
            scalar(0.0, 0, "test/qoe", 0.0),
            scalar(1.5, 100, "test/qoe", 0.875),
            scalar(1.5, 100, "loss/critic", 1e-3),
            scalar(3.0, 2**40, "λ₂ · violation", -2.5),
            scalar(3.0, 200, "loss/critic", float("inf")),
        ]:
            writer.write(event.SerializeToString())
        writer.flush()
