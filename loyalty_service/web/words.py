"""What the pages say around the contract, in English and in Chinese."""

LANGUAGES = ("en", "zh")

DOCS: dict[str, dict[str, str]] = {
    "title": {"en": "Loyalty service", "zh": "会员积分服务"},
    "subtitle": {"en": "The calls, one by one", "zh": "接口说明"},
    "contract": {"en": "openapi.yaml, for machines", "zh": "机器可读的 openapi.yaml"},
    "contents": {"en": "Contents", "zh": "目录"},
    "other_language": {"en": "中文", "zh": "English"},
    "guide": {"en": "Which call, and when", "zh": "何时调用哪个接口"},
    "guide_text": {
        "en": "Follow the customer from the top. A POST that writes carries an Idempotency-Key: "
        "make one up for each new call and keep it until you have an answer. Sending the same "
        "call again with the same key, or the same PUT, never counts twice.",
        "zh": "从上往下对应顾客的每一步。写入的 POST 都带 Idempotency-Key：每次新调用生成一个，"
        "收到答复前请保留。用同一个 key 重发同一调用，或重发同一个 PUT，绝不会重复计入。",
    },
    "answers_title": {"en": "What to do with the answer", "zh": "收到答复后怎么办"},
    "picture_alt": {
        "en": "The moments of a customer's way with the call for each: joining; quoting the cart; "
        "reserving, charging and paying, or releasing; delivery, return, cancellation, balance.",
        "zh": "顾客各个步骤对应的接口：入会；试算；预占、扣款、支付，或释放；送达、退货、取消、"
        "查看余额。",
    },
    "shop": {"en": "Your shop", "zh": "商城"},
    "till": {"en": "Till", "zh": "支付渠道"},
    "service": {"en": "Loyalty", "zh": "积分服务"},
    "m_join": {"en": "A customer joins", "zh": "顾客入会"},
    "m_cart": {"en": "The cart is shown: quote", "zh": "展示购物车：试算"},
    "n_cart": {
        "en": "price, most points, what it earns",
        "zh": "应付金额、最多可用积分、可得积分；不写入",
    },
    "m_reserve": {"en": "1  The customer goes to pay: reserve", "zh": "1  顾客去付款：预占"},
    "n_reserve": {
        "en": "price promised, points held; again: for longer",
        "zh": "保留价格、锁定积分；再次发送则延长",
    },
    "m_charge": {"en": "2  Charge", "zh": "2  扣款"},
    "n_charge": {
        "en": "write payment_ref down, charge the payable",
        "zh": "先记下 payment_ref，再按 payable 扣款",
    },
    "m_paid": {"en": "3  The charge is made: pay", "zh": "3  扣款成功：支付"},
    "n_paid": {
        "en": "same payment_ref and body, until answered",
        "zh": "payment_ref 与请求体不变，重发直到答复",
    },
    "m_release": {
        "en": "The charge failed, or they left: release",
        "zh": "扣款失败或顾客离开：释放",
    },
    "n_release": {
        "en": "points free at once; else when it lapses",
        "zh": "积分立即可用；不调用则到时自动释放",
    },
    "m_sent": {"en": "The goods are delivered", "zh": "商品已送达"},
    "m_back": {"en": "Something comes back", "zh": "部分退货退款"},
    "m_off": {"en": "All of it is called off", "zh": "整单取消"},
    "m_look": {"en": "The customer looks", "zh": "顾客查看积分"},
    "no_reservation": {
        "en": "Nothing paid with points, or sold elsewhere? Then the payment alone will do: it "
        "brings the whole cart.",
        "zh": "没有使用积分，或订单在别处成交？只需一次支付调用，并带上整个购物车。",
    },
    "units": {"en": "Money, points and time", "zh": "金额、积分与时间"},
    "units_text": {
        "en": "Money is in minor units of its currency: 6400 in CNY is 64.00 yuan. "
        "`lines[].amount` is what the whole line costs (unit price x quantity), not the price of "
        "one; the line's discount and the cart's come off it. Points are whole numbers. Instants "
        "are RFC 3339; answers give them in UTC.",
        "zh": "金额以币种的最小单位计：CNY 的 6400 即 64.00 元。`lines[].amount` 是整行金额"
        "（单价 x 数量），不是单价；行折扣与整单折扣再从中扣除。积分为整数。时间为 RFC 3339，"
        "答复一律为 UTC。",
    },
    "english": {
        "en": "",
        "zh": "字段说明、取值与错误详情为英文；接口名称、用途和拒绝代码的含义已译成中文。",
    },
    "when": {"en": "Answer", "zh": "答复"},
    "do": {"en": "What to do", "zh": "处理方法"},
    "answers_text": {
        "en": "A refusal with 409 or 422 is kept under its Idempotency-Key, except `busy`: a "
        "repetition gets the same answer, so a changed call takes a new key.",
        "zh": "409 与 422 的拒绝会存在其 Idempotency-Key 之下（`busy` 除外）：重发得到同一答复，"
        "所以修改后的调用要换新 key。",
    },
    "signing_in": {"en": "Signing in", "zh": "身份验证"},
    "signing_in_text": {
        "en": "Send Authorization: Bearer with a JWT. Its header says typ at+jwt and a known kid; "
        "its claims are iss, aud, exp, iat, sub and scope. Each call below names the scopes of "
        "which one is enough.",
        "zh": "请求头带 Authorization: Bearer 与 JWT。令牌头部含 typ: at+jwt 和已知的 kid，"
        "声明含 iss、aud、exp、iat、sub、scope。下面每个接口列出所需权限，具备其一即可。",
    },
    "scope": {"en": "Scope", "zh": "权限"},
    "scopes": {"en": "Scopes, one is enough", "zh": "所需权限（其一）"},
    "scope_checkout": {"en": "", "zh": "商城：任何会员的订单、支付、退货与事件"},
    "scope_members": {"en": "", "zh": "会员入会，读取任何会员"},
    "scope_self": {"en": "", "zh": "仅限 sub 所指的会员本人"},
    "scope_operator": {"en": "", "zh": "积分方案、调整与报表"},
    "scope_import": {"en": "", "zh": "批量导入别处产生的订单"},
    "public": {"en": "No token needed", "zh": "无需令牌"},
    "lets": {"en": "What it lets", "zh": "允许的操作"},
    "parameters": {"en": "Parameters", "zh": "参数"},
    "body": {"en": "Body", "zh": "请求体"},
    "answer": {"en": "Answer", "zh": "答复"},
    "answer_fields": {"en": "Every field of the answer", "zh": "答复的全部字段"},
    "example": {"en": "Example", "zh": "示例"},
    "name": {"en": "Name", "zh": "名称"},
    "takes": {"en": "What it takes", "zh": "取值"},
    "holds": {"en": "What it holds", "zh": "内容"},
    "needed": {"en": "required", "zh": "必填"},
    "refusals": {"en": "Refusals of this call", "zh": "此接口的拒绝代码"},
    "refusals_more": {"en": "and those of every call", "zh": "以及所有接口共有的代码"},
    "all_refusals": {"en": "All refusals", "zh": "全部拒绝代码"},
    "all_refusals_text": {
        "en": "A refusal is application/problem+json. Decide by its code, which is stable; values "
        "holds the numbers behind it, errors every fault of a body with its place. After a "
        "refusal nothing is half done.",
        "zh": "拒绝以 application/problem+json 返回。请按稳定的 code 处理；values 给出相关数值，"
        "errors 列出请求体的每处错误及位置。任何拒绝之后都不会留下做到一半的状态。",
    },
    "code": {"en": "Code", "zh": "代码"},
    "status": {"en": "Status", "zh": "状态码"},
    "meaning": {"en": "Meaning", "zh": "含义"},
    "bytes": {"en": "At most {:,} bytes.", "zh": "最多 {:,} 字节。"},
    "tag_members": {"en": "Members", "zh": "会员"},
    "tag_checkout": {"en": "Checkout", "zh": "结算"},
    "tag_orders": {"en": "Orders", "zh": "订单"},
    "tag_events": {"en": "Events", "zh": "事件"},
    "tag_ledger": {"en": "Points", "zh": "积分账"},
    "tag_tiers": {"en": "Tiers", "zh": "等级"},
    "tag_program": {"en": "Program", "zh": "积分方案"},
    "tag_jobs": {"en": "Nightly jobs", "zh": "夜间作业"},
    "tag_feed": {"en": "For other systems", "zh": "对接其他系统"},
    "tag_reports": {"en": "Reports", "zh": "报表"},
    "tag_machines": {"en": "For machines", "zh": "运维"},
    "tag_docs": {"en": "This description", "zh": "本说明"},
}

TAGS = tuple(name.removeprefix("tag_") for name in DOCS if name.startswith("tag_"))
"""The sections of the page, in order."""

ANSWERS: tuple[dict[str, tuple[str, str]], ...] = (
    {
        "en": (
            "No answer in time, 500, 502, 504",
            (
                "The same call with the same key. It counts once, whether or not the first one "
                "arrived."
            ),
        ),
        "zh": (
            "超时或无答复、500、502、504",
            "用同一 key 重发同一调用。无论第一次是否到达，都只计一次。",
        ),
    },
    {
        "en": (
            "409 `busy`, 503, 429",
            "Wait the seconds of Retry-After, then the same call with the same key.",
        ),
        "zh": (
            "409 `busy`、503、429",
            "等待 Retry-After 的秒数，再用同一 key 重发同一调用。",
        ),
    },
    {
        "en": (
            "409 `insufficient_points`, `points_not_allowed`, `redemption_locked`",
            "Charge nothing. Quote again, show the customer what points may pay now, reserve anew.",
        ),
        "zh": (
            "409 `insufficient_points`、`points_not_allowed`、`redemption_locked`",
            "不要扣款。重新试算，告知顾客现在可用的积分，再预占。",
        ),
    },
    {
        "en": (
            "409 `amount_differs`",
            "Correct the amount: `values.expected` is what is payable. Then a new key.",
        ),
        "zh": (
            "409 `amount_differs`",
            "更正金额：`values.expected` 是应付金额。换新 key 再发。",
        ),
    },
    {
        "en": (
            "409 `reservation_lapsed`",
            (
                "The promise is gone, `values.lost` says what of it. Pay with `accept_repricing` "
                "and a new key, or give the charge back."
            ),
        ),
        "zh": (
            "409 `reservation_lapsed`",
            (
                "承诺已失效，`values.lost` 说明失去了什么。带 `accept_repricing` 换新 key 支付，"
                "或退还扣款。"
            ),
        ),
    },
    {
        "en": (
            "409 `no_program`",
            "Apply a program first, then the same call with a new key.",
        ),
        "zh": ("409 `no_program`", "先启用积分方案，再换新 key 发同一调用。"),
    },
    {
        "en": (
            "409, other codes",
            (
                "Do not repeat: things stand otherwise than you think. Read the order, decide by "
                "the code."
            ),
        ),
        "zh": ("409 其他代码", "不要重发：现状与预想不同。查看订单，按代码处理。"),
    },
    {
        "en": ("404 `member_unknown`", "Enrol the member, then the same call."),
        "zh": ("404 `member_unknown`", "先让会员入会，再发同一调用。"),
    },
    {
        "en": (
            "422",
            "A rule does not allow it. Mend what `values` says, then a new key.",
        ),
        "zh": ("422", "规则不允许。按 `values` 修正，换新 key 再发。"),
    },
    {
        "en": (
            "400, 401, 403, 404, 405, 413, 415",
            "Mend the calling program or its token; repeating does not help.",
        ),
        "zh": (
            "400、401、403、404、405、413、415",
            "修正调用方程序或其令牌；重发没有用。",
        ),
    },
)
"""What a caller does with an answer: which one, and what then."""


def in_language(lang: str) -> dict[str, str]:
    """All words in one language."""
    return {name: said[lang] for name, said in DOCS.items()}
