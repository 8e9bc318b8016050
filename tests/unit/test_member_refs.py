"""Outside names of members: how they are read, and what of them is kept."""

import pytest

from loyalty_service.members.rules import (
    PersonalRefsOff,
    Ref,
    RefMalformed,
    parse_ref,
    stored_ref,
)

SECRET = b"a secret of at least 32 bytes, kept in a file"


def test_a_bare_reference_is_the_shops_customer_id():
    assert parse_ref("C-1001") == parse_ref("shop:C-1001") == Ref("shop", "C-1001")


def test_other_references_say_their_kind():
    assert parse_ref("card:8860-0001") == Ref("card", "8860-0001")


@pytest.mark.parametrize(
    "text", ["mail:li.na+shop@b.com", "phone:+86 138", "mail:李@例.中国", f"mail:{'x' * 254}"]
)
def test_a_personal_reference_may_be_any_text(text):
    assert str(parse_ref(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "a b", "a/b", "会员", "Card:1", ":1", "card:", "x" * 65, "a:b:c", "card:a@b.com",
     "a@b.com", "mail:", "mail: a@b.com", "mail:a@b.com ", "mail:a\x00b", "mail:\x85",
     f"mail:{'x' * 255}"],
)  # fmt: skip
def test_what_is_neither_is_refused(text):
    with pytest.raises(RefMalformed):
        parse_ref(text)


def test_of_a_personal_reference_nothing_readable_is_kept():
    kept = stored_ref("phone", "+8613800138000", SECRET)

    assert kept.kind == "phone"
    assert "13800138000" not in kept.value
    assert len(kept.value) == 64


def test_the_same_value_is_the_same_member_under_one_secret_only():
    phone = stored_ref("phone", "+8613800138000", SECRET)

    assert stored_ref("phone", "+8613800138000", SECRET) == phone
    assert stored_ref("phone", "+8613800138000", SECRET[::-1]) != phone
    assert stored_ref("mail", "+8613800138000", SECRET).value != phone.value


@pytest.mark.parametrize("kind", ["phone", "mail"])
def test_without_a_secret_personal_references_are_refused(kind):
    with pytest.raises(PersonalRefsOff):
        stored_ref(kind, "somebody", None)


def test_other_references_need_no_secret():
    assert stored_ref("card", "8860-0001", None) == Ref("card", "8860-0001")
