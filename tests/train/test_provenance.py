"""Where numbers come from is written down, and only what can change them decides env_id."""

import json
import re
from types import SimpleNamespace

import jax

from gridsweep.spec import SCIENCE_VERSION
from gridsweep.train import provenance


def test_provenance_is_plain_data_that_names_versions_and_device():
    said = provenance()
    json.dumps(said)
    assert said["science_version"] == SCIENCE_VERSION
    assert re.fullmatch(r"[0-9a-f]{16}", said["env_id"])
    assert said["packages"]["jax"]
    assert said["platform"] in ("cpu", "gpu", "tpu", "METAL")
    assert said["x64"] is False, "float64 is for scoring only, never global"


def test_the_host_is_not_named_but_can_be_told_apart():
    assert re.fullmatch(r"[0-9a-f]{12}", provenance()["host"])


def test_xla_flags_are_part_of_the_environment(monkeypatch):
    here = provenance()["env_id"]
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    assert provenance.__wrapped__()["env_id"] != here


def test_the_runtime_of_an_accelerator_is_part_of_the_environment(monkeypatch):
    found = []
    for version in ("cuda 12080", "cuda 12090"):
        client = SimpleNamespace(platform_version=version)
        device = SimpleNamespace(device_kind="NVIDIA H100", platform="gpu", client=client)
        with monkeypatch.context() as patched:
            patched.setattr(jax, "devices", lambda device=device: [device])
            found.append(provenance.__wrapped__())
    assert [said["platform_version"] for said in found] == ["cuda 12080", "cuda 12090"]
    assert found[0]["env_id"] != found[1]["env_id"]
    assert "platform_version" not in provenance(), "a processor's is that of jaxlib"
