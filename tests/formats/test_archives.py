from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from app.formats import tar_archive, zip_archive
from app.formats.entries import InvalidEntry, InvalidSource
from app.formats.sources import SourceKind, sniff
from tests.pictures import picture, tarred, zipped

FILES = {"b/2.png": picture(1), "a/1.png": picture(2), "a/3.png": picture(3)}


def outcome(entry):
    try:
        return entry.read()
    except InvalidEntry as refusal:
        return str(refusal)


@pytest.mark.parametrize("packing", ["zip", "", "gz", "bz2", "xz"])
def test_read__every_packing_gives_all_members_and_goes_on_after_a_position(tmp_path, packing):
    path = tmp_path / "archive"
    reader = zip_archive if packing == "zip" else tar_archive
    _ = zipped(path, FILES) if packing == "zip" else tarred(path, FILES, packing)
    assert sniff(path) is (SourceKind.ZIP if packing == "zip" else SourceKind.TAR)
    assert reader.survey(path).class_names == ("a", "b")
    assert [(e.name, e.class_name, e.read()) for e in reader.read(path)] == [(n, n[0], c) for n, c in FILES.items()]
    positions = [entry.position for entry in reader.read(path)]
    for at, position in enumerate(positions):
        assert [e.position for e in reader.read(path, None, position)] == positions[at + 1 :]


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"])
def test_read__a_path_that_leaves_the_archive_is_refused_and_the_rest_kept(tmp_path, name):
    for reader, path in (
        (zip_archive, zipped(tmp_path / "a.zip", {name: picture(), "ok.png": picture(1)})),
        (tar_archive, tarred(tmp_path / "a.tar", {name: picture(), "ok.png": picture(1)})),
    ):
        bad, good = map(outcome, reader.read(path))
        assert "The path" in bad
        assert good == picture(1)


def test_read__links_and_devices_in_archives_are_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"{kind.decode()}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    found = [*map(outcome, tar_archive.read(tmp_path / "a.tar")), *map(outcome, zip_archive.read(tmp_path / "a.zip"))]
    assert ["link" in reason for reason in found] == [True, True, False, True]
    assert found[2] == "Not a regular file."


def test_read__a_zip_bomb_is_refused_by_member_and_as_a_whole(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", {"bomb.png": bytes(3 * 1024**2), "ok.png": picture()})
    bomb, good = map(outcome, zip_archive.read(path))
    assert "zip bomb" in bomb
    assert good == picture()
    monkeypatch.setattr(zip_archive, "LARGEST_UNPACKED", 1000)
    with pytest.raises(InvalidSource, match="zip bomb"):
        list(zip_archive.read(path))


def test_read__a_zip_member_packed_by_an_unknown_method_is_refused_and_the_rest_kept(tmp_path):
    path = zipped(tmp_path / "a.zip", {"windows.png": picture(), "ok.png": picture(1)})
    content = bytearray(path.read_bytes())
    deflate64 = (9).to_bytes(2, "little")
    local, central = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")  # of the first member
    content[local + 8 : local + 10] = content[central + 10 : central + 12] = deflate64
    path.write_bytes(content)
    bad, good = map(outcome, zip_archive.read(path))
    assert "Packed with a method that cannot be read" in bad
    assert good == picture(1)


def test_read__a_tar_that_unpacks_to_too_much_keeps_what_came_before(tmp_path, monkeypatch):
    path = tarred(tmp_path / "a.tar.xz", {"ok.png": picture(), "bomb.png": bytes(8 * 1024**2)}, "xz")
    monkeypatch.setattr(tar_archive, "LARGEST_UNPACKED", 1024**2)
    good, bomb = list(tar_archive.read(path))
    assert outcome(good) == picture()
    assert "decompression bomb" in outcome(bomb)


def test_read__a_zip_that_lies_about_a_size_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"1.png": picture(size=(60, 60))})
    content = bytearray(path.read_bytes())
    size = len(picture(size=(60, 60))).to_bytes(4, "little")
    central = content.rindex(b"PK\x01\x02")
    content[content.index(size, central) : content.index(size, central) + 4] = (50).to_bytes(4, "little")
    path.write_bytes(content)
    (entry,) = zip_archive.read(path)
    assert "archive" in outcome(entry)


def test_read__an_encrypted_member_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"1.png": picture()})
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    (entry,) = zip_archive.read(path)
    assert "Encrypted" in outcome(entry)


@pytest.mark.parametrize("packing", ["", "gz", "xz"])
def test_read__a_tar_that_is_cut_off_keeps_what_is_whole_and_says_so(tmp_path, packing):
    import random

    noise = {f"{at}.bin": random.Random(at).randbytes(20_000) for at in range(4)}
    path = tarred(tmp_path / "a.tar", noise, packing)
    path.write_bytes(path.read_bytes()[:50_000])
    found = list(tar_archive.read(path))
    assert [outcome(entry) for entry in found[:-1]] == list(noise.values())[: len(found) - 1]
    assert "cut off" in outcome(found[-1])
    assert tar_archive.survey(path).total >= len(found)


def test_read__a_zip_that_is_cut_off_is_refused_whole(tmp_path):
    path = zipped(tmp_path / "a.zip", FILES)
    path.write_bytes(path.read_bytes()[:-40])
    assert sniff(path) is SourceKind.ZIP
    with pytest.raises(InvalidSource, match="cut off or damaged"):
        list(zip_archive.read(path))


def test_read__a_damaged_member_is_refused_and_the_rest_kept(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"A" * 100)
        archive.writestr("2.png", picture())
    path.write_bytes(path.read_bytes().replace(b"A" * 100, b"A" * 50 + b"B" * 50))
    bad, good = map(outcome, zip_archive.read(path))
    assert "damaged" in bad
    assert good == picture()


def test_read__archives_inside_archives_stay_closed(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.png", picture())
    path = zipped(tmp_path / "a.zip", {"inner.zip": inner.getvalue()})
    assert [entry.name for entry in zip_archive.read(path)] == ["inner.zip"]
