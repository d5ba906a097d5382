"""Knows how places of the city are called, in Chinese and in English: drawn from parts, never twice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FIRST = """春Chun 秋Qiu 清Qing 明Ming 永Yong 安An 长Chang 新Xin 华Hua 文Wen 兴Xing 瑞Rui 福Fu 和He 康Kang
宁Ning 金Jin 银Yin 玉Yu 翠Cui 碧Bi 白Bai 青Qing 红Hong 云Yun 月Yue 星Xing 晨Chen 朝Zhao 望Wang
听Ting 观Guan 柳Liu 桂Gui 梅Mei 竹Zhu 松Song 兰Lan 荷He 枫Feng 桐Tong 梧Wu 茶Cha 石Shi 沙Sha 龙Long
凤Feng 鹤He 燕Yan 鸿Hong 锦Jin 芳Fang 百Bai 双Shuang 五Wu 半Ban"""
SECOND = """河He 江Jiang 湖Hu 港Gang 湾Wan 浦Pu 溪Xi 泉Quan 潭Tan 塘Tang 桥Qiao 山Shan 岭Ling 峰Feng 岩Yan 谷Gu
坡Po 林Lin 园Yuan 庄Zhuang 里Li 坊Fang 亭Ting 台Tai 阁Ge 门Men 田Tian 洲Zhou 渡Du 汀Ting 浪Lang
影Ying 堤Di 霞Xia 辉Hui 平Ping 乐Le 盛Sheng 达Da 祥Xiang 井Jing 畈Fan 埠Bu 圩Wei"""
KINDS = {
    "main": ("大道", "Avenue"),
    "express": ("快速路", "Expressway"),
    "collector": ("路", "Road"),
    "local": ("街", "Street"),
    "lane": ("巷", "Lane"),
}
NUMBERED = ("local", "lane")
ORDINALS = (("一", "1st"), ("二", "2nd"), ("三", "3rd"), ("四", "4th"))
DISTRICTS = {
    "GC": ("古城区", "Gucheng"),
    "BA": ("北岸区", "Bei’an"),
    "CN": ("澜南区", "Lannan"),
    "WC": ("望潮区", "Wangchao"),
    "LG": ("临港区", "Lingang"),
    "YL": ("云麓区", "Yunlu"),
    "JH": ("镜湖区", "Jinghu"),
    "DX": ("稻香区", "Daoxiang"),
}
WATERS = {
    "sea": ("澜海", "Lan Sea"),
    "river": ("澜江", "Lan River"),
    "branch": ("洲南汊", "South Arm"),
    "tributary": ("鼓溪", "Gu Brook"),
    "creek": ("燕子浦", "Yanzi Creek"),
    "lake": ("镜湖", "Jing Lake"),
    "reservoir": ("云麓水库", "Yunlu Reservoir"),
}
HILLS = (
    ("云麓山", "Yunlu Hills"),
    ("松鹤山", "Songhe Hills"),
    ("南屏山", "Nanping Hill"),
    ("燕子岭", "Yanzi Ridge"),
    ("望潮山", "Wangchao Hill"),
    ("鼓山", "Gu Hill"),
    ("石榴山", "Shiliu Hill"),
    ("笔架山", "Bijia Hill"),
    ("龟山", "Gui Hill"),
)


class Name(NamedTuple):
    """A name in both languages."""

    zh: str
    en: str

    def with_kind(self, zh: str, en: str) -> Name:
        """The name with what it is called after: 柳溪 + 社区."""
        return Name(self.zh + zh, f"{self.en} {en}".strip())

    def properties(self) -> dict[str, str]:
        """As columns of a GeoJSON feature."""
        return {"name": self.zh, "name_zh_Hans": self.zh, "name_en": self.en}


class Names:
    """A bag of short names; each is drawn once, and no two sound alike."""

    def __init__(self, chance: np.random.Generator) -> None:
        firsts, seconds = (_syllables(text) for text in (FIRST, SECOND))
        pairs = [Name(a.zh + b.zh, a.en + _joined(b.en)) for a in firsts for b in seconds if a.zh != b.zh]
        self._left = [pairs[position] for position in chance.permutation(len(pairs))]
        self._heard: set[str] = set()

    def draw(self) -> Name:
        """The next name of the bag; when it is empty, with a third word for the side of the town."""
        while self._left:
            name: Name = self._left.pop()
            if name.en not in self._heard:
                self._heard.add(name.en)
                return name
        raise LookupError("the bag of names is empty")

    def roads(self, kind: str, number: int) -> list[Name]:
        """Names for streets of this class that lie side by side: small ones share a word and are numbered."""
        zh, en = KINDS[kind]
        if kind not in NUMBERED:
            return [self.draw().with_kind(zh, en) for _ in range(number)]
        found: list[Name] = []
        while len(found) < number:
            word = self.draw()
            found += [word.with_kind(digit + zh, f"{place} {en}") for digit, place in ORDINALS]
        return found[:number]


def _syllables(text: str) -> list[Name]:
    return [Name(word[0], word[1:]) for word in text.split()]


def _joined(syllable: str) -> str:
    """The second syllable of a word, with the mark that keeps `Chang'an` from being read as `Chan-gan`."""
    return f"’{syllable.lower()}" if syllable[0] in "AEO" else syllable.lower()
