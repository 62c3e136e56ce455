"""What ``verify`` found, for people and as JSON."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Args:
        kind: entry, file, plan, run, column, compaction, measure: damage; orphan, copy, staging, stray,
            revoked: leftovers.
        file: where, as a name inside the store.
        found: what is there.
        right: what would be right.
        cohort_id: the cohort concerned, if there is one.
        runs: how many runs it concerns.
        damage: whether results are lost or in doubt.
        removed: whether ``repair`` removed it, or, where it is damage, set it aside in quarantine.
    """

    kind: str
    file: str
    found: str
    right: str
    cohort_id: str = ""
    runs: int = 0
    damage: bool = True
    removed: bool = False

    def __str__(self) -> str:
        cohort = f" (cohort {self.cohort_id}, {self.runs} runs)" if self.cohort_id else ""
        removed = ("; set aside in quarantine/" if self.damage else "; removed") if self.removed else ""
        return f"{self.file}: found: {self.found}; right: {self.right}{cohort}{removed}"


@dataclass(frozen=True)
class Report:
    """The state of a store: what was looked at, and what was found."""

    findings: tuple[Finding, ...]
    plans: int
    cohorts: int
    runs: int
    files: int
    bytes: int

    @property
    def ok(self) -> bool:
        """Whether everything committed is there and is what was committed. Leftovers are no damage."""
        return not any(finding.damage for finding in self.findings)

    @property
    def redo(self) -> dict[str, int]:
        """Cohorts that were revoked and are to be done again, with their number of runs."""
        return {
            finding.cohort_id: finding.runs
            for finding in self.findings
            if finding.damage and finding.removed and finding.cohort_id
        }

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings of each kind."""
        return dict(Counter(finding.kind for finding in self.findings))

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as JSON can hold it."""
        return {"ok": self.ok, "counts": self.counts, **asdict(self)}
