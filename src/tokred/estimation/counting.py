"""What a piece of work asks of a device: operations to start, arithmetic, bytes to move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

HALF = (torch.float16, torch.bfloat16)
FREE = {"device", "promote_types", "sym_size", "is_same_size", "size", "stride", "dim", "numel"}
"""What the dispatcher is asked and starts nothing."""
VIEWS = {
    "_reshape_alias",
    "_unsafe_view",
    "alias",
    "as_strided",
    "chunk",
    "detach",
    "detach_",
    "empty",
    "empty_like",
    "empty_strided",
    "expand",
    "lift_fresh",
    "new_empty",
    "permute",
    "select",
    "slice",
    "split",
    "split_with_sizes",
    "squeeze",
    "squeeze_",
    "t",
    "transpose",
    "unbind",
    "unfold",
    "unsqueeze",
    "unsqueeze_",
    "view",
}
"""What takes the host's time and starts nothing on the device."""
GATHERS = {"embedding", "gather", "index", "index_select", "take"}
"""What reads no more than it writes, however much it is given."""


COPIES = {"_to_copy", "copy_"}


@dataclass(frozen=True)
class Kernel:
    """One operation.

    Attributes:
        name: in ATen.
        flops: of matrix products, convolutions and attention.
        bytes: read and written.
        half: whether it computes in half precision.
    """

    name: str
    flops: int
    bytes: int
    half: bool


@dataclass
class Work:
    """What was asked for in one stretch.

    Attributes:
        kernels: what starts something on the device.
        views: operations that start nothing.
        aside: operations on the host's own tensors, such as random draws.
        sent: tensors that are copied from the host to the device.
        waits: tensors that are copied from the device to the host, which waits for them.
        allocated: bytes of all tensors that were made.
    """

    kernels: list[Kernel] = field(default_factory=list)
    views: int = 0
    aside: int = 0
    sent: int = 0
    waits: int = 0
    allocated: int = 0

    @property
    def operations(self) -> int:
        """Number of operations that start something on the device."""
        return len(self.kernels)

    @property
    def flops(self) -> int:
        """Arithmetic of all operations."""
        return sum(kernel.flops for kernel in self.kernels)

    @property
    def bytes(self) -> int:
        """Bytes that all operations move."""
        return sum(kernel.bytes for kernel in self.kernels)


class Counter(TorchDispatchMode):
    """Notes what is computed while it is entered, on fake tensors as well as on real ones.

    Attributes:
        work: what was seen since `begin`.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.work = Work()
        self._attention = _FusedAttention(self)

    def __enter__(self) -> Counter:
        """Begin to note."""
        self._attention.__enter__()  # type: ignore[no-untyped-call]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        """Note no more."""
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._attention.__exit__(*error)  # type: ignore[no-untyped-call]

    def begin(self) -> Work:
        """Begin anew; return what was seen before."""
        before, self.work = self.work, Work()
        return before

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the operation and note it."""
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in FREE:
            return result
        if name in VIEWS:
            self.work.views += 1
            return result
        given = list(_tensors((args, kwargs)))
        made = given if result is None else list(_tensors(result))  # what returns nothing writes to what it is given
        came, went = (any(tensor.device.type != "cpu" for tensor in ends) for ends in (given, made))
        if not went:
            self.work.waits += came
            self.work.aside += not came
            return result
        self.work.sent += name in COPIES and any(tensor.device.type == "cpu" for tensor in given)
        written = sum(map(_bytes, made))
        read = written if name in GATHERS else sum(map(_bytes, given))
        formula = flop_registry.get(func.overloadpacket)
        flops = formula(*args, **(kwargs or {}), out_val=result) if formula else 0
        half = any(tensor.dtype in HALF for tensor in given)
        self.note(Kernel(name, flops, read + written, half), written)
        return result

    def note(self, kernel: Kernel, made: int) -> None:
        """Add an operation that makes so many bytes."""
        self.work.kernels.append(kernel)
        self.work.allocated += made


class _FusedAttention(TorchFunctionMode):
    """Notes attention on fake CUDA tensors as the one kernel that a device has for it; without one it is taken apart.

    Args:
        counter: is told.
    """

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self.counter = counter

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Make the output, or leave it to PyTorch."""
        if func is not torch.nn.functional.scaled_dot_product_attention or torch.cuda.is_available():
            return func(*args, **(kwargs or {}))
        query, key, value = _named(args, kwargs or {})
        if not query.is_cuda:
            return func(*args, **(kwargs or {}))
        *batch, rows, width = query.shape
        shape = (*batch[:-1], rows, batch[-1], value.shape[-1])  # as fused kernels lay it out: a row per token
        made = query.new_empty(shape).transpose(-3, -2)
        flops = 2 * prod(batch) * rows * key.shape[-2] * (width + value.shape[-1])
        moved = sum(map(_bytes, (query, key, value, made)))
        self.counter.note(Kernel("attention", flops, moved, query.dtype in HALF), _bytes(made))
        return made


def _named(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """Return query, key and value of an attention call."""
    names = ("query", "key", "value")
    return [args[place] if place < len(args) else kwargs[name] for place, name in enumerate(names)]


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor))


def _bytes(tensor: torch.Tensor) -> int:
    """Count bytes of what a tensor holds: of one expanded from fewer, those."""
    numbers = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        numbers *= size if stride else 1
    return numbers * tensor.element_size()
