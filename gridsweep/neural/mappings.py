"""From a network's rates to a cell's: the linear maps that studies fit, all by scikit-learn.

None standardises its inputs. Source: spec other_systems 7.3: ridge with a penalty of 1 is the published
default; lasso and elastic net choose their penalties for each cell by two-fold cross-validation among the
bins they are fitted on; partial least squares has a number of components; ``one_to_one`` takes for each cell
the single unit that is most correlated with it.
"""

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

PENALTIES = tuple(np.logspace(-9, 9, 99).tolist())
L1_RATIOS = (1e-16, *np.linspace(0.01, 1.0, 99).tolist())
FOLDS = 2


class Mapping(ABC):
    """A linear map with an intercept, fitted on some bins."""

    @abstractmethod
    def predict(
        self,
        source: Float[np.ndarray, "train units"],
        target: Float[np.ndarray, "train cells"],
        unseen: Float[np.ndarray, "test units"],
    ) -> Float[np.ndarray, "test cells"]:
        """Returns the cells' rates in unseen bins."""


@dataclass(frozen=True)
class Ridge(Mapping):
    """Least squares with a penalty on the square of the weights."""

    penalty: float = 1.0

    def predict(self, source, target, unseen):
        """Returns what ridge regression predicts."""
        from sklearn.linear_model import Ridge as Fitted

        return Fitted(alpha=self.penalty).fit(source, target).predict(unseen).reshape(len(unseen), -1)


@dataclass(frozen=True)
class ElasticNet(Mapping):
    """Penalties on size and square of the weights; both strengths chosen for each cell."""

    penalties: tuple[float, ...] = PENALTIES
    l1_ratios: tuple[float, ...] = L1_RATIOS

    def predict(self, source, target, unseen):
        """Returns what the chosen elastic net of each cell predicts."""
        from sklearn.linear_model import ElasticNetCV

        found = []
        for cell in target.T:
            grids: dict[str, Any] = {"l1_ratio": list(self.l1_ratios), "alphas": list(self.penalties)}
            chosen = ElasticNetCV(cv=FOLDS, **grids)
            with warnings.catch_warnings():
                # At the smallest penalties of the grid coordinate descent stops before it has converged.
                warnings.simplefilter("ignore")
                found.append(chosen.fit(source, cell).predict(unseen))
        return np.stack(found, axis=1)


@dataclass(frozen=True)
class Lasso(ElasticNet):
    """A penalty on the size of the weights alone: few units are used for each cell."""

    l1_ratios: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class PartialLeastSquares(Mapping):
    """The directions of the source that vary most with the target; neither is scaled."""

    components: int = 25

    def predict(self, source, target, unseen):
        """Returns what partial least squares predicts; no more components than there can be."""
        from sklearn.cross_decomposition import PLSRegression

        components = min(self.components, source.shape[1], len(source))
        fitted = PLSRegression(n_components=components, scale=False).fit(source, target)
        return np.asarray(fitted.predict(unseen)).reshape(len(unseen), -1)


@dataclass(frozen=True)
class OneToOne(Mapping):
    """The one unit that is most correlated with the cell, in either sign."""

    def predict(self, source, target, unseen):
        """Returns the chosen unit's rates, scaled to the cell's."""
        units, cells = source - source.mean(axis=0), target - target.mean(axis=0)
        power = np.sum(units**2, axis=0)
        slopes = np.divide(
            (units.T @ cells).T, power, out=np.zeros((cells.shape[1], len(power))), where=power > 0
        )
        best = np.argmax(slopes**2 * power, axis=1)  # the share of the cell's variance that a unit explains
        slope = slopes[np.arange(len(best)), best]
        return target.mean(axis=0) + (unseen - source.mean(axis=0))[:, best] * slope


MAPPINGS: dict[str, Mapping] = {
    "ridge": Ridge(),
    "lasso": Lasso(),
    "elastic_net": ElasticNet(),
    "pls": PartialLeastSquares(),
    "one_to_one": OneToOne(),
}
