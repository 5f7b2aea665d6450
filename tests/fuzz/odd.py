"""Command lines of a stranger: odd names, values, places, streams and terminals."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz.damage import HOSTILE
from tests.fuzz.machine import inputs
from tests.fuzz.oracle import World, command

NAMES: Final = (
    "small.jsonl.gz", "broken.jsonl", "etcd.ndjson", "history", "in", "nowhere", "nowhere/x",
    "loop", "folder", "readonly", "readonly/x", "", ".", "-", "--", "/dev/null", "/dev/full",
    "/dev/stdin", "/proc/self/mem", "~", "*", "[", "[]", "in/*", "x" * 300, "[red]x[/red]", "a\nb",
    f"{HOSTILE}.jsonl", "\udcff", "\u00e9", "@x", "%s", "{}", "out", "out.gz", "out.zst", "link",
)  # fmt: skip
VALUES: Final = (
    "0", "1", "2", "7", "-1", "1e3", "0.5", "inf", "nan", "1e400", "9" * 30, "0x10", "\u0663", "",
    " 1", "x", "any", "exact", "safety", "quick", "full", "auto", "etcd", "page", "text", "*", "[",
    HOSTILE, "\udcff", "True",
)  # fmt: skip
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "audit": ("--level", "--complete", "--format", "--workers", "--no-fast-path", "--json",
              "--out=F", "--no-page", "--follow", "--every", "--state=F"),
    "replay": ("--json",),
    "show": ("--as", "-o=F", "--json"),
    "convert": ("-o=F", "--format", "--json"),
    "linearize": ("--budget", "--out=F", "--no-page", "--json"),
    "check": ("--events", "--seconds", "--seed", "--nodes", "--episode", "--coverage", "--live",
              "--subject", "--level", "--without", "--answer-seconds", "--keep-going", "--workers",
              "--json", "--out=F", "--no-page"),
    "explore": ("--preset", "--only", "--nodes", "--voters", "--terms", "--log", "--in-flight",
                "--crashes", "--losses", "--seconds", "--memory", "--checkpoint=F", "--json",
                "--out=F", "--no-symmetry", "--workers"),
    "measure": ("--only", "--seed", "--plot=F", "--json"),
    "mutants": ("--level", "--only", "--method", "--seconds", "--workers", "--kept=F", "--json"),
    "mutate": ("--prove", "--workers", "--seconds", "--survivors=F", "--json"),
    "prove": ("--level", "--only", "--workers", "--seconds", "--no-cache", "--json", "--out=F"),
    "verify": ("--events", "--seed", "--traces=F", "--out=F", "--no-explore", "--no-prove",
               "--no-measure", "--workers", "--json"),
    "certify": ("--check", "--json"),
    "subject": ("--mutant",),
}  # fmt: skip
FLAGS: Final = frozenset({
    "--complete", "--no-fast-path", "--json", "--no-page", "--follow", "--coverage", "--live",
    "--keep-going", "--no-symmetry", "--prove", "--no-cache", "--no-explore", "--no-prove",
    "--no-measure", "--check",
})  # fmt: skip
READERS: Final = ("audit", "replay", "show", "convert", "linearize")
ALWAYS: Final[dict[str, tuple[str, ...]]] = {
    "certify": ("--check",),  # else it writes into the package
    "prove": ("--no-cache",),
}
ENVIRONMENTS: Final[tuple[tuple[tuple[str, str], ...], ...]] = (
    (), (), (("COLUMNS", "1"),), (("COLUMNS", "0"), ("LINES", "0")), (("COLUMNS", "x"),),
    (("NO_COLOR", "1"),), (("TERM", "dumb"),), (("FORCE_COLOR", ""), ("TERM", "")),
    (("LANG", "C"), ("LC_ALL", "C")), (("TMPDIR", "/nowhere"),), (("HOME", ""),),
)  # fmt: skip


def places(folder: Path) -> None:
    inputs(folder)
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "link").symlink_to("small.jsonl.gz")
    (folder / "readonly").mkdir()
    (folder / "readonly" / "x").write_text("x", encoding="utf-8")


def drawn(random: Random) -> tuple[list[str], set[str]]:
    """A command line, and where it is told to write: never over what it reads."""
    name = random.choice(list(OPTIONS))
    words, outputs = [name, *ALWAYS.get(name, ())], set[str]()
    if name in READERS:
        usual = {"linearize": "history", "convert": "etcd.ndjson"}.get(name, "small.jsonl.gz")
        words += [random.choice([usual, *NAMES]) for _ in range(random.choice([0, 1, 1, 1, 2]))]
    elif name == "subject" or random.random() < 0.05:
        words.append(random.choice(["raftbare", "spec", random.choice(NAMES)]))
    reads = set(words[1:])
    for option in random.sample(OPTIONS[name], min(len(OPTIONS[name]), random.randrange(4))):
        option, _, is_file = option.partition("=")
        words.append(option)
        if option not in FLAGS:
            words.append(random.choice(NAMES if is_file else VALUES))
        if is_file:
            outputs.add(words[-1])
    if name == "convert" and "-o" not in words:
        outputs.add(random.choice(NAMES))
        words += ["-o", *outputs]
    return words, outputs - reads


def lines(random: Random, folder: Path) -> list[str]:
    """None of them raises, hangs, or leaves anything but what it was told to write."""
    places(folder)
    words, outputs = drawn(random)
    world = World(
        stop_after=2.0,
        closed=random.choice([(), (), (), (0,), (1,), (2,), (0, 1, 2)]),
        environment=random.choice(ENVIRONMENTS),
        encoding=random.choice(["utf-8", "utf-8", "ascii", "latin-1"]),
        given=random.choice([b"", b"\xff", b'{"format":"raftbare-trace"}\n']),
    )
    new = {Path(word).parts[0] for word in outputs if Path(word).parts}
    new |= {f"{name}.html" for name in ("small", "broken", "etcd", "history", "in", "link")}
    ended = command(folder, *words, world=world, may_change=("findings", *new))
    return [f"conformance {words} {world}: {wrong}" for wrong in ended.wrong()]
