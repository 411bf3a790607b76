"""Damage to files: bytes, members of a zip, values of JSON, arrays, cells of a sheet.

What is changed inside a zip is packed again, so that the sums of the zip are right and the damage
reaches the code behind them. Sealed damage also carries the right digests of the package.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from forecast.inference.config import Config
from forecast.inference.members import Core
from fuzz.originals import Original, originals

Members = list[tuple[str, bytes]]
BOMB = 8 << 20  # bytes; a larger one would only be slower
DEEP = 3_000  # lists within lists

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 10**6, 10**12, 2**63, -(2**63) - 1, 10**400),
    *(0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", "a", "D", "h", "0", "nan", "\ud800", "a\nb", "\x00", "x" * 5_000, "../../etc/passwd"),
    *([], [[]], [None], [1], ["a"], [1, 2, 3], [0.5] * 100, {}, {"a": 1}, {"": []}),
)
TEXTS = (
    *("", "-1", "0", "1", "99999999999999999999", "NaN", "1e999", "A1:XFD1048576", "日本", "s"),
    *("n", "d", "str", "b", "e", "inlineStr", "ZZZZ1", "A0", "&#0;", "&amp;", "]]>", "rId99"),
)
DTYPES = ("float16", "float64", "int8", "int64", "uint8", "bool", "float32")


class Damaged(NamedTuple):
    """A damaged file."""

    original: Original
    data: bytes
    how: str
    may_differ: bool  # it may be read as something else than the original


def draw(random: Random) -> Damaged:
    """Damage one of the files in a random way, rarely in several."""
    original = random.choice(originals())
    kinds = [*BYTES] if random.random() < 0.25 or original.kind not in DEEPER else []
    kinds = kinds or [*DEEPER[original.kind]]
    how = random.choice(kinds)
    if how in BYTES:
        data = original.data
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            data = BYTES[how](random, data)
        return Damaged(original, data, how, not original.is_checked)
    data = DEEPER[original.kind][how](random, original.data)
    may_differ = original.kind == "xlsx" or how.startswith("sealed")
    return Damaged(original, data, how, may_differ)


# Bytes


def _span(random: Random, data: bytes) -> tuple[int, int]:
    begin = random.randrange(len(data) + 1)
    length = random.choice((1, 4, 16, random.randrange(len(data) + 1)))
    return begin, min(begin + length, len(data))


def flip(random: Random, data: bytes) -> bytes:
    """Another bit at one place."""
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def put(random: Random, data: bytes) -> bytes:
    """Another byte, of those that have a meaning in many formats."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b"{")) + data[at + 1 :]


def cut(random: Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: random.randrange(len(data) + 1)]


def cut_out(random: Random, data: bytes) -> bytes:
    """A piece is missing."""
    begin, end = _span(random, data)
    return data[:begin] + data[end:]


def insert(random: Random, data: bytes) -> bytes:
    """Something is added."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.choice((1, 4, 64))) + data[at:]


def duplicate(random: Random, data: bytes) -> bytes:
    """A piece stands there twice."""
    begin, end = _span(random, data)
    return data[:end] + data[begin:end] + data[end:]


def zero(random: Random, data: bytes) -> bytes:
    """A piece is zeros, as after a crash of a disk."""
    begin, end = _span(random, data)
    return data[:begin] + bytes(end - begin) + data[end:]


def exchange(random: Random, data: bytes) -> bytes:
    """Two pieces have changed places."""
    a, b, c, d = sorted(random.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def append(random: Random, data: bytes) -> bytes:
    """More follows."""
    return data + random.choice((b"\x00" * 512, data, b"\n", random.randbytes(100)))


def prepend(random: Random, data: bytes) -> bytes:
    """Something stands before it."""
    return random.choice((b"\xef\xbb\xbf", b"\x00", b"#!/bin/sh\n", random.randbytes(20))) + data


def number(random: Random, data: bytes) -> bytes:
    """Four bytes are a large number: of a length, an offset or a count."""
    at = random.randrange(len(data) + 1)
    large = random.choice((0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1))
    return data[:at] + large.to_bytes(4, random.choice(("little", "big"))) + data[at + 4 :]


BYTES: dict[str, Callable[[Random, bytes], bytes]] = {
    one.__name__: one
    for one in (
        *(flip, put, cut, cut_out, insert, duplicate, zero, exchange, append, prepend),
        number,
    )
}


# Members of a zip


def members_of(data: bytes) -> Members:
    """Names and contents of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return [(info.filename, file.read(info)) for info in file.infolist()]


def packed(members: Members, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip whose sums are right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with file.open(info, "w", force_zip64=False) as member:
                member.write(content)
            if name in file.NameToInfo:
                del file.NameToInfo[name]  # so that the same name may come again
    return stream.getvalue()


def _some(random: Random, members: Members, suffix: str = "") -> int:
    return random.choice([k for k, (name, _) in enumerate(members) if name.endswith(suffix)])


def rename(random: Random, members: Members) -> Members:
    """A member has another name."""
    at = _some(random, members)
    name = members[at][0]
    other = random.choice((name.upper(), f"a/{name}", f"../{name}", "", f"{name}/", "x" * 300, "é"))
    return [*members[:at], (other, members[at][1]), *members[at + 1 :]]


def drop(random: Random, members: Members) -> Members:
    """A member is missing."""
    at = _some(random, members)
    return [*members[:at], *members[at + 1 :]]


def repeat(random: Random, members: Members) -> Members:
    """A name stands for two members; which one is read is up to the reader."""
    at = _some(random, members)
    content = random.choice((b"", members[at][1], members[-1][1], b"{}"))
    twin = (members[at][0], content)
    return [*members, twin] if random.random() < 0.5 else [twin, *members]


def shuffle(random: Random, members: Members) -> Members:
    """The members come in another order."""
    return random.sample(members, len(members))


def swap(random: Random, members: Members) -> Members:
    """Two members have each other's contents."""
    a, b = _some(random, members), _some(random, members)
    result = [*members]
    result[a], result[b] = (members[a][0], members[b][1]), (members[b][0], members[a][1])
    return result


def add(random: Random, members: Members) -> Members:
    """A member that nobody needs."""
    extra = random.choice((b"", b"x", packed(members), bytes(100_000)))
    return [*members, (random.choice(("more", "weights.pkl", "config.json~", "a/b/")), extra)]


def _content(change: Callable[[Random, bytes], bytes], suffix: str) -> Any:
    def apply(random: Random, data: bytes) -> bytes:
        members = members_of(data)
        at = _some(random, members, suffix)
        members[at] = (members[at][0], change(random, members[at][1]))
        return packed(members)

    return apply


def _member(change: Callable[[Random, Members], Members], method: int) -> Any:
    return lambda random, data: packed(change(random, members_of(data)), method)


def any_bytes(random: Random, content: bytes) -> bytes:
    """Damaged bytes of a member."""
    return BYTES[random.choice([*BYTES])](random, content)


def bomb(random: Random, data: bytes) -> bytes:
    """A member of zeros or blanks that is small only as long as it is packed."""
    members = members_of(data)
    at = _some(random, members)
    filler = random.choice((b"\x00", b" ", b"["))
    members[at] = (members[at][0], members[at][1] + filler * BOMB)
    return packed(members, zipfile.ZIP_DEFLATED)


# JSON


def json_bytes(random: Random, content: bytes) -> bytes:
    """JSON with another value, name or depth at one place, or written in another way."""
    value = json.loads(content)
    way = random.random()
    if way < 0.85:
        return json.dumps(edited(random, value)).encode()
    if way < 0.9:
        return (b"[" * DEEP) + (b"]" * DEEP)
    if way < 0.95:
        key = random.choice([*value, "x"])
        return content[:-1] + f', "{key}": {json.dumps(random.choice(VALUES))}'.encode() + b"}"
    return json.dumps(value).encode(random.choice(("utf-16", "utf-8-sig", "utf-32")))


def edited(random: Random, value: Any) -> Any:
    """A plain value with one change somewhere inside."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice([*value])
        way = random.random()
        if way < 0.08:
            return {k: v for k, v in value.items() if k != key}
        if way < 0.12:
            return {**value, random.choice(("", "more", key.upper())): random.choice(VALUES)}
        if way < 0.2:
            return {**value, key: value[random.choice([*value])]}
        return {**value, key: edited(random, value[key])}
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        way = random.random()
        if way < 0.15:
            return value[:at] + value[at + 1 :]
        if way < 0.3:
            return [*value, value[at]]
        return [*value[:at], edited(random, value[at]), *value[at + 1 :]]
    if isinstance(value, int | float) and random.random() < 0.3:
        return random.choice((value + 1, -value, value * 10, float(value), str(value), [value]))
    return random.choice(VALUES)


# Arrays


def array_bytes(random: Random, content: bytes) -> bytes:
    """Arrays one of which has other numbers, another type, shape or name."""
    arrays = load_arrays(content)
    if not arrays:
        return save_arrays({"more": np.zeros(2, "float32")})
    name = random.choice(sorted(arrays))
    array = arrays[name]
    way = random.randrange(9)
    if way == 0:
        del arrays[name]
    elif way == 1:
        arrays[random.choice(("more", "", name.upper(), "network.more"))] = array
    elif way == 2:
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(random.choice(DTYPES))
    elif way == 3:
        arrays[name] = _reshaped(random, array)
    elif way == 4:
        arrays[name] = np.zeros_like(array)
    elif way == 5:
        other = random.choice(sorted(arrays))
        arrays[name], arrays[other] = arrays[other], array
    else:
        arrays[name] = _poked(random, array)
    return save_arrays({key: np.ascontiguousarray(one) for key, one in arrays.items()})


def _reshaped(random: Random, array: np.ndarray) -> np.ndarray:
    return random.choice(
        [
            array.reshape(-1),
            array[None],
            array.T,
            array[:0],
            array[..., None],
            np.concatenate([array, array]) if array.ndim else array[None],
            array.reshape(-1)[:1].reshape(()) if array.size else array,
        ]
    )


def _poked(random: Random, array: np.ndarray) -> np.ndarray:
    result = array.copy()
    if not result.size:
        return result
    special: list[Any] = [0, 1, -1]
    special += [np.nan, np.inf, -np.inf, 1e-38, 3e38] if array.dtype.kind == "f" else []
    special += [2**63 - 1, -(2**63)] if array.dtype == np.int64 else []
    count = random.choice((1, result.size))
    result.reshape(-1)[:count] = random.choice(special)
    return result


def header_bytes(random: Random, content: bytes) -> bytes:
    """Arrays whose own description says something else."""
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(edited(random, json.loads(content[8 : 8 + length]))).encode()
    said = len(header) if random.random() < 0.8 else random.choice((0, 2**40, 2**63 - 1, 3))
    return said.to_bytes(8, "little") + header + content[8 + length :]


# Damage that carries the package's own digests


def sealed(change: Callable[[Random, bytes], bytes], suffix: str) -> Any:
    """Damage inside a model or state file, after which its digests are right again."""

    def apply(random: Random, data: bytes) -> bytes:
        members = members_of(data)
        at = _some(random, members, suffix)
        members[at] = (members[at][0], change(random, members[at][1]))
        return packed(seal(members))

    return apply


def seal(members: Members) -> Members:
    """Compute the digests of a model or state anew, as far as its parts can be read."""
    parts = dict(members)
    try:
        about = json.loads(parts["state.json"])
        arrays = load_arrays(parts["state.safetensors"])
        if "config.json" in parts:
            config = Config.from_json(json.loads(parts["config.json"])["model"])
            weights = load_arrays(parts["weights.safetensors"])
            about["fingerprint"] = Core(config, weights).fingerprint
        about["digest"] = digest_of(about, arrays)
        parts["state.json"] = json.dumps(about).encode()
    except Exception:  # there is nothing to be sealed
        return members
    return [*parts.items()]


def digest_of(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """The digest that a file with these parts of a state carries."""
    names = [about[name] for name in ("ids", "frequency", "network", "fingerprint")]
    digest = hashlib.blake2b(json.dumps(names).encode(), digest_size=16)
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()


# Workbooks


def xml_bytes(random: Random, content: bytes) -> bytes:
    """XML with another text, attribute or element at one place."""
    text = content.decode()
    way = random.random()
    if way < 0.05:
        entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 8))
        head = f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>'
        return (head + re.sub(r"^<\?.*?\?>", "", text).replace("</", "&l7;</", 1)).encode()
    if way < 0.4:
        return _replaced(random, text, r'"[^"]*"', f'"{random.choice(TEXTS)}"')
    if way < 0.6:
        return _replaced(random, text, r">[^<]+<", f">{random.choice(TEXTS)}<")
    if way < 0.8:
        return _replaced(random, text, r"<[^>]+>", "")
    piece = random.choice(re.findall(r"<[^>]+>", text) or [""])
    return text.replace(piece, piece * random.choice((2, 200)), 1).encode()


def _replaced(random: Random, text: str, pattern: str, new: str) -> bytes:
    matches = [*re.finditer(pattern, text)]
    if not matches:
        return text.encode()
    match = random.choice(matches)
    return (text[: match.start()] + new + text[match.end() :]).encode()


STORED, PACKED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
ORDERS = (rename, drop, repeat, shuffle, swap, add)
_ZIP: dict[str, Any] = {
    **{f"member: {one.__name__}": _member(one, STORED) for one in ORDERS},
    "member: compressed": _member(shuffle, PACKED),
    "member: bytes": _content(any_bytes, ""),
}
_ARCHIVE: dict[str, Any] = {
    **_ZIP,
    "json": _content(json_bytes, ".json"),
    "arrays": _content(array_bytes, ".safetensors"),
    "header of arrays": _content(header_bytes, ".safetensors"),
    "sealed json": sealed(json_bytes, ".json"),
    "sealed arrays": sealed(array_bytes, ".safetensors"),
    "bomb": bomb,
}
DEEPER: dict[str, dict[str, Callable[[Random, bytes], bytes]]] = {
    "model": {
        **_ARCHIVE,
        "config": _content(json_bytes, "config.json"),
        "sealed config": sealed(json_bytes, "config.json"),
        "record": _content(json_bytes, "training.json"),
    },
    "state": _ARCHIVE,
    "xlsx": {
        **_ZIP,
        "member: other order": _member(shuffle, PACKED),
        "xml": _content(xml_bytes, ".xml"),
        "sheet": _content(xml_bytes, "sheet1.xml"),
        "bomb": bomb,
    },
}
