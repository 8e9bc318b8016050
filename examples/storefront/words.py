"""What the shop says, in English and in Chinese, side by side.

``{n}`` is filled in, whole numbers with separators; ``{n|point|points}`` chooses by the number.
"""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LANGUAGES = ("en", "zh")
ZONE = ZoneInfo("Asia/Shanghai")

WORDS = {
    # every page
    "shop": ("Qinghe", "清和"),
    "tagline": ("Clothes, shoes and tea from Hangzhou", "杭州的衣履与茶"),
    "skip": ("Skip to the content", "跳到正文"),
    "nav": ("Main", "主导航"),
    "other_language": ("中文", "English"),
    "shelf": ("Shop", "商品"),
    "basket": ("Basket", "购物车"),
    "basket_has": ("{n} {n|article|articles} in the basket", "购物车内 {n} 件商品"),
    "orders": ("Orders", "订单"),
    "points": ("Points", "积分"),
    "sign_in": ("Sign in", "登录"),
    "member_is": ("Member: {name}", "会员：{name}"),
    "footer": (
        "An example of how a shop uses the loyalty service. Nothing here costs money.",
        "积分服务的接入示例商店，不会产生真实扣款。",
    ),
    "n_points": ("{n} {n|point|points}", "{n} 积分"),
    "n_growth": ("{n} growth", "{n} 成长值"),
    "wallet_points": ("Points", "积分"),
    "wallet_growth": ("Growth", "成长值"),
    # shelf and basket
    "shelf_title": ("Made well, kept long", "好物，用得久"),
    "hello": ("Hello {name}.", "{name}，您好。"),
    "hello_points": (
        "You have {n} {n|point|points} to use, worth {worth}.",
        "您有 {n} 积分可用，可抵 {worth}。",
    ),
    "hello_none": ("You have no points to use yet.", "您暂无可用积分。"),
    "hello_guest": (
        "Choose a member to see what points do.",
        "选择一位会员，看看积分怎么用。",
    ),
    "add": ("Add to basket", "加入购物车"),
    "add_named": ("Add to basket: {name}", "加入购物车：{name}"),
    "has_now": ("{n} in the basket", "购物车中 {n} 件"),
    "basket_empty": ("Your basket is empty.", "购物车还是空的。"),
    "to_shelf": ("Look around", "去逛逛"),
    "quantity_of": ("Quantity: {name}", "数量：{name}"),
    "update": ("Update", "更新"),
    "remove": ("Remove", "移除"),
    "remove_named": ("Remove: {name}", "移除：{name}"),
    "shipping": ("Shipping", "运费"),
    "free": ("free", "免运费"),
    "shipping_note": ("Free from {amount}.", "满 {amount} 免运费。"),
    "together": ("Together", "合计"),
    "to_checkout": ("Go to checkout", "去结算"),
    # members
    "members_title": ("Who is buying?", "以谁的身份购物？"),
    "members_text": (
        "The demo data has members with a past. Choose one, or join as somebody new.",
        "演示数据里的会员各有经历。请选择一位，或以新会员加入。",
    ),
    "choose": ("Choose", "选择"),
    "choose_named": ("Choose {name}", "选择 {name}"),
    "chosen": ("You are {name} now.", "您现在是 {name}。"),
    "is_chosen": ("You", "当前"),
    "join": ("Join as a new member", "加入会员"),
    "join_name": ("A short name", "会员名"),
    "join_hint": (
        "Letters a-z, figures and -, at most 20.",
        "小写字母、数字与 -，最多 20 个字符。",
    ),
    "join_wrong": (
        "Please use letters a-z, figures and -, at most 20 characters.",
        "请使用小写字母、数字与 -，最多 20 个字符。",
    ),
    "joined": ("Welcome, {name}.", "欢迎，{name}。"),
    "about_mei": (
        "Points alive, waiting and about to end",
        "有可用、待生效和即将到期的积分",
    ),
    "about_lin": ("Was put right after a mistake", "积分曾被误加后更正"),
    "about_hua": ("First points have ended", "首批积分已到期"),
    "about_chen": ("Owes points since a return", "退货后欠积分"),
    "about_bo": ("Sent everything back", "全部退过货"),
    "about_su": (
        "Was gold, bought little for a year, is silver",
        "曾为金卡，一年少有消费后降为银卡",
    ),
    "about_qiang": ("Works here, earns little", "店员，得分较少"),
    # checkout
    "step_basket": ("Basket", "购物车"),
    "step_checkout": ("Points and price", "积分与价格"),
    "step_payment": ("Payment", "支付"),
    "step_done": ("Done", "完成"),
    "steps": ("Steps", "步骤"),
    "checkout_title": ("Points and price", "积分与价格"),
    "use_points": ("Pay with points", "使用积分"),
    "how_many": ("How many points?", "使用多少积分？"),
    "have": ("You have {n} to use.", "您有 {n} 积分可用。"),
    "use_most": ("Use the most: {n}", "尽量多用：{n}"),
    "use_none": ("Use none", "不使用"),
    "limit_share": (
        "Of this order, points may pay for {n} at most.",
        "本单最多可用 {n} 积分。",
    ),
    "limit_steps": (
        "In steps of {step}, from {minimum} up.",
        "每次至少 {minimum}，按 {step} 递增。",
    ),
    "bound_available": (
        "You asked for {asked}; you have {available}, so {used} are used.",
        "您想用 {asked} 积分，可用 {available}，本次使用 {used}。",
    ),
    "bound_max_share": (
        "You asked for {asked}; this order takes {used} at most.",
        "您想用 {asked} 积分，本单最多使用 {used}。",
    ),
    "bound_step": (
        "Points go in steps of {step}, so {used} are used.",
        "积分按 {step} 递增使用，本次使用 {used}。",
    ),
    "bound_minimum": (
        "At least {minimum} points are needed at once, so none are used.",
        "每次至少使用 {minimum} 积分，本次未使用。",
    ),
    "bound_locked": (
        "Your points are locked at the moment. You go on earning; our service desk can help.",
        "您的积分目前已被锁定，仍可继续累积，请联系客服。",
    ),
    "bound_no_redemption": (
        "Points cannot pay for orders at present.",
        "目前不能用积分支付。",
    ),
    "limit_minimum": (
        "At least {minimum} are needed at once, so none can be used on this order.",
        "每次至少使用 {minimum} 积分，本单暂不能使用。",
    ),
    "your_order": ("Your order", "您的订单"),
    "points_pay": ("{n} points", "{n} 积分抵扣"),
    "payable": ("To pay", "应付"),
    "earns": ("You will earn", "预计可得"),
    "your_tier": ("Your tier", "您的等级"),
    "tier_now": ("Now: {tier}.", "当前：{tier}。"),
    "tier_then": ("With this order: {change}", "本单付款后：{change}"),
    "tier_stays": ("This order does not change it.", "本单不会改变等级。"),
    "earns_nothing": ("This order earns no points.", "本单不累积积分。"),
    "lot_waits": ("{n}: once the parcel has arrived", "{n}：送达后开始计算"),
    "lot_now": ("{n}: at once", "{n}：立即可用"),
    "lot_from": ("{n}: from {day}", "{n}：{day}起可用"),
    "lot_until": (", until {day}", "，有效期至{day}"),
    "to_payment": ("Go to payment", "去支付"),
    "no_loyalty": (
        "Points cannot be reached right now. You can buy without them; what you earn follows.",
        "暂时无法连接积分服务。您可以先不使用积分购买，应得积分稍后到账。",
    ),
    # payment
    "payment_title": ("Payment", "支付"),
    "payment_text": (
        "Here your payment provider would ask for a card or show a code. Choose what happens.",
        "真实商店会在这里跳转到支付渠道。请选择支付结果。",
    ),
    "order_no": ("Order {ref}", "订单 {ref}"),
    "held": (
        "{n} {n|point is|points are} held for this order until {time}.",
        "已为本单保留 {n} 积分，至 {time}。",
    ),
    "promised": ("This price is promised until {time}.", "此价格保留至 {time}。"),
    "pay_now": ("Pay {amount}", "支付 {amount}"),
    "pay_fails": ("Let the payment fail", "模拟支付失败"),
    "pay_never": ("Leave without paying", "暂不支付"),
    "pay_never_hint": (
        "Leave, and the points come back by themselves when their time is over.",
        "离开后，保留的积分到时自动退回。",
    ),
    "back_to_basket": ("Back to the basket", "返回购物车"),
    "declined": (
        "The payment failed; nothing was charged. Your points are free again.",
        "支付失败，未扣款，积分已退回。",
    ),
    "declined_plain": (
        "The payment failed; nothing was charged.",
        "支付失败，未扣款。",
    ),
    "changed": (
        "The price has changed since you saw it. Nothing was charged; please look again.",
        "价格已有变化，尚未扣款，请重新确认。",
    ),
    "refunded": (
        "Your points were no longer free, so we gave your money back. Please order again.",
        "积分已不可用，款项已原路退回，请重新下单。",
    ),
    "points_unread": (
        "How many points is a whole number, from 0; please choose again.",
        "积分须为不小于 0 的整数，请重新选择。",
    ),
    "points_gone": (
        "These points are not free any more. Nothing was charged; please choose again.",
        "所选积分已不可用，尚未扣款，请重新选择。",
    ),
    "points_away": (
        "Points cannot be reached right now. Nothing was charged; try again, or use no points.",
        "暂时无法连接积分服务，尚未扣款。请稍后重试，或不使用积分购买。",
    ),
    "try_again": ("Please try again in a moment; nothing was done.", "请稍后重试，尚未执行。"),
    # receipt
    "thanks": ("Thank you", "谢谢惠顾"),
    "thanks_text": ("Your order is paid.", "订单已支付。"),
    "paid_money": ("Paid", "实付"),
    "paid_points": ("Paid with points", "积分支付"),
    "earned": ("Earned", "获得"),
    "told_later": (
        "Paid. Your points follow in a moment.",
        "已支付，积分稍后到账。",
    ),
    "to_order": ("Follow this order", "查看订单"),
    # orders
    "orders_title": ("Your orders", "我的订单"),
    "orders_none": ("No orders here yet.", "还没有订单。"),
    "orders_older": (
        "Orders from before this shop are in the points statement.",
        "更早的订单可在积分明细中查看。",
    ),
    "state_open": ("not paid", "待支付"),
    "state_reserved": ("waits for payment", "待支付"),
    "state_lapsed": ("not paid in time", "超时未支付"),
    "state_charging": ("paid, points follow", "已支付，积分稍后到账"),
    "state_paid": ("paid, on its way", "已支付，待收货"),
    "state_called_off": ("called off", "已取消"),
    "state_fulfilled": ("arrived", "已送达"),
    "state_part_returned": ("partly returned", "部分退货"),
    "state_returned": ("returned", "已退货"),
    "state_cancelled": ("cancelled", "已取消"),
    "story": ("What happened", "订单进展"),
    "story_reservation": ("Order placed", "已下单"),
    "story_again": ("Placed again", "重新下单"),
    "story_reservation_text": (
        "{n} {n|point|points} held until {time}.",
        "保留 {n} 积分至 {time}。",
    ),
    "story_release": ("Not paid, let go", "未支付，已释放"),
    "story_release_text": ("{n} {n|point is|points are} free again.", "{n} 积分已退回。"),
    "story_payment": ("Paid", "已支付"),
    "story_paid_text": ("{amount} paid.", "支付 {amount}。"),
    "story_spent_text": (
        "{n} {n|point|points} used, worth {worth}.",
        "使用 {n} 积分，抵 {worth}。",
    ),
    "story_earned_text": ("{what} earned.", "获得 {what}。"),
    "story_fulfilment": ("The parcel arrived", "包裹已送达"),
    "story_starts_text": ("Points can be used from {day}.", "积分自{day}起可用。"),
    "story_alive_text": ("Points can be used at once.", "积分立即可用。"),
    "story_return": ("Sent back", "退货"),
    "story_cancellation": ("Cancelled", "已取消"),
    "story_line_text": ("{units} x {name}", "{name} x {units}"),
    "story_money_text": ("{amount} given back.", "退款 {amount}。"),
    "story_given_text": ("{n} {n|point|points} given back.", "退回 {n} 积分。"),
    "story_taken_text": ("{what} taken back.", "扣回 {what}。"),
    "what_next": ("What next?", "下一步"),
    "arrived": ("The parcel arrived", "确认收货"),
    "cancel": ("Cancel the order", "取消订单"),
    "send_back": ("Send something back", "退货"),
    "send_back_text": (
        "Money and points come back in the parts they were paid in.",
        "款项与积分按支付比例退回。",
    ),
    "units_of": ("How many of: {name}", "退货数量：{name}"),
    "of_bought": ("at most {n}", "最多 {n}"),
    "return_now": ("Return", "提交退货"),
    "return_none": ("Choose at least one article.", "请至少选择一件商品。"),
    "returned": ("Your return is in.", "退货已受理。"),
    "fulfilled": ("Noted: the parcel arrived.", "已确认收货。"),
    "cancelled": ("The order is cancelled.", "订单已取消。"),
    "moved_on": (
        "The order has moved on; this is where it stands.",
        "订单状态已更新，请查看最新进展。",
    ),
    "pay_open": ("Pay now", "去支付"),
    "given_back": ("Given back", "已退款"),
    "line_back": ("{n} back", "已退 {n}"),
    # points
    "statement": ("Your points", "我的积分"),
    "active": ("To use now", "可用"),
    "worth": ("worth {amount}", "可抵 {amount}"),
    "pending": ("On their way", "待生效"),
    "pending_hint": ("until they can no longer be sent back", "过退货期后生效"),
    "held_now": ("Held for orders", "订单保留"),
    "owed": ("Owed", "欠积分"),
    "owed_hint": ("taken from what comes next", "从之后所得中扣除"),
    "growth_hint": ("never spent, never lost", "不可消费，永久有效"),
    "ends": ("What ends next", "即将到期"),
    "ends_line": ("{n} on {day}", "{day} 到期 {n}"),
    "entries": ("Every point", "积分明细"),
    "when": ("When", "时间"),
    "what": ("What", "事项"),
    "balance_after": ("Sum", "累计"),
    "why": ("Why?", "为什么？"),
    "why_named": ("Why? Entry {n}", "为什么？第 {n} 条"),
    "older": ("Older", "更早"),
    "entries_none": ("Nothing yet.", "暂无记录。"),
    "entry_title": ("Why {n}?", "为什么是 {n}？"),
    "entry_lots": ("What it moved", "涉及的积分批次"),
    "entry_until": ("until {day}", "有效期至{day}"),
    "entry_ever": ("for ever", "长期有效"),
    "entry_from": ("from {day}", "{day} 起"),
    "entry_waiting": ("beginning not yet known", "尚未开始"),
    "entry_plain": (
        "This entry follows from the one it belongs to; there is nothing to reckon.",
        "此条由所属业务直接产生，无需计算。",
    ),
    "back_to_points": ("Back to your points", "返回我的积分"),
    "reason_order_paid": ("Earned", "购物获得"),
    "reason_order_spent": ("Used", "购物使用"),
    "reason_order_given_back": ("Given back", "使用退回"),
    "reason_order_fulfilled": ("The parcel arrived", "订单送达"),
    "reason_order_returned": ("Taken back, something returned", "退货扣回"),
    "reason_order_cancelled": ("Taken back, cancelled", "取消扣回"),
    "reason_event": ("For what you did", "活动奖励"),
    "reason_opening_balance": ("Brought along", "期初余额"),
    "reason_adjustment": ("Put right by our staff", "客服调整"),
    "reason_adjustment_earned": ("Put right by our staff", "客服调整"),
    "reason_tier_gift": ("A gift for your new level", "升级礼"),
    "reason_tier_gift_undone": ("The gift taken back", "收回升级礼"),
    "reason_mistake": ("A mistake taken back", "更正冲回"),
    "reason_expired": ("Ended", "到期"),
    "reason_activity": ("Kept alive by what you did", "因活跃延长有效期"),
    "reason_expiry_changed": ("New rules for when points end", "有效期规则更新"),
    "reason_deficit_settled": ("Owed points settled", "抵扣所欠积分"),
    "reason_transfer": ("Transferred", "积分转移"),
    "of_order": ("order {ref}", "订单 {ref}"),
    # trouble
    "trouble": ("That did not work", "出了点问题"),
    "trouble_away": (
        "Points cannot be reached right now. Please try again in a moment; nothing is lost.",
        "暂时无法连接积分服务，请稍后再试，积分不会丢失。",
    ),
    "trouble_refused": (
        "The loyalty service refused this ({code}).",
        "积分服务拒绝了此操作（{code}）。",
    ),
    "trouble_page": ("There is no such page.", "没有该页面。"),
}

_CHOICE = re.compile(r"\{(\w+)\|([^|}]*)\|([^}]*)\}")


def say(lang: str, key: str, **values: Any) -> str:
    """A sentence of the shop."""
    text = WORDS[key][lang == "zh"]
    text = _CHOICE.sub(lambda m: m[2] if values[m[1]] == 1 else m[3], text)
    shown = {name: _shown(value) for name, value in values.items()}
    return text.format(**shown)


def _shown(value: Any) -> Any:
    return f"{value:,}" if isinstance(value, int) else value


def price(amount_minor: int) -> str:
    """An amount of money."""
    yuan, fen = divmod(abs(amount_minor), 100)
    return f"{'-' if amount_minor < 0 else ''}¥{yuan:,}.{fen:02}"


def instant(text: str) -> datetime:
    """An instant of the wire."""
    return datetime.fromisoformat(text)


def moment(lang: str, at: str) -> str:
    """An instant of the wire as the shop's customers read it."""
    return f"{day(lang, at)}{' ' if lang == 'zh' else ', '}{clock(at)}"


def day(lang: str, text: str) -> str:
    """The day of an instant of the wire."""
    at = instant(text).astimezone(ZONE)
    return f"{at.year}年{at.month}月{at.day}日" if lang == "zh" else f"{at.day} {at:%b %Y}"


def last_day(lang: str, end: str) -> str:
    """The last day before an instant of the wire: points end as their last day is over."""
    before = instant(end) - timedelta(seconds=1)
    return day(lang, before.isoformat())


def clock(text: str) -> str:
    """The time of day of an instant of the wire."""
    return f"{instant(text).astimezone(ZONE):%H:%M}"
