"""Masks as COCO's files have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask (height, width) as the lengths of its runs, column by column, the first of them outside.

    >>> import numpy as np
    >>> run_lengths(np.array([[True, False], [True, True]]))
    {'size': [2, 2], 'counts': [0, 2, 1, 1]}
    """
    import numpy as np

    flat = mask.T.ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=False))
    counts = np.diff(starts, prepend=0, append=flat.size)
    return {"size": list(mask.shape), "counts": counts.tolist()}
