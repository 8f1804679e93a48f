"""A program as a file that runs without spinec, in whatever form some backend can write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spinec.backends.backend import backend, backend_names
from spinec.backends.checkpoints import read_checkpoint
from spinec.backends.tasks import ANSWERS
from spinec.backends.writing import written
from spinec.compiler.graph.program import Program
from spinec.compiler.tasks.registry import constants_of
from spinec.spec.errors import BackendError, did_you_mean

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "onnx": (".onnx",),
    "torch-export": (".pt2",),
    "keras": (".keras",),
    "savedmodel": (),
    "tflite": (".tflite",),
}
"""What names of files end in, by form; a SavedModel is a folder."""


def export_model(
    program: Program, form: str, path: Path, weights: Path | None = None, parts: Sequence[str] = ()
) -> None:
    """Write a model to a file or folder, whole or not at all, with fresh weights or those of a file.

    It gives the network's outputs, or with the part ``"detect"``, ``"classify"`` or ``"segment"`` what that function of
    the source gives, for whole images: boxes, scores and classes, say.

    Raises:
        BackendError: when the form is unknown, its framework is not installed, the weights do not fit, or the head or
            the form has no such part.
        OSError: when nothing can be written there.
    """
    owners = {each: name for name in backend_names() for each in backend(name).EXPORTS}
    if form not in owners:
        raise BackendError(f"no export to {form!r}; {did_you_mean(form, owners)}")
    owner, part = backend(owners[form]), _answer(parts)
    if part and (soft := constants_of(program).get("SOFT")) and soft.value:
        raise BackendError(
            f"{program.name}: a file of form {form!r} drops boxes that overlap a better one, and cannot lower their "
            f"scores instead; expected head: {{detections: {{soft: 0}}}}"
        )
    arrays = read_checkpoint(weights, program) if weights else None
    with written(path) as made:
        owner.EXPORTS[form](made, program, arrays, part)


def _answer(parts: Sequence[str]) -> str:
    """The part whose answers a file gives; none where it gives the network's outputs."""
    for part in parts:
        if part not in ANSWERS:
            raise BackendError(f"a file cannot be exported with {part!r}; expected one of: {', '.join(ANSWERS)}")
    if len(set(parts)) > 1:
        raise BackendError(
            f"a file gives one sort of answer, not {' and '.join(dict.fromkeys(parts))}; export a file each"
        )
    return parts[0] if parts else ""
