"""Population based training: members learn in rounds, and after each the worst take over what the best have.

Jaderberg et al. 2017, "Population Based Training of Neural Networks", section 3: *exploit* copies weights and settings of a
better member (here truncation selection: the last share takes over from the first), *explore* perturbs the settings. A member's
data go with its model, since a model is as good as what it has seen. Rounds are synchronous, so that decisions depend on returns
and the seed alone.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from .._contract import seeded
from .._environments import EnvironmentLike
from ..errors import ConfigError, ExternalError
from ._crew import Crew
from ._fleet import Engine
from .job import Settings, environment_name, one
from .results import Result, Results
from .sweeps import base_name, check

Span = tuple[float, float] | Sequence[Any]
"""``(low, high)`` for numbers between two ends, both whole for whole numbers; a list for ordered choices."""

PERTURB = 1.25
"""A number is multiplied or divided by this."""
RESAMPLE = 0.2
"""How often a setting is drawn anew instead."""


def population(
    environment: EnvironmentLike,
    *,
    explore: Mapping[str, Span],
    steps: int,
    members: int = 6,
    rounds: int = 4,
    replaced: float = 0.25,
    seed: int = 0,
    run_dir: str | Path | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    retries: int = 2,
    progress: bool = True,
    **learning: Unpack[Settings],
) -> Results:
    """Learns with a population whose settings improve while it learns.

    Args:
        environment: A name of ``wm.environments()``, ``"gym:ID"``, or a function that makes an environment.
        explore: Settings to search by dotted key: ``{"planner.horizon": (5, 40), "planner": ["cem", "icem"]}``. A tuple is a
            range (drawn evenly in the logarithm where it is above zero), a list holds choices in an order in which neighbours are
            alike. Settings that shape the model (its members, its layers) cannot change between rounds and belong to ``model``.
        steps: Steps in the environment that each round adds.
        members: How many learn side by side, at least 2.
        rounds: How often they learn, at least 1.
        replaced: Share of members that is replaced after each round; at least one is.
        seed: What all decisions and all runs come from.
        run_dir: Folder of the runs' folders, ``round0/member0`` and so on; ``runs/ENVIRONMENT-ALGORITHM-population`` unless
            told otherwise.
        workers, engine, retries, progress: As for :func:`sweep`.
        learning: Everything else that :func:`worldwright.learn` takes.

    Returns:
        Results of all rounds, round by round; what varies is ``round``, ``member``, ``parent`` (the member of the round before
        that it goes on from), ``seed`` and the settings searched. ``results.best`` is the best of all.

    Raises:
        KeyboardInterrupt: After an interrupt; the same call goes on.
        ExternalError: Where all members of a round failed.
    """
    if members < 2 or rounds < 1 or steps < 1:
        raise ConfigError(f"at least 2 members, 1 round and 1 step are needed, got {members}, {rounds} and {steps}")
    if not 0.0 < replaced <= 0.5:
        raise ConfigError(f"replaced: a share above 0 and at most 0.5 is needed, got {replaced}")
    # Each member's run has a seed of its own, a thousand from the next.
    seed = seeded(seed, bits=53)
    spans = {key: _Span(key, span) for key, span in explore.items()}
    root = Path(run_dir) if run_dir is not None else Path("runs") / f"{base_name(environment, learning)}-population"
    settings = [
        {key: span.draw(_uniform(seed, "first", member, key)) for key, span in spans.items()} for member in range(members)
    ]
    parents: list[int | None] = [None] * members
    everything = Results()
    before: Results | None = None
    with Crew(
        engine, workers=workers, jobs=members * rounds, retries=retries, what=_word(environment), progress=progress
    ) as crew:
        for turn in range(rounds):
            jobs = [
                one(
                    environment,
                    folder=root / f"round{turn}" / f"member{member}",
                    seed=seed * 1000 + member,
                    varied=settings[member],
                    start=None if before is None else before[parents[member] or 0].folder,
                    steps=steps * (turn + 1),
                    **learning,
                )
                for member in range(members)
            ]
            if turn == 0:
                for job in jobs:
                    check(job)
            done = crew.carry_out(jobs)
            if all(result.error is not None for result in done):
                raise ExternalError(f"all members of round {turn} failed; the first with {done[0].error}")
            before = done
            everything.extend(_labelled(result, turn, member, parents[member]) for member, result in enumerate(done))
            parents, settings = _next(done, settings, spans, seed=seed, turn=turn, replaced=replaced)
    return everything


def _next(
    done: Results, settings: list[dict[str, Any]], spans: Mapping[str, _Span], *, seed: int, turn: int, replaced: float
) -> tuple[list[int | None], list[dict[str, Any]]]:
    """Whom each member goes on from, and with which settings."""
    # A failed member has a return that is no number, and comes last; equals stand in their order.
    order = sorted(range(len(done)), key=lambda member: (-_worth(done[member]), member))
    count = max(1, int(len(done) * replaced))
    failed = sum(result.error is not None for result in done)
    best, worst = order[: max(1, min(count, len(done) - failed))], set(order[-max(count, failed) :])
    parents: list[int | None] = []
    following: list[dict[str, Any]] = []
    for member in range(len(done)):
        if member not in worst or member in best:
            parents.append(member)
            following.append(settings[member])
            continue
        parent = best[int(_uniform(seed, "parent", turn, member) * len(best))]
        parents.append(parent)
        place = (turn, member)
        following.append({key: span.perturb(settings[parent][key], _Draws(seed, *place, key)) for key, span in spans.items()})
    return parents, following


def _worth(result: Result) -> float:
    return result.return_mean if math.isfinite(result.return_mean) else -math.inf


def _labelled(result: Result, turn: int, member: int, parent: int | None) -> Result:
    place = {"round": turn, "member": member, "parent": parent, "seed": result.job.choices["seed"]}
    return replace(result, job=replace(result.job, varied={**place, **result.job.varied}))


def _word(environment: EnvironmentLike) -> str:
    return getattr(getattr(environment, "spec", None), "id", None) or environment_name(environment)


def _uniform(seed: int, *words: Any) -> float:
    """A number in [0, 1) for a place in the decisions; the same with every version of every package."""
    digest = hashlib.sha256(json.dumps([seed, *words]).encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


class _Draws:
    """Numbers in [0, 1) for words, at one place in the decisions."""

    def __init__(self, seed: int, *place: Any) -> None:
        self._seed, self._place = seed, place

    def __call__(self, word: str) -> float:
        return _uniform(self._seed, word, *self._place)


class _Span:
    """What a setting may be."""

    def __init__(self, key: str, span: Span) -> None:
        self._choices = None if isinstance(span, tuple) else list(span)
        if self._choices is not None:
            if not self._choices or isinstance(span, str):
                raise ConfigError(f"{key}: a tuple (low, high) or a list of choices is needed, got {span!r}")
            return
        if len(span) != 2 or not all(isinstance(end, int | float) for end in span) or not span[0] <= span[1]:
            raise ConfigError(f"{key}: a range is (low, high), with low at most high, got {span!r}; choices stand in a list")
        self._low: float = span[0]
        self._high: float = span[1]
        self._whole = all(isinstance(end, int) for end in span)

    def draw(self, uniform: float) -> Any:
        """A value, evenly."""
        if self._choices is not None:
            return self._choices[int(uniform * len(self._choices))]
        if self._low > 0:
            value = math.exp(math.log(self._low) + uniform * (math.log(self._high) - math.log(self._low)))
        else:
            value = self._low + uniform * (self._high - self._low)
        return self._within(value)

    def perturb(self, value: Any, uniform: Callable[[str], float]) -> Any:
        """A neighbour of a value, now and then any value. ``uniform`` gives a number in [0, 1) for a word."""
        if uniform("resample") < RESAMPLE:
            return self.draw(uniform("again"))
        up = uniform("direction") < 0.5
        if self._choices is not None:
            place = self._choices.index(value) + (1 if up else -1)
            return self._choices[min(max(place, 0), len(self._choices) - 1)]
        moved = value * PERTURB if up else value / PERTURB
        if self._whole and round(moved) == value:
            moved = value + (1 if up else -1)
        return self._within(moved)

    def _within(self, value: float) -> float:
        bounded = min(max(value, self._low), self._high)
        return round(bounded) if self._whole else float(bounded)
