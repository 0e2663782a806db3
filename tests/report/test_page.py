"""The page is well formed, needs nothing from anywhere, holds the whole run, and escapes what it is told."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from itertools import chain, pairwise

import pytest

from fsm_ems.machines.render import life
from fsm_ems.numbers import plain
from fsm_ems.report.html import Markup, join, tag
from fsm_ems.report.page import page
from fsm_ems.report.run import Run
from fsm_ems.report.track import Shown
from fsm_ems.tally import Tally
from fsm_ems.why import HEADINGS, as_rows
from tests.dialogs.desk import Desk
from tests.report.conftest import SCRIPT, Element, drawn_from, figures, parsed, played

EVIL = """</script><img src=x onerror=alert(1)>"'&<!--"""


@pytest.fixture(name="root", scope="module")
def parsed_page(run: Run) -> Element:
    return parsed(run)


def test_the_same_run_is_the_same_page_to_the_byte(orders: str) -> None:
    one, other = played(orders)[0], played(orders)[0]

    assert page(one, SCRIPT) == page(other, SCRIPT)


def test_nothing_is_asked_of_anywhere(run: Run, root: Element) -> None:
    text = page(run, SCRIPT).replace('xmlns="http://www.w3.org/2000/svg"', "")
    without_scripts = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    loading = {"src", "srcset", "data", "action", "formaction", "poster", "background"}
    elements, links = root.every(), [a.attributes["href"] or "" for a in root.every("a")]

    assert re.findall(r"https?:|//\w|@import|url\(", without_scripts) == []
    assert [found.name for found in elements if loading & found.attributes.keys()] == []
    assert [found.name for found in elements if found.name in ("link", "iframe", "base", "object")] == []
    assert [link for link in links if not link.startswith("#")] == []
    assert links


def test_the_policy_lets_nothing_load_and_two_scripts_run(root: Element) -> None:
    policy = next(meta for meta in root.every("meta") if "http-equiv" in meta.attributes)
    rules = dict(rule.split(" ", 1) for rule in (policy.attributes["content"] or "").split("; "))
    scripts = [script.text for script in root.every("script") if "type" not in script.attributes]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]

    assert rules == {
        "default-src": "'none'",
        "script-src": " ".join(f"'sha256-{found}'" for found in hashes),
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "form-action": "'none'",
        "base-uri": "'none'",
    }
    assert len(scripts) == 2
    assert [name for element in root.every() for name in element.attributes if name.startswith("on")] == []


def test_plotly_is_not_let_offer_to_send_a_run_away(root: Element) -> None:
    script = root.every("script")[-1].text

    assert "showSendToCloud: false" in script
    assert 'plotlyServerURL: ""' in script


def test_ids_are_unique_and_every_link_and_every_use_has_its_target(root: Element) -> None:
    ids = [element.attributes["id"] for element in root.every() if "id" in element.attributes]
    wanted = [element.attributes["href"] for element in root.every() if "href" in element.attributes]

    assert len(set(ids)) == len(ids)
    assert {(href or "").removeprefix("#") for href in wanted} <= set(ids)
    assert {name for name in ids if name and name.startswith("page:")} == {
        *re.findall(r'byId\("(page:[\w-]+)"\)', root.every("script")[-1].text),
        "page:machine",
    }


def test_the_head_tells_the_run(root: Element) -> None:
    facts = dict(zip((dt.text for dt in root.every("dt")), (dd.text for dd in root.every("dd")), strict=True))

    assert facts == {
        "from": "1970-01-01T00:00:01.000000000Z",
        "to": "1970-01-01T00:00:06.000000000Z",
        "tape": "7 rows, 3 of them prints",
        "fill model": "touch",
        "latency": "1.5 ms",
        "ticks": "price 0.01, size 0.000001",
        "fees": "maker 1 bps, taker 2.5 bps",
        "orders": "4: 2 filled, 1 open, 1 rejected",
        "bought": "0.7 btc in 3 fills at 99.9429 on average, fees 0.0084945",
        "sold": "0.4 btc in 1 fill at 100 on average, fees 0.01",
        "position at the end": "0.3 btc",
        "PnL at the end": "-0.0234945 usdt, fees taken off",
        "PnL, lowest and highest": "-0.03 and 0.0120015 usdt",
    }
    assert root.one("h1").text == "Replay of tape.csv"
    assert "refused maker: order_ended: order maker is filled" in root.one("details", class_="refused").text


def test_the_table_has_every_order_with_its_exact_numbers(root: Element) -> None:
    table = next(div for div in root.every("div", class_="wide card"))

    assert table.rows() == [
        ["maker", "buy", "limit", "filled", "0.6", "0.6", "99.95", "99.95", "0.005997", "2"],
        ["taker", "sell", "market", "filled", "0.4", "0.4", "-", "100", "0.01", "1"],
        ["edited", "buy", "limit", "open", "0.1", "0.3", "99.95", "99.9", "0.0024975", "1"],
        ["post-only", "sell", "post-only", "rejected", "0", "0.1", "99.00", "-", "0", "0"],
    ]


def test_an_alert_is_no_limit_and_a_stop_not_merely_dark() -> None:
    root = parsed(
        played("""
            [[order]]
            at = 1000000000
            oid = "s"
            side = "sell"
            size = "1"
            mode = "dark"
            trigger = "stop"
            price = "90"

            [[order]]
            at = 1000000000
            oid = "a"
            side = "alert"
            price = "110"
        """)[0]
    )

    assert root.every("div", class_="wide card")[0].rows() == [
        ["s", "sell", "stop limit", "dark_open", "0", "1", "90", "-", "0", "0"],
        ["a", "alert", "-", "alert_open", "-", "-", "110", "-", "0", "0"],
    ]


def test_the_steps_give_way_where_the_window_is_narrow(root: Element) -> None:
    """What may be long breaks: words, two states, an average. What is left over scrolls."""
    style = root.one("style").text
    table = root.one("details", id="maker").one("div", class_="wide card")
    head = {cell.text: (cell.attributes.get("class") or "").split() for cell in table.every("th")}

    def declared(column: str, name: str) -> list[str]:
        rules = (re.findall(rf"td\.{kind}\b[^{{}}]*{{([^}}]*)}}", style) for kind in head[column])
        return re.findall(rf"\b{name}: (\w+)", " ".join(chain.from_iterable(rules)))

    assert declared("time", "white-space") == ["nowrap"], "so rules are found"
    for column in ("what", "state", "average", "why"):
        assert declared(column, "white-space")[-1:] in ([], ["normal"]), f"{column} breaks"
    for column in ("what", "average", "why"):
        assert declared(column, "overflow-wrap") == ["anywhere"]
    assert "overflow-x: auto" in re.findall(r"\.wide {([^}]*)}", style)[0]


def test_each_order_has_its_steps_as_why_tells_them(run: Run, root: Element) -> None:
    for one in run.lives:
        section = root.one("details", id=one.oid)

        assert [cell.text for cell in section.every("th")] == ["step", *HEADINGS]
        assert section.rows() == [[str(n), *row] for n, row in enumerate(as_rows(one.steps), 1)]


def test_the_way_through_the_machine_is_the_orders_own(run: Run, root: Element) -> None:
    """Read back from the picture: the signs' tooltips, the states drawn again, the halo; nothing dimmed."""
    for one in run.lives:
        picture = root.one("details", id=one.oid).one("svg")
        told = [line for sign in picture.every("title")[1:] for line in sign.text.split("\n")]
        numbered = [line for line in told if re.match(r"\d+ ", line)]
        visited = [g.attributes["data-state"] for g in picture.every("g") if "data-state" in g.attributes]

        assert sorted(numbered) == sorted(f"{move.step} {move.event}" for move in one.moves)
        assert set(visited) == {name for move in one.moves for name in (move.source, move.dest)}
        assert not [g for g in picture.every("g") if "unvisited" in (g.attributes.get("class") or "")]
        assert [use.attributes["href"] for use in picture.every("use")] == ["#page:machine"]
        assert len(picture.every("rect", class_="halo")) == 1


def test_the_way_is_drawn_with_the_lines_of_the_picture_that_stands_alone(run: Run, root: Element) -> None:
    for one in run.lives:
        section = root.one("details", id=one.oid)
        alone = ET.fromstring(life("order", [move[1:] for move in one.moves]))  # noqa: S314 -- our own text
        space = "{http://www.w3.org/2000/svg}"
        steps = alone.findall(f"{space}g[@class='step']/{space}path")

        drawn = [path.attributes["d"] for g in section.every("g", class_="step") for path in g.every("path")]
        assert drawn == [path.attrib["d"] for path in steps]
        assert drawn


def test_the_machine_itself_is_there_once_and_dimmed(root: Element) -> None:
    stage = root.one("g", id="page:machine")
    states = [g.attributes for g in stage.every("g") if "data-state" in g.attributes]

    assert len(states) == 16
    assert all("unvisited" in (found["class"] or "") for found in states)
    assert stage.attributes["class"] == "fsm traced", "what is used elsewhere carries its classes with it"
    assert len(root.every("g", class_="legend")) == 1


def hostile_run() -> Run:
    desk = Desk()
    desk.order()
    desk.report("ack", reqid=desk.dialog().reqid, venue_id="V", text=EVIL)
    desk.status("open", text=EVIL)
    desk.status("rejected", text=EVIL)
    return drawn_from(desk.log, Shown(), Tally([]))


def test_what_a_venue_says_stays_text() -> None:
    run = hostile_run()
    root = parsed(run)

    assert root.every("img") == []
    assert len(root.every("script")) == 3
    assert sum(EVIL in cell for row in root.one("details", id="o1").rows() for cell in row) == 3
    assert "<" not in root.one("script", type="application/json").text, "no text there can end a script"
    shown = [
        text for trace in figures(root)["lanes"]["data"] for text in trace["hovertext"] if "onerror" in text
    ]
    assert shown, "the refusal's text is under the pointer as well"
    assert all("&lt;/script&gt;&lt;img" in text and "<img" not in text for text in shown)


def test_a_file_name_stays_text(run: Run) -> None:
    setup = run.setup.__class__(f"{EVIL}.csv", EVIL, run.setup.market, "touch", 0)
    root = parsed(Run(setup, run.shown, run.tally, run.lives, run.standings, run.start_ns, run.end_ns))

    assert root.every("img") == []
    assert root.one("h1").text == f"Replay of {EVIL}.csv"


def test_only_markup_passes_as_it_is() -> None:
    link = tag("a", "<b>", href='"<&', hidden=True, class_=False)

    assert link == '<a href="&quot;&lt;&amp;" hidden>&lt;b&gt;</a>'
    assert join("<", Markup("<i>"), tag("br")) == "&lt;<i><br>"


def test_a_run_without_orders_or_fills_has_a_page() -> None:
    root = parsed(drawn_from([], Shown(), Tally([])))

    assert [trace["name"] for trace in figures(root)["lanes"]["data"]] == []
    assert "PnL at the end" not in root.text


def test_a_long_tape_is_said_to_be_thinned(run: Run) -> None:
    shown = Shown(buckets_max=2)
    for point in run.shown.prints.points:
        shown.prints.add(point)
    thin = Run(run.setup, shown, run.tally, run.lives, run.standings, run.start_ns, run.end_ns)

    assert "of each 2 quotes or prints the first, lowest, highest and last are drawn" in parsed(thin).text
    assert "The tape is long" not in parsed(run).text


def test_many_refusals_are_folded_away(orders: str) -> None:
    late = "".join(f'[[cancel]]\nat = {7_000_000_001 + n}\noid = "maker"\n' for n in range(9))
    root = parsed(played(orders + late)[0])
    refused = root.one("details", class_="refused")

    assert refused.one("summary").text == "10 of 15 commands refused by the EMS"
    assert "open" not in refused.attributes


def test_the_orders_stand_in_the_same_order_everywhere(run: Run, root: Element) -> None:
    sections = [found.attributes["id"] for found in root.every("details", class_="order card")]
    times = [one.steps[0].time_ns for one in run.lives]

    assert sections == [one.oid for one in run.lives]
    assert figures(root)["lanes"]["layout"]["yaxis"]["ticktext"] == sections
    assert all(one <= other for one, other in pairwise(times))
    assert plain(run.lives[0].fills[0].size) == "0.3"
