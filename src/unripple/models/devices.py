"""Where networks run, and in which arithmetic that is fast."""

from __future__ import annotations

import os

import torch

#: oneDNN's names of instruction sets, for its variable ``ONEDNN_MAX_CPU_ISA``, that bring bfloat16.
_WITH_BFLOAT16 = ("ALL", "DEFAULT", "AVX512_CORE_BF16", "AVX10_1", "AVX512_CORE_AMX", "AVX10_2")


def chosen_device(device: str | None = None) -> torch.device:
    """The device of that name; without one the GPU where there is one.

    From then on a GPU computes float32 as float32: TF32, PyTorch's default for convolutions, has ten bits of mantissa.
    """
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if chosen.type == "cuda":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return chosen


def only_deterministic() -> None:
    """From now on a GPU takes algorithms that give the same bits each time; where there is none PyTorch warns.

    To be called before the first use of the GPU: cuBLAS reads its variable then.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16.

    PyTorch computes in it everywhere, but a processor without them takes about ten times as long as in float32.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", "ALL")).upper()
    has = torch.cpu.get_capabilities()
    fast = has.get("avx512_bf16") or has.get("amx_bf16") or has.get("bf16")  # "bf16" is Arm's name of its own
    return bool(fast) and limit.startswith(_WITH_BFLOAT16)


def refuse_slow(precision: str, device: torch.device) -> None:
    """Raise ``ValueError`` where a study asks for bfloat16 and the device has no instructions for it."""
    if precision == "bfloat16" and not computes_in_bfloat16(device):
        raise ValueError(
            f"compute.precision = bfloat16: this {device.type} has no instructions for it and would take ten times as"
            " long as in float32; set compute.precision: float32"
        )


def fast_dtype(device: torch.device) -> torch.dtype:
    """What trainings compute in where a few digits less do no harm: bfloat16 where the device computes in it."""
    return torch.bfloat16 if computes_in_bfloat16(device) else torch.float32


def training_precision(device: torch.device) -> str:
    """Lightning Fabric's name of the precision to train in, see `fast_dtype`."""
    return "bf16-mixed" if computes_in_bfloat16(device) else "32-true"
