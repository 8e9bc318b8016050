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
        "en": "Follow the customer from the top. A POST carries an Idempotency-Key: make one up "
        "for each new call and keep it until you have an answer. Sending the same call again with "
        "the same key, or the same PUT, never counts twice.",
        "zh": "从上往下对应顾客的每一步。每个 POST 都带 Idempotency-Key：每次新调用生成一个，"
        "收到答复前请保留。用同一个 key 重发同一调用，或重发同一个 PUT，绝不会重复计入。",
    },
    "answers_title": {"en": "What to do with the answer", "zh": "收到答复后怎么办"},
    "picture_alt": {
        "en": "The moments of a checkout with the call for each, then what to do on a time-out, "
        "409, 422, 503 and other refusals.",
        "zh": "下单流程各时刻对应的接口，以及超时、409、422、503 等情况的处理方法。",
    },
    "shop": {"en": "Your shop", "zh": "商城"},
    "service": {"en": "Loyalty", "zh": "积分服务"},
    "m_join": {"en": "A customer joins", "zh": "顾客入会"},
    "m_paid": {"en": "The order is paid", "zh": "订单已支付"},
    "m_sent": {"en": "The goods are delivered", "zh": "商品已送达"},
    "m_back": {"en": "Something comes back", "zh": "部分退货退款"},
    "m_off": {"en": "All of it is called off", "zh": "整单取消"},
    "m_look": {"en": "The customer looks", "zh": "顾客查看积分"},
    "a_timeout": {"en": "no answer in time", "zh": "超时、无答复"},
    "a_503": {"en": "503, or 500", "zh": "503 或 500"},
    "a_busy": {"en": "409 busy", "zh": "409 busy"},
    "a_409": {"en": "409, other codes", "zh": "409 其他代码"},
    "a_422": {"en": "422", "zh": "422"},
    "a_4xx": {"en": "400 401 403 404", "zh": "400 401 403 404"},
    "d_same": {"en": "same call, same key", "zh": "同一调用、同一 key 重发"},
    "d_wait": {"en": "wait Retry-After, then", "zh": "先等 Retry-After 秒，再"},
    "d_read": {"en": "do not repeat: read the", "zh": "不要重发：查看订单"},
    "d_read2": {"en": "order, decide by the code", "zh": "现状，按代码处理"},
    "d_mend": {"en": "mend what values say,", "zh": "按 values 修正，"},
    "d_mend2": {"en": "then a new key", "zh": "换新 key 再发"},
    "d_fix": {"en": "mend the calling program", "zh": "修正调用方程序"},
    "d_fix2": {"en": "or its token", "zh": "或其令牌"},
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
    "bytes": {"en": "At most {} bytes.", "zh": "最多 {} 字节。"},
    "tag_members": {"en": "Members", "zh": "会员"},
    "tag_checkout": {"en": "Checkout", "zh": "结算"},
    "tag_orders": {"en": "Orders", "zh": "订单"},
    "tag_events": {"en": "Events", "zh": "事件"},
    "tag_ledger": {"en": "Points", "zh": "积分账"},
    "tag_program": {"en": "Program", "zh": "积分方案"},
    "tag_machines": {"en": "For machines", "zh": "运维"},
    "tag_docs": {"en": "This description", "zh": "本说明"},
}


def in_language(lang: str) -> dict[str, str]:
    """All words in one language."""
    return {name: said[lang] for name, said in DOCS.items()}
