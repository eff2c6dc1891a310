"""An exported model with short weights, for questions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qa.encoding.quantisation import Vectors

BLOCK = 32  # weights that share a scale


def shorten(complete: Path, file: Path) -> None:
    """Writes an exported model with weights of 8 bits, and tables of word vectors of 16.

    A question is short: the time of its encoding is that of bringing 40 MB of weights to the
    processor. What the weights are multiplied with has 8 bits too (accuracy level 4 of
    onnxruntime's MatMulNBits); every `BLOCK` of either has a scale of its own.
    """
    import onnx
    from onnx.helper import make_opsetid
    from onnx.numpy_helper import from_array, to_array

    model = onnx.load(complete)
    graph = model.graph
    constants = {each.name: to_array(each) for each in graph.initializer}
    nodes: list[Any] = []
    for node in graph.node:
        short, read = _short(node, constants)
        nodes += short
        graph.initializer.extend(from_array(values, name) for name, values in read.items())
    used = {name for node in nodes for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    model.opset_import.append(make_opsetid("com.microsoft", 1))
    onnx.save(model, file)


def _short(node: Any, constants: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What stands for a node of an ONNX graph, and the constants that it reads."""
    from onnx import TensorProto
    from onnx.helper import make_node

    out = node.output[0]
    table = constants.get(node.input[0]) if node.op_type == "Gather" else None
    if table is not None and table.ndim == 2 and table.dtype == np.float32:
        gather = make_node("Gather", [f"{out} table", node.input[1]], [f"{out} short"], axis=0)
        cast = make_node("Cast", [f"{out} short"], [out], to=TensorProto.FLOAT)
        return [gather, cast], {f"{out} table": table.astype(np.float16)}
    weight = constants.get(node.input[1]) if node.op_type == "MatMul" else None
    if weight is not None and weight.ndim == 2 and len(weight) % BLOCK == 0:
        read = dict(zip((f"{out} weights", f"{out} scales"), _blocks(weight), strict=True))
        kind: dict[str, Any] = {"bits": 8, "block_size": BLOCK, "accuracy_level": 4}
        kind |= zip("KN", weight.shape, strict=True)
        inputs = [node.input[0], *read]
        return [make_node("MatMulNBits", inputs, [out], domain="com.microsoft", **kind)], read
    return [node], {}


def _blocks(weight: Vectors) -> tuple[npt.NDArray[np.uint8], Vectors]:
    """The weights `(k, n)` as bytes around 128, `(n, k / BLOCK, BLOCK)`, and the blocks' scales."""
    blocks = weight.T.reshape(weight.shape[1], -1, BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2, keepdims=True) / np.float32(127), 1e-12)
    return (np.rint(blocks / scales) + 128).astype(np.uint8), scales[:, :, 0]
