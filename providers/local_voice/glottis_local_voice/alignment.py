"""Which frame of one recording says the same as which of another: dynamic time warping."""

import numpy as np
import numpy.typing as npt

from glottis_local_voice.waveform import Floats

Indices = npt.NDArray[np.intp]

_DIAGONAL, _LEFT, _UP = 0, 1, 2


def align(first: Floats, second: Floats, *, band: float = 0.25) -> tuple[Indices, Indices, float]:
    """Pair the frames of two recordings so that the sum of their distances is least.

    Both have shape (frames, dimensions), and begin and end with the same sound. Returns the paired
    indices into each, of equal length, and the mean distance along them. The path keeps within `band` (a
    share of the longer one) of the straight line. Works an anti-diagonal at a time, in numpy.
    """
    rows, columns = len(first), len(second)
    costs = _distances(first, second)
    outside = _outside(rows, columns, max(band * max(rows, columns), 40))
    costs[outside] = np.inf
    steps = np.zeros((rows, columns), dtype=np.int8)
    # Index i of an anti-diagonal d stands for the cell (i, d - i); infinite where there is no cell.
    before = np.full(rows + 1, np.inf)
    last = np.full(rows + 1, np.inf)
    for diagonal in range(rows + columns - 1):
        low, high = max(0, diagonal - columns + 1), min(rows, diagonal + 1)
        here = np.arange(low, high)
        choices = np.stack([before[here], last[here + 1], last[here]])
        best = choices.argmin(axis=0)
        least = choices[best, np.arange(len(here))]
        if diagonal == 0:
            least = np.zeros(1)
        current = np.full(rows + 1, np.inf)
        current[here + 1] = least + costs[here, diagonal - here]
        steps[here, diagonal - here] = best
        before, last = last, current
    total = float(last[rows])
    path = _walk_back(steps)
    return path[0], path[1], total / len(path[0])


def _distances(first: Floats, second: Floats) -> Floats:
    squares = np.sum(first**2, axis=1)[:, None] + np.sum(second**2, axis=1)[None, :]
    return np.asarray(np.sqrt(np.maximum(squares - 2 * first @ second.T, 0.0)), dtype=np.float64)


def _outside(rows: int, columns: int, width: float) -> npt.NDArray[np.bool_]:
    ideal = np.arange(rows)[:, None] * (columns - 1) / max(rows - 1, 1)
    scale = max(1.0, columns / max(rows, 1))
    return np.asarray(np.abs(ideal - np.arange(columns)[None, :]) > width * scale)


def _walk_back(steps: npt.NDArray[np.int8]) -> tuple[Indices, Indices]:
    row, column = steps.shape[0] - 1, steps.shape[1] - 1
    path = [(row, column)]
    while row or column:
        step = steps[row, column]
        if row == 0 or (column and step == _LEFT):
            column -= 1
        elif column == 0 or step == _UP:
            row -= 1
        else:
            row, column = row - 1, column - 1
        path.append((row, column))
    pairs = np.asarray(path[::-1], dtype=np.intp)
    return pairs[:, 0], pairs[:, 1]
