"""No name that somebody else gives leads out of the folder that it is meant for, or into a header."""

import io
import stat
import zipfile
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from polytalk.avatar import archive, manifest
from polytalk.avatar.library import Library
from polytalk.errors import BadInput
from tests.support.photographs import put
from tests.support.server import serving

TRICKS = [
    "..",
    "../secret",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\secret",
    "ann/../../secret",
    "ann\n",
    "ann\r\nset-cookie: a=b",
    "ann\0",
    "./ann",
    "ann/",
    ".ann",
    "~",
    "ＡＮＮ",
    "a" * 33,
    "",
]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "avatar.json").write_text("{}")
    library = Library(tmp_path / "avatars")
    put(library, "ann")
    return library


@pytest.mark.parametrize("name", TRICKS)
def test_no_id_of_an_avatar_is_a_way(library: Library, name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        manifest.check_id(name)
    assert library.get(name) is None
    with pytest.raises(BadInput):
        library.remove(name)
    with pytest.raises(BadInput):
        library["ann"].read(name)
    assert (tmp_path / "secret" / "avatar.json").exists()
    assert "ann" in Library(library.folder)


@pytest.mark.parametrize("name", [trick for trick in TRICKS if trick])
def test_no_name_in_a_manifest_is_a_way(library: Library, name: str) -> None:
    stated = library["ann"].manifest
    assert manifest.parse(msgspec.json.encode(stated)) == stated
    with pytest.raises(BadInput):
        manifest.parse(msgspec.json.encode(replace(stated, id=name)))
    if name != "a" * 33:  # files may have long names
        files = {**stated.files, f"face/{name}": stated.files["portrait.png"]}
        with pytest.raises(BadInput):
            manifest.parse(msgspec.json.encode(replace(stated, files=files)))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_link_or_a_device_in_an_archive_is_written_as_a_file_with_its_bytes(
    library: Library, tmp_path: Path, kind: int
) -> None:
    packed, out = archive.pack(library["ann"]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, (kind | 0o4777) << 16
            after.writestr(entry, before.read(name))
    far = Library(tmp_path / "far")
    archive.take_in(out.getvalue(), far)
    for path in (far.folder / "ann").rglob("*"):
        mode = path.lstat().st_mode
        assert stat.S_ISDIR(mode) or stat.S_ISREG(mode)
        assert not mode & (stat.S_ISUID | stat.S_IWOTH)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "portrait.png"])
def test_a_link_in_an_archive_leads_nowhere(library: Library, tmp_path: Path, target: str) -> None:
    packed, out = archive.pack(library["ann"]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            after.writestr(entry, target if name == "preview.png" else before.read(name))
    with pytest.raises(BadInput) as refused:
        archive.take_in(out.getvalue(), Library(tmp_path / "far"))
    assert refused.value.detail == "bundle_invalid"


TARGETS = [
    "/..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/../../../../../../etc/passwd",
    "//etc/passwd",
    "/assets/..%5c..%5capp.py",
    "/assets/../../app.py",
    "/assets/%2e%2e/%2e%2e/app.py",
    "/%00",
    "/v1/avatars/mira/files/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/v1/avatars/mira/files//etc/passwd",
    "/v1/avatars/mira/files/%2e%2e/%2e%2e/theo/avatar.json",
    "/v1/avatars/..%2f..%2fetc/bundle",
    "/v1/avatars/%2e%2e/export",
    "/v1/videos/..%2f..%2fetc%2fpasswd/content",
    "/v1/videos/%2e%2e/content",
    "/v1/models/..%2f..%2fetc%2fpasswd",
]


async def test_no_address_is_a_way_to_other_files() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        for target in TARGETS:
            answer = await http.get("/", extensions={"target": target.encode()})
            assert answer.status_code in (400, 404), (target, answer.status_code)
            assert "root:" not in answer.text
            assert "Starlette" not in answer.text
