"""Time from counts."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tokred import SpecError
from tokred.estimation import DEVICES, Device
from tokred.estimation.counting import Counter, Kernel, Work
from tokred.estimation.devices import find_device
from tokred.estimation.times import times

PLAIN = Device("plain", half=1e12, single=1e11, bandwidth=1e11, memory=1e9, start=1e-5)


def test_what_is_asked_of_a_device_is_counted() -> None:
    with FakeTensorMode(), Counter() as counter:
        x = torch.empty(2, 8, 4, device="cuda", dtype=torch.float16)
        (x @ x.transpose(1, 2)).view(-1)
        torch.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None])
        torch.zeros(3) + 1
    product, attention = counter.work.kernels
    assert product == Kernel("bmm", 2 * 2 * 8 * 8 * 4, 2 * (64 + 64 + 128), True)
    assert attention == Kernel("attention", 4 * 2 * 8 * 8 * 4, 4 * 2 * 64, True)
    assert counter.work.aside == 2


def test_the_slower_of_host_and_device_is_what_a_step_takes() -> None:
    heavy = Work([Kernel("mm", 10**10, 0, True), Kernel("attention", 10**9, 0, False), Kernel("add", 0, 10**9, True)])
    found = times(heavy, PLAIN)
    arithmetic = 0.01 / PLAIN.product + 0.01 / PLAIN.attention
    assert found.arithmetic == pytest.approx(arithmetic)
    assert found.seconds == pytest.approx(arithmetic + 0.01 / PLAIN.moving)
    assert found.limit == "arithmetic"
    many = times(Work([Kernel("add", 0, 8, True)] * 1000), PLAIN)
    assert (many.seconds, many.moving) == (pytest.approx(0.01), pytest.approx(1000 * PLAIN.least))
    assert many.limit == "host: 1,000 operations"
    assert times(Work([Kernel("add", 0, 8, True)] * 1000), PLAIN, compiled=True).operations == 1


def test_an_unknown_device_is_refused() -> None:
    assert find_device("H200") is DEVICES["h200"]
    with pytest.raises(SpecError, match="device='h20' is not known. Known: h200, h100"):
        find_device("h20")
