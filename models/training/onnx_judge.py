"""Runs an exported judge with ONNX Runtime: personas, pictures and requests in, scores out.

    prompt before the picture ─► prefill, once a persona ─┐
    picture ─► vision_encoder ────────────────────────────┴─► decoder ─► logits of the marks ─► expectation, or drawn marks
"""

from pathlib import Path

import numpy
import onnxruntime
from tokenizers import Tokenizer

from judge_text import MARKS, render


class OnnxJudge:
    """A judge pack, loaded."""

    def __init__(self, folder: Path, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.vision, self.embed, self.decoder = (
            onnxruntime.InferenceSession(str(Path(folder) / "onnx" / f"{part}.onnx"), options, providers=["CPUExecutionProvider"])
            for part in ("vision_encoder", "embed_tokens", "decoder_model_merged")
        )
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.first_mark = self.tokenizer.token_to_id(str(MARKS[0]))
        self.past = [entry for entry in self.decoder.get_inputs() if entry.name.startswith("past_key_values")]
        self.prefixes = {}

    def _decode(self, embeddings: numpy.ndarray, mask: numpy.ndarray, positions: numpy.ndarray, past: list[numpy.ndarray]):
        inputs = {"inputs_embeds": embeddings, "attention_mask": mask, "position_ids": positions}
        inputs |= {entry.name: values for entry, values in zip(self.past, past)}
        logits, *present = self.decoder.run(None, inputs)
        return logits, present

    def _prefix(self, before: str) -> tuple[list[numpy.ndarray], int]:
        """Keys and values of the prompt up to the picture, and its length."""
        if before not in self.prefixes:
            ids = numpy.array([self.tokenizer.encode(before).ids], dtype=numpy.int64)
            empty = [numpy.zeros((1, entry.shape[1], 0, entry.shape[3]), dtype=numpy.float32) for entry in self.past]
            embeddings = self.embed.run(None, {"input_ids": ids})[0]
            _, present = self._decode(embeddings, numpy.ones_like(ids), numpy.arange(ids.shape[1])[None], empty)
            self.prefixes[before] = present, ids.shape[1]
        return self.prefixes[before]

    def mark_probabilities(self, pictures: numpy.ndarray, traits: numpy.ndarray, requests: list[str]) -> numpy.ndarray:
        """[n, marks] for pictures [n, 3, 64, 64] uint8, one persona [5] and n requests."""
        prompts = [render(traits, request) for request in requests]
        past, length = self._prefix(prompts[0][0])
        ids = [self.tokenizer.encode(after, add_special_tokens=False).ids for _, after in prompts]
        features = self.vision.run(None, {"pixel_values": pictures.astype(numpy.float32) / 127.5 - 1})[0]
        result = numpy.zeros((len(pictures), len(MARKS)), dtype=numpy.float32)
        for count in sorted({len(tokens) for tokens in ids}):  # questions of one length at a time need no padding
            rows = [row for row, tokens in enumerate(ids) if len(tokens) == count]
            words = self.embed.run(None, {"input_ids": numpy.array([ids[row] for row in rows], dtype=numpy.int64)})[0]
            embeddings = numpy.concatenate([features[rows], words], 1)
            new = embeddings.shape[1]
            mask = numpy.ones((len(rows), length + new), dtype=numpy.int64)
            positions = numpy.tile(numpy.arange(length, length + new), (len(rows), 1))
            logits, _ = self._decode(embeddings, mask, positions, [numpy.repeat(part, len(rows), 0) for part in past])
            marks = logits[:, -1, self.first_mark : self.first_mark + len(MARKS)].astype(numpy.float64)
            exponents = numpy.exp(marks - marks.max(1, keepdims=True))
            result[rows] = exponents / exponents.sum(1, keepdims=True)
        return result

    def expectation(self, pictures: numpy.ndarray, traits: numpy.ndarray, requests: list[str], batch: int = 64) -> numpy.ndarray:
        """Mean scores [n] in [0, 1]."""
        marks = numpy.linspace(0, 1, len(MARKS))
        parts = [self.mark_probabilities(pictures[i : i + batch], traits, requests[i : i + batch]) @ marks for i in range(0, len(pictures), batch)]
        return numpy.concatenate(parts)
