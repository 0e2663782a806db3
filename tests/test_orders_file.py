"""The orders file: what it may hold, and how what is wrong with it is told."""

import re
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from fsm_ems.errors import OrderFileError
from fsm_ems.messages import Cancel, Edit, Order
from fsm_ems.orders_file import TimedCommand, parse_orders

MARKET = "btcusdt.paper"
ORDER = '[[order]]\nat = 5\noid = "a"\nside = "buy"\nsize = "0.5"\nprice = "100.00"\n'


AT_NEEDED = (
    "orders.toml, [[order]] number 1 (a): at = nanoseconds since the epoch, a whole number from 0 to "
    "4611686018427387903, is needed, and {} is none"
)


def parse(text: str) -> list[TimedCommand]:
    return parse_orders(text, "orders.toml", MARKET)


def problem(text: str, market: str | None = MARKET) -> str:
    with pytest.raises(OrderFileError) as caught:
        parse_orders(text, "orders.toml", market)
    return str(caught.value)


def test_an_order_is_for_the_runs_market_unless_it_names_it() -> None:
    body = Order(oid="a", side="buy", market=MARKET, size=Decimal("0.5"), price=Decimal("100.00"))

    assert parse(ORDER) == [TimedCommand(5, body)]
    assert parse(f'{ORDER}market = "btcusdt.paper"\n') == [TimedCommand(5, body)]


def test_every_field_of_an_order_can_be_given() -> None:
    [timed] = parse(
        '[[order]]\nat = 5\noid = "a"\nside = "sell"\nsize = 1\nprice = 2.50\ntype = "limit"\ntif = "gtd"\n'
        'expire_ns = 9\npost_only = true\nmode = "live"\naccount = "second"\n'
    )

    assert timed.command == Order(
        oid="a", side="sell", market=MARKET, size=Decimal(1), price=Decimal("2.50"), tif="gtd", expire_ns=9,
        post_only=True, account="second",
    )  # fmt: skip


def test_numbers_are_read_exactly() -> None:
    [timed] = parse('[[order]]\nat = 1\noid = "a"\nside = "buy"\nsize = 0.1000\nprice = 1e2\n')

    assert isinstance(timed.command, Order)
    assert (str(timed.command.size), timed.command.price) == ("0.1000", Decimal(100))


def test_defaults_are_for_orders_that_do_not_say_otherwise() -> None:
    timed = parse(
        '[defaults]\nside = "sell"\nsize = "2"\n'
        '[[order]]\nat = 1\noid = "a"\nprice = "9"\n[[order]]\nat = 2\noid = "b"\nprice = "9"\nsize = "3"\n'
    )

    assert [(item.command.side, item.command.size) for item in timed if isinstance(item.command, Order)] == [
        ("sell", Decimal(2)),
        ("sell", Decimal(3)),
    ]


def test_commands_come_in_time_and_of_one_time_orders_then_edits_then_cancels() -> None:
    timed = parse(
        '[[cancel]]\nat = 5\noid = "a"\n[[edit]]\nat = 5\noid = "a"\nsize = "2"\n'
        f'{ORDER}[[cancel]]\nat = 3\noid = "a"\n[[edit]]\nat = 7\noid = "a"\nedit_id = "up"\nprice = "7"\n'
    )

    assert [(item.at_ns, item.command.name) for item in timed] == [
        (3, "cancel"),
        (5, "order"),
        (5, "edit"),
        (5, "cancel"),
        (7, "edit"),
    ]
    assert timed[0].command == Cancel(oid="a")
    assert timed[2].command == Edit(oid="a", edit_id="edit-1", size=Decimal(2))
    assert timed[4].command == Edit(oid="a", edit_id="up", price=Decimal(7))


def test_orders_of_one_time_keep_their_place_in_the_file() -> None:
    timed = parse(ORDER.replace('oid = "a"', 'oid = "z"') + ORDER)

    assert [item.command.oid for item in timed] == ["z", "a"]


def test_two_edits_at_one_time_have_ids_of_their_own() -> None:
    edit = '[[edit]]\nat = 6\noid = "a"\nsize = "{}"\n'

    timed = parse(ORDER + edit.format(1) + edit.format(2))

    assert [item.command.edit_id for item in timed if isinstance(item.command, Edit)] == ["edit-1", "edit-2"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at = ", "orders.toml: not TOML: Invalid value (at end of document)"),
        (f"at = {'1' * 5_000}", "orders.toml: not TOML: "),
        (f"at = {'[' * 5_000}", "orders.toml: not TOML: "),
        ("", "orders.toml: no [[order]] in it"),
        ('[[cancel]]\nat = 1\noid = "a"\n', "orders.toml: no [[order]] in it"),
        ("[[orders]]\nat = 1\n", "orders.toml: unknown table 'orders': use defaults, order, edit, cancel"),
        ("[order]\nat = 1\n", "orders.toml: write [[order]], with two brackets"),
        ("order = [1]\n", "orders.toml, [[order]] number 1: a table of fields is needed"),
        ("defaults = 1\n", "orders.toml, [defaults]: a table of fields is needed"),
        (
            ORDER.replace("at = 5\n", ""),
            "orders.toml, [[order]] number 1 (a): at = nanoseconds since the epoch",
        ),
        (
            ORDER.replace("at = 5", "at = 1.2e9"),
            AT_NEEDED.format("1.2E+9"),
        ),
        (
            ORDER.replace("at = 5", 'at = "1200000000"'),
            AT_NEEDED.format("'1200000000'"),
        ),
        (
            ORDER.replace("at = 5", "at = 99999999999999999999"),
            AT_NEEDED.format(99999999999999999999),
        ),
        (
            ORDER.replace("at = 5", "at = 2021-01-08T00:00:00Z"),
            AT_NEEDED.format("2021-01-08 00:00:00+00:00"),
        ),
        (
            ORDER.replace("at = 5", "at = -1"),
            "orders.toml, [[order]] number 1 (a): at = nanoseconds since the epoch",
        ),
        (
            ORDER.replace("at = 5", f"at = {2**62}"),
            "orders.toml, [[order]] number 1 (a): at = nanoseconds since the epoch",
        ),
        (
            f'{ORDER}name = "edit"\n',
            "orders.toml, [[order]] number 1 (a): name: the table's own name says what it is, leave it out",
        ),
        (
            ORDER.replace('"0.5"', '"-0.5"'),
            "orders.toml, [[order]] number 1 (a): size: a number above zero is needed",
        ),
        (
            ORDER + ORDER.replace('oid = "a"\n', ""),
            "orders.toml, [[order]] number 2: oid: ",
        ),
        (
            f"{ORDER}hidden = true\n",
            "orders.toml, [[order]] number 1 (a): hidden: there is no such field",
        ),
        (
            f'{ORDER}[[edit]]\nat = 1\noid = "a"\n',
            "orders.toml, [[edit]] number 1 (a): ",
        ),
        (
            ORDER.replace("size = ", 'market = "xbtusd.kraken"\nsize = '),
            "orders.toml: order a is for xbtusd.kraken, and this run is of btcusdt.paper",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    assert problem(text).startswith(told)  # the rest are the words of whoever read the field


def test_without_a_market_for_the_run_each_order_names_its_own() -> None:
    [timed] = parse_orders(f'{ORDER}market = "xbtusd.kraken"\n', "orders.toml")

    assert isinstance(timed.command, Order)
    assert timed.command.market == "xbtusd.kraken"
    assert problem(ORDER, market=None).startswith("orders.toml, [[order]] number 1 (a): market: ")


def test_two_orders_of_one_oid_are_one_order_or_refused_with_their_places() -> None:
    again, other = ORDER.replace("at = 5", "at = 9"), ORDER.replace('"0.5"', '"0.6"')

    assert [timed.at_ns for timed in parse(ORDER + again)] == [5, 9]
    assert problem(ORDER + again + other) == (
        "orders.toml, [[order]] number 3 (a): oid: [[order]] number 1 has it, and is another order: "
        "give each its own"
    )


def test_the_readme_tells_every_field_that_an_order_may_have() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| field of an order | meaning |")[2].partition("\n\n")[0]
    told = {
        name
        for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }

    assert told == {one.name for one in fields(Order)} - {"name"} | {"at"}
