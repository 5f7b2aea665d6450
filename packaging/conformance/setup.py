"""The packages: all that there are, and the recordings with known verdicts as one more."""

from setuptools import find_packages, setup

TRACES = [f"conformance.traces{part}" for part in ("", ".golden", ".violations")]

setup(packages=[*find_packages(include=["spec*", "conformance*"]), *TRACES])
