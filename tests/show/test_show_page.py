"""The page of a run, in a browser: what it opens at, keys, logs, and that text stays text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from conformance.observe.write import write_whole
from conformance.show import words
from conformance.show.model import Picture, Wrong
from conformance.show.page.data import plain
from conformance.show.page.render import page, rendered
from conformance.show.put_together import put_together
from conformance.show.read import read_picture
from conformance.trace.save import save
from spec import values as v
from tests.scenarios.play import HERE, perform, specification
from tests.support.recordings import crate, simulated
from tests.support.tape import Tape

pytestmark = pytest.mark.xdist_group("browser")

VOTE = Path("traces/violations/index-only-vote.jsonl")
CALL = v.RequestVoteCall(0, 1, 1, v.ZERO)
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>{{7*7}}\x1b[2J\u202e"
OPTIONS = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
    *("disable-dev-shm-usage", "window-size=1300,900"),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium, or no chromedriver: Debian's packages have them")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*OPTIONS, f"user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    yield chrome
    chrome.quit()


READY: Final = "return document.documentElement.dataset.ready"


class Opened:
    """A page that a browser shows."""

    def __init__(self, browser: webdriver.Chrome, path: Path, place: str = "") -> None:
        self.browser = browser
        browser.get("about:blank")  # so that the page is loaded anew
        browser.get(f"{path.as_uri()}{place}")
        # A large page may still be at its script on a busy machine.
        WebDriverWait(browser, 120).until(lambda one: one.execute_script(READY) == "yes")
        assert browser.execute_script(READY) == "yes"

    def text(self, selector: str) -> str:
        return str(self.browser.find_element(By.CSS_SELECTOR, selector).text)

    def all(self, selector: str) -> list[str]:
        return [one.text for one in self.browser.find_elements(By.CSS_SELECTOR, selector)]

    def press(self, *keys: str) -> Opened:
        for key in keys:
            self.browser.find_element(By.ID, "scroll").send_keys(key)
        return self

    def script(self, text: str) -> Any:
        return self.browser.execute_script(text)

    @property
    def event(self) -> int:
        return int(self.text("#event h2").removeprefix("Event ").partition(",")[0])


def opened(browser: webdriver.Chrome, picture: Picture, tmp_path: Path, place: str = "") -> Opened:
    path = tmp_path / "page.html"
    write_whole(path, page(picture))
    return Opened(browser, path, place)


def test_it_opens_at_the_first_violation(browser: webdriver.Chrome, tmp_path: Path) -> None:
    shown = opened(browser, read_picture([VOTE]), tmp_path)
    assert shown.text("#event h2") == "Event 28, server 2"
    assert "SpecifiedState" in shown.text("#findings li.first")
    assert shown.all("#event .problem .differs") == ["vote 1 nobody"]
    assert shown.all(".row.selected") == [""]
    top, bottom = shown.script(
        "const seen = document.querySelector('.row.selected').getBoundingClientRect(),"
        " within = document.getElementById('scroll').getBoundingClientRect();"
        " return [seen.top - within.top, within.bottom - seen.bottom]"
    )
    assert min(top, bottom) >= 0, "it is in view"
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    requests = shown.script("return performance.getEntriesByType('resource').length")
    assert requests == 0, "all that it needs is in it"


def test_it_says_who_decided_wrongly_what_was_lost_and_what_should_have_been_done(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    shown = opened(browser, read_picture([crate("crate-3n-lost-commit.jsonl")]), tmp_path)
    assert shown.text("#event h2") == "Event 41, server 2"
    short = dict(zip(shown.all("#short dt"), shown.all("#short dd"), strict=True))
    assert "votes for 0 in term 6" in short["Who decided wrongly"]
    assert "it refuses the vote: its own log" in short["What should have been done"]
    assert "the entry that opens term 3, which was committed in event 30" in short["What was lost"]
    assert short["What was lost"].endswith("event 47")
    assert "votes for 0 in term 6" in shown.text("#event .problem")
    assert "vote nobody 0" in shown.all("#event .problem .differs")
    assert any(
        "index 3 is committed, the log now ends at index 2" in one
        for one in shown.all("#findings li")
    )
    assert "1c≠" in shown.all("#logs td.differs"), "what is to be overwritten is seen beside it"
    assert any("as node 2 knew (event 32)" in one for one in shown.all("#findings li"))
    assert shown.text("#findings .count").startswith("4 !! broken properties, 3 ?? departures")
    assert (len(shown.all(".event.bad")), shown.all(".event.departs")) == (4, [])
    assert "No property is broken" not in shown.text("#event .problem")
    shown.press("n", "n", "n", "n")
    assert shown.event == 9, "the first departure"
    assert "The first property is broken in event 41" in shown.text("#event .problem")
    assert (shown.all(".event.bad"), len(shown.all(".event.departs"))) == ([], 3)


def test_what_is_no_servers_is_told_without_one(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """A figure beyond its bound."""
    picture = put_together(Tape().add(0, v.Start()).records)
    picture.wrong = [Wrong("entries", "too many", None, 1)]
    shown = opened(browser, picture, tmp_path)
    assert shown.text("#findings li.first") == "!! event 1: entries — too many"
    assert shown.text("#event .problem h3") == "!! Found: entries"
    assert shown.all("#short dt") == ["What was lost"]


def test_keys_move_and_the_address_follows(browser: webdriver.Chrome, tmp_path: Path) -> None:
    shown = opened(browser, read_picture([VOTE]), tmp_path, "#5")
    assert shown.event == 5
    assert shown.press("j").event == 6
    assert shown.press(Keys.ARROW_UP, "k").event == 4
    assert shown.press("l").event == 6, "the next event of the same server"
    assert shown.press("h").event == 4
    assert shown.press("n").event == 28
    assert shown.press(Keys.HOME).event == 1
    assert shown.press(Keys.END).event == 28
    assert shown.browser.current_url.endswith("#28")
    assert shown.text("#said").startswith("Event 28, server 2: RV#1"), "what is read aloud"
    assert shown.script("return document.getElementById('help').hidden")
    assert not shown.press("?").script("return document.getElementById('help').hidden")


def test_search_knows_servers_terms_and_properties(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    picture = read_picture([VOTE])
    shown = opened(browser, picture, tmp_path)
    query = browser.find_element(By.ID, "query")
    query.send_keys("node 2 term 1")
    meant = [
        one.place for one in picture.moments if one.node == 2 and one.record.state.current_term == 1
    ]
    assert shown.text("#found") == f"{len(meant)} found"
    found = []
    for _ in meant:
        query.send_keys(Keys.ENTER)
        found.append(shown.event)
    assert found == meant
    query.clear()
    query.send_keys("specifiedstate", Keys.ENTER)
    assert shown.event == 28
    assert shown.text("#found") == "1 of 1"


def test_the_logs_are_those_on_the_disks(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """The script makes them from what was written, in whatever order one looks at events."""
    picture = put_together(simulated(10))
    shown = opened(browser, picture, tmp_path)
    for place in Random(1).sample(range(1, len(picture.moments) + 1), 12):
        shown.script(f"location.hash = '#{place}'; window.dispatchEvent(new Event('hashchange'))")
        rows = shown.script(
            "return [...document.querySelectorAll('.logs tbody tr')].map(row =>"
            " [...row.querySelectorAll('td')].map(cell => cell.className === 'removed' ? ''"
            " : cell.className === 'unsaved' ? cell.textContent"
            " : cell.title.split(', ')[1] || cell.textContent))"
        )
        head = shown.script("return document.querySelectorAll('.logs thead th')[1].textContent")
        for node, row in zip(picture.nodes, rows, strict=True):
            own = [one for one in picture.moments[:place] if one.node == node]
            assert row == _row(own[-1] if own else None, int(head), len(row)), (place, node)


def test_what_an_event_wrote_and_removed_is_marked(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    story = (HERE / "figure-8-overwritten.txt").read_text(encoding="utf-8")
    picture = put_together(perform(story, specification).recorder.records)
    shown = opened(browser, picture, tmp_path)
    many = {"written": 0, "removed": 0}
    for moment in picture.moments[40:]:
        if moment.previous is None:
            continue
        shown.script(f"location.hash = '#{moment.place}'")
        shown.script("window.dispatchEvent(new Event('hashchange'))")
        old, new = picture.moment(moment.previous).disk.log, moment.disk.log
        both = range(1, min(old.last_index, new.last_index) + 1)
        changed = [index for index in both if old.entry(index) != new.entry(index)]
        marked = {
            "written": [*changed, *range(old.last_index + 1, new.last_index + 1)],
            "removed": [*range(new.last_index + 1, old.last_index + 1)],
        }
        for name, indices in marked.items():
            titles = shown.script(
                f"return [...document.querySelectorAll('.logs .{name}')].map(one => one.title)"
            )
            assert [int(title.split(",")[0].split()[1]) for title in titles] == indices
            many[name] += len(indices)
    assert min(many.values()) > 1


def _row(moment: Any, first: int, many: int) -> list[str]:
    """What a log shows from an index on."""
    if moment is None:
        return [""] * many
    log, (term, shown), cells = moment.disk.log, moment.record.state.last_position, []
    for index in range(first, first + many):
        if index <= log.snapshot_position.index:
            cells.append("▒")
        elif index <= log.last_index and index <= max(shown, log.snapshot_position.index):
            cells.append(words.entry(log.entry(index)).split(", ")[0])
        else:
            cells.append("" if index > shown else f"{term}·" if index == shown else "·")
    return cells


def test_causes_are_lit_and_the_rest_is_dim(browser: webdriver.Chrome, tmp_path: Path) -> None:
    picture = read_picture([VOTE])
    shown = opened(browser, picture, tmp_path, "#17").press("c")
    dim = shown.script(
        "return [...document.querySelectorAll('.event.dim')].map(one => +one.dataset.place)"
    )
    seen = shown.script(
        "return [...document.querySelectorAll('.event')].map(one => +one.dataset.place)"
    )
    assert dim
    assert set(seen) - set(dim) == picture.causes(17) & set(seen)


def test_it_says_which_order_the_recordings_prove(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    tape = Tape()
    for node in (0, 1, 2):
        tape.add(node, v.Start())
    tape.add(0, v.ElectionTimeout(), v.SendMessage(1, CALL)).receive(1, CALL)
    picture = put_together(tape.records, "causal")
    shown = opened(browser, picture, tmp_path, "#4")
    assert shown.text("#event .order").startswith(
        "Of the other events 1 came before it, 1 after it, and 2 may"
    )
    assert "may have happened in any order" in shown.text(".sources")
    assert shown.press("j").text("#event .order").startswith("Of the other events 3")
    assert opened(browser, put_together(tape.records), tmp_path).all("#event .order") == []


def test_all_of_it_is_drawn_for_paper(browser: webdriver.Chrome, tmp_path: Path) -> None:
    picture = put_together(simulated(8))
    shown = opened(browser, picture, tmp_path)
    drawn = "return document.querySelectorAll('.event').length"
    assert shown.script(drawn) < 100
    assert shown.script(f"window.dispatchEvent(new Event('beforeprint')); {drawn}") == len(
        picture.moments
    )
    assert shown.script(f"window.dispatchEvent(new Event('afterprint')); {drawn}") < 100


def test_what_became_of_a_message_is_told_without_colour(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    later = v.RequestVoteCall(0, 1, 2, v.ZERO)
    tape = Tape().add(0, v.Start()).add(1, v.Start())
    tape.add(0, v.ElectionTimeout(), *(v.SendMessage(1, one) for one in (CALL, later)))
    tape.add(0, v.ElectionTimeout(), v.SendMessage(1, v.RequestVoteCall(0, 1, 3, v.ZERO)))
    tape.receive(1, later).receive(1, CALL).receive(1, later)
    tape.receive(1, v.RequestVoteCall(0, 7, 7, v.ZERO))
    shown = opened(browser, put_together(tape.records), tmp_path)
    names = ["RV", "RV t1 again", "RV t1 late", "RV t7 from nowhere"]
    assert sorted(shown.all("svg .name")) == names
    assert len(shown.all("svg .cross")) == 1
    dashes = {
        kind: shown.script(
            f"return getComputedStyle(document.querySelector('.message.{kind}')).strokeDasharray"
        )
        for kind in ("received", "late", "repeated")
    }
    assert len(set(dashes.values())) == 3


OVERLAPPING = """
const boxes = [...document.querySelectorAll('svg .name, svg .label')]
  .map(one => one.getBoundingClientRect());
return boxes.filter((one, number) => boxes.slice(number + 1).some(other =>
  Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1
  && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 4)).length"""
BEYOND = """
const end = document.getElementById('scroll').getBoundingClientRect().right;
return [...document.querySelectorAll('svg .what')]
  .filter(one => one.getBoundingClientRect().right > end).length"""
SAID = """
return [...document.querySelectorAll('svg .what')]
  .map(one => [one.firstChild.data, one.querySelector('title').textContent])"""


def test_texts_have_room(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """A reply of an earlier term comes late, across others."""
    path = Path("traces/violations/old-term-reply-confirms.jsonl")
    shown = opened(browser, read_picture([path]), tmp_path)
    assert "AE- t1 late" in shown.all("svg .name")
    assert shown.script(OVERLAPPING) == 0, "no name is written over another one"
    assert shown.script(BEYOND) == 0
    said = shown.script(SAID)
    assert any(short.endswith("…") for short, _ in said), "what does not fit is cut, and says so"
    assert all(
        short == full or (short.endswith("…") and full.startswith(f"{short[:-1]} "))
        for short, full in said
    )


def test_on_a_narrow_screen_details_follow_the_events(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    size = browser.get_window_size()
    browser.set_window_size(520, 2400)
    try:
        shown = opened(browser, read_picture([VOTE]), tmp_path)
        high, rows = shown.script(
            "return ['run', 'extent'].map(one => document.getElementById(one).offsetHeight)"
        )
        assert high < rows + 100
    finally:
        browser.set_window_size(size["width"], size["height"])


def test_a_hostile_recording_is_text(browser: webdriver.Chrome, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    save(path, Tape().add(0, v.Start()).records, 1, HOSTILE)
    picture = read_picture([path])
    picture.wrong[:] = []
    shown = opened(browser, picture, tmp_path)
    assert browser.get_log("browser") == [], "nothing ran, and nothing was asked for"  # type: ignore[no-untyped-call]
    assert "<img src=x onerror=alert(1)></script>" in shown.text(".sources")
    assert "{{7*7}}\\x1b[2J\\u202e" in shown.text(".sources")
    assert shown.script("return document.querySelectorAll('script').length") == 2
    assert shown.script("return document.querySelectorAll('img').length") == 0


def test_largest_numbers_are_shown_as_they_are(browser: webdriver.Chrome, tmp_path: Path) -> None:
    most = 2**64 - 1
    tape = Tape().add(most, v.Start(), current_term=most - 1, commit_index=most - 2)
    shown = opened(browser, put_together(tape.records), tmp_path)
    assert shown.text("#event h2") == f"Event 1, server {most}"
    assert f"term {most - 1}" in shown.text(".states")
    assert f"committed {most - 2}" in shown.text(".states")


EVENTS = 100_000
STEP = 0.1


def test_a_hundred_thousand_events_are_quick(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """CPU seconds of the browser's thread that draws, and not seconds on a clock."""
    path = tmp_path / "large.html"
    write_whole(path, rendered(_repeated(plain(put_together(simulated(3))), EVENTS)))
    shown = Opened(browser, path, f"#{EVENTS // 2}")
    assert shown.event == EVENTS // 2
    before = _cpu(browser)
    steps = 20
    shown.script(
        f"for (let step = 0; step < {steps}; step++) {{ document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'j', bubbles: true})); document.body.offsetHeight; }"
    )
    assert shown.event == EVENTS // 2 + steps
    assert (_cpu(browser) - before) / steps < STEP


def _cpu(browser: webdriver.Chrome) -> float:
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _repeated(data: dict[str, Any], events: int) -> dict[str, Any]:
    """The same run again and again, until there are so many events."""
    moments, sendings = data["moments"], data["sendings"]
    times = -(-events // len(moments))
    data["moments"] = [
        [*head, received if received < 0 else received + by, done, [one + by for one in sent], log]
        for by in range(0, times * len(sendings), len(sendings))
        for *head, received, done, sent, log in moments
    ][:events]
    data["sendings"] = [
        [*head, sent + by, [place + by for place in received if place + by <= events], fate]
        for by in range(0, times * len(moments), len(moments))
        for *head, sent, received, fate in sendings
    ]
    return data
