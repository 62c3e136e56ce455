"""How a path integrator is looked at: rate maps of its units, and how well it knows where it is.

Source: spec d.4 (what the published programs evaluate), e.9 (dimensions), f.3 and f.11 (errors by a decoder
that suits the target, at the training length and at 50 steps, each beside its floor).
"""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.evaluations import Evaluation
from gridsweep.evaluations.published import STEPS as PUBLISHED_STEPS
from gridsweep.maps.dimensionality import Dimensions, dimensions
from gridsweep.maps.rate_map import RateSums, add_samples, empty_sums
from gridsweep.networks._base import QUIET, Noise, Weights
from gridsweep.systems._lookup import look_up
from gridsweep.targets._base import Cells
from gridsweep.trajectories import Walk

if TYPE_CHECKING:
    from gridsweep.systems.path_integrator import PathIntegrator

METRES_TO_CM = 100.0
WALKS_OF_OTHER_LENGTH = 500
LOOKED_UP = 2_000  # positions that the lookup decoder is asked about: its error is good to 2 %
NEIGHBOURS_AMONG = 2_000  # samples in which nearest neighbours are looked for; the search is quadratic
OTHER_LENGTH = 1_000_000  # numbers the batch of walks of another length, far from those of the stream
IN_TRAINING = 2_000_000  # numbers the noise of training in the first batch

Metrics = dict[str, Float[Array, ""]]


def look(
    system: "PathIntegrator", weights: Weights, cells: Cells, walks: Walk, noise: Noise = QUIET
) -> dict[str, Array]:
    """Returns activity (steps, walks, units), output and target likewise, and mean errors of a batch."""
    circuit = system.network.bind(weights, system.ports)
    activity = circuit.activity(*system.told(cells, walks), noise)
    output = circuit.readout(activity, noise.readout)
    wanted = jax.vmap(lambda walk: system.target.encode(system.arena, cells, walk), out_axes=1)(walks)
    flat = output.reshape(-1, output.shape[-1]), wanted.reshape(-1, wanted.shape[-1])
    position_m = walks.position_m.swapaxes(0, 1).reshape(-1, 2)
    return {
        "activity": activity,
        "output": output,
        "wanted": wanted,
        "position_m": position_m,
        "loss": jnp.mean(system.loss_per_step(*flat)),
        "loss_floor": jnp.mean(system.loss_floor(flat[1])),
        "position_error_cm": error_cm(system, system.target.decode(system.arena, cells, flat[0]), position_m),
        "position_error_floor_cm": error_cm(
            system, system.target.decode(system.arena, cells, flat[1]), position_m
        ),
    }


def error_cm(
    system: "PathIntegrator", decoded_m: Float[Array, "rows 2"], position_m: Float[Array, "rows 2"]
) -> Float[Array, ""]:
    """Returns the mean distance between two lists of places, in cm."""
    offset_m = system.arena.offset_m(decoded_m, position_m)
    return METRES_TO_CM * jnp.mean(jnp.linalg.norm(offset_m, axis=-1))


def stream(
    system: "PathIntegrator", evaluation: Evaluation, weights: Weights, cells: Cells, key: PRNGKeyArray
) -> tuple[tuple[RateSums, ...], Metrics]:
    """Returns rate sums for each number of bins, and the metrics of one evaluation.

    Loss and errors are means over all walks; dimensions and the lookup are of the first batch.
    """
    steps = evaluation.walk_steps(system.training.steps)
    batches, walks = evaluation.batches(system.training.batch_size, system.training.steps)

    def draw(number: Array | int) -> Walk:
        return system.walks(jax.random.fold_in(key, number), walks, steps)

    def add_batch(carry, number):
        drawn = draw(number)
        seen = look(system, weights, cells, drawn)
        activity = mapped(system, evaluation, weights, cells, drawn, seen).reshape(steps * walks, -1)
        sums = tuple(
            add_samples(of_bins, seen["position_m"], activity, system.arena.side_m) for of_bins in carry
        )
        return sums, {name: value for name, value in seen.items() if value.ndim == 0}

    units = system.scored_units if evaluation.layer == "scored" else system.network.units
    empty = tuple(empty_sums(units, bins) for bins in evaluation.bins)
    sums, of_batches = jax.lax.scan(add_batch, empty, jnp.arange(batches))
    metrics = jax.tree.map(jnp.mean, of_batches)
    metrics |= {"positions": jnp.float32(batches * walks * steps)}
    metrics |= first_batch(system, weights, cells, draw(0), jax.random.fold_in(key, IN_TRAINING))
    for name, length in (("training", system.training.steps), ("50", PUBLISHED_STEPS)):
        error = metrics["position_error_cm"]
        if length != steps:
            drawn = system.walks(jax.random.fold_in(key, OTHER_LENGTH), WALKS_OF_OTHER_LENGTH, length)
            error = look(system, weights, cells, drawn)["position_error_cm"]
        metrics[f"position_error_at_{name}_steps_cm"] = error
    return sums, metrics


def mapped(
    system: "PathIntegrator",
    evaluation: Evaluation,
    weights: Weights,
    cells: Cells,
    walks: Walk,
    seen: dict[str, Array],
) -> Float[Array, "steps walks units"]:
    """Returns the activity that an evaluation makes maps of, of the scored units or the recurrent ones."""
    if evaluation.layer == "scored":
        return seen["activity"]
    circuit = system.network.bind(weights, system.ports)
    return circuit.recurrent_activity(*system.told(cells, walks))


def first_batch(
    system: "PathIntegrator", weights: Weights, cells: Cells, walks: Walk, key: PRNGKeyArray
) -> Metrics:
    """Returns what is measured on one batch: lookup errors, dimensions, the error with training's noise."""
    seen = look(system, weights, cells, walks)
    steps, of_walks = seen["activity"].shape[:2]
    noise = system.training_noise(key, steps, of_walks)
    in_training = seen if noise is QUIET else look(system, weights, cells, walks, noise)
    # Time comes first, so equal steps between rows are spread over walks and times.
    apart = max(1, len(seen["position_m"]) // LOOKED_UP)
    position_m = seen["position_m"][::apart]

    def lookup_error_cm(output: Float[Array, "rows outputs"]) -> Float[Array, ""]:
        found_m = look_up(system.target, system.arena, system.loss, cells, output)
        return error_cm(system, found_m, position_m)

    output, wanted = (seen[name].reshape(-1, system.target.outputs)[::apart] for name in ("output", "wanted"))
    found: Dimensions = dimensions(seen["activity"].reshape(-1, system.scored_units), NEIGHBOURS_AMONG)
    return {
        "position_error_in_training_cm": in_training["position_error_cm"],
        "lookup_error_cm": lookup_error_cm(output),
        "lookup_error_floor_cm": lookup_error_cm(system.loss.ideal_output(wanted)),
        "activity_participation_ratio": found.participation_ratio,
        "activity_participation_ratio_floor": jnp.floor(found.participation_ratio),
        "activity_two_nn": found.two_nn,
        "activity_method_of_moments": found.method_of_moments,
    }
