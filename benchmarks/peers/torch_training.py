"""Training in PyTorch: as the published programs do it, the same work tuned, and networks batched by hand.

Written from the equations (spec a.2, b.1, b.2, b.4, c, d), for comparison only.

``published``: walks and place cells in float64 with NumPy and PyTorch, the network run a second time at each
update for the position error it logs, Adam as it comes. ``tuned``: the same mathematics in float32 with one
run of the network, no position error, the loss as one fused call, the fused optimizer; the cells are fed the
displacement itself, without the layer before them. ``batched``: S networks of the vanilla kind side by side
in batched products, all seeing one batch.

Cells are PyTorch's own where it has them. ``bfloat16`` is PyTorch's autocast.
"""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.rotation import serve
from benchmarks.sizes import FIELD_WIDTH_M, LEARNING_RATE, SURROUND_RATIO, WEIGHT_DECAY, Size

HALF_SIDE_M = 1.1
TIME_STEP_S = 0.02
TURN_SD_RAD = 0.02 * 5.76 * 2
SPEED_SCALE_M_PER_S = 0.13 * 2 * math.pi
WALL_MARGIN_M = 0.03
WALL_SPEED_FACTOR = 0.25


# -- walks and targets -------------------------------------------------------------------------------


def walks_as_published(rng: np.random.Generator, walks: int, steps: int) -> tuple[np.ndarray, ...]:
    """Returns start (walks, 2), displacements and positions (steps, walks, 2); float64."""
    place = rng.uniform(-HALF_SIDE_M, HALF_SIDE_M, (walks, 2))
    heading = rng.uniform(0, 2 * np.pi, walks)
    turns = rng.normal(0, TURN_SD_RAD, (walks, steps + 1))
    speeds = rng.rayleigh(SPEED_SCALE_M_PER_S, (walks, steps + 1))
    positions, moves = np.zeros((steps + 2, walks, 2)), np.zeros((steps + 1, walks, 2))
    positions[0] = place
    for t in range(steps + 1):
        x, y = positions[t, :, 0], positions[t, :, 1]
        distances = np.stack([HALF_SIDE_M - x, HALF_SIDE_M - y, x + HALF_SIDE_M, y + HALF_SIDE_M])
        wall = np.argmin(distances, axis=0)
        towards = np.mod(heading - wall * np.pi / 2 + np.pi, 2 * np.pi) - np.pi
        near = (np.min(distances, axis=0) < WALL_MARGIN_M) & (np.abs(towards) < np.pi / 2)
        speed = np.where(near, WALL_SPEED_FACTOR * speeds[:, t], speeds[:, t])
        turn = np.where(near, np.sign(towards) * (np.pi / 2 - np.abs(towards)), 0.0) + turns[:, t]
        length = speed * TIME_STEP_S
        moves[t] = np.stack([length * np.cos(heading), length * np.sin(heading)], axis=-1)
        positions[t + 1] = positions[t] + moves[t]
        heading = heading + turn
    return positions[1], moves[1:], positions[2:]


def walks_tuned(walks: int, steps: int) -> tuple[torch.Tensor, ...]:
    """Returns the same in float32, coordinate by coordinate, drawn by PyTorch."""
    x = torch.empty(walks).uniform_(-HALF_SIDE_M, HALF_SIDE_M)
    y = torch.empty(walks).uniform_(-HALF_SIDE_M, HALF_SIDE_M)
    heading = torch.empty(walks).uniform_(0, 2 * math.pi)
    turns = torch.randn(steps + 1, walks).mul_(TURN_SD_RAD)
    # A Rayleigh draw is the root of an exponential one.
    lengths = torch.empty(steps + 1, walks).exponential_().mul_(2).sqrt_()
    lengths.mul_(SPEED_SCALE_M_PER_S * TIME_STEP_S)
    positions, moves = torch.empty(steps + 2, walks, 2), torch.empty(steps + 1, walks, 2)
    positions[0, :, 0], positions[0, :, 1] = x, y
    for t in range(steps + 1):
        distance, wall = torch.stack(
            [HALF_SIDE_M - x, HALF_SIDE_M - y, x + HALF_SIDE_M, y + HALF_SIDE_M]
        ).min(0)
        towards = torch.remainder(heading - wall * (math.pi / 2) + math.pi, 2 * math.pi) - math.pi
        near = (distance < WALL_MARGIN_M) & (towards.abs() < math.pi / 2)
        length = torch.where(near, WALL_SPEED_FACTOR * lengths[t], lengths[t])
        turn = torch.where(near, towards.sign() * (math.pi / 2 - towards.abs()), 0.0)
        dx, dy = length * torch.cos(heading), length * torch.sin(heading)
        x, y, heading = x + dx, y + dy, heading + turn + turns[t]
        moves[t, :, 0], moves[t, :, 1] = dx, dy
        positions[t + 1, :, 0], positions[t + 1, :, 1] = x, y
    return positions[1], moves[1:], positions[2:]


def encode_as_published(centres: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """Returns the difference of softmaxes at (…, 2), shifted to be non-negative and summing to one."""
    square = ((position[..., None, :] - centres) ** 2).sum(-1)
    wide = 2 * (SURROUND_RATIO * FIELD_WIDTH_M) ** 2
    found = torch.softmax(-square / (2 * FIELD_WIDTH_M**2), -1) - torch.softmax(-square / wide, -1)
    found = found + found.min(-1, keepdim=True).values.abs()
    return found / found.sum(-1, keepdim=True)


def encode_tuned(centres: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """Returns the same with the distances by one matrix product; what is the same for all cells of a place
    falls out of a softmax, so the square of the position is left out. Both softmaxes sum to one, so their
    shifted difference sums to cells times the shift."""
    scaled = torch.matmul(position, centres.T).mul_(2).sub_((centres**2).sum(-1))  # |r|^2 - |r - c|^2
    centre = torch.softmax(scaled / (2 * FIELD_WIDTH_M**2), -1)
    surround = torch.softmax(scaled.div_(2 * (SURROUND_RATIO * FIELD_WIDTH_M) ** 2), -1)
    found = centre.sub_(surround)
    shift = found.amin(-1, keepdim=True).abs_()
    return found.add_(shift).div_(shift.mul_(len(centres)))


# -- networks ----------------------------------------------------------------------------------------


class Vanilla(nn.Module):
    """h_0 = y_0 E; h_t = relu(u_t W_in + h_{t-1} W); z_t = h_t D, without biases."""

    def __init__(self, units: int, cells: int):
        super().__init__()
        self.encoder = nn.Linear(cells, units, bias=False)
        self.cell = nn.RNN(2, units, nonlinearity="relu", bias=False)
        self.decoder = nn.Linear(units, cells, bias=False)

    def forward(self, moves: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.cell(moves, self.encoder(start)[None])
        return self.decoder(hidden)

    def decayed(self) -> torch.Tensor:
        return self.cell.weight_hh_l0


class Layered(nn.Module):
    """A gated cell of PyTorch between affine layers; ``lifted`` keeps the layer before the cell."""

    def __init__(self, kind: str, units: int, cells: int, *, lifted: bool):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(cells, units), nn.Linear(units, cells)
        self.encoder_of_c = nn.Linear(cells, units) if kind == "lstm" else None
        self.projection = nn.Linear(2, units) if lifted else nn.Identity()
        self.dense = nn.Linear(units, units)
        width = units if lifted else 2
        self.cell = {"lstm": nn.LSTM, "gru": nn.GRU, "ugrnn": UpdateGate}[kind](width, units)

    def forward(self, moves: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        first = self.encoder(start)[None]
        state = first if self.encoder_of_c is None else (first, self.encoder_of_c(start)[None])
        hidden, _ = self.cell(self.projection(moves), state)
        return self.decoder(torch.tanh(self.dense(hidden)))

    def decayed(self) -> torch.Tensor:
        return self.cell.weight_hh_l0


class UpdateGate(nn.Module):
    """[g, c] = x W_in + h W + b; h' = k h + (1 - k) tanh(c), k = sigmoid(g + 1). PyTorch has none."""

    def __init__(self, inputs: int, units: int):
        super().__init__()
        bound = 1 / math.sqrt(units)
        self.weight_ih = nn.Parameter(torch.empty(2 * units, inputs).uniform_(-bound, bound))
        self.weight_hh_l0 = nn.Parameter(torch.empty(2 * units, units).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.cat([torch.ones(units), torch.zeros(units)]))

    def forward(self, inputs: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, None]:
        drives = functional.linear(inputs, self.weight_ih, self.bias)
        kernel, hidden, found = self.weight_hh_l0.T, state[0], []
        for drive in drives.unbind(0):
            gate, candidate = torch.addmm(drive, hidden.to(drive.dtype), kernel.to(drive.dtype)).chunk(2, -1)
            candidate = torch.tanh(candidate)
            hidden = torch.lerp(candidate, hidden.to(drive.dtype), torch.sigmoid(gate))
            found.append(hidden)
        return torch.stack(found), None


class Batched(nn.Module):
    """S vanilla networks side by side, in batched matrix products."""

    def __init__(self, networks: int, units: int, cells: int):
        super().__init__()

        def drawn(rows: int, columns: int) -> nn.Parameter:
            bound = math.sqrt(6 / (rows + columns))
            return nn.Parameter(torch.empty(networks, rows, columns).uniform_(-bound, bound))

        self.encoder, self.input = drawn(cells, units), drawn(2, units)
        self.recurrent, self.decoder = drawn(units, units), drawn(units, cells)
        self.networks = networks

    def forward(self, moves: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        steps, walks, _ = moves.shape
        drives = torch.matmul(moves.reshape(1, steps * walks, 2), self.input)
        drives = drives.reshape(self.networks, steps, walks, -1)
        hidden, found = torch.matmul(start[None], self.encoder), []
        for t in range(steps):
            hidden = torch.relu(
                torch.baddbmm(drives[:, t], hidden.to(drives.dtype), self.recurrent.to(drives.dtype))
            )
            found.append(hidden)
        return torch.bmm(torch.stack(found, 1).reshape(self.networks, steps * walks, -1), self.decoder)

    def decayed(self) -> torch.Tensor:
        return self.recurrent


# -- updates -----------------------------------------------------------------------------------------


def build(task: dict[str, Any]) -> Callable[[int], None]:
    """Returns a function that trains for so many updates.

    Args:
        task: ``size``, ``network``, ``precision``, ``way`` (published, tuned, batched), ``networks``.
    """
    device = task.get("device", "cpu")
    torch.set_num_threads(1)
    torch.set_default_device(device)
    torch.set_float32_matmul_precision("high" if task["precision"] == "tf32" else "highest")
    torch.manual_seed(0)
    size, way = Size(*task["size"]), task["way"]
    if way == "batched":
        model: Any = Batched(task["networks"], size.units, size.place_cells)
    elif task["network"] == "rnn":
        model = Vanilla(size.units, size.place_cells)
    else:
        model = Layered(task["network"], size.units, size.place_cells, lifted=way == "published")
    fused = {} if way == "published" else {"fused": True}
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, **fused)
    rng = np.random.default_rng(0)
    centres = torch.from_numpy(rng.uniform(-HALF_SIDE_M, HALF_SIDE_M, (size.place_cells, 2))).to(device)
    update = _published if way == "published" else _tuned
    on = torch.device(device).type

    def work(updates: int) -> None:
        rounded = torch.autocast(on, dtype=torch.bfloat16, enabled=task["precision"] == "bfloat16")
        for _ in range(updates):
            with rounded if task["precision"] == "bfloat16" else contextlib.nullcontext():
                loss = update(model, optimizer, centres, rng, size)
        if not math.isfinite(float(loss)):
            raise FloatingPointError("the loss of the peer is not finite")

    if way != "published":
        centres = centres.float()
    return work


def _published(model, optimizer, centres, rng, size: Size) -> torch.Tensor:
    """One update as published: the position error takes a second run of the network."""
    start, moves, positions = (
        torch.from_numpy(x).to(centres.device) for x in walks_as_published(rng, size.batch, size.steps)
    )
    wanted = encode_as_published(centres, positions).float()
    begin = encode_as_published(centres, start).float()
    moves = moves.float()
    optimizer.zero_grad()
    log_found = torch.log_softmax(model(moves, begin).float(), dim=-1)
    loss = -(wanted * log_found).sum(-1).mean() + WEIGHT_DECAY * (model.decayed() ** 2).sum()
    found = model(moves, begin)
    nearest = torch.topk(found, 3, dim=-1).indices
    torch.sqrt(((centres[nearest].mean(-2) - positions) ** 2).sum(-1)).mean()
    loss.backward()
    optimizer.step()
    return loss.detach()


def _tuned(model, optimizer, centres, rng, size: Size) -> torch.Tensor:
    """One update of the same mathematics, in float32 and once."""
    del rng
    with torch.no_grad(), torch.autocast(centres.device.type, enabled=False):
        start, moves, positions = walks_tuned(size.batch, size.steps)
        wanted = encode_tuned(centres, positions).reshape(-1, size.place_cells)
        begin = encode_tuned(centres, start)
    optimizer.zero_grad(set_to_none=True)
    found = model(moves, begin)
    found = found.reshape(-1, *wanted.shape)
    losses = [functional.cross_entropy(one, wanted) for one in found.float().unbind(0)]
    loss = torch.stack(losses).sum() + WEIGHT_DECAY * model.decayed().square().sum()
    loss.backward()
    optimizer.step()
    return loss.detach()


if __name__ == "__main__":
    serve(build)
