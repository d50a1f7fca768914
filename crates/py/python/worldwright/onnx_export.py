"""Learned networks as ONNX graphs, with everything around them: angles as sine and cosine, normalisation, the change added, the
reward."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ._spaces import flat_dim
from ._native import __version__
from ._optional import optional
from .errors import ConfigError, NotFittedError, UnsupportedError

OPSET = 17
KINDS = ("deterministic", "ensemble")
FULL_FORM = 12
"""Observations longer than this have squares without cross terms in the continuation."""


class Exported(Protocol):
    """A model, as far as it is written."""

    @property
    def name(self) -> str:
        """Its name in the list of models."""

    @property
    def spec(self) -> dict[str, Any]:
        """What it is."""

    @property
    def observation_space(self) -> Any:
        """What it observes."""

    @property
    def action_space(self) -> Any:
        """What it can be told to do."""

    def arrays(self) -> dict[str, Any]:
        """Everything learned, as arrays by name."""


def export_onnx(model: Exported, path: str | Path, *, precision: str = "float32") -> Path:
    """Writes a model's networks as an ONNX file; see :meth:`worldwright.Model.export_onnx`."""
    optional("onnx", "onnx")
    if precision not in ("float32", "float64"):
        raise ConfigError(f"precision '{precision}': expected 'float32' or 'float64'")
    if not model.spec["fitted"]:
        raise NotFittedError(f"the model '{model.name}' has not been fitted: give it data with fit first")
    arrays = model.arrays()
    prefix = _networks(model, arrays)
    graph = _Graph(precision)
    _record(graph, model, arrays, prefix)
    path = Path(path)
    graph.write(path, model)
    return path


def _networks(model: Exported, arrays: dict[str, Any]) -> str:
    """Where the networks' arrays stand."""
    if model.name in KINDS:
        return "regressor."
    if model.name == "auto" and int(arrays["regressor.chosen"][0]) == 1:
        return "regressor.ensemble."
    chosen = " chose Gaussian processes for these data and" if model.name == "auto" else ""
    raise UnsupportedError(
        f"the model '{model.name}'{chosen} is no network: of wm.models(), {' and '.join(KINDS)} are exported to ONNX"
    )


class _Graph:
    """Nodes and constants of a graph under construction. Outside the networks numbers are of the precision that was asked for."""

    def __init__(self, precision: str) -> None:
        self.precision = precision
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    @property
    def element(self) -> int:
        from onnx import TensorProto

        return int(TensorProto.FLOAT if self.precision == "float32" else TensorProto.DOUBLE)

    def constant(self, array: Any, dtype: str | None = None) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=dtype or self.precision), name))
        return name

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=f"node_{len(self.nodes)}", **attributes))
        return name

    def take(self, value: str, index: list[int], axis: int) -> str:
        return self.add("Gather", value, self.constant(index, "int64"), axis=axis)

    def write(self, path: Path, model: Exported) -> None:
        import onnx
        from onnx import helper

        graph = helper.make_graph(self.nodes, f"worldwright_{model.name}", self.inputs, self.outputs, self.constants)
        made = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=8,
            producer_name="worldwright",
            producer_version=__version__,
        )
        onnx.checker.check_model(made, full_check=True)
        onnx.save(made, str(path))


def _record(graph: _Graph, model: Exported, arrays: dict[str, Any], prefix: str) -> None:
    from onnx import TensorProto, helper

    dims, width = flat_dim(model.observation_space), flat_dim(model.action_space)
    members = [int(member) for member in arrays[f"{prefix}elites"]]
    targets = int(arrays[f"{prefix}shape"][1])
    graph.inputs.append(helper.make_tensor_value_info("observation", graph.element, ["rows", dims]))
    start = getattr(model.action_space, "start", None)
    if start is None:
        graph.inputs.append(helper.make_tensor_value_info("action", graph.element, ["rows", width]))
        action = "action"
    else:
        graph.inputs.append(helper.make_tensor_value_info("action", TensorProto.INT64, ["rows"]))
        place = graph.add("Sub", "action", graph.constant(int(start), "int64"))
        action = graph.add("Gather", graph.constant(np.eye(width)), place, axis=0)

    scaled = _inputs(graph, action, dims, width, _angles(model), arrays)
    output = _layers(graph, scaled, arrays, prefix, members, str(model.spec["settings"].get("activation", "silu")))
    means = graph.take(output, list(range(targets)), 2)
    means = graph.add("Cast", means, to=graph.element)
    change = graph.add(
        "Add", graph.add("Mul", means, graph.constant(arrays["targets.std"])), graph.constant(arrays["targets.mean"])
    )
    before = graph.add("Unsqueeze", "observation", graph.constant([0], "int64"))
    after = graph.add("Add", before, graph.take(change, list(range(dims)), 2), output="next_observations")
    graph.outputs.append(helper.make_tensor_value_info(after, graph.element, [len(members), "rows", dims]))
    if targets > dims:
        reward = graph.take(change, [dims], 2)
        graph.add("Squeeze", reward, graph.constant([2], "int64"), output="rewards")
        graph.outputs.append(helper.make_tensor_value_info("rewards", graph.element, [len(members), "rows"]))
        _continuation(graph, after, dims, arrays, float(model.spec["discount"]))
        graph.outputs.append(helper.make_tensor_value_info("continuations", graph.element, [len(members), "rows"]))


def _angles(model: Exported) -> set[int]:
    return {int(place) for place in model.spec["settings"].get("angles", [])}


def _inputs(graph: _Graph, action: str, dims: int, width: int, angles: set[int], arrays: dict[str, Any]) -> str:
    """Normalised inputs in single precision: numbers of the observation, angles as sine and cosine, and the action."""
    columns: list[int] = []
    for dim in range(dims):
        columns += [dims + dim, 2 * dims + dim] if dim in angles else [dim]
    if angles:
        every = graph.add(
            "Concat", "observation", graph.add("Sin", "observation"), graph.add("Cos", "observation"), action, axis=1
        )
        raw = graph.take(every, columns + [3 * dims + i for i in range(width)], 1)
    else:
        raw = graph.add("Concat", "observation", action, axis=1)
    centred = graph.add("Sub", raw, graph.constant(arrays["inputs.mean"]))
    scaled = graph.add("Mul", centred, graph.constant(1.0 / arrays["inputs.std"]))
    from onnx import TensorProto

    return graph.add("Cast", scaled, to=int(TensorProto.FLOAT))


def _layers(graph: _Graph, value: str, arrays: dict[str, Any], prefix: str, members: list[int], activation: str) -> str:
    """The networks of all members in one product a layer: (rows, in) by (members, in, out)."""
    count = 1 + max(int(name.split(".")[-2]) for name in arrays if name.startswith(f"{prefix}parameters.layer."))
    for layer in range(count):
        weight: NDArray[np.float32] = arrays[f"{prefix}parameters.layer.{layer}.weight"][members]
        bias: NDArray[np.float32] = arrays[f"{prefix}parameters.layer.{layer}.bias"][members]
        product = graph.add("MatMul", value, graph.constant(weight, "float32"))
        value = graph.add("Add", product, graph.constant(bias, "float32"))
        if layer + 1 < count:
            value = _activated(graph, value, activation)
    return value


def _activated(graph: _Graph, value: str, activation: str) -> str:
    if activation == "silu":
        return graph.add("Mul", value, graph.add("Sigmoid", value))
    if activation == "mish":
        return graph.add("Mul", value, graph.add("Tanh", graph.add("Softplus", value)))
    operators = {"relu": "Relu", "elu": "Elu", "tanh": "Tanh", "softplus": "Softplus", "sigmoid": "Sigmoid"}
    return graph.add(operators[activation], value)


def _continuation(graph: _Graph, after: str, dims: int, arrays: dict[str, Any], discount: float) -> None:
    """Discount times the probability that the task goes on: a logistic function of a quadratic form of the next observation."""
    weights: NDArray[np.float64] = arrays["continuation.weights"]
    one = graph.add("ReduceSum", after, graph.constant([2], "int64"), keepdims=0)
    if not len(weights):
        graph.add("Add", graph.add("Mul", one, graph.constant(0.0)), graph.constant(discount), output="continuations")
        return
    centred = graph.add("Sub", after, graph.constant(arrays["continuation.mean"]))
    z = graph.add("Div", centred, graph.constant(arrays["continuation.std"]))
    pairs = [(i, j) for i in range(dims) for j in range(i, dims if dims <= FULL_FORM else i + 1)]
    products = graph.add("Mul", graph.take(z, [i for i, _ in pairs], 2), graph.take(z, [j for _, j in pairs], 2))
    features = graph.add("Concat", z, products, axis=2)
    logit = graph.add("MatMul", features, graph.constant(weights[1:, np.newaxis]))
    logit = graph.add("Add", graph.add("Squeeze", logit, graph.constant([2], "int64")), graph.constant(weights[0]))
    goes_on = graph.add("Sigmoid", graph.add("Neg", logit))
    graph.add("Mul", goes_on, graph.constant(discount), output="continuations")
