"""Device and precision: what is chosen on this machine."""

from pathlib import Path

import pytest

from mnist_cnn import machine
from mnist_cnn.device import choose_precision, device


@pytest.mark.skipif(device() == "GPU", reason="there it is float32, as nothing was measured")
def test_precision_is_chosen_by_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    with_it, without, intel = tmp_path / "with", tmp_path / "without", tmp_path / "intel"
    with_it.write_text("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512vl avx512_bf16 clzero\n")
    without.write_text("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512vl clzero\n")
    intel.write_text("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512vl avx512_bf16 clzero\n")
    monkeypatch.setattr(machine, "CPUINFO", with_it)
    assert choose_precision() == "mixed_bfloat16"
    for other in (without, intel, tmp_path / "no Linux"):
        monkeypatch.setattr(machine, "CPUINFO", other)
        assert choose_precision() == "float32"
    monkeypatch.setattr(machine, "CPUINFO", with_it)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert choose_precision() == "float32"
