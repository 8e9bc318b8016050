"""The calls and refusals of the contract in Chinese, for the page."""

CALLS: dict[str, tuple[str, str]] = {
    "put_member": ("会员入会或更新资料", "会员入会，或修改给出的资料；重复发送不产生变化。"),
    "get_member": ("查看会员", "会员的已知资料；余额另行查询。"),
    "put_redemption_lock": (
        "锁定或解锁会员积分",
        (
            "账户可能被他人盗用时，不让积分流出：新的预占、未预占的用分支付、转赠都会被拒绝；"
            "此前预占的仍可支付，照常得分。"
        ),
    ),
    "look_up": (
        "按任意标识查找会员",
        "按手机号等不宜写进地址的标识查找会员。只读，不需要 Idempotency-Key。",
    ),
    "quote": (
        "试算购物车",
        (
            "购物车要付多少钱、所要的积分最多可用多少、能得多少分。不写入、不占用，"
            "不需要 Idempotency-Key。"
        ),
    ),
    "reserve": (
        "预占订单",
        "顾客付款期间保留价格、锁定积分。同一购物车再次发送则延长；换了购物车则替换原预占。",
    ),
    "release": ("释放预占", "提前释放预占：扣款失败，或顾客离开。"),
    "pay": (
        "记录已支付订单",
        (
            "订单已支付：按预占时的承诺，或带整个购物车。积分被扣除，会员按下单当日的方案得分。"
            "以相同的 payment_ref 和请求体重复发送，无论 key 是否相同，都得到同一回执，"
            "不会再次生效；字段有增减或值不同则为 order_differs。"
        ),
    ),
    "fulfil": ("记录订单已送达", "等待送达的积分生效，或开始计算等待天数。"),
    "cancel": ("取消订单", "支付前取消则全部释放；支付后取消相当于退回剩余全部。"),
    "put_return": (
        "记录退货退款",
        "退回若干件商品，或退还一笔款项。用于支付的积分随之退回，所得积分随之追回。",
    ),
    "read_order_of_member": (
        "查看订单经过",
        "订单、各行及其分摊额、发生过的事（另附按 lang 的文字说明），以及产生的每一笔流水。",
    ),
    "find_order": ("查找订单", "订单属于哪位会员，以及订单经过和文字说明。"),
    "take_batch": (
        "批量记录订单与退货",
        (
            "别处产生的订单和退货，会员不限，每个事务最多 200 位会员。每一项整项接受或拒绝，"
            "不影响其他项。答复中途丢失也可以放心重发：已接受的得到同一回执。"
        ),
    ),
    "record_event": (
        "记录会员行为",
        "注册只计一次，生日每年一次，签到每天一次；其他行为每次都计。",
    ),
    "read_balance": ("查询余额", "会员现有积分，精确到秒；带 at 则为截至该时刻所记录的。"),
    "list_entries": ("积分流水，最新在前", "会员的积分账本，一个或全部钱包，按记录顺序。"),
    "read_standing": (
        "查看会员等级",
        "当前等级、有效期、升级与保级还差多少，以及下次评定的结果。",
    ),
    "list_tier_changes": (
        "等级变动，最新在前",
        (
            "会员何时升级、评定、降级，当时统计了什么，按写入顺序。其后因时间流逝发生的变动由"
            "该会员的下一次调用或夜间作业写入；等级状态已包含在内。"
        ),
    ),
    "explain_entry": ("解释一笔流水", "这笔流水动了哪些批次、积分如何得出，多年后仍可查。"),
    "prove": ("核验会员积分", "从流水重新推算会员的账户，并指出第一处不符的记录。"),
    "adjust": (
        "人工调整积分，或冲正一笔流水",
        (
            "用 wallet 和 points 人工增减积分，或冲正一笔有误的流水。扣减超过现有积分会被拒绝，"
            "除非带 allow_negative。"
        ),
    ),
    "transfer": ("向其他会员转赠积分", "把未锁定的可用积分转给另一位会员，到期时间不变。"),
    "read_program": (
        "查看现行积分方案",
        "现行版本的文档，以及文字说明（按 lang 或 Accept-Language）。",
    ),
    "read_version": (
        "查看某一版积分方案",
        "任何一版，无论多旧：当时所得的积分由它解释。",
    ),
    "list_versions": ("积分方案的各个版本", "全部版本，最新在前。"),
    "apply_version": (
        "启用积分方案",
        "检查文档并使其成为现行版本；有错误则全部列出。内容与最新版本相同时不产生新版本。",
    ),
    "check_document": ("检查积分方案", "列出文档的全部错误及行号，或给出文字说明；不写入。"),
    "list_jobs": (
        "夜间作业",
        "每个作业的时间安排、下次运行时间，以及最近一次运行的结果；没有方案时 `next_at` 为空。",
    ),
    "read_events": (
        "按顺序读取发生过的事",
        (
            "所有会员发生过的一切，每件一次，同一会员的按其顺序。记下 next，下次从它之后读取。"
            "事件在所述调用之后几秒内出现；读过的位置之前绝不会再插入新的事件。"
        ),
    ),
    "read_points_report": (
        "积分发放与扣减汇总",
        (
            "全部会员的流水按记录日汇总，精确到此刻。已经过去、且无人仍在写入的一天不会再变。"
            "可按日、月、钱包或原因，JSON 或 CSV。"
        ),
    ),
    "read_liability": (
        "未到期积分及其价值",
        (
            "某日结束时全部会员的未到期积分，含锁定的，按到期月份。价值为整数最小货币单位：每个钱包"
            "四舍五入，再分摊到各月，合计相符。"
        ),
    ),
    "healthz": ("进程是否存活", "只说明进程能够答复，不检查其他。"),
    "readyz": ("是否可以接收请求", "检查数据库、表结构版本与账本保护。"),
    "metrics": ("Prometheus 指标", "所有进程的请求与连接计数，以及夜间作业的情况。"),
    "home": ("转到本说明", "转到 /docs。"),
    "openapi": ("OpenAPI 3.1 格式的接口说明", "供程序读取，与本页内容相同。"),
    "docs": ("供人阅读的接口说明", "即本页，英文或中文。"),
}
"""By the name of the operation: its title, and what it is for."""

REFUSALS: dict[str, str] = {
    "cursor_invalid": "游标不是此列表给出的；请不带游标重新开始。",
    "idempotency_key_malformed": "Idempotency-Key 不是 1 到 255 个可见 ASCII 字符。",
    "idempotency_key_missing": "每个写入的 POST 都要带自己的 Idempotency-Key。",
    "json_invalid": "请求体不是 JSON 对象，或同一字段出现两次。",
    "malformed": "请求无法按此接口的要求读取。",
    "member_ref_malformed": "会员标识应为 kind:value，或商城自己的顾客编号。",
    "personal_ref_in_path": "手机号或邮箱不得出现在地址里，以免留在日志中。",
    "request_invalid": "请求体或查询参数不合接口要求；errors 列出每处错误及位置。",
    "token_bad_signature": "令牌签名不符。",
    "token_expired": "令牌已过期，请换新的。",
    "token_malformed": "不是 JWT，或缺少声明；claim 指出缺哪个。",
    "token_missing": "没有带 Authorization: Bearer。",
    "token_not_yet_valid": "令牌尚未生效，或签发时间在将来。",
    "token_unknown_key": "密钥集中没有令牌的 kid。",
    "token_wrong_algorithm": "令牌的 alg 与其密钥不符。",
    "token_wrong_audience": "令牌是给其他服务的。",
    "token_wrong_issuer": "令牌由他人签发。",
    "token_wrong_type": "令牌的 typ 不是 at+jwt。",
    "other_member": "会员的令牌只能用于本人。",
    "scope_missing": "令牌没有此接口所需的任何权限；needed 列出所需权限。",
    "entry_unknown": "会员没有这笔流水。",
    "member_unknown": "没有会员使用此标识。",
    "order_unknown": "没有这个订单。",
    "program_version_unknown": "积分方案没有这个版本。",
    "route_not_found": "没有这个地址。",
    "method_not_allowed": "地址存在，但不接受此方法；Allow 列出可用的方法。",
    "already_counted": "此行为每个周期只计一次，已经计过。",
    "amount_differs": "支付的金额与订单承诺的不符。",
    "busy": "另一个调用正占用所需的数据；没有写入任何内容，请稍后重试。",
    "check_in_too_late": "已计入更晚的签到；连续签到不再重新判定。",
    "event_name_taken": "服务自身用此名称通知其他事情；请换一个名称。",
    "insufficient_points": "账户的可用积分少于所要的。",
    "member_ref_taken": "此标识属于另一位会员。",
    "more_than_left": "退货的件数或金额超过剩余可退的。",
    "no_tiers": "当前方案没有会员等级。",
    "no_program": "尚未启用任何积分方案。",
    "not_reversible": "这笔流水不能冲正。",
    "nothing_left_to_return": "订单已全部退回。",
    "order_cancelled": "订单已取消，不能再记录送达。",
    "order_differs": "订单已由另一笔支付付清，或此 payment_ref 已用另一请求体得到答复。",
    "order_not_paid": "订单未支付，没有可退的。",
    "order_of_another_member": "此订单号属于另一位会员。",
    "order_paid": "订单已支付，不再有预占。",
    "points_not_allowed": "积分方案不允许这个购物车使用这么多积分。",
    "redemption_locked": "会员积分已锁定：可以得分，不能使用或转赠。",
    "reservation_lapsed": "预占已失效，原来的价格或积分已无法保证。",
    "return_differs": "退货单已存在，但商品行或金额不同。",
    "body_too_large": "请求体超过此接口的上限。",
    "media_type_unsupported": "请求体不是以 application/json 发送的。",
    "before_the_order": "所述之事发生在下单之前。",
    "birthday_impossible": "任何年份都没有这一天。",
    "cart_does_not_add_up": "各行减去折扣，与所称的支付金额不符。",
    "cart_missing": "此订单号没有预占，支付时必须带购物车。",
    "cart_too_dear": "购物车金额超出服务能精确计算的范围。",
    "currency_foreign": "金额不是积分方案的币种。",
    "discount_too_high": "折扣超过其所减的金额。",
    "event_kind_unknown": "没有这种事件；values 列出所有种类。",
    "expiry_past": "不能发放已经过期的积分。",
    "idempotency_key_reused": "此 Idempotency-Key 已用于另一个请求。",
    "in_the_future": "所述之事发生在将来。",
    "in_the_past": "试算只能针对现在或将来。",
    "line_unknown": "订单没有这一行，或退货单重复写了同一行。",
    "personal_refs_off": "个人标识需要密钥来做散列，而服务没有配置密钥。",
    "points_beyond_count": "账户的积分或欠分将超过可计数的范围。",
    "program_faulty": "文档有错误，已全部列出。",
    "program_fixed": "运行中的方案不能更改：币种、时区、已有流水的钱包。",
    "same_member": "不能把积分转赠给自己。",
    "span_impossible": "报表的首日尚未到来，或末日早于首日，或其间天数过多。",
    "tier_held": "文档删去了仍有会员持有的等级。",
    "too_far_ahead": "试算的时间须在五年之内。",
    "unreadable_program": "文本不是单个 YAML 或 JSON 文档。",
    "wallet_not_spendable": "只有可消费钱包的积分能够转赠。",
    "wallet_unknown": "积分方案没有这个钱包。",
    "internal_fault": "服务出错；没有做到一半的操作，日志中有请求编号。",
    "database_unavailable": "数据库暂时不可用；没有做到一半的操作，请重发同一调用。",
    "keys_unavailable": "暂时取不到验证令牌的密钥。",
    "not_ready": "服务尚不能接收请求；failed 列出未通过的检查。",
}
"""By code: what a refusal means."""
