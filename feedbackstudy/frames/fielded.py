"""Which form and wording of a measure was put before people."""

from dataclasses import dataclass

__all__ = ["Fielded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fielded:
    """Which form and wording of a measure was put before people at an occasion.

    Attributes
    ----------
    measure : str
        Name of the measure (the scale's key where no study is declared).
    occasion : str
        The occasion; ``"*"`` for all.
    form : str
        Form id of the scale.
    wording : str
        Digest of the wording pack, empty where none was recorded.
    modified : bool
        Whether the wording departs from the published form.
    """

    measure: str
    occasion: str
    form: str
    wording: str = ""
    modified: bool = False
