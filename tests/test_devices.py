"""What a device computes in, and what is refused on it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from unripple.models import devices

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("has", "limit", "expected"),
    [
        ({"avx2": True}, None, False),
        ({"avx512_f": True}, None, False),
        ({"avx512_bf16": True}, None, True),
        ({"amx_bf16": True, "avx512_bf16": True}, "AVX2", False),
        ({"amx_bf16": True, "avx512_bf16": True}, "avx512_core_bf16", True),
        ({"bf16": True}, None, True),
    ],
)
def test_bfloat16_needs_instructions_that_nobody_switched_off(
    monkeypatch: pytest.MonkeyPatch, has: dict[str, bool], limit: str | None, expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    monkeypatch.delenv("DNNL_MAX_CPU_ISA", raising=False)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    if limit is not None:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert devices.computes_in_bfloat16(CPU) is expected
    assert devices.training_precision(CPU) == ("bf16-mixed" if expected else "32-true")
    assert devices.fast_dtype(CPU) == (torch.bfloat16 if expected else torch.float32)


@pytest.fixture
def _as_before() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.backends.cudnn.benchmark = before[1]


@pytest.mark.usefixtures("_as_before")
def test_only_deterministic_algorithms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    torch.backends.cudnn.benchmark = True
    devices.only_deterministic()
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"  # who set it knows why


def test_bfloat16_is_refused_where_it_would_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "computes_in_bfloat16", lambda device: False)
    devices.refuse_slow("float32", CPU)
    with pytest.raises(ValueError, match=r"compute\.precision = bfloat16: this cpu .* set compute\.precision: float32"):
        devices.refuse_slow("bfloat16", CPU)
