"""What is asked of a figure: which networks of a store, and how they are drawn. The same for every figure."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridsweep.analysis.frames import Frame
from gridsweep.analysis.matched import select_matched
from gridsweep.analysis.null import KIND
from gridsweep.analysis.selection import Selection, names_of, select_units
from gridsweep.store import QueryError

if TYPE_CHECKING:
    from gridsweep.store import Store

STYLES = ("empirical", "published")
NULLS = ("all", "matched")


class NoRuns(ValueError):
    """The store has no networks for a figure. The message says which, and which sweep trains them."""


@dataclass(frozen=True)
class Ask:
    """Settings that every figure understands; ``by`` and ``score`` only those without groups of their own.

    Args:
        where: an SQL condition beside the figure's own.
        sweep: only networks of this sweep, or of these.
        evaluation: of which the scores are; by default each network's first.
        bins: of the rate maps; by default 44 where there are any.
        max_position_error_cm: keep only networks below it.
        null_where: a condition on runs of the null.
        null: ``all`` nulls, or ``matched``: for each group the one that is as wide, see ``select_matched``.
        partial: draw although planned networks are missing.
        size: ``single`` (90 mm wide), ``double`` (180 mm) or ``slide``.
        style: ``empirical``, or ``published``: smoothed, and with the axes of the original.
        draws: bootstrap draws of the bands.
        seed: of the draws.
        level: of the bands.
        by: what makes a group.
        score: what is ranked.
    """

    where: str | None = None
    sweep: str | tuple[str, ...] | None = None
    evaluation: str | None = None
    bins: int | None = None
    max_position_error_cm: float | None = None
    null_where: str | None = None
    null: str = "all"
    partial: bool = False
    size: str = "slide"
    style: str = "empirical"
    draws: int = 2000
    seed: int = 0
    level: float = 0.95
    by: str | None = None
    score: str | None = None

    @property
    def published(self) -> bool:
        return self.style == "published"

    def select(
        self,
        store: "Store",
        score: str,
        by: str | Sequence[str],
        conditions: Sequence[str] = (),
        *,
        null_where: str | None = None,
        include_null: bool = True,
    ) -> Selection:
        """Returns the units of the networks that the figure is about, with the null beside them.

        Args:
            store: where from.
            score: column of ``units``.
            by: columns that make groups.
            conditions: the figure's own, in SQL.
            null_where: the null that suits these networks; where the store has no such null, all of its
                nulls are shown, and a note says so.
            include_null: whether there is a null for this score.

        Raises:
            NoRuns: there is no such network, or the store does not know one of the columns.
        """
        self._check_columns(store, [score, *([by] if isinstance(by, str) else by)])
        everything = [*conditions, *([self.where] if self.where else [])]
        said = {
            "where": everything,
            "evaluation": self.evaluation,
            "bins": self.bins,
            "max_position_error_cm": self.max_position_error_cm,
            "sweep": self.sweep,
            "partial": self.partial,
            "include_null": include_null,
        }
        wanted = self.null_where or null_where
        select = select_matched if self.null == "matched" and include_null else select_units
        try:
            if wanted is not None and self.null_where is None and not has_null(store, wanted):
                found = select(store, score, by, **said)
                note = f"The store has no null with {wanted}, which would suit these networks."
                return dataclasses.replace(found, notes=(*found.notes, note))
            return select(store, score, by, null_where=wanted, **said)
        except QueryError as error:
            raise NoRuns(f"the store has none: {error}") from error
        except ValueError as error:
            none = ("no units are left", "there is no completed network")
            if any(words in str(error) for words in none):
                raise NoRuns(str(error)) from error
            raise

    def networks(self, store: "Store", columns: Sequence[str], conditions: Sequence[str] = ()) -> Frame:
        """Returns a row for each completed network: run_id, position_error_cm, and columns of ``runs``.

        Raises:
            NoRuns: there is none, or the store does not know one of the columns.
            ValueError: planned networks are missing, and ``partial`` is not said.
        """
        store = store.pinned()
        self._check_columns(store, columns, ("runs",))
        said = [*conditions, *([self.where] if self.where else []), "status = 'completed'"]
        if self.max_position_error_cm is not None:
            said.append(f"position_error_cm < {self.max_position_error_cm!r}")
        planned = {
            run_id
            for plan in store.plans()
            if self.sweep is None or plan.sweep in names_of(self.sweep)
            for run_id in plan.members
        }
        missing = planned - store.committed_run_ids()
        if missing and not self.partial:
            raise ValueError(
                f"{len(missing):,} of {len(planned):,} planned networks are missing: finish the sweep, or "
                "pass --partial (partial=True)"
            )
        try:
            wanted = list(dict.fromkeys(["run_id", "position_error_cm", *columns]))
            found: Frame = store.runs(columns=wanted, where=" AND ".join(f"({one}\n)" for one in said))
        except QueryError as error:
            raise NoRuns(f"the store has none: {error}") from error
        found = found[found["run_id"].isin(planned)].reset_index(drop=True)
        if found.empty:
            raise NoRuns(f"the store has no completed network with {' and '.join(conditions)}")
        return found

    @staticmethod
    def _check_columns(
        store: "Store", columns: Sequence[str], tables: Sequence[str] = ("runs", "units")
    ) -> None:
        known = {name for table in tables for name in store.columns(table)}
        if unknown := [column for column in columns if column not in known]:
            raise NoRuns(f"the store has no column {', '.join(unknown)}")


def has_null(store: "Store", where: str) -> bool:
    """Whether the store has a null that a condition picks."""
    try:
        found = store.runs(columns=["run_id"], where=f"\"system.kind\" = '{KIND}' AND ({where}\n)")
    except QueryError:
        return False
    return len(found) > 0
