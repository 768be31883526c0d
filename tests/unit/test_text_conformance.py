"""X's own conformance suite for text. It is not ours: ``KANTTER_X_DATA`` names the folder that has it."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import text as reading

FOLDER = Path(os.environ.get("KANTTER_X_DATA", ""), "twitter-text")
pytestmark = pytest.mark.skipif(
    "KANTTER_X_DATA" not in os.environ, reason="KANTTER_X_DATA does not name the folder of X's conformance files"
)


def _cases(file: str, *sections: str) -> list[Any]:
    if "KANTTER_X_DATA" not in os.environ:
        return []
    tests = yaml.safe_load((FOLDER / file).read_text("utf-8"))["tests"]
    return [
        pytest.param(case, id=f"{section}-{number}")
        for section in sections
        for number, case in enumerate(tests[section])
    ]


@pytest.mark.parametrize(
    "case",
    _cases("validate.yml", "WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"),
)
def test_weighted_length(case: Any) -> None:
    assert reading.length(case["text"]) == case["expected"]["weightedLength"], case["description"]


@pytest.mark.parametrize("case", _cases("extract.yml", "urls", "tco_urls_with_params"))
def test_urls(case: Any) -> None:
    assert [link.url for link in reading.links(case["text"])] == case["expected"], case["description"]


@pytest.mark.parametrize("case", _cases("extract.yml", "urls_with_indices", "urls_with_directional_markers"))
def test_urls_with_places(case: Any) -> None:
    found = [{"url": link.url, "indices": [link.start, link.end]} for link in reading.links(case["text"])]
    assert found == case["expected"], case["description"]


@pytest.mark.parametrize("section", ["country", "generic"])
def test_every_top_level_domain(section: str) -> None:
    for case in (parameter.values[0] for parameter in _cases("tlds.yml", section)):
        assert [link.url for link in reading.links(case["text"])] == case["expected"], case["description"]
