"""What the README says of the program is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from flink_k8s.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_picture_is_the_graph_that_the_program_registers():
    assert main(["graph", "dev", "--check", str(ROOT / "README.md")]) == 0


def test_every_target_that_it_names_is_there():
    targets = set(re.findall(r"^([a-z][a-z0-9-]*)(?: [a-z]+)*:", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets |= {"install"}  # shares the rule of `ns`
    named = set(re.findall(r"`make ([a-z][a-z0-9-]*)", README))
    assert len(named) > 10
    assert named <= targets


def test_every_file_that_it_links_is_there():
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert len(linked) >= 4
    assert not [link for link in linked if not (ROOT / link).exists()]
