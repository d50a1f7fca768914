"""The native half: conversions between Python's objects and what runs in Rust. Users hold the classes of ``worldwright`` instead."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypedDict, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

class _Parameter(TypedDict):
    default: Any
    summary: str

class _Entry(TypedDict):
    name: str
    summary: str
    source: str
    settings: dict[str, _Parameter]

class _About(TypedDict):
    name: str
    members: int
    deterministic: bool
    has_value: bool
    has_prior: bool
    observation_dim: int
    action_dim: int
    fitted: bool
    rewarded: bool
    discount: float
    settings: dict[str, Any]

class _Fit(TypedDict):
    epochs: int
    training_loss: float
    holdout_mse: float | None
    note: str

class _Report(TypedDict):
    status: str
    value: float
    iterations: int
    model_steps: int
    diverged: int

class _Candidate(TypedDict):
    model: str
    planner: str | None
    horizon: int | None
    steps: list[int] | None
    errors: list[float] | None
    log_likelihood: float | None
    returns: list[float]
    return_mean: float | None
    diverged: str | None
    fit_secs: float
    trial_secs: float

class _Found(TypedDict):
    kind: str
    label: str
    settings: dict[str, Any]
    planner: str
    planner_settings: dict[str, Any]
    horizon: int
    judge: str
    reasons: list[str]
    command: str
    transitions: int
    candidates: list[_Candidate]

class _Explored(TypedDict):
    start: Any
    observation_space: Any
    action_space: Any
    observation_channels: list[str]
    action_channels: list[str]
    data: Dataset

class _Source(Protocol):
    """Where environments come from: ``worldwright._environments.Source``."""

    name: str
    observation_space: Any
    action_space: Any
    dt_secs: float
    episode_steps: int | None
    observation_channels: list[str]
    action_channels: list[str]
    versions: list[tuple[str, str]]

    def make(self) -> Any: ...

class _Reward(Protocol):
    """A reward function over batches: ``worldwright._callables.Reward``."""

    terminates: bool

    def __call__(
        self, observations: NDArray[np.float64], actions: NDArray[Any], next_observations: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]: ...

class _Dynamics(Protocol):
    """A model over batches: ``worldwright._callables.Dynamics``."""

    def step(
        self, observations: NDArray[np.float64], actions: NDArray[Any], seed: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]: ...

def catalogue(what: Literal["environment", "model", "planner", "algorithm"] | str) -> list[_Entry]:
    """The items of a list: ``"environment"``, ``"model"``, ``"planner"`` or ``"algorithm"``."""

def learn(
    *,
    choices: dict[str, Any],
    source: _Source | None,
    reward: _Reward | None,
    data: Dataset | None,
    toml: tuple[str, str] | None,
    run_dir: str | Path | None,
    resume: bool,
    checkpoint: tuple[int, float],
    follow: Callable[[str, Mapping[str, Any]], None] | None,
) -> tuple[Path, bool]:
    """Runs an experiment. Returns the folder, and whether it finished (false: it was interrupted and can be resumed)."""

def default_run_folder(*, choices: dict[str, Any], source: _Source | None, toml: tuple[str, str] | None) -> Path:
    """Where ``learn`` keeps a run of these choices unless told otherwise."""

def branch(
    *, choices: dict[str, Any], source: _Source | None, reward: _Reward | None, run_dir: str | Path, start: str | Path
) -> None:
    """Begins a run of these choices in ``run_dir`` with what the run in ``start`` has learned."""

def explore(*, source: _Source | None, environment_name: str | None, steps: int, seed: int) -> _Explored:
    """Random steps in an environment, as transitions; also what was seen first."""

def design(
    *,
    observation_space: Any,
    action_space: Any,
    reward: _Reward | None,
    expression: tuple[str, str | None, list[str], list[str]] | None,
    data: Dataset,
    source: _Source | None,
    environment_name: str | None,
    discount: float,
    seed: int,
    options: dict[str, Any],
    follow: Callable[[str, Mapping[str, Any]], None] | None,
) -> tuple[Model, _Found]:
    """The search: the model it chose, fitted, and what it found out."""

@final
class Studied:
    """What a study found."""

    def json(self) -> str:
        """Settings, findings, tables and figures as JSON."""

    def html(self) -> str:
        """The page that works offline."""

    def write(self, folder: str | Path) -> None:
        """Leaves everything in a folder."""

def study(name: str, *, given: dict[str, Any], follow: Callable[[int, int, str], None] | None) -> Studied:
    """Carries out a study; ``follow(done, all, what)`` hears how far it is."""

@final
class Environment:
    """An environment of a name that Worldwright knows, with its usual settings."""

    def __new__(cls, name: str) -> Self:
        """Makes the environment of a name: native, or of a suite in a worker of its own."""

    def reset(self, seed: int) -> Any:
        """Begins an episode: its first observation."""

    def step(self, action: Any) -> tuple[Any, float, bool, bool]:
        """Takes an action: what is seen then, its reward, and whether the episode terminated or was truncated."""

    @property
    def name(self) -> str:
        """The name that stands in records."""

    @property
    def observation_space(self) -> Any:
        """What it shows, as Gymnasium's."""

    @property
    def action_space(self) -> Any:
        """What it takes, as Gymnasium's."""

class Agent:
    """An agent with its weights."""

    def estimate(
        self, data: Dataset | str | Path, *, horizon: int | None, discount: float, noise: float, seed: int
    ) -> dict[str, Any]:
        """What it would earn, told from recorded episodes: a path, or transitions."""

    def __new__(cls, *, path: str | Path, source: _Source | None, reward: _Reward | None) -> Self:
        """Loads a bundle, or the bundle of a run's folder."""

    def begin(self, observation: Any, seed: int) -> None:
        """Tells that an episode begins."""

    def act(self, observation: Any) -> Any:
        """The action for an observation."""

    def plan(self, observation: Any) -> tuple[Any, _Report]:
        """What it would do from an observation: the actions, and how planning went."""

    @property
    def trained(self) -> bool:
        """Whether it acts by what it learned or knows."""

    def evaluate(self, episodes: int, seed: int) -> tuple[list[float], list[int]]:
        """Returns and lengths of new episodes in its environment."""

    def model(self) -> Model:
        """The world model that it plans in, as it was learned."""

    def experiment(self) -> dict[str, Any]:
        """Everything that the run depended on, by dotted key."""

    def channels(self) -> tuple[list[str], list[str]]:
        """Names of the flat observation's numbers, and of the action's dimensions or choices."""

    @property
    def observation_space(self) -> Any:
        """What it observes, as Gymnasium's."""

    @property
    def action_space(self) -> Any:
        """What it does, as Gymnasium's."""

@final
class Dataset:
    """Transitions with flat observations and actions, in the order in which they happened."""

    def __new__(
        cls,
        *,
        observations: NDArray[np.float64],
        actions: ArrayLike,
        rewards: ArrayLike | None,
        next_observations: NDArray[np.float64],
        terminated: Sequence[bool],
        episode_ends: Sequence[bool],
        action_space: Any,
        observation_space: Any = None,
        observation_names: Sequence[str] | None = None,
        action_names: Sequence[str] | None = None,
    ) -> Self:
        """Takes the arrays of N transitions: observations and next observations (N, O), actions (N, A) or (N,), rewards (N,), and
        whether the task and the episode ended at each; with an observation space, whose parts and names count for whoever takes them
        up."""

    @staticmethod
    def of_columns(columns: dict[str, NDArray[Any]], *, strict: bool, action_space: Any = None) -> tuple[Dataset, Any, list[str]]:
        """The transitions of a table's columns, by the rules of all readers; what actions are elements of; and sentences about how it was
        read."""

    @staticmethod
    def of_episodes(episodes: list[dict[str, NDArray[Any]]], *, action_space: Any = None) -> tuple[Dataset, Any, list[str]]:
        """The transitions of episodes that lie in arrays of their own, each by the name of its column; otherwise as ``of_columns``."""

    def __len__(self) -> int: ...
    @property
    def observation_dim(self) -> int:
        """Length of a flat observation."""

    @property
    def action_dim(self) -> int:
        """Length of a flat action."""

    @property
    def observations(self) -> NDArray[np.float64]:
        """All observations (N, O)."""

    @property
    def actions(self) -> NDArray[np.float64]:
        """All flat actions (N, A); choices are one-hot."""

    @property
    def next_observations(self) -> NDArray[np.float64]:
        """All next observations (N, O)."""

    @property
    def terminated(self) -> NDArray[np.bool_]:
        """Whether the task ended at each transition (N,)."""

    @property
    def episode_ends(self) -> NDArray[np.bool_]:
        """Whether the episode ended at each transition, for whatever reason (N,)."""

    @property
    def rewarded(self) -> bool:
        """Whether there are rewards; those of a set without any are zeros that stand for nothing."""

    @property
    def rewards(self) -> NDArray[np.float64]:
        """All rewards (N,)."""

@final
class Imagination:
    """Rows of a model's own latents, stepped together. Each row carries the model's members side by side."""

    def observe(self, row: int, observation: Any, seed: int) -> None:
        """Sets a row to the belief after an observation."""

    def copy(self, source: int, target: int) -> None:
        """Copies a row into another."""

    def step(
        self, actions: ArrayLike, seed: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Advances the first rows by one action each; gives reward, continuation and epistemic spread, all (members, rows)."""

    def decode(self, rows: int) -> NDArray[np.float64]:
        """The flat observations that the first ``rows`` rows predict, (members, rows, O)."""

class Model:
    """A world model."""

    def __new__(
        cls,
        *,
        name: str,
        observation_space: Any,
        action_space: Any,
        reward: _Reward | None,
        environment: str | None,
        discount: float,
        seed: int,
        settings: dict[str, Any],
    ) -> Model:
        """A model of the list, not yet fitted."""

    @staticmethod
    def written(
        *,
        name: str,
        dynamics: _Dynamics,
        observation_space: Any,
        action_space: Any,
        members: int,
        deterministic: bool,
        has_value: bool,
        discount: float,
    ) -> Model:
        """A model that Python computes: ``dynamics`` is a ``worldwright._callables.Dynamics``."""

    def fit(self, *, data: Dataset, seed: int) -> _Fit:
        """Learns from transitions, starting from what was learned before."""

    def about(self) -> _About:
        """What it is: name, members, whether deterministic, and what it gives."""

    @property
    def observation_space(self) -> Any:
        """What it observes, as Gymnasium's."""

    @property
    def action_space(self) -> Any:
        """What it can be told to do, as Gymnasium's."""

    def imagination(self, rows: int) -> Imagination:
        """An arena of ``rows`` rows to imagine in."""

    def save(self, path: str | Path) -> None:
        """Writes what was learned, as safetensors."""

    def restore(self, path: str | Path) -> None:
        """Takes up what ``save`` wrote."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of what was learned, by name."""

class Planner:
    """A planner with its model."""

    def __new__(
        cls,
        *,
        name: str,
        model: Model,
        settings: dict[str, Any],
        seed: int,
        prior: Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]] | None,
        value: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None,
    ) -> Self:
        """A planner of the list."""

    def improve(
        self, observation: Any, *, iterations: int | None, model_steps: int | None, time_secs: float | None
    ) -> _Report:
        """Improves the plan from an observation; gives what happened."""

    def act(self, t: int = 0) -> Any:
        """The planned action ``t`` steps from now."""

    def actions(self) -> Any:
        """All planned actions: an array of a box, (horizon, …), else a list."""

    def weighed(self) -> list[tuple[Any, int, float]]:
        """The first actions that a tree search weighed: action, visits, mean return."""

    def shift(self, steps: int = 1) -> None:
        """Moves on: the plan's tail becomes the start of the next."""

    def reset(self, seed: int) -> None:
        """Forgets the plan and takes a seed."""

    @property
    def horizon(self) -> int:
        """Steps that the plan reaches."""

    @property
    def native_model(self) -> Model:
        """The model that it plans in."""

class _Store(TypedDict):
    environment: str
    seed: int
    versions: list[tuple[str, str]]
    notes: list[tuple[str, str]]
    observation_space: Any
    action_space: Any
    observations: NDArray[Any]
    actions: NDArray[Any]
    rewards: NDArray[np.float64]
    lengths: list[int]
    seeds: list[int | None]
    terminated: list[bool]
    truncated: list[bool]

def utf8_text(who: str, bytes: bytes) -> str:
    """The text in UTF-8 that the bytes of a file are; an ``ExternalError`` says what they are instead, and what to do."""

def shape_fits(shown: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether an array of the shape ``shown`` is, without a doubt, an element of a space of this shape: the same, one number in however
    many axes, axes of one in front, or a flat array of several axes' numbers. One of shape (2, 1) is none of shape (2,)."""

def channel_names(space: Any, root: str) -> list[str]:
    """A name for each number of the flat vector of an element called ``root``, by part and choice."""

def data_formats() -> list[str]:
    """Names of the formats that ``import_data`` reads and ``export_data`` writes."""

def data_format_of(path: str | Path) -> str | None:
    """Which of the formats a file or folder is of; none for an episode store and for all else."""

def import_data(path: str | Path, format: str, out: str | Path, *, columns: Sequence[tuple[str, str]] = ...) -> None:
    """Imports a data set into a new episode store in the folder ``out``. ``columns`` are pairs of a known name and what the column is called."""

def export_data(path: str | Path, format: str, out: str | Path) -> None:
    """Exports the episode store in the folder ``path`` to ``out``, which must not exist."""

def read_store(path: str | Path) -> _Store:
    """Reads the episode store in a folder: spaces, and the columns of all episodes one after another."""

def arranged_rows(what: str, rows: Any, given: Any, wanted: Any) -> NDArray[np.float64]:
    """Rows of a space with named parts as those of another, matched by name."""

def write_store(
    *,
    path: str | Path,
    environment: str,
    observation_space: Any,
    action_space: Any,
    seed: int,
    episodes: Any,
    observation_names: Sequence[str] | None = None,
    action_names: Sequence[str] | None = None,
) -> None:
    """Writes a new episode store of episodes ``(observations, actions, rewards, terminated, truncated, seed)``."""

def episode_ends(
    steps: int,
    *,
    terminated: bool | Sequence[bool] | None = None,
    truncated: bool | Sequence[bool] | None = None,
    done: bool | Sequence[bool] | None = None,
) -> tuple[bool, bool, list[str]]:
    """Whether an episode of so many steps terminated and was cut, from the flags that it has; and sentences about that."""

def spanned_space(what: str, rows: NDArray[Any]) -> Any:
    """The space that rows of ``"observations"`` or ``"actions"`` span as far as their type tells, as one of Gymnasium's."""

def nearest_name(given: str, known: Sequence[str]) -> str | None:
    """Which of the known names a name may be a slip of, as in every error about a name."""

def run_card(path: str | Path) -> str:
    """A run's folder as a small table with its learning curve, in HTML."""

def evaluation_card(mean: float, std: float, returns: Sequence[float], lengths: Sequence[int]) -> str:
    """An evaluation as a small table with the return of each episode, in HTML."""

def resolve_columns(names: Sequence[str], *, strict: bool) -> tuple[dict[str, list[tuple[str, int, bool]]], list[int]]:
    """Which columns hold what: for each quantity its parts ``(name, column, named)``; and the columns that are left out."""

def column_names() -> list[tuple[str, list[str]]]:
    """What columns are called: the name that this project gives a quantity, and all others."""

def read_flags(column: str, cells: Sequence[Any]) -> list[bool | None]:
    """The flags of a column of texts, or of numbers; what is missing is none."""

def read_table(
    columns: dict[str, NDArray[Any]],
    *,
    strict: bool,
    environment: str,
    seed: int,
    observation_space: Any = None,
    action_space: Any = None,
) -> _Store:
    """Episodes of the columns of a table in long format, as ``read_store`` gives those of a store."""
