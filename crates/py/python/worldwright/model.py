"""World models: made by name, fitted, asked, imagined in; or a function of yours as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import _html, _native
from ._callables import Choices, Dynamics, Reward, start_of
from ._keys import are_text, own
from ._known_spaces import asked
from ._rows import acted_rows, observed_rows
from ._spaces import as_space, flat_dim, lies_within
from .data import dataset
from .errors import ConfigError, NotFittedError, ShapeError
from .onnx_export import export_onnx
from .predicted import FitReport, Prediction
from .starts import first_observations

Floats = NDArray[np.float64]


class Imagination:
    """Rows of a model's latents that are stepped together; each carries the model's members side by side."""

    def __init__(self, native: _native.Imagination, rows: int) -> None:
        self._native = native
        self.rows = rows
        """How many rows there are."""

    def observe(self, observations: Sequence[Any] | Floats, *, seed: int = 0) -> None:
        """Sets the first rows to observations."""
        for row, observation in enumerate(observations):
            self._native.observe(row, observation, seed)

    def step(self, actions: Any, *, seed: int = 0) -> tuple[Floats, Floats, Floats]:
        """Advances the first rows by one action each: rewards, continuations and epistemic spreads, all (M, N)."""
        return self._native.step(actions, seed)

    def copy(self, source: int, target: int) -> None:
        """Copies a row into another."""
        self._native.copy(source, target)

    def observations(self, rows: int | None = None) -> Floats:
        """What the first rows predict to be seen, flat, (M, N, O)."""
        return np.asarray(self._native.decode(self.rows if rows is None else rows))


class Model:
    """A world model of ``wm.models()``.

    Args:
        name: Which.
        observation_space, action_space: Spaces: Gymnasium's, a number of choices, a list of them, or a pair ``(low, high)``.
        environment: A native environment instead of spaces: its spaces, its reward, and for ``"known"`` its dynamics.
        reward: A function ``(observation, action, next_observation) -> reward`` or ``-> (reward, terminated)``; learned where there is none.
        discount: What a reward one step later is worth.
        seed: What all randomness comes from.
        settings: The model's settings, such as ``members=5``.
    """

    start: Any = None
    """The observation that planning begins from, where one is known."""

    def __init__(
        self,
        name: str = "auto",
        *,
        observation_space: Any = None,
        action_space: Any = None,
        environment: str | None = None,
        reward: Callable[..., Any] | Reward | None = None,
        discount: float = 1.0,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        if environment is None and (observation_space is None or action_space is None):
            raise ConfigError("a model needs observation_space and action_space, or the name of a native environment")
        observation_space, action_space = asked(observation_space, "observation_space"), asked(action_space, "action_space")
        self._choices = _choices(action_space)
        written = reward if reward is None or isinstance(reward, Reward) else Reward(reward, choices=Choices(self._choices, start_of(action_space)))
        self._native = _native.Model(
            name=name,
            observation_space=observation_space,
            action_space=action_space,
            reward=written,
            environment=environment,
            discount=discount,
            seed=seed,
            settings=settings,
        )
        self._seed = seed
        self._spaces = _own_spaces(observation_space, action_space)
        self._dynamics: Any = None
        # How often it has learned, and where what it learned from began: for those who dream in it.
        self._version = 0
        self._starts: Any = None

    @classmethod
    def _of(
        cls, native: _native.Model, choices: Sequence[Any] | None = None, seed: int = 0, *, spaces: Any = None, dynamics: Any = None
    ) -> Self:
        model = cls.__new__(cls)
        model._spaces, model._dynamics = spaces, dynamics
        model._native, model._choices, model._seed = native, choices, seed
        model._version, model._starts = 0, None
        return model

    @classmethod
    def from_function(
        cls,
        transition: Callable[..., Any],
        *,
        observation_space: Any,
        action_space: Any,
        reward: Callable[..., Any] | None = None,
        discount: float = 1.0,
        vectorized: bool | None = None,
        name: str = "python",
    ) -> Self:
        """A function ``(observation, action) -> next_observation`` as a model; it may also give ``(next_observation, reward)`` or
        ``(next_observation, reward, terminated)``, for one row or for a batch.

        Args:
            transition: The function.
            observation_space, action_space: As for :class:`Model`.
            reward: ``(observation, action, next_observation) -> reward`` or ``-> (reward, terminated)``. Where neither this nor the function
                says what is paid, the model predicts, and planning in it is an error that asks for one.
            discount: What a reward one step later is worth.
            vectorized: Whether the functions take batches; found out where it is not told.
            name: What it is called in messages.
        """
        observation_space, action_space = asked(observation_space, "observation_space"), asked(action_space, "action_space")
        choices = _choices(action_space)
        words = Choices(choices, start_of(action_space))
        paid = None if reward is None else Reward(reward, vectorized=vectorized, choices=words)
        dims = _flat_dim(observation_space)
        dynamics = Dynamics(transition, paid, dims=dims, vectorized=vectorized, choices=words)
        native = _native.Model.written(
            name=name,
            dynamics=dynamics,
            observation_space=observation_space,
            action_space=action_space,
            members=1,
            deterministic=True,
            has_value=False,
            discount=discount,
        )
        return cls._of(native, choices, spaces=_own_spaces(observation_space, action_space), dynamics=dynamics)

    @property
    def name(self) -> str:
        """Its name in the list."""
        return str(self.spec["name"])

    @property
    def spec(self) -> dict[str, Any]:
        """What it is: members, whether deterministic, dimensions, whether fitted."""
        about = {**self._native.about()}
        if self._dynamics is not None and self._dynamics.pays is False:
            about["rewarded"] = False
        return about

    @property
    def observation_space(self) -> Any:
        """What it observes, as Gymnasium's."""
        return self._native.observation_space if self._spaces is None else self._spaces[0]

    @property
    def action_space(self) -> Any:
        """What it can be told to do, as Gymnasium's."""
        return self._native.action_space if self._spaces is None else self._spaces[1]

    @property
    def has_choices(self) -> bool:
        """Whether actions are choices of a list of the user's."""
        return self._choices is not None

    def choice(self, action: Any) -> Any:
        """An action in the user's own words."""
        if self._choices is not None:
            return self._choices[int(action)]
        return action if self._spaces is None else own(self._spaces[1], action)

    def fit(self, data: Any = None, *, seed: int | None = None, **columns: Any) -> FitReport:
        """Learns from transitions, starting from what was learned before.

        Args:
            data: Whatever ``worldwright.data.dataset`` takes: recorded episodes, a run or its path, a mapping of columns, a
                table of Arrow, pandas or polars, a Minari data set.
            seed: What the fit's randomness comes from; the model's unless told otherwise.
            columns: The columns themselves: ``observations`` (N, O), ``actions`` (N, A) or (N,), ``next_observations`` (N, O), and if there
                are any ``rewards`` (N,), ``terminated`` (N,) and ``truncated`` (N,). Without rewards, and without a function for them,
                the model learns none and says so where it is asked for them.
        """
        transitions = dataset(data, action_space=self.action_space, **columns)
        report = self._native.fit(data=transitions, seed=self._seed if seed is None else seed)
        self._version += 1
        self._starts = first_observations(transitions, self.observation_space)
        return FitReport(**report)

    def imagination(self, rows: int) -> Imagination:
        """An arena of ``rows`` rows to imagine in."""
        return Imagination(self._native.imagination(rows), rows)

    def predict(self, observations: Any, actions: Any, *, seed: int = 0) -> Prediction:
        """One step ahead for N pairs.

        Args:
            observations: (N, O), or a list of observations; of a space with parts also a mapping of (N, …) arrays.
            actions: (N, A), or (N,) choices; likewise.
            seed: What noise in the prediction comes from.
        """
        if not self.spec["fitted"] and self.name != "known":
            raise NotFittedError(f"the model '{self.name}' has not been fitted: give it data with fit first")
        observations = observed_rows(self.observation_space, observations)
        actions = acted_rows(self.action_space, actions)
        count = len(observations)
        if not count:
            raise ShapeError("there are no observations to predict from: give at least one row")
        if count != len(actions):
            raise ShapeError(f"{count} observations came with {len(actions)} actions")
        imagined = self.imagination(count)
        imagined.observe(observations, seed=seed)
        rewards, continuations, epistemic = imagined.step(actions, seed=seed)
        return Prediction(
            observations=imagined.observations(),
            continuations=continuations,
            epistemic=np.asarray(epistemic).mean(axis=0),
            paid=rewards if self.spec["rewarded"] else None,
        )

    def save(self, path: str | Path) -> None:
        """Writes what was learned as a safetensors file."""
        self._native.save(path)

    def load(self, path: str | Path) -> Self:
        """Takes up what :meth:`save` wrote, into a model of the same name, spaces and settings."""
        self._native.restore(path)
        self._version += 1
        return self

    def export_onnx(self, path: str | Path, *, precision: str = "float32") -> Path:
        """Writes the networks of the models ``"deterministic"`` and ``"ensemble"`` as an ONNX file, with what stands around them.

        Inputs are ``observation`` (rows, O) and ``action`` (rows, A), or (rows,) choices as int64. Outputs are what each member
        used for predictions expects, without noise: ``next_observations`` (M, rows, O), and where the reward is learned
        ``rewards`` and ``continuations`` (M, rows). The members of the file are the elites; their mean is what
        ``propagation="expectation"`` predicts.

        Args:
            path: Where to.
            precision: Of everything outside the networks, which compute in single precision: ``"float32"`` or ``"float64"``.

        Returns:
            The path.

        Raises:
            UnsupportedError: The model is no network.
        """
        return export_onnx(self, path, precision=precision)

    def arrays(self) -> dict[str, Any]:
        """Everything learned, as arrays by name."""
        return self._native.arrays()

    def __repr__(self) -> str:
        spec = self.spec
        state = "fitted" if spec["fitted"] else "not fitted"
        return f"Model({spec['name']!r}, {spec['observation_dim']} → {spec['action_dim']}, {spec['members']} members, {state})"

    def _repr_html_(self) -> str:
        spec = self.spec
        kind = "deterministic" if spec["deterministic"] else "probabilistic"
        lines = [
            ("state", "fitted" if spec["fitted"] else "not fitted"),
            ("predicts", f"{kind}, {spec['members']} member{'s' if spec['members'] != 1 else ''}"),
            ("observation", f"{_html.counted(spec['observation_dim'])}, <code>{_html.code(self.observation_space)}</code>"),
            ("action", f"{_html.counted(spec['action_dim'])}, <code>{_html.code(self.action_space)}</code>"),
        ]
        more = [word for word, there in (("a value", spec["has_value"]), ("a policy prior", spec["has_prior"])) if there]
        if more:
            lines.append(("also gives", " and ".join(more)))
        return _html.card("Model", str(spec["name"]), lines)


def as_model(
    given: Any,
    *,
    reward_fn: Callable[..., Any] | None,
    observation_space: Any,
    action_space: Any,
    observation: Any,
    discount: float | None,
    vectorized: bool | None,
) -> Model:
    """A model as it is, or a function as one."""
    if isinstance(wrapped := getattr(given, "model", None), Model):
        given = wrapped
    if isinstance(given, Model):
        for name, value in (("reward_fn", reward_fn), ("discount", discount), ("vectorized", vectorized)):
            if value is not None:
                raise ConfigError(f"{name} goes with a function as the model; a Model has its own already")
        for name, space, own in (
            ("observation_space", observation_space, given.observation_space),
            ("action_space", action_space, given.action_space),
        ):
            # Words are what a model was made with: those given here would come back from no plan.
            words = given._choices if name == "action_space" else None
            other = isinstance(space, list) and (words is None or list(words) != space)
            if space is None:
                continue
            # What is planned lies in the model's action space, and what is seen in the one that was given: data know but a part of either.
            told = as_space(asked(space, name))
            if other or not (lies_within(own, told) if name == "action_space" else lies_within(told, own)):
                shown = own if words is None else list(words)
                raise ConfigError(f"{name} {space} is not the model's, {shown}; leave it out, a Model has its own")
        return given
    if not callable(given):
        raise ConfigError(f"the model is neither a Model nor a function: {given!r}")
    if action_space is None:
        raise ConfigError("a function as the model needs action_space")
    if observation_space is None:
        if observation is None:
            raise ConfigError("a function as the model needs observation_space, or a first plan to know the length of an observation")
        length = int(np.asarray(observation, dtype=np.float64).size)
        observation_space = (np.full(length, -np.inf), np.full(length, np.inf))
    return Model.from_function(
        given,
        observation_space=observation_space,
        action_space=action_space,
        reward=reward_fn,
        discount=1.0 if discount is None else discount,
        vectorized=vectorized,
    )


def _own_spaces(observation_space: Any, action_space: Any) -> tuple[Any, Any] | None:
    """Spaces as they were given, where keys of theirs are no text, as which alone the native half knows them; none elsewhere."""
    if are_text(observation_space) and are_text(action_space):
        return None
    return as_space(observation_space), as_space(action_space)


def _choices(action_space: Any) -> Sequence[Any] | None:
    return list(action_space) if isinstance(action_space, list) else None


def _flat_dim(space: Any) -> int:
    """Length of a flat observation of a space, or of what stands for one."""
    return flat_dim(as_space(space))
