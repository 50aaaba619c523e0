"""Chinese words that carry a tone, as operators of communities read them; written for Evenfall.

The words of a line weigh alike. What turns a tone round stands in `NEGATIONS`, what strengthens or weakens it in `DEGREES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_VERY_BAD: Final = (
    "骗子 诈骗 欺骗 骗钱 骗人 坑人 坑爹 黑心 无良 无耻 恶心 垃圾 辣鸡 太差 极差 差劲 糟糕 可恶 愤怒 气愤 火大 气死 崩溃 "
    "曝光 维权 举报 投诉 报警 起诉 抵制 跑路 卷款 假货 假冒 伪劣 盗号 泄露 泄漏 歧视 辱骂 骚扰 侮辱 暴力 中毒 变质 发霉 "
    "过期 受伤 事故 诈捐 割韭菜 霸王条款 圈钱 忽悠 坑货 烂透 吐了 恶劣 丢人 无语 想骂人 欺诈 违法 犯法 作假 造假 水军 "
    "黑幕"
)
_BAD: Final = (
    "差 坏 烂 慢 贵 假 脏 乱 吵 臭 难吃 难喝 难用 难看 难受 难过 失望 伤心 心寒 寒心 生气 讨厌 烦 烦人 烦躁 后悔 遗憾 "
    "可惜 担心 焦虑 害怕 无聊 没劲 没意思 冷清 冷淡 敷衍 不满 不爽 不便 麻烦 复杂 卡顿 卡死 闪退 死机 黑屏 掉线 断线 "
    "延迟 延误 拖延 超时 出错 报错 错误 故障 失效 失败 损坏 破损 破了 坏了 漏发 错发 少发 缺货 断货 涨价 乱收费 扣费 "
    "扣款 退群 退订 卸载 注销 缺陷 漏洞 瑕疵 色差 掉色 起球 异味 粗糙 简陋 不值 吃亏 上当 被坑 踩雷 避雷 拔草 劝退 鸡肋 "
    "虚假 夸大 误导 隐瞒 推诿 踢皮球 推卸 甩锅 没人管 没人理 不理 不回 不管 态度差 服务差 质量差 体验差 效率低 刷屏 灌水 "
    "违规 封号 禁言 误封 吵架 骂 惨 亏 怒 哭 呵呵 醉了 离谱 奇葩 坑 渣 丑 蠢 傻 笨 懒 假的 没用 无用 没货 没了 浪费 拥挤 "
    "排队 太久 等太久 等不到 没收到 收不到 打不开 登不上 加载慢 反应慢 发货慢 物流慢 更新慢 太贵 死贵 偏贵 下架 关停 "
    "停服 崩了 挂了 炸了 卡了"
)
_GOOD: Final = (
    "好 棒 赞 美 香 甜 爽 牛 酷 帅 值 优 喜欢 满意 开心 高兴 愉快 快乐 幸福 舒服 舒适 放心 安心 贴心 暖心 用心 细心 耐心 "
    "热心 热情 亲切 友好 友善 礼貌 专业 认真 负责 靠谱 可靠 及时 方便 便捷 简单 好用 实用 耐用 流畅 顺畅 稳定 清晰 清楚 "
    "准时 迅速 快速 高效 便宜 划算 实惠 超值 物美价廉 性价比高 新鲜 干净 整洁 精致 精美 漂亮 好看 好吃 好喝 美味 可口 "
    "可爱 有趣 有意思 好玩 精彩 丰富 干货 收获 学到 受益 有用 有帮助 感谢 感恩 谢谢 多谢 辛苦 加油 推荐 安利 种草 回购 "
    "复购 信赖 信任 认可 肯定 鼓励 进步 提升 改善 优化 修复 惊喜 感动 温暖 温馨 活跃 热闹 给力 不错 挺好 很好 真好 最好 "
    "良好 顺利 成功 恭喜 祝贺 值得 点赞 好评 五星 满分"
)
_VERY_GOOD: Final = (
    "完美 优秀 卓越 出色 极好 太棒 超棒 超赞 超好 太好 绝了 无敌 最爱 热爱 爱了 非常好 特别好 爱不释手 强烈推荐 墙裂推荐 "
    "良心 宝藏 神器 惊艳 一流 顶级 无可挑剔 物超所值 赞不绝口 yyds 绝绝子"
)
_NEGATIONS: Final = "不 没 没有 不是 不太 不够 不怎么 别 未 无 并非 毫无 并不 从不 从没 不再 不能 不会 莫 勿 难以 缺乏"
_STRONG: Final = (
    "很 非常 特别 十分 超 超级 太 极 极其 极度 真 真的 真是 好多 相当 格外 尤其 最 巨 贼 老是 总是 一直 完全 根本 实在 简直"
)
_WEAK: Final = "有点 有些 一点 稍微 略 略微 稍 还算 比较 挺 偶尔 可能"
NEGATIONS: Final = frozenset(_NEGATIONS.split())
DEGREES: Final[Mapping[str, float]] = {**dict.fromkeys(_STRONG.split(), 1.5), **dict.fromkeys(_WEAK.split(), 0.7)}
TONES: Final[Mapping[str, float]] = {
    **dict.fromkeys(_BAD.split(), -1.0),
    **dict.fromkeys(_GOOD.split(), 1.0),
    **dict.fromkeys(_VERY_GOOD.split(), 2.0),
    **dict.fromkeys(_VERY_BAD.split(), -2.0),
}
LONGEST: Final = max(map(len, TONES))
