import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.store.sealed import BrokenSeal, seal, seal_of, unseal

text = st.text(st.characters(codec="utf-8"))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner),
    max_leaves=8,
)
keys = text.filter(lambda key: key != "sha256")
documents = st.dictionaries(keys, json_values, min_size=1, max_size=4)


@given(documents)
def test_what_is_sealed_is_unsealed_and_is_json_to_anybody(document):
    data = seal(document)
    assert unseal(data) == document
    assert json.loads(data) == document | {"sha256": seal_of(data)}


@given(documents, st.data())
def test_any_change_of_a_byte_and_any_cut_breaks_the_seal(document, data):
    sealed = seal(document)
    place = data.draw(st.integers(0, len(sealed) - 1))
    changed = bytearray(sealed)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BrokenSeal):
        unseal(bytes(changed))
    with pytest.raises(BrokenSeal, match="cut short"):
        unseal(sealed[:place])


def test_what_json_cannot_hold_is_refused():
    for document in ({}, {"sha256": 1}, {"a": float("nan")}, {"a": object()}, {"a": "\ud800"}):
        with pytest.raises(ValueError, match=r"document|JSON|Out of range"):
            seal(document)
