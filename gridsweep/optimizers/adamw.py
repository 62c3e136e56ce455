"""AdamW as PyTorch has it: weights shrink by themselves, apart from the gradient's running averages.

w -= learning_rate * (decoupled_decay * w + m' / (sqrt(v') + 1e-8)), with m' and v' corrected for bias.
All weights shrink. ``training.weight_decay`` is another thing: a penalty that is part of the loss, whose
gradient Adam rescales; set it to 0 for the plain rule.

Source: spec d.2; Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
"""

import optax

from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.optimizers._base import Optimizer


@kind
class Adamw(Optimizer):
    """Adam with decoupled weight decay, PyTorch form."""

    first_decay: Scalar = per_lane(0.9, meaning="memory of the mean gradient", at_least=0.0, at_most=1.0)
    second_decay: Scalar = per_lane(
        0.999, meaning="memory of the mean square gradient", at_least=0.0, at_most=1.0
    )
    epsilon: Scalar = per_lane(1e-8, meaning="added to the root of the mean square gradient", above=0.0)
    decoupled_decay: Scalar = per_lane(
        0.01, meaning="share of a weight lost in an update, over the learning rate", at_least=0.0
    )

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate."""
        return optax.chain(
            optax.scale_by_adam(b1=self.first_decay, b2=self.second_decay, eps=self.epsilon),
            optax.add_decayed_weights(self.decoupled_decay),
            optax.scale(-learning_rate),
        )
