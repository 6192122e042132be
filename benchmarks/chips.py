"""Chips that emitted C is compiled for, and the emulators that run it and count: what is not installed is not there."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

BARE = Path(__file__).parent / "bare_metal"
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wno-unused-parameter", "-Werror")
RISCV = ("-march=rv32ec_zicsr", "-mabi=ilp32e", "-ffreestanding")


class Chip(NamedTuple):
    """How to compile for it, how to run it, and in what it multiplies and divides."""

    prefix: str  # of its tools
    flags: tuple[str, ...]
    products: str  # a pattern of instructions
    machine: str = ""  # the files that start it
    run: tuple[str, ...] = ()  # the program's path comes last
    count: float = 1.0  # instructions, or cycles, of one count
    word: int = 32

    def has(self, *tools: str) -> bool:
        """Whether tools of its chain are installed."""
        return all(shutil.which(self.prefix + tool) for tool in tools)

    def missing(self) -> str:
        """What is needed to run it and not there."""
        needed = [f"{self.prefix}gcc", *self.run[:1]]
        return ", ".join(tool for tool in needed if not shutil.which(tool))


_QEMU = ("-nographic", "-monitor", "none", "-icount")
_RISCV = ("qemu-system-riscv32", "-M", "virt", "-bios", "none", *_QEMU, "shift=0", "-kernel")
_CORTEX = ("qemu-system-arm", "-M", "mps2-an385", "-cpu", "cortex-m3", *_QEMU, "shift=6", "-serial", "null")
_SEMIHOSTED = (*_CORTEX, "-semihosting-config", "enable=on,target=native", "-kernel")
_ARM = r"(mul|mla|mls|[su]mull|[su]mlal|smul\w+|smla\w+|[su]div)s?(\.w)?"
CHIPS = {
    "rv32ec": Chip("riscv64-unknown-elf-", RISCV, r"(mul|div|rem)\w*", "riscv", _RISCV),
    "cortex-m3": Chip("arm-none-eabi-", ("-mcpu=cortex-m3", "-mthumb"), _ARM, "cortex", _SEMIHOSTED, 40 / 64),
    "cortex-m0plus": Chip("arm-none-eabi-", ("-mcpu=cortex-m0plus", "-mthumb"), _ARM, "cortex", _SEMIHOSTED, 40 / 64),
    "atmega2560": Chip(
        "avr-", ("-mmcu=atmega2560",), r"f?mul\w*", "avr", ("simavr", "-m", "atmega2560", "-f", "16000000"), 64, 8
    ),
    "attiny1634": Chip("avr-", ("-mmcu=attiny1634",), r"f?mul\w*", word=8),  # has no instruction that multiplies
    "x86-64": Chip("", ("-m64",), r"v?(i?mul|i?div|pmul|pmadd|f?mul|f?div)\w*"),
    "x86-32": Chip("", ("-m32", "-ffreestanding"), r"v?(i?mul|i?div|pmul|pmadd|f?mul|f?div)\w*"),
}


class Measured(NamedTuple):
    """Of one run of the test: mismatches; mean and worst instructions (of AVR cycles); bytes of code and tables."""

    mismatches: int
    mean: float
    worst: float
    text: int  # code and tables
    bss: int


def compiled(chip: Chip, level: str, folder: Path) -> Path:
    """The object of `net.c` in that folder."""
    path = folder / f"net{level}.o"
    _call(f"{chip.prefix}gcc", *STRICT, *chip.flags, level, "-c", "net.c", "-o", path.name, folder=folder)
    return path


def multiplies(chip: Chip, item: Path) -> list[str]:
    """Instructions of an object that multiply or divide, and helpers that do, which it calls."""
    text = _call(f"{chip.prefix}objdump", "-d", "--no-show-raw-insn", str(item), folder=item.parent)
    names = re.findall(r"^\s+[0-9a-f]+:\t(\S+)", text, re.MULTILINE)
    assert len(names) > 5, "nothing was disassembled"
    undefined = _call(f"{chip.prefix}nm", "-u", str(item), folder=item.parent).split()
    helpers = [name for name in undefined if re.search("mul|div|mod", name)]
    return [name for name in names if re.fullmatch(chip.products, name)] + helpers


def sizes(chip: Chip, item: Path) -> tuple[int, int]:
    """Bytes of code and tables, and of memory."""
    text, data, bss, *_ = _call(f"{chip.prefix}size", str(item), folder=item.parent).splitlines()[1].split()
    return int(text) + int(data), int(bss)


def measured(chip: Chip, level: str, folder: Path) -> Measured:
    """The test of the net in that folder, run by the chip's emulator."""
    item, program = compiled(chip, level, folder), folder / f"net{level}.elf"
    start = [str(BARE / f"{chip.machine}{end}") for end in (".s", ".ld") if (BARE / f"{chip.machine}{end}").exists()]
    bare = ["-nostdlib", start[0], f"-T{start[1]}", "-Wl,--no-warn-rwx-segments"] if start else []
    includes = [
        f"-I{BARE}",
        "-I.",
        f'-DMACHINE="{chip.machine}.h"',
        "-fno-builtin",
        "-fno-tree-loop-distribute-patterns",
    ]
    plain = [flag.removesuffix("_zicsr") for flag in chip.flags]  # it comes in one with counters and without
    library = _call(f"{chip.prefix}gcc", *plain, "-print-libgcc-file-name", folder=folder).strip()
    files = [str(BARE / "measure.c"), item.name, library, "-o", program.name]
    _call(f"{chip.prefix}gcc", "-std=gnu99", *chip.flags, "-Os", *includes, *bare, *files, folder=folder)
    said = re.search(r"([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})", _ran(chip, program))
    assert said, "the emulator said nothing"
    mismatches, total, worst, runs = (int(part, 16) for part in said.groups())
    return Measured(mismatches, total / runs * chip.count, worst * chip.count, *sizes(chip, item))


def put(folder: Path, files: Mapping[str, str]) -> Path:
    """Texts in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def _ran(chip: Chip, program: Path) -> str:
    done = subprocess.run([*chip.run, str(program)], capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    return (done.stdout + done.stderr).decode(errors="replace")


def _call(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return done.stdout


__all__: Sequence[str] = ("CHIPS", "LEVELS", "Chip", "Measured", "compiled", "measured", "multiplies", "put", "sizes")
