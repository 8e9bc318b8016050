"""What happened to an order reads well in English and in Chinese."""

import pytest

from loyalty_service.checkout.rules.steps import Step
from loyalty_service.checkout.rules.story_phrases import PHRASES
from loyalty_service.checkout.rules.story_words import MOST_NAMED, Chapter, story_in_words
from loyalty_service.program.rules.document import read_document
from tests.unit.program_documents import DOCUMENT

PROGRAM = read_document(DOCUMENT).program
AT = "2026-03-20T02:00:00Z"
LATER = "2026-03-20T02:30:00Z"
PLACES = ("own", "expired", "other", "deficit", "uncollected")


def money(minor, currency="CNY"):
    return {"amount": minor, "currency": currency}


def chapter(*steps, payment=None, lapses_at=None, is_lapsed=False):
    skus = {line_no: f"SKU-{line_no}" for line_no in range(1, 31)}
    happened = [(str(kind), ref, AT, receipt) for kind, ref, receipt in steps]
    return Chapter(PROGRAM, skus, happened, payment, lapses_at, is_lapsed)


def said(*steps, **more):
    """The last that is said of an order, in both languages."""
    told = chapter(*steps, **more)
    return tuple(story_in_words(told, lang)[-1]["text"] for lang in ("en", "zh"))


def reservation(points=0, price=13_800, lapses_at=LATER, placed_at=AT):
    receipt = {
        "placed_at": placed_at,
        "lapses_at": lapses_at,
        "price": money(price),
        "points": {"wallet": "points", "points": points, "worth": money(points)},
        "payable": money(price - points),
    }
    return Step.RESERVATION, "1", receipt


def payment(spent=None, earned=(), fulfilled_at=None, paid=13_800):
    return {
        "payment_ref": "ch-1",
        "placed_at": AT,
        "paid_at": AT,
        "fulfilled_at": fulfilled_at,
        "price": money(13_800),
        "spent": spent,
        "paid": money(paid),
        "earned": list(earned),
    }


def moved(points, entry, wallet="points", **more):
    return {"wallet": wallet, "points": points, "entry": entry, **more}


def taken(points, entry, wallet="points", **places):
    return moved(points, entry, wallet, **{"from": dict.fromkeys(PLACES, 0) | places})


def return_of(units=(), amount=0, given=(), taken=(), kind=Step.RETURN):
    receipt = {
        "lines": [{"line": line_no, "units": count} for line_no, count in units],
        "returned": money(amount),
        "given_back": list(given),
        "taken": list(taken),
    }
    return kind, "R-1" if kind is Step.RETURN else "", receipt


def test_what_is_reserved_names_the_points_and_until_when():
    assert said(reservation(1_700)) == (
        (
            "Reserved until 20 March 2026 10:30: the price is CNY 138.00; 1,700 points, worth "
            "CNY 17.00, are held, and CNY 121.00 is to be paid."
        ),
        (
            "已预占至 2026 年 3 月 20 日 10:30：价格 138.00 元，锁定 1,700 积分，抵 17.00 元，应"
            "付 121.00 元。"
        ),
    )


def test_one_point_is_held_where_more_are():
    english, chinese = said(reservation(1))

    assert "1 point, worth CNY 0.01, is held," in english
    assert "锁定 1 积分，抵 0.01 元，" in chinese


def test_a_reservation_without_points_says_nothing_of_points():
    assert said(reservation()) == (
        "Reserved until 20 March 2026 10:30: CNY 138.00 is to be paid.",
        "已预占至 2026 年 3 月 20 日 10:30：应付 138.00 元。",
    )


def test_the_same_again_is_a_renewal_and_another_cart_a_replacement():
    until = "2026-03-20T02:45:10Z"

    assert said(reservation(100), reservation(100, lapses_at=until)) == (
        (
            "Renewed: it stands until 20 March 2026 10:45:10 now, at the same price and with the "
            "same points."
        ),
        "预占延长至 2026 年 3 月 20 日 10:45:10，价格与积分不变。",
    )
    assert said(reservation(), reservation(lapses_at=until)) == (
        "Renewed: it stands until 20 March 2026 10:45:10 now, at the same price.",
        "预占延长至 2026 年 3 月 20 日 10:45:10，价格不变。",
    )
    assert said(reservation(), reservation(price=9_900)) == (
        (
            "Another cart took its place, reserved until 20 March 2026 10:30: CNY 99.00 is to be "
            "paid."
        ),
        "已更换购物车，重新预占至 2026 年 3 月 20 日 10:30：应付 99.00 元。",
    )


def test_what_is_released_is_held_no_more():
    release = (Step.RELEASE, "1", {"released_at": AT, "points": 700})

    assert said(reservation(700), release) == (
        "The reservation was released; 700 points are held no more.",
        "预占已释放，不再锁定 700 积分。",
    )
    assert said(reservation(1), release)[0].endswith("; 1 point is held no more.")
    assert said(reservation(), release) == ("The reservation was released.", "预占已释放。")
    again = said(reservation(700), release, reservation(700))
    assert again[0].startswith("Reserved again until 20 March 2026 10:30: ")
    assert again[1].startswith("已重新预占至 2026 年 3 月 20 日 10:30：")


def test_a_lapse_is_told_at_its_instant_and_only_where_the_reservation_lapsed():
    lapsed = chapter(reservation(700), is_lapsed=True, lapses_at=LATER)
    release = (Step.RELEASE, "1", {"released_at": AT, "points": 700})

    assert story_in_words(lapsed, "en")[1:] == [
        {
            "at": LATER,
            "text": "The reservation lapsed; 700 points are held no more.",
        }
    ]
    assert story_in_words(lapsed, "zh")[1]["text"] == "预占到期失效，不再锁定 700 积分。"
    assert len(story_in_words(chapter(reservation(700), lapses_at=LATER), "en")) == 1
    # Its state is that of one that lapsed, but it was let go.
    let_go = chapter(reservation(700), release, is_lapsed=True, lapses_at=AT)
    assert len(story_in_words(let_go, "en")) == 2


def test_a_release_that_came_too_late_let_nothing_go():
    release = (Step.RELEASE, "1", {"released_at": LATER, "points": 0})
    told = story_in_words(chapter(reservation(700), release), "en")

    assert [one["text"] for one in told[1:]] == [
        "The reservation lapsed; 700 points are held no more.",
        "The reservation was to be released; it had lapsed before.",
    ]


def test_a_payment_names_the_points_the_money_and_what_was_earned():
    spent = moved(700, 5, worth=money(700))
    earned = [moved(121, 6), moved(1, 12, "growth")]

    assert said(payment=payment(spent, earned, paid=13_100)) == (
        (
            "Paid (payment ch-1): the price was CNY 138.00; 700 points (entry 5) paid CNY 7.00 "
            "of it, and CNY 131.00 was paid in money. Earned: 121 points (entry 6), 1 point in "
            "Growth (entry 12)."
        ),
        (
            "已支付（支付单号 ch-1）：价格 138.00 元，其中 700 积分（流水第 5 条）抵 7.00 元，实"
            "付 131.00 元。获得 121 积分（流水第 6 条）、1 成长值（流水第 12 条）。"
        ),
    )


def test_a_payment_without_points_that_earns_nothing_names_the_money_alone():
    assert said(payment=payment()) == (
        "Paid (payment ch-1): CNY 138.00 in money.",
        "已支付（支付单号 ch-1）：实付 138.00 元。",
    )


def test_what_was_paid_otherwise_than_promised_was_placed_anew():
    promised = said(reservation(700), payment=payment(paid=13_100))
    otherwise = said(reservation(price=9_900), payment=payment())

    assert promised[0].startswith("Paid (payment ch-1)")
    assert otherwise[0].startswith("Placed anew as it was paid. Paid (payment ch-1)")
    assert otherwise[1].startswith("支付时重新下单。已支付（支付单号 ch-1）")


def test_goods_that_have_arrived_say_when_their_points_are_active():
    begins = [{"points": 100, "active_at": AT}, {"points": 21, "active_at": "2026-03-27T16:00:00Z"}]
    activated = [{"wallet": "points", "entry": 7, "lots": begins}]
    receipt = {"state": "fulfilled", "fulfilled_at": AT, "activated": activated}

    assert said((Step.FULFILMENT, "", receipt), payment=payment()) == (
        (
            "The goods have arrived. 100 points (entry 7) are active at once. 21 points (entry "
            "7) are active from 28 March 2026 on."
        ),
        (
            "商品已送达。100 积分（流水第 7 条）立即生效。21 积分（流水第 7 条）的生效时间为 "
            "2026 年 3 月 28 日。"
        ),
    )


def test_goods_that_arrived_before_the_payment_are_told_before_it_and_once():
    receipt = {"state": "reserved", "fulfilled_at": AT, "activated": []}
    steps = [reservation(), (Step.FULFILMENT, "", receipt)]
    told = story_in_words(chapter(*steps, payment=payment(fulfilled_at=AT)), "en")

    assert [one["text"].split(":")[0] for one in told[1:]] == [
        "The goods have arrived; the order is not paid yet.",
        "Paid (payment ch-1)",
    ]
    assert said(*steps)[1] == "商品已送达，订单尚未支付。"
    assert said(payment=payment(fulfilled_at=AT)) == (
        "The goods have arrived, as was told with the payment.",
        "支付时已告知商品送达。",
    )


def test_a_return_names_units_money_and_the_points_that_moved():
    given = moved(350, 8, expired=0)
    back = return_of([(1, 1), (2, 1_200)], 6_050, [given], [taken(60, 9, own=60)])

    assert said(back, payment=payment()) == (
        (
            "Return R-1: 1 unit of line 1 (SKU-1), 1,200 units of line 2 (SKU-2), CNY 60.50 "
            "given back in money. 350 points (entry 8) that had paid came back. Taken back: 60 "
            "points (entry 9)."
        ),
        (
            "退货 R-1：第 1 行（SKU-1）1 件、第 2 行（SKU-2）1,200 件，退款 60.50 元。当时支付的 "
            "350 积分（流水第 8 条）退回。收回 60 积分（流水第 9 条）。"
        ),
    )


def test_a_return_of_money_names_no_units_and_one_of_units_no_money_that_did_not_move():
    assert said(return_of([(1, 0)], 5_000), payment=payment()) == (
        "Return R-1: CNY 50.00 given back in money.",
        "退货 R-1：退款 50.00 元。",
    )
    assert said(return_of([(1, 2)]), payment=payment()) == (
        "Return R-1: 2 units of line 1 (SKU-1).",
        "退货 R-1：第 1 行（SKU-1）2 件。",
    )
    assert said(return_of(), payment=payment()) == ("Return R-1.", "退货 R-1。")


def test_what_is_owed_after_a_return_is_told_by_wallet():
    both = [taken(60, 9, own=40, deficit=20), taken(1, 3, "growth", deficit=1)]

    assert said(return_of(amount=1, taken=both), payment=payment()) == (
        (
            "Return R-1: CNY 0.01 given back in money. Taken back: 60 points (entry 9), 1 point "
            "in Growth (entry 3). Of these, 20 points are owed from now on. Of these, 1 point in "
            "Growth is owed from now on."
        ),
        (
            "退货 R-1：退款 0.01 元。收回 60 积分（流水第 9 条）、1 成长值（流水第 3 条）。其中 "
            "20 积分转为欠分。其中 1 成长值转为欠分。"
        ),
    )


def test_points_that_had_ended_or_were_not_to_be_found_are_told_apart():
    given = moved(10, 8, expired=4)
    back = return_of(given=[given], taken=[taken(7, None, expired=5, uncollected=2)])

    assert said(back, payment=payment()) == (
        (
            "Return R-1. 10 points (entry 8) that had paid came back. Of these, 4 points are "
            "from lots that had ended. Taken back: 7 points. Of these, 5 points had expired "
            "before. Of these, 2 points could not be found and are not collected."
        ),
        (
            "退货 R-1。当时支付的 10 积分（流水第 8 条）退回。其中 4 积分所属批次已到期。收回 7 "
            "积分。其中 5 积分此前已到期失效。其中 2 积分已无可收回，不再追缴。"
        ),
    )


def test_a_long_return_names_its_first_lines_and_how_many_more():
    english, chinese = said(
        return_of([(line_no, 1) for line_no in range(1, 31)]), payment=payment()
    )

    assert english.count("unit of line") == MOST_NAMED
    assert english.endswith(", and 10 lines more.")
    assert chinese.endswith("、另有 10 行。")


def test_a_cancellation_before_the_payment_lets_go_and_after_it_gives_back():
    unpaid = return_of(kind=Step.CANCELLATION)
    paid = return_of([(1, 1)], 13_800, kind=Step.CANCELLATION)

    assert said(reservation(700), unpaid, lapses_at=AT) == (
        "The order was cancelled before it was paid; 700 points are held no more.",
        "订单在支付前取消，不再锁定 700 积分。",
    )
    assert said(reservation(700), unpaid, lapses_at=LATER) == (
        "The order was cancelled before it was paid.",
        "订单在支付前取消。",
    )
    assert said(paid, payment=payment()) == (
        (
            "The order was cancelled, and what was left of it came back: 1 unit of line 1 "
            "(SKU-1), CNY 138.00 given back in money."
        ),
        "订单取消，剩余部分全部退回：第 1 行（SKU-1）1 件，退款 138.00 元。",
    )


def test_what_earlier_chapters_were_answered_with_is_not_told_again():
    carried = [(Step.PAYMENT, "ch-0", payment()), (Step.EARLIER_RETURN, "R-0", return_of()[2])]

    assert story_in_words(chapter(*carried), "en") == []
    assert len(story_in_words(chapter(*carried, payment=payment()), "en")) == 1


@pytest.mark.parametrize("key", sorted(PHRASES["en"]))
def test_both_languages_say_the_same_things(key):
    assert PHRASES["en"].keys() == PHRASES["zh"].keys()
    assert PHRASES["zh"][key]
