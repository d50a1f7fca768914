"""``build``: a model designed for a domain, with the reasons."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from . import _native
from ._callables import Choices, Reward
from ._choices import mapping
from ._environments import Source
from .data import Dataset, dataset
from .errors import ConfigError, WorldwrightWarning
from .model import Model, _choices
from .planner import Planner

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
DEFAULT_STEPS = 1000


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
    """Errors so many steps ahead, in standard deviations of the data."""
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
        options: ``finalists`` (models whose plans are tried), ``most_models``, ``held_out`` (a share), ``trial_steps``, ``time_limit`` (seconds;
            results then depend on the machine).

    Returns:
        The model, fitted to everything; ``print(model.why)`` says why this one.
    """
    domain = _domain(config)
    if data is not None:
        domain["data"] = data
    seed = int(domain.pop("seed", 0) if seed is None else seed)
    discount = float(domain.get("discount", 1.0))
    gathered = _Gathered(domain, seed)
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
            import difflib

            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(KEYS)}"
            raise ConfigError(f"unknown key '{key}' of a domain; {hint}")
    return domain


def _toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the domain {path} cannot be read: {error}") from error


class _Gathered:
    """A domain's parts, from whatever it was described by."""

    def __init__(self, domain: dict[str, Any], seed: int) -> None:
        self.source: Source | None = None
        self.environment_name: str | None = None
        self.start: Any = domain.get("start")
        self.transition: Callable[..., Any] | None = domain.get("transition")
        self.choices: Sequence[Any] | None = None
        self.expression: tuple[str, str | None, list[str], list[str]] | None = None
        self.reward: Reward | None = None
        self.observation_space: Any = domain.get("observation_space")
        self.action_space: Any = domain.get("action_space")
        self._names: tuple[list[str], list[str]] | None = None
        self._spaces(domain)
        self.data = self._transitions(domain, seed)
        self._rewards(domain)

    def _spaces(self, domain: dict[str, Any]) -> None:
        environment = domain.get("environment")
        if isinstance(environment, str):
            self.environment_name = environment
        elif environment is not None:
            self.source = Source(environment)
        for key, what in (("actions", "action_space"), ("observations", "observation_space")):
            given = domain.get(key)
            if given is None or _recorded(given):
                continue
            # Not recorded numbers, so what can be done or seen: a space, or names.
            domain.pop(key)
            if what == "action_space" and isinstance(given, (list, tuple)) and not _pair(given):
                self.choices = list(given)
                self.action_space = self.choices
            elif what == "observation_space" and isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given):
                self._names = (list(given), [])
                if self.observation_space is None:
                    self.observation_space = (np.full(len(given), -np.inf), np.full(len(given), np.inf))
            else:
                setattr(self, what, given)
        self.choices = self.choices or _choices(self.action_space)

    def _transitions(self, domain: dict[str, Any], seed: int) -> Dataset | None:
        if self.transition is not None:
            if self.action_space is None or self.observation_space is None:
                raise ConfigError("a domain with transition needs actions and observations: lists of names, or spaces")
            return None
        recorded = domain.get("observations"), domain.get("actions")
        if recorded[0] is not None and recorded[1] is not None:
            return self._episodes(domain, *recorded)
        if domain.get("data") is not None:
            if self.action_space is None:
                raise ConfigError("data need action_space beside them")
            return dataset(domain["data"], action_space=self.action_space)
        if self.source is not None or self.environment_name is not None:
            steps = int(domain.get("steps", DEFAULT_STEPS))
            explored = _native.explore(source=self.source, environment_name=self.environment_name, steps=steps, seed=seed)
            self.observation_space, self.action_space = explored["observation_space"], explored["action_space"]
            self._names = (explored["observation_channels"], explored["action_channels"])
            self.start = explored["start"] if self.start is None else self.start
            return explored["data"]
        if self.observation_space is not None and self.action_space is not None:
            self._nothing()
            return None
        raise ConfigError(
            "a domain needs data, an environment or dynamics: give observations and actions that were recorded, data=…, "
            "an environment, or a transition function"
        )

    def _nothing(self) -> None:
        """Names and a reward, and nothing that was ever seen: all that can be said is that things stay as they are."""
        warnings.warn(
            "the domain has no data, no environment and no transition function, so nothing is known of how it moves: the model keeps every "
            "observation as it is. Give recorded observations and actions, data=…, environment=… or transition=…",
            WorldwrightWarning,
            stacklevel=4,
        )
        self.transition = _still
        dims = int(np.size(self.observation_space[0])) if isinstance(self.observation_space, tuple) else None
        if self.start is None and dims is not None:
            self.start = np.zeros(dims)

    def _episodes(self, domain: dict[str, Any], observations: Any, actions: Any) -> Dataset:
        rewards = domain.get("rewards")
        if rewards is None and domain.get("reward") is not None and not callable(domain["reward"]) and not isinstance(domain["reward"], str):
            rewards = domain.pop("reward")
        ends = domain.get("terminated")
        many = _nested(observations)
        episodes = list(zip(observations, actions, strict=True)) if many else [(observations, actions)]
        columns: dict[str, list[Any]] = {name: [] for name in ("observations", "actions", "next_observations", "rewards", "terminated", "truncated")}
        for i, (seen, done) in enumerate(episodes):
            seen = np.asarray(seen, dtype=np.float64)
            seen = seen.reshape(len(seen), -1)
            count = len(done)
            if len(seen) == count:
                # As many observations as actions: nothing was seen after the last one.
                count -= 1
            elif len(seen) != count + 1:
                raise ConfigError(
                    f"episode {i} has {len(seen)} observations and {len(done)} actions: one more observation than actions is wanted"
                )
            paid = None if rewards is None else np.asarray(rewards[i] if many else rewards, dtype=np.float64)[:count]
            over = None if ends is None else np.asarray(ends[i] if many else ends, dtype=bool)[:count]
            columns["observations"].append(seen[:count])
            columns["next_observations"].append(seen[1 : count + 1])
            columns["actions"].append(np.asarray(done)[:count])
            columns["rewards"].append(np.zeros(count) if paid is None else paid)
            columns["terminated"].append(np.zeros(count, dtype=bool) if over is None else over)
            columns["truncated"].append(np.arange(count) == count - 1)
            if self.start is None:
                self.start = seen[0]
        joined = {name: np.concatenate(parts) for name, parts in columns.items()}
        if self.observation_space is None:
            width = joined["observations"].shape[1]
            self.observation_space = (np.full(width, -np.inf), np.full(width, np.inf))
        if self.action_space is None:
            self.action_space = _space_of(joined["actions"])
        return dataset(joined, action_space=self.action_space)

    def _rewards(self, domain: dict[str, Any]) -> None:
        given, termination = domain.get("reward"), domain.get("termination")
        if isinstance(given, str):
            if self._names is None:
                width = int(np.size(self.observation_space[0])) if isinstance(self.observation_space, tuple) else 0
                self._names = ([f"o{i}" for i in range(width)], [])
            names = self._names
            if not names[1]:
                space = self.action_space
                width = len(space) if isinstance(space, list) else int(np.size(space[0])) if isinstance(space, tuple) else int(np.prod(space.shape or (1,)))
                names = (names[0], [f"a{i}" for i in range(width)])
            self.expression = (given, termination, *names)
        elif callable(given):
            ends = termination if callable(termination) else None
            self.reward = Reward(given, termination=ends, choices=Choices(self.choices))
        elif given is not None and self.transition is None:
            raise ConfigError("reward is neither a function, nor an expression, nor recorded beside observations and actions")


def _still(observation: Any, action: Any) -> Any:  # noqa: ARG001 - a transition takes both
    return observation


def _recorded(given: Any) -> bool:
    """Whether it holds numbers that were recorded, rather than names, choices or a space."""
    if isinstance(given, np.ndarray):
        return given.dtype.kind in "fiub" and given.ndim >= 1 and given.size > 0
    if hasattr(given, "to_numpy"):
        return True
    if not isinstance(given, (list, tuple)) or not len(given) or _pair(given):
        return False
    first = given[0]
    # A flat list of whole numbers or of words is a list of choices; a list of rows, of arrays or of many real numbers was recorded.
    if isinstance(first, (list, tuple, np.ndarray)):
        return True
    return len(given) > 20 and all(isinstance(value, (int, float, np.number)) for value in given)


def _pair(given: Any) -> bool:
    """Whether it is ``(low, high)``."""
    return isinstance(given, tuple) and len(given) == 2 and np.shape(given[0]) == np.shape(given[1])


def _nested(observations: Any) -> bool:
    """Whether there are several episodes."""
    if isinstance(observations, np.ndarray) and observations.dtype != object:
        return observations.ndim == 3
    return np.ndim(observations[0]) == 2


def _space_of(actions: Any) -> Any:
    """The space that recorded actions span: choices where they are whole numbers from zero, else a box."""
    flat = actions.reshape(len(actions), -1)
    if actions.dtype.kind in "iu" and flat.shape[1] == 1 and flat.min() >= 0:
        return int(flat.max()) + 1
    return (flat.min(axis=0).astype(np.float64), flat.max(axis=0).astype(np.float64))


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
