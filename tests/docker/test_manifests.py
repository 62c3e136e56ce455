"""What can be checked of the container and cluster files without an engine: they parse, and keep their promises."""

import copy
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.faults.test_hosts import HEALTH

REPOSITORY = Path(__file__).parents[2]

DOCKER = REPOSITORY / "docker"


def documents(name):
    return list(YAML(typ="safe").load_all((DOCKER / name).read_text()))


# The keys that each object may have, of those that are of use here; a name that is not among them is a slip of the
# pen, which an engine refuses or, worse, ignores. Sources: the Compose Specification (compose-spec.io, chapters
# services, networks, volumes, secrets); the Kubernetes API v1 (Pod, PersistentVolumeClaim, NetworkPolicy); KubeRay's
# API ray.io/v1 (RayJobSpec, RayClusterSpec, HeadGroupSpec, WorkerGroupSpec; authOptions since 1.5).
COMPOSE = {
    "": "name services networks volumes secrets configs include x-gridsweep",
    "services.*": "image build command entrypoint environment user read_only cap_drop cap_add security_opt shm_size "
    "tmpfs networks volumes secrets healthcheck depends_on deploy ports restart stop_grace_period init hostname",
    "services.*.healthcheck": "test interval timeout retries start_period start_interval disable",
    "services.*.deploy": "mode replicas resources restart_policy placement labels",
    "services.*.depends_on.*": "condition restart required",
    "networks.*": "name driver internal external attachable driver_opts labels ipam",
    "secrets.*": "file environment external name",
}
POD = {
    "": "metadata spec",
    "metadata": "name labels annotations namespace",
    "spec": "containers initContainers volumes restartPolicy automountServiceAccountToken securityContext nodeSelector "
    "tolerations affinity serviceAccountName terminationGracePeriodSeconds",
    "spec.securityContext": "runAsNonRoot runAsUser runAsGroup fsGroup fsGroupChangePolicy seccompProfile sysctls",
    "spec.securityContext.seccompProfile": "type localhostProfile",
    "spec.containers.*": "name image command args env envFrom resources volumeMounts securityContext ports "
    "imagePullPolicy lifecycle livenessProbe readinessProbe workingDir",
    "spec.containers.*.securityContext": "allowPrivilegeEscalation readOnlyRootFilesystem capabilities privileged "
    "runAsNonRoot runAsUser runAsGroup seccompProfile",
    "spec.containers.*.securityContext.capabilities": "add drop",
    "spec.containers.*.resources": "requests limits claims",
    "spec.containers.*.env.*": "name value valueFrom",
    "spec.containers.*.volumeMounts.*": "name mountPath subPath readOnly",
    "spec.volumes.*": "name emptyDir persistentVolumeClaim secret configMap projected",
    "spec.volumes.*.emptyDir": "medium sizeLimit",
    "spec.volumes.*.persistentVolumeClaim": "claimName readOnly",
}
KUBERNETES = {
    "": "apiVersion kind metadata spec",
    "metadata": "name labels annotations namespace",
}
RAY_JOB = {
    **KUBERNETES,
    "spec": "entrypoint rayClusterSpec submitterPodTemplate submissionMode submitterConfig backoffLimit "
    "shutdownAfterJobFinishes ttlSecondsAfterFinished activeDeadlineSeconds runtimeEnvYAML jobId suspend metadata "
    "clusterSelector entrypointNumCpus entrypointNumGpus entrypointResources managedBy deletionStrategy",
    "spec.rayClusterSpec": "headGroupSpec workerGroupSpecs rayVersion authOptions enableInTreeAutoscaling "
    "autoscalerOptions headServiceAnnotations suspend gcsFaultToleranceOptions managedBy",
    "spec.rayClusterSpec.authOptions": "mode",
    "spec.rayClusterSpec.headGroupSpec": "rayStartParams template serviceType headService enableIngress",
    "spec.rayClusterSpec.workerGroupSpecs.*": "groupName replicas minReplicas maxReplicas numOfHosts rayStartParams "
    "template scaleStrategy",
    **{
        f"{place}{'.' if below else ''}{below}": names
        for place in (
            "spec.submitterPodTemplate",
            "spec.rayClusterSpec.headGroupSpec.template",
            "spec.rayClusterSpec.workerGroupSpecs.*.template",
        )
        for below, names in POD.items()
    },
}
CLAIM = {**KUBERNETES, "spec": "accessModes resources storageClassName volumeName volumeMode selector"}
POLICY = {
    **KUBERNETES,
    "spec": "podSelector policyTypes ingress egress",
    "spec.ingress.*": "from ports",
    "spec.egress.*": "to ports",
    "spec.ingress.*.from.*": "podSelector namespaceSelector ipBlock",
    "spec.egress.*.to.*": "podSelector namespaceSelector ipBlock",
    "spec.egress.*.ports.*": "protocol port endPort",
}


def unknown(found, schema, place=""):
    """Yields the places of keys that a schema does not know; "*" stands for any name and any member of a list."""
    if not isinstance(found, dict | list):
        return
    own = next((names.split() for pattern, names in schema.items() if _fits(pattern, place)), None)
    for key, value in found.items() if isinstance(found, dict) else enumerate(found):
        below = f"{place}.{key}".lstrip(".")
        if own is not None and key not in own:
            yield below
        yield from unknown(value, schema, below)


def _fits(pattern, place):
    words, found = pattern.split("."), place.split(".")
    return len(words) == len(found) and all(
        word in ("*", name) for word, name in zip(words, found, strict=True)
    )


def test_every_key_of_the_manifests_is_one_that_their_engines_know(compose, kubernetes):
    assert list(unknown(compose, COMPOSE)) == []
    schemas = {"RayJob": RAY_JOB, "PersistentVolumeClaim": CLAIM, "NetworkPolicy": POLICY}
    assert set(kubernetes) == set(schemas)
    for kind, schema in schemas.items():
        assert list(unknown(kubernetes[kind], schema)) == [], kind
    versions = {kind: document["apiVersion"] for kind, document in kubernetes.items()}
    assert versions == {
        "RayJob": "ray.io/v1",
        "PersistentVolumeClaim": "v1",
        "NetworkPolicy": "networking.k8s.io/v1",
    }


def test_a_slip_of_the_pen_is_found(compose, kubernetes):
    spoilt = copy.deepcopy(compose)
    spoilt["services"]["head"]["helthcheck"] = spoilt["services"]["head"].pop("healthcheck")
    assert list(unknown(spoilt, COMPOSE)) == ["services.head.helthcheck"]
    job = json.loads(json.dumps(kubernetes["RayJob"]))  # anchors share their objects
    pod = job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"]["spec"]
    pod["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
    where = "spec.rayClusterSpec.workerGroupSpecs.0.template.spec.containers.0.securityContext.readOnlyRootFileSystem"
    assert list(unknown(job, RAY_JOB)) == [where]


def test_values_that_an_engine_reads_as_text_are_text(compose, kubernetes):
    """`1.0` and `no` would arrive as a number and as false, and are refused there."""
    for service in compose["services"].values():
        assert all(isinstance(value, str) for value in service["environment"].values())
    for _, pod in pods(kubernetes):
        for container in pod["spec"]["containers"]:
            assert all(isinstance(entry["value"], str) for entry in container.get("env", []))
    cluster = kubernetes["RayJob"]["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())


@pytest.fixture(scope="module")
def compose():
    (document,) = documents("compose.yaml")
    return document


@pytest.fixture(scope="module")
def kubernetes():
    return {document["kind"]: document for document in documents("kuberay.yaml")}


def test_compose_has_a_head_two_workers_and_a_smoke_sweep_on_one_store(compose):
    services = compose["services"]
    assert set(services) == {"head", "worker", "smoke"}
    assert services["worker"]["deploy"]["replicas"] == 2
    for service in services.values():
        assert service["volumes"] == ["stores:/stores"]
    assert "stores" in compose["volumes"]
    assert "exec gridsweep run" in services["smoke"]["command"][0]


def test_no_container_of_compose_is_root_can_write_its_image_or_gain_privileges(compose):
    for service in compose["services"].values():
        assert service["user"] == "1000:1000"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["shm_size"]
        assert "ports" not in service, "nothing is published to the host"
    assert compose["networks"]["ray"]["internal"] is True


def test_every_ray_of_compose_wants_the_token_and_the_token_is_not_in_the_file(compose):
    for service in compose["services"].values():
        assert service["environment"]["RAY_AUTH_MODE"] == "token"
        assert service["environment"]["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray-token"
        assert service["secrets"] == ["ray-token"]
    assert compose["secrets"]["ray-token"]["file"] == "./ray-token"
    assert not (DOCKER / "ray-token").exists()


def pods(kubernetes):
    """Every pod specification of the job, with its name."""
    spec = kubernetes["RayJob"]["spec"]
    cluster = spec["rayClusterSpec"]
    yield "submitter", spec["submitterPodTemplate"]
    yield "head", cluster["headGroupSpec"]["template"]
    for group in cluster["workerGroupSpecs"]:
        yield group["groupName"], group["template"]


def test_every_pod_is_of_a_plain_user_read_only_and_without_privileges(kubernetes):
    names = []
    for name, pod in pods(kubernetes):
        names.append(name)
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in pod["spec"]["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]) == {"requests", "limits"}
            known = {volume["name"] for volume in pod["spec"]["volumes"]}
            assert {mount["name"] for mount in container["volumeMounts"]} <= known
    assert names == ["submitter", "head", "workers"]


def test_the_job_has_token_auth_a_shared_store_and_a_network_policy_over_its_own_pods(kubernetes):
    spec = kubernetes["RayJob"]["spec"]
    assert spec["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    assert kubernetes["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
    policy = kubernetes["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    for _, pod in pods(kubernetes):
        assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_a_silent_host_is_given_up_within_a_minute_wherever_a_head_is_started(compose, kubernetes):
    name = "RAY_health_check_timeout_ms"
    head = kubernetes["RayJob"]["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][
        0
    ]
    said = {
        "compose": compose["services"]["head"]["environment"][name],
        "kuberay": {entry["name"]: entry["value"] for entry in head["env"]}[name],
        "slurm": re.findall(rf"^export {name}=(\d+)$", (DOCKER / "slurm.sh").read_text(), re.MULTILINE)[0],
        "test": HEALTH[name],
    }
    assert {int(value) for value in said.values()} == {5000}, said


def test_commands_of_the_manifests_are_commands_of_ours(compose, kubernetes):
    entrypoints = [kubernetes["RayJob"]["spec"]["entrypoint"], compose["services"]["smoke"]["command"][0]]
    from gridsweep.cli.run import run

    known = run.__annotations__
    for text in entrypoints:
        for option in re.findall(r"--([a-z-]+)", text.partition("gridsweep run")[2]):
            assert option.replace("-", "_") in known, option


def test_the_dockerfile_installs_from_the_locks_that_are_here_and_ends_as_a_plain_user():
    text = (DOCKER / "Dockerfile").read_text()
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
        for word in line.split()[:-1]
    }
    for name in copied - {"--chown=gridsweep"}:
        assert (REPOSITORY / name).exists(), name
    for line in re.findall(r"pip install .*", text):
        assert "--require-hashes" in line or "--no-deps" in line, line
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["1000:1000"]
    locked = (REPOSITORY / "requirements.lock").read_text()
    assert "--hash=sha256:" in locked
    python = re.search(r"^ARG PYTHON=(\d+)\.(\d+)$", text, re.MULTILINE)
    assert python is not None
    assert (int(python[1]), int(python[2])) >= (3, 11)


@pytest.mark.parametrize(
    ("linter", "name"),
    [("hadolint", "Dockerfile"), ("shellcheck", "slurm.sh"), ("shellcheck", "slurm-array.sh")],
)
def test_its_linter_finds_nothing(linter, name):
    program = Path(sys.executable).parent / linter
    if not program.exists():
        pytest.skip(f"{linter} comes with the dev extra on Linux with an x86 processor only")
    said = subprocess.run([program, DOCKER / name], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("name", ["slurm.sh", "slurm-array.sh"])
def test_the_slurm_scripts_stop_at_errors_and_can_be_started(name):
    assert "set -euo pipefail" in (DOCKER / name).read_text()
    assert (DOCKER / name).stat().st_mode & stat.S_IXUSR


def fake(folder, name, text):
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path):
    """Runs a script under commands that only look like SLURM, Ray and gridsweep, and say what they were told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake(
        folder,
        "scontrol",
        f'echo "scontrol $*" >>{tmp_path}/said; [[ $1 == show ]] && printf "n1\\nn2\\n"; true',
    )
    fake(folder, "srun", 'while [[ $1 == --* ]]; do shift; done; exec "$@"')
    fake(
        folder,
        "ray",
        f'echo "ray $* wait=$RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT auth=$RAY_AUTH_MODE" >>{tmp_path}/said\n'
        f'stat -c "token %a" "$RAY_AUTH_TOKEN_PATH" >>{tmp_path}/said\n'
        '[[ ${RAY_IS_BROKEN:-} ]] && exit 0\nwhile [[ $1 != -- ]]; do shift; done; shift; "$@"; exit 0',
    )
    fake(folder, "gridsweep", f'echo "gridsweep $*" >>{tmp_path}/said; {{ eval "${{DOES:-exit 0}}"; }}')

    def run(name, *words, during=None, **environment):
        process = subprocess.Popen(
            [DOCKER / name, *words],
            env={
                **os.environ,
                "PATH": f"{folder}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "SLURM_JOB_ID": "7",
                "SLURM_JOB_NODELIST": "n[1-2]",
                "SLURM_JOB_NUM_NODES": "2",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if during is not None:
            during(process)
        _, complaints = process.communicate(timeout=60)
        said = (tmp_path / "said").read_text() if (tmp_path / "said").exists() else ""
        return process.returncode, said, complaints

    yield run
    assert not list(tmp_path.glob(".gridsweep-run-*")), "the secret is swept away"


@pytest.mark.parametrize("code", [0, 3, 7])
def test_a_slurm_job_ends_with_the_sweeps_own_code_though_ray_says_0(slurm, code):
    ended, said, _ = slurm("slurm.sh", "mine.yaml", "/stores/mine", "--lanes", "8", DOES=f"exit {code}")
    assert ended == code
    assert "gridsweep run mine.yaml --store /stores/mine --lanes 8 --address auto" in said
    assert "--address n1:20007 --min-nodes 2" in said
    assert "wait=900 auth=token" in said
    assert "token 600" in said
    assert "requeue" not in said


def test_a_slurm_job_whose_ray_did_not_start_fails_though_ray_exits_0(slurm):
    ended, said, complaints = slurm("slurm.sh", "mine.yaml", "/stores/mine", RAY_IS_BROKEN="1")
    assert ended == 1
    assert "gridsweep run" not in said
    assert "nothing was trained" in complaints


@pytest.mark.parametrize(("name", "again"), [("slurm.sh", "requeue 7"), ("slurm-array.sh", "requeue 70_3")])
def test_a_slurm_job_that_is_told_to_end_saves_and_queues_itself_again(slurm, tmp_path, name, again):
    def tell(process):
        import time

        ends_s = time.monotonic() + 30
        while not (tmp_path / "ready").exists() and time.monotonic() < ends_s:
            time.sleep(0.02)
        process.terminate()

    does = f"trap 'exit 4' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done"
    array = {"SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "3"} if name == "slurm-array.sh" else {}
    ended, said, _ = slurm(name, "mine.yaml", "/stores/mine", during=tell, DOES=does, **array)
    assert ended == 4
    assert f"scontrol {again}" in said


def test_an_array_task_runs_without_ray_and_ends_with_the_sweeps_code(slurm):
    ended, said, _ = slurm("slurm-array.sh", "mine.yaml", "/stores/mine", DOES="exit 3")
    assert ended == 3
    assert said.splitlines() == ["gridsweep run mine.yaml --store /stores/mine --inline"]


@pytest.mark.parametrize("name", ["slurm.sh", "slurm-array.sh"])
def test_without_a_store_a_script_says_how_it_is_called(slurm, name):
    ended, said, complaints = slurm(name, "mine.yaml")
    assert (ended, said) == (2, "")
    assert "usage: sbatch" in complaints
