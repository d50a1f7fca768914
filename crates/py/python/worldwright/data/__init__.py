"""Data: recorded episodes and transitions, in from everywhere and out again.

    episodes = wm.data.read("runs/pendulum-loop-seed0")
    frame = episodes.to_pandas()
    model.fit(frame)

Whatever holds data goes into :func:`episodes`, :func:`dataset` and ``Model.fit``: :class:`Episodes`, a run, a path, a mapping of
arrays, a table of Arrow, pandas or polars, a Minari data set or its id, a list of episodes.
"""

from __future__ import annotations

from .files import read
from .minari_sets import from_minari
from .outward import formats, to_minari
from .recorded import Episode, Episodes
from .tables import from_table
from .taken import Dataset, dataset, episodes, write

__all__ = [
    "Dataset",
    "Episode",
    "Episodes",
    "dataset",
    "episodes",
    "formats",
    "from_minari",
    "from_table",
    "read",
    "to_minari",
    "write",
]
