"""What chance had to say in a decision, and how likely it was to say that."""

from typing import NamedTuple

from policy.exploration import HourDraw


class Draws(NamedTuple):
    """The draws of one decision.

    Attributes:
        send: Probability that the message is sent, under the whole policy: hold-out and exploration included. None
            where it is decided later.
        arm_probability: Of the arm that was drawn, within its experiment; None where none was.
        explored: Whether the decision, which was below the threshold, was drawn to fire all the same; None where
            it was not drawn.
        of_everybody: Probability of being held out of everything, or of not being it; None where nobody is.
        is_out: Whether the user is held out of everything.
        hour: Which hour was drawn; None where none was.
    """

    send: float | None
    arm_probability: float | None = None
    explored: bool | None = None
    of_everybody: float | None = None
    is_out: bool = False
    hour: HourDraw | None = None
