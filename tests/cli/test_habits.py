"""What people expect of a command line: help without arguments, a quiet one, completion, names that can be copied."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.cli import output
from zoo.cli.app import COMMANDS, make_parser

pytestmark = pytest.mark.once


def test_alone_it_shows_its_help(zoo_command: Callable[..., Any]) -> None:
    done = zoo_command()
    assert done.code == 0 and "commands:" in done.out and "finetune" in done.out


def test_quiet_says_the_result_alone(zoo_command: Callable[..., Any]) -> None:
    loud, quiet = zoo_command("list", "nothing*"), zoo_command("list", "nothing*", "--quiet")
    assert "no model matches" in loud.err and quiet.err == quiet.out == ""
    assert not output.quiet.get()


def test_every_command_can_be_quiet() -> None:
    parser = make_parser()
    (commands,) = (action for action in parser._actions if isinstance(action.choices, dict))
    names = set(commands.choices)
    assert len(names) == len(COMMANDS)
    without = {"data"}  # its own commands have it
    assert {name for name in names - without if "--quiet" not in commands.choices[name].format_help()} == set()


def test_weights_come_first_and_are_counted(zoo_command: Callable[..., Any]) -> None:
    lines = zoo_command("list", "pdegcn_*").out.splitlines()
    names = [line.split()[0] for line in lines if line.startswith((" pdegcn_", "pdegcn_"))]
    assert names[0] == "pdegcn_citeseer.v1" and names[-1] == "pdegcn_pubmed"
    assert lines[-1].startswith("5 of 10 have weights; the others")


@pytest.mark.parametrize("room", [70, 80, 100, 160])
def test_names_are_whole_in_narrow_terminals(
    zoo_command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(output, "width", lambda: room)
    monkeypatch.setattr(output, "_WIDE", room)
    printed = zoo_command("list", "--pretrained").out
    for name in zoo.list_models(pretrained=True):
        assert f"{name}.v" in printed, name
    assert max(map(len, printed.splitlines())) <= room
    head, row = (next(line for line in printed.splitlines() if word in line) for word in ("model", "e4net_mnistrot.v"))
    there = [name for name in ("test error", "data", "parameters", "task", "weights, kB", "summary") if name in head]
    few = {70: ["test error", "task"], 80: ["test error", "data", "task"]}
    assert there == few.get(room, there) and "1.26 %" in row
    assert room < 160 or len(there) == 6


def test_the_files_of_weights_are_counted() -> None:
    assert 70_000 < zoo.card("e4net_mnistrot").weights_size < 90_000


@pytest.mark.parametrize(("line", "expected"), [("zoo fine", "finetune"), ("zoo info e4net_l", "e4net_large_mnistrot")])
def test_a_shell_completes_commands_and_names(line: str, expected: str, tmp_path: Path) -> None:
    pytest.importorskip("argcomplete", reason="needs zoo[completion]")
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    asked["_ARGCOMPLETE_STDOUT_FILENAME"] = str(tmp_path / "words")
    code = "from zoo.cli import main; main([])"
    subprocess.run([sys.executable, "-c", code], env=os.environ | asked, capture_output=True, check=False)
    assert expected in (tmp_path / "words").read_text("utf-8")
