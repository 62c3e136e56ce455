"""How a figure file announces itself: one ``FIGURE`` each, found by listing the folder."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import NULLS, STYLES, Ask, NoRuns
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES

if TYPE_CHECKING:
    from gridsweep.store import Store

AGREES, DISAGREES, OPEN = "agrees", "does not agree", "cannot tell"


class Verdict(NamedTuple):
    """What came out, beside what was claimed.

    Args:
        agreement: ``agrees``, ``does not agree`` or ``cannot tell``.
        found: the numbers that decide, in words.
    """

    agreement: str
    found: str


def verdict(agrees: bool, found: str) -> Verdict:
    """Returns the verdict of a rule that could be decided."""
    return Verdict(AGREES if agrees else DISAGREES, found)


@dataclass(frozen=True)
class Figure:
    """One figure: how it is drawn, what it needs, and what the paper says it shows.

    Args:
        title: what it shows, as a heading.
        draw: from a store (None where it needs none), an ``Ask`` and perhaps axes, the drawing.
        sweeps: the files that train its networks, without ending.
        folders: of ``sweeps/``, in which these files are.
        claim: what the paper reads off it; empty for figures that are not the paper's.
        rule: when the numbers agree with the claim, in words.
        judge: the rule, applied to the table of what is drawn.
        from_theory: whether it needs no store.
        grouped: whether ``by`` and ``score`` can be chosen.
        whole_store: whether it is of everything in a store, whichever sweeps list it.
        name: of its file; given when the folder is listed.
    """

    title: str
    draw: "Callable[[Store, Ask, Mapping[str, Any] | None], Drawn]"
    sweeps: tuple[str, ...] = ()
    folders: tuple[str, ...] = ("laptop", "disentangling")
    claim: str = ""
    rule: str = ""
    judge: Callable[[Frame], Verdict] | None = None
    from_theory: bool = False
    grouped: bool = False
    whole_store: bool = False
    name: str = ""

    def __call__(
        self, store: "Store | None", ask: Ask | None = None, axes: Mapping[str, Any] | None = None
    ) -> Drawn:
        """Draws the figure, whole or into axes by the names of its panels.

        Without ``sweep`` its networks are those of the store's sweeps that list the figure under
        ``figures:``; where none does, those of the whole store.

        Raises:
            NoRuns: the store has no such networks; says which sweep trains them.
            ValueError: a choice that the figure does not have.
        """
        ask = ask or Ask()
        chosen = (("style", ask.style, STYLES), ("size", ask.size, SIZES), ("null", ask.null, NULLS))
        for name, found, known in chosen:
            if found not in known:
                raise ValueError(f"found the {name} {found!r}, expected {' or '.join(known)}")
        if not self.grouped and (ask.by or ask.score):
            raise ValueError(f"{self.title}: has groups and scores of its own, leave out by and score")
        if store is None and not self.from_theory:
            raise NoRuns(f"{self.title}: needs a store{self.how_to_train()}")
        if store is not None and ask.sweep is None and not self.whole_store:
            listed = listing(store.plans(), self.name)
            ask = dataclasses.replace(ask, sweep=tuple(listed)) if listed else ask
        try:
            return self.draw(store, ask, axes)  # type: ignore[arg-type]
        except NoRuns as error:
            raise NoRuns(f"{self.title}: {error}{self.how_to_train()}") from error

    def how_to_train(self) -> str:
        """Returns which commands train what the figure shows."""
        if not self.sweeps:
            return ""
        commands = [
            f"\n  gridsweep run sweeps/{folder}/{sweep}.yaml"
            for folder in self.folders
            for sweep in self.sweeps
        ]
        return "\nits networks are trained by" + "".join(commands)


def discover_figures(package: str) -> dict[str, Figure]:
    """Returns the figures of a folder by the name of their file, numbered ones in order.

    Raises:
        TypeError: a module calls something else ``FIGURE``.
    """
    folder = importlib.import_module(package)
    found: dict[str, Figure] = {}
    for entry in pkgutil.iter_modules(folder.__path__):
        if entry.name.startswith("_"):
            continue
        figure = getattr(importlib.import_module(f"{package}.{entry.name}"), "FIGURE", None)
        if figure is None:
            continue  # words, styles and files: what figures are made with
        if not isinstance(figure, Figure):
            raise TypeError(f"{package}.{entry.name}.FIGURE is a {type(figure).__name__}, expected a Figure")
        found[entry.name] = dataclasses.replace(figure, name=entry.name)
    return {name: found[name] for name in sorted(found, key=_place)}


def _place(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def listing(sweeps: Sequence[Any], name: str) -> list[str]:
    """Returns the sweeps of a store whose file lists this figure under ``figures:``."""
    return sorted({plan.sweep for plan in sweeps if name in (plan.document["spec"].get("figures") or ())})
