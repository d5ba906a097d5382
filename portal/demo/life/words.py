"""Knows how residents put what they see: short texts in both languages, composed from parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Parts = Mapping[str, Sequence[str]]
ZH: Parts = {
    "where": (
        "{road}靠近{spot}",
        "{road}路口",
        "{road}边上",
        "{spot}门口",
        "{community}这边，{road}",
        "{road}公交站旁",
    ),
    "what": ("{name}", "这里{keyword}，{name}", "{keyword}，没人管", "又是{keyword}", "{name}，很影响出行"),
    "since": ("", "，已经三天了", "，从上周就这样", "，昨晚开始的", "，反映过一次没解决", "，下雨后更严重"),
    "ask": ("。", "，请尽快处理。", "，希望有人来看看。", "，老人小孩走路不安全。", "，麻烦了，谢谢。"),
}
EN: Parts = {
    "where": (
        "{road} near {spot}",
        "On {road}",
        "Corner of {road}",
        "In front of {spot}",
        "{community}, {road}",
    ),
    "what": (": {name}", ": {keyword}", ": {keyword} again", ": {name}, people cannot get past"),
    "since": (
        "",
        ", for three days now",
        ", since last week",
        ", since last night",
        ", worse after the rain",
    ),
    "ask": (".", ". Please have a look.", ". It is dangerous for children.", ". Thank you."),
}
AGAIN_WORDS = {
    "zh_Hans": ("，我也看到了。", "，我们这栋楼都在说。", "，今天还是这样。", "，邻居也反映了。"),
    "en": (". I saw it too.", ". Same here, next door.", ". Still like this today."),
}
VOICE_ZH = (
    "请问{name}怎么办理？",
    "关于{community}的{keyword}，想了解一下。",
    "{name}：{community}办得很用心。",
    "建议{road}一带多考虑行人。",
)
VOICE_EN = (
    "A question about {community}: {keyword}.",
    "{name}: the people of {community} were kind.",
    "Please think of walkers on {road}.",
)


def compose(language: str, kind: str, filling: Mapping[str, str], chance: np.random.Generator) -> str:
    """One text of a report or of another kind of feedback; `filling` names road, spot, community, name, keyword."""
    if kind != "report":
        voices = VOICE_ZH if language == "zh_Hans" else VOICE_EN
        return voices[int(chance.integers(len(voices)))].format(**filling)
    parts = ZH if language == "zh_Hans" else EN
    chosen = [options[int(chance.integers(len(options)))] for options in parts.values()]
    return (chosen[0] + ("，" if language == "zh_Hans" else "") + "".join(chosen[1:])).format(**filling)
