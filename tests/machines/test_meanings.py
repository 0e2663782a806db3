"""Every state is explained."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from fsm_ems.machines.link import LinkState
from fsm_ems.machines.meanings import LINK_MEANINGS, ORDER_MEANINGS
from fsm_ems.machines.order import OrderState


@pytest.mark.parametrize(("meanings", "states"), [(ORDER_MEANINGS, OrderState), (LINK_MEANINGS, LinkState)])
def test_each_state_has_one_short_meaning_fit_for_a_table(
    meanings: Mapping[StrEnum, str], states: type[StrEnum]
) -> None:
    assert list(meanings) == list(states)
    assert len(set(meanings.values())) == len(states)
    assert all(0 < len(meaning) < 80 for meaning in meanings.values())
    assert not any(sign in meaning for meaning in meanings.values() for sign in '|"<>&')
