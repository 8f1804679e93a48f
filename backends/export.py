"""A program as a file that runs without spinec, in whatever form some backend can write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spinec.backends.any_size import of_any_size
from spinec.backends.backend import Contents, backend, backend_names
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

OF_ONE_SIZE = ("keras", "tflite")


def export_model(
    program: Program,
    form: str,
    path: Path,
    weights: Path | None = None,
    parts: Sequence[str] = (),
    *,
    dynamic: bool = False,
    sizes: bool = False,
) -> Program:
    """Write a model to a file or folder, whole or not at all, with fresh weights or those of a file.

    It gives the network's outputs, or with the part ``"detect"``, ``"classify"`` or ``"segment"`` what that function of
    the source gives, for whole images: boxes, scores and classes, say. With `sizes`, what detects takes these as well,
    (batch, 2): how many rows and columns of each image are image, the rest being padding. A file that is `dynamic`
    takes images of any size, as far as the network does: see the `multiple` of the program that is given back.

    Raises:
        BackendError: when the form is unknown, its framework is not installed, the weights do not fit, or the head or
            the form has no such part, or is of one size.
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
    if sizes and part != "detect":
        raise BackendError("a file takes 'sizes' of images in which it detects; expected it with 'detect'")
    if dynamic:
        if form in OF_ONE_SIZE:
            able = ", ".join(each for each in owners if each not in OF_ONE_SIZE)
            raise BackendError(f"a file of form {form!r} takes images of one size; expected one of: {able}")
        program = of_any_size(program, owner.emit)
    arrays = read_checkpoint(weights, program) if weights else None
    with written(path) as made:
        owner.EXPORTS[form](made, program, arrays, Contents(part, sizes))
    return program


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
