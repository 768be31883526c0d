"""What the doctor sees without any network."""

from pathlib import Path

from bridge import doctor
from tests.unit.sealed_house import House


async def devices(house: House) -> list[tuple[bool | None, str]]:
    return [(found.ok, found.said) for found in await doctor.examine(house.config) if found.what == "matrix device"]


async def test_a_token_whose_device_left_its_keys_elsewhere(tmp_path: Path) -> None:
    """As after a restore: the crypto store is in no backup."""
    house = House(tmp_path)
    await house.fill()
    assert await devices(house) == []  # there is a password
    house.config.write_text(house.config.read_text().replace('password = "p"', 'access_token = "t"\ndevice_id = "D"'))
    ((ok, said),) = await devices(house)
    assert ok is None
    assert "device D" in said
    (house.data / "matrix").mkdir()
    (house.data / "matrix" / "@kantter:example.org_D.db").touch()
    assert await devices(house) == []
