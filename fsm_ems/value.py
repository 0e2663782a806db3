"""An immutable value inside the house: what records, facts and effects are made of.

Messages at the edges are pydantic and validated; what is made from them inside is not validated again, and
is made by the dozen for every order. These are msgspec structs: made and read in half the time of a named
tuple. They are unknown to the garbage collector, which is sound because a frozen value can only hold what
was there before it, so that no circle can go through it.
"""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """Compared and hashed by its fields; changed copies are made with :func:`msgspec.structs.replace`."""
