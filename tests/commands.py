"""Commands called in this process (importing JAX for each would take longer than they do), and what they run on."""

from typer.testing import CliRunner

from gridsweep.cli import app

NOISE = """
name: noise
method: list
seeds: {seeds}
lanes: 1
base:
  system: {{kind: filtered_noise, units: 8}}
  evaluation: {{kind: corrected, bins: [12], positions: 2000}}
runs:
  - {{}}
"""


def gridsweep(*words, env=None):
    """What came of a command: exit_code, stdout, stderr. Errors that it does not expect are raised."""
    result = CliRunner(env=env).invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def noise_sweep(folder, seeds=1):
    """A sweep file of noise, which takes a second, with some seeds."""
    path = folder / "noise.yaml"
    path.write_text(NOISE.format(seeds=seeds))
    return path
