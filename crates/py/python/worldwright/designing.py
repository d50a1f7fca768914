"""``build``: a model designed for a domain, with the reasons."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from . import _native
from ._choices import mapping, nearest
from ._contract import seeded
from ._gathered import Gathered
from .errors import ConfigError, UnknownNameError
from .model import Model
from .planner import Planner

OPTIONS = ("finalists", "most_models", "held_out", "trial_steps", "time_limit")
"""What :func:`build` can be told of its search."""

KEYS = {
    "actions": "recorded actions (T of an episode, or a list of episodes), or what can be done: a list of choices, a space",
    "observations": "recorded observations (T + 1 of an episode, or a list of episodes), or the names of what is seen, or a space",
    "reward": "a function (observation, action, next_observation) -> reward, an expression over the names, or recorded rewards",
    "rewards": "recorded rewards, where reward is a function",
    "terminated": "recorded ends of the task",
    "termination": "a function or an expression that says whether the task ends",
    "transition": "a function (observation, action) -> next_observation: the dynamics, where they are known",
    "environment": "an environment of Gymnasium's API, a function that makes one, or a name",
    "data": "transitions: a Dataset, columns by name, or a folder of recorded episodes",
    "steps": "random steps to collect in the environment where there are no data",
    "observation_space": "what is seen, where the data do not tell",
    "action_space": "what can be done, where the data do not tell",
    "discount": "what a reward one step later is worth",
    "start": "the observation that planning begins from; the first recorded one unless told otherwise",
    "seed": "what all randomness comes from",
}


@dataclass(frozen=True)
class Candidate:
    """A candidate of the search, and what it came to."""

    model: str
    """The model in its size."""
    planner: str | None
    """The way to plan in it; none where its plans were not tried."""
    horizon: int | None
    """Steps that a plan reaches."""
    steps: list[int] | None
    """How far ahead it was asked to foretell held-out episodes."""
    errors: list[float] | None
    """Errors so many steps ahead, relative to guessing the mean: 1 is as far off as that, one standard deviation of the data."""
    log_likelihood: float | None
    """Mean log likelihood of a held-out step."""
    returns: list[float]
    """Return of each trial."""
    return_mean: float | None
    """Their mean."""
    diverged: str | None
    """What went wrong; such candidates rank last."""
    fit_secs: float
    """Seconds of fitting and examining."""
    trial_secs: float
    """Seconds of trials."""


class DesignedModel(Model):
    """A model that :func:`build` chose and fitted."""

    reasons: list[str]
    """Why this one, in sentences."""
    candidates: list[Candidate]
    """Every candidate, the best first."""
    horizon: int
    """How far ahead plans in it should look."""
    start: Any
    """The observation that planning begins from, where one is known."""

    @classmethod
    def _designed(cls, native: _native.Model, found: dict[str, Any], start: Any, choices: Sequence[Any] | None, seed: int) -> Self:
        model = cls._of(native, choices, seed)
        model.reasons = list(found["reasons"])
        model.candidates = [Candidate(**row) for row in found["candidates"]]
        model.horizon = int(found["horizon"])
        model.start = start
        model._found = found
        return model

    @property
    def why(self) -> str:
        """The reasons as a text."""
        return "\n".join(self.reasons)

    @property
    def command(self) -> str:
        """The choice as settings of ``learn`` and of the command line."""
        return str(self._found["command"])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the model."""
        return dict(self._found["settings"])

    def planner(self, **settings: Any) -> Planner:
        """The planner that the search chose for it."""
        chosen = dict(self._found["planner_settings"])
        return Planner(str(self._found["planner"]), model=self, **{**chosen, **settings})

    def __str__(self) -> str:
        return f"{self!r}\n{self.why}"

    def _repr_html_(self) -> str:
        def number(value: float | None) -> str:
            return "" if value is None else f"{value:.4g}"

        rows = "".join(
            f"<tr><td>{html.escape(row.model)}</td><td>{html.escape(row.planner or '')}</td>"
            f"<td>{number(row.errors[-1] if row.errors else None)}</td><td>{number(row.return_mean)}</td>"
            f"<td>{html.escape(row.diverged or '')}</td></tr>"
            for row in self.candidates
        )
        reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in self.reasons)
        return (
            f"<b>{html.escape(repr(self))}</b><ul>{reasons}</ul><table><thead><tr><th>model</th><th>planner</th><th>error</th>"
            f"<th>return</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
        )

    _found: dict[str, Any]


def build(
    config: Mapping[str, Any] | str | Path | Any = None,
    *,
    data: Any = None,
    seed: int | None = None,
    progress: bool = True,
    follow: Callable[[str, Mapping[str, Any]], None] | None = None,
    **options: Any,
) -> DesignedModel | Model:
    """Designs a model for a domain: which kind in which size, planned in how far, by held-out prediction and by trials of plans.

    Args:
        config: What the domain is: a mapping, the path of a TOML or YAML file, an environment of Gymnasium's API, or the name of one. Keys:
            ``worldwright.designing.KEYS``. With ``transition`` the dynamics are known and nothing is searched.
        data: Transitions, where there are any: anything that ``Model.fit`` takes.
        seed: What all randomness comes from.
        progress: Whether to show a progress bar.
        follow: A function that hears of each candidate: ``(kind, values)``.
        options: ``finalists`` (models whose plans are tried; 0, the default, for all that may be best), ``most_models``, ``held_out`` (a share), ``trial_steps``, ``time_limit`` (seconds;
            results then depend on the machine).

    Returns:
        The model, fitted to everything; ``print(model.why)`` says why this one.
    """
    domain = _domain(config)
    for name in options:
        if name not in OPTIONS:
            raise UnknownNameError(f"build has no option '{name}'; {nearest(name, OPTIONS)}")
    if data is not None:
        if domain.get("data") is not None:
            raise ConfigError("data stand in the domain and beside it: give them once")
        domain["data"] = data
    seed = seeded(domain.pop("seed", 0) if seed is None else seed)
    discount = domain.get("discount", 1.0)
    if isinstance(discount, bool) or not isinstance(discount, (int, float)) or not 0.0 <= discount <= 1.0:
        raise ConfigError(f"discount is a number from 0 to 1, got {discount!r}")
    gathered = Gathered(domain, seed)
    if gathered.transition is not None:
        model = Model.from_function(
            gathered.transition,
            observation_space=gathered.observation_space,
            action_space=gathered.choices or gathered.action_space,
            reward=domain.get("reward") if callable(domain.get("reward")) else None,
            discount=discount,
            name="transition",
        )
        model.start = gathered.start
        return model
    transitions = gathered.data
    assert transitions is not None, "without dynamics there are data"
    with _Search(progress, follow) as search:
        native, found = _native.design(
            observation_space=gathered.observation_space,
            action_space=gathered.action_space,
            reward=gathered.reward,
            expression=gathered.expression,
            data=transitions,
            source=gathered.source,
            environment_name=gathered.environment_name,
            discount=discount,
            seed=seed,
            options=options,
            follow=search.hear,
        )
    return DesignedModel._designed(native, {**found}, gathered.start, gathered.choices, seed)


def _domain(config: Any) -> dict[str, Any]:
    if isinstance(config, (str, Path)) and Path(config).suffix in (".toml", ".yaml", ".yml"):
        domain = dict(mapping(config)) if Path(config).suffix != ".toml" else _toml(Path(config))
        folder = Path(config).parent
        if isinstance(domain.get("data"), str):
            domain["data"] = folder / domain["data"]
    elif isinstance(config, Mapping):
        domain = dict(config)
    elif config is None:
        domain = {}
    else:
        domain = {"environment": config}
    for key in domain:
        if key not in KEYS:
            raise ConfigError(f"unknown key '{key}' of a domain; {nearest(key, KEYS)}")
    return domain


def _toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the domain {path} cannot be read: {error}") from error


class _Search:
    """Shows the search as a progress bar, and passes on what it hears."""

    def __init__(self, show: bool, follow: Callable[[str, Mapping[str, Any]], None] | None) -> None:
        self._show, self._follow = show, follow
        self._bar: Any = None
        self._kind = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def hear(self, kind: str, values: Mapping[str, Any]) -> None:
        if self._follow is not None:
            self._follow(kind, values)
        if not self._show or kind == "chosen":
            return
        from tqdm.auto import tqdm

        if kind != self._kind:
            self.__exit__()
            examined = kind == "examined"
            title, unit = ("candidates", "model") if examined else ("trials of plans", "step")
            self._bar = tqdm(total=values["of"], desc=title, unit=unit, dynamic_ncols=True)
            self._kind = kind
        shown = {"model": values["model"]}
        if values["return_mean"] is not None:
            shown["return"] = f"{values['return_mean']:.4g}"
        self._bar.set_postfix(shown, refresh=False)
        self._bar.n = values["done"]
        self._bar.refresh()
