"""What a confidence is called, in records, on the page and in the terminal."""

from enum import StrEnum


class Likelihood(StrEnum):
    """A confidence as a word."""

    VERY_LIKELY = "very likely"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"
    NOT_RATED = "not rated"  # by a model without a calibrated confidence


VERY_LIKELY = 0.9  # the confidence from which the word is used
LIKELY = 0.5  # more likely than not
POSSIBLE = 0.1


def likelihood(confidence: float | None) -> Likelihood:
    """The word for a confidence: `likely` from .5 on, when the excerpt more likely answers than not."""
    if confidence is None:
        return Likelihood.NOT_RATED
    if confidence >= VERY_LIKELY:
        return Likelihood.VERY_LIKELY
    if confidence >= LIKELY:
        return Likelihood.LIKELY
    return Likelihood.POSSIBLE if confidence >= POSSIBLE else Likelihood.UNLIKELY
